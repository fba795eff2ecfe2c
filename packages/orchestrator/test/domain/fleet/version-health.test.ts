/** What nodes are told of their version, for the probes that schedulers outside wait for. */
import type { NodeSignals } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import { World } from '../world.js';
import { FRESH_SIGNALS } from '../signals.js';

const FINE: NodeSignals = { ...FRESH_SIGNALS, health: { ok: true, reason: null } };
const UNWELL: NodeSignals = { ...FINE, health: { ok: false, reason: 'no database' } };

/** Node `a` of version 1 has all four shards. */
function fleet(): World {
  const world = new World({ totalShards: 4 }).start();
  join(world, 'a', '1');
  return world;
}

function join(world: World, id: string, version: string): void {
  world.pass(1_000);
  world.join(id, { version });
  world.settle();
}

function beatLater(world: World): void {
  world.pass(1_500);
  world.beat();
  world.settle();
}

function told(world: World, id: string): (string | null)[] {
  return world
    .sentTo(id, 'versionHealth')
    .flatMap((message) => (message.kind === 'versionHealth' ? [message.failing] : []));
}

describe('a version', () => {
  test('is told of to no node while nothing speaks against it', () => {
    const world = fleet();
    beatLater(world);
    join(world, 'b', '2');
    beatLater(world);
    expect([...told(world, 'a'), ...told(world, 'b')]).toEqual([]);
  });

  test('fails on all of its nodes when one says that it is not well, and is fine again after that', () => {
    const world = fleet();
    join(world, 'b', '2');
    join(world, 'c', '2');
    world.nodes.get('b')!.signals = UNWELL;
    beatLater(world);
    const why = 'node b says that it is not well: no database';
    expect([told(world, 'a'), told(world, 'b'), told(world, 'c')]).toEqual([[], [why], [why]]);
    world.nodes.get('b')!.signals = FINE;
    beatLater(world);
    expect([told(world, 'b'), told(world, 'c')]).toEqual([
      [why, null],
      [why, null],
    ]);
  });

  test('fails while its handlers fail and those of the other version do not, if it is the newest', () => {
    const world = fleet();
    join(world, 'b', '2');
    world.ask({ kind: 'migrateShard', shard: 3, destination: 'b' });
    world.nodes.get('a')!.signals = { ...FINE, events: 1_000 };
    world.nodes.get('b')!.signals = { ...FINE, events: 100, handlerErrors: 30 };
    beatLater(world);
    const why =
      'on the new nodes handlers fail for 30.0 % of the events; on the old ones: handlers fail for 0.0 % of the events';
    expect([told(world, 'a'), told(world, 'b')]).toEqual([[], [why]]);
    world.nodes.get('b')!.signals = { ...FINE, events: 10_000, handlerErrors: 30 };
    beatLater(world);
    expect(told(world, 'b')).toEqual([why, null]);
  });

  test('fails when it does not take the state of shards; the older version never fails by a comparison', () => {
    const world = fleet();
    join(world, 'b', '2');
    world.nodes.get('a')!.signals = { ...FINE, events: 100, handlerErrors: 90, importsFailed: 2 };
    world.nodes.get('b')!.signals = { ...FINE, importsFailed: 1 };
    beatLater(world);
    expect([told(world, 'a'), told(world, 'b')]).toEqual([[], ['node b did not take the state of 1 shard(s)']]);
  });

  test('fails with its self test, and a node of it that joins later is told at once', () => {
    const world = fleet();
    world.nodes.get('a')!.signals = { ...FINE, selfTest: 'failed', selfTestReason: 'no table guilds' };
    beatLater(world);
    const why = 'node a failed its self test: no table guilds';
    expect(told(world, 'a')).toEqual([why]);
    join(world, 'b', '1');
    expect(told(world, 'b')).toEqual([why]);
  });

  test('fails while its shards are not up, if it is the newest of several; an empty node of it is ready', () => {
    const world = fleet();
    join(world, 'b', '2');
    beatLater(world);
    expect(told(world, 'b')).toEqual([]);
    world.nodes.get('b')!.phases.set(3, { phase: 'connecting' });
    world.ask({ kind: 'migrateShard', shard: 3, destination: 'b' });
    world.settle();
    beatLater(world);
    expect(told(world, 'b')).toEqual(['shard 3 is not up on it']);
    world.nodes.get('b')!.phases.delete(3);
    beatLater(world);
    expect(told(world, 'b')).toEqual(['shard 3 is not up on it', null]);
  });

  // A scheduler ends nodes that are not ready first: these are the ones that the fleet would go back to.
  test('of before does not fail while its shards are down, nor does the only one', () => {
    const world = fleet();
    for (const shard of [0, 1, 2, 3]) world.nodes.get('a')!.phases.set(shard, { phase: 'connecting' });
    beatLater(world);
    join(world, 'b', '2');
    beatLater(world);
    expect(told(world, 'a')).toEqual([]);
  });

  // A scheduler would be stopped by the wrong version: all nodes connect anew to an orchestrator that was restarted, in
  // any order.
  test('is the newest by its processes, and not by its connections', () => {
    const world = fleet();
    join(world, 'b', '2');
    beatLater(world);
    world.nodes.get('a')!.uptimeMs = 3_600_000;
    const a = world.nodes.get('a')!;
    world.disconnect(a);
    world.pass(1_000);
    world.connect(a, { version: '1' });
    world.settle();
    a.phases.set(0, { phase: 'connecting' });
    beatLater(world);
    beatLater(world);
    expect(told(world, 'a')).toEqual([]);
  });

  test('is looked at once a second, however many of its nodes are heard', () => {
    const world = fleet();
    join(world, 'b', '1');
    beatLater(world);
    const before = world.state.versionHealth;
    world.beat();
    world.settle();
    expect(world.state.versionHealth).toBe(before);
  });
});
