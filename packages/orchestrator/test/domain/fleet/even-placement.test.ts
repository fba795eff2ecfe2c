import { describe, expect, test } from 'vitest';
import { drain, World } from '../world.js';

const loads = (world: World): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const shard of world.state.shards) {
    if (shard.kind === 'running' || shard.kind === 'starting') counts[shard.node] = (counts[shard.node] ?? 0) + 1;
  }
  return counts;
};

const whyVacant = (world: World): readonly string[] => [...new Set(world.state.unplaced.values())];

/** Three nodes with two shards each, all up. */
function fleetOfThree(settings: ConstructorParameters<typeof World>[0] = {}): World {
  const world = new World({ totalShards: null, gateway: { shards: 6, maxConcurrency: 16 }, ...settings });
  for (const id of ['a', 'b', 'c']) world.join(id);
  world.start();
  world.pass(30_000);
  expect(loads(world)).toEqual({ a: 2, b: 2, c: 2 });
  return world;
}

// An operator restarted the machine: the first node that was back got all shards, for ever.
describe('a fleet of three nodes that is restarted is even, and not all on the first node', () => {
  test('when the nodes are shut down and start again one after the other', () => {
    const world = fleetOfThree();
    for (const node of world.nodes.values()) {
      node.outbox.push({ kind: 'shutdown', final: false, sessions: [] });
      world.settle();
      world.hangUp(node);
    }
    expect(loads(world)).toEqual({});
    for (const id of ['a', 'b', 'c']) {
      world.join(id);
      world.settle();
      world.pass(1_000);
    }
    world.pass(30_000);
    expect(loads(world)).toEqual({ a: 2, b: 2, c: 2 });
  });

  test('when the orchestrator and all nodes start again', () => {
    const world = fleetOfThree({ canLaunch: true, nodes: 3 });
    for (const node of world.nodes.values()) node.die();
    world.crash();
    world.settle();
    world.pass(60_000);
    expect(Object.values(loads(world))).toEqual([2, 2, 2]);
  });

  test('and what is kept for the others is said, and given to who is there when they do not come', () => {
    const world = fleetOfThree();
    for (const node of world.nodes.values()) {
      node.outbox.push({ kind: 'shutdown', final: false, sessions: [] });
      world.settle();
      world.hangUp(node);
    }
    world.join('a');
    world.settle();
    expect(loads(world)).toEqual({ a: 2 });
    expect(whyVacant(world)).toEqual([
      'it is kept for a node that may still come (2 away): each gets 2 shards at first',
    ]);
    world.pass(30_000);
    expect(loads(world)).toEqual({ a: 6 });
    expect(whyVacant(world)).toEqual([]);
  });
});

// The node was drained, lost all shards while the orchestrator was away, and came back before the destination of the
// drain. Placement passed the node over, the drain ended in the same step, and the check of that step took the node for
// one that had been free all the time: "which has 3 shards; another has 0".
test('shards that are placed in the step in which a drain ends need not be on the node that was drained', () => {
  const world = new World({ totalShards: null, gateway: { shards: 6, maxConcurrency: 16 } });
  for (const id of ['a', 'b', 'c']) world.join({ id, baseLevel: true });
  world.start();
  world.pass(30_000);
  expect(loads(world)).toEqual({ a: 2, b: 2, c: 2 });
  for (const id of ['b', 'c']) world.nodes.get(id)?.mute.add('prepareMigration');
  world.command(drain('a', null));
  world.settle();
  world.crash();
  for (const id of ['a', 'c', 'b']) {
    expect(world.recorded('operationEnded')).toEqual([]);
    world.join({ id, baseLevel: true });
    world.settle();
  }
  expect(world.recorded('operationEnded')).toHaveLength(1);
  world.pass(30_000);
  const all = Object.values(loads(world)).reduce((sum, load) => sum + load);
  expect(all).toBe(6);
});

test('a node that dies alone leaves its shards to the survivors at once', () => {
  const world = fleetOfThree();
  const c = world.nodes.get('c');
  if (c !== undefined) world.kill(c);
  world.settle();
  expect(loads(world)).toEqual({ a: 3, b: 3 });
});

test('a shard that finds no room is vacant for a reason that names the limit', () => {
  const world = new World({ totalShards: 6, maxShardsPerNode: 2 }).start();
  world.join('a');
  world.pass(30_000);
  expect(loads(world)).toEqual({ a: 2 });
  expect(whyVacant(world)).toEqual(['the one open node has no room: at most 2 shards each (maxShardsPerNode)']);
  world.ask({ kind: 'cordonNode', node: 'a' });
  expect(whyVacant(world)).toEqual(['1 node connected, and cordoned, drained or shut down']);
});

test('maxShardsPerNode: auto leaves room for the loss of one node, and not for the loss of all but one', () => {
  const world = fleetOfThree({ maxShardsPerNode: 'auto' });
  const [b, c] = [world.nodes.get('b'), world.nodes.get('c')];
  if (c !== undefined) world.kill(c);
  world.settle();
  world.pass(1_000);
  expect(loads(world)).toEqual({ a: 3, b: 3 });
  // Nothing is kept for nodes that nobody knows of any more: with one node left, that node is the fleet.
  if (b !== undefined) world.kill(b);
  world.settle();
  world.pass(30_000);
  expect(loads(world)).toEqual({ a: 6 });
});

// A scheduler outside replaces the nodes one after the other: what moved to an old node moved twice.
test('while nodes of two versions serve, the newer one comes first, up to its share', () => {
  const world = new World({ totalShards: null, gateway: { shards: 6, maxConcurrency: 16 } });
  world.join('a', { version: 'v1' });
  world.join('b', { version: 'v1' });
  world.start();
  world.pass(30_000);
  expect(loads(world)).toEqual({ a: 3, b: 3 });
  world.pass(60_000);
  world.join('c', { version: 'v2' });
  world.settle();
  const b = world.nodes.get('b');
  if (b !== undefined) world.kill(b);
  world.settle();
  expect(loads(world)).toEqual({ a: 3, c: 3 });
});
