/** Fleets on several hosts, for tests. */
import { expect } from 'vitest';
import { World, type WorldOptions } from '../world.js';

/** `{ h1: ['a', 'b'] }`: two shards on each node. Without a name: nodes that name no host. */
export function fleetOn(hosts: Readonly<Record<string, readonly string[]>>, options: WorldOptions = {}): World {
  const nodes = Object.entries(hosts).flatMap(([host, ids]) => ids.map((id) => ({ id, host: host || null })));
  const world = new World({ totalShards: 2 * nodes.length, ...options });
  for (const node of nodes) world.join(node);
  world.start();
  world.pass(60_000);
  nodes.forEach(({ id }, at) => {
    for (const shard of [2 * at, 2 * at + 1]) world.ask({ kind: 'migrateShard', shard, destination: id });
  });
  expect(world.truth()).toEqual(Object.fromEntries(nodes.map(({ id }, at) => [id, [2 * at, 2 * at + 1]])));
  return world;
}

/** The host has no power any more: nothing comes from it, and nothing says so. */
export function powerOff(world: World, ...ids: string[]): void {
  for (const id of ids) world.nodes.get(id)!.die();
}

/** The link to the host is cut; its nodes live. */
export function cutOffFrom(world: World, ...ids: string[]): void {
  for (const id of ids) world.disconnect(world.nodes.get(id)!);
}

export function shardsOn(world: World, ...ids: string[]): readonly number[] {
  return ids.flatMap((id) => world.truth()[id] ?? []).toSorted((a, b) => a - b);
}

/** How often each node has begun or resumed a session. */
export function startsOf(world: World): Readonly<Record<string, number>> {
  const starts = [...world.nodes].map(([id, { identifies, resumes }]) => [id, identifies.length + resumes.length]);
  return Object.fromEntries(starts);
}
