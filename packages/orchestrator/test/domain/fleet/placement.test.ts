/**
 * Who holds the session of a shard whose migration broke has its state: that node is the first choice, whatever else it
 * is told.
 */
import { expect, test } from 'vitest';
import { World } from '../world.js';

/** `a` runs everything; a move of shard 0 to `b` has come to where `a` has released it, and `b` does not answer. */
function broken(): World {
  const world = new World().start();
  world.join('a');
  world.pass(25_000);
  const b = world.join('b');
  world.ask({ kind: 'cordonNode', node: 'b' });
  b.mute.add('transferActivate');
  world.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
  world.settle();
  expect([...world.state.migrations.values()][0]?.step.kind).toBe('activating');
  b.mute.clear();
  return world;
}

// Found by `npm run demo -- --scenario orchestrator-crash`: the orchestrator was killed in a rollout, with shards
// released by their origin and not resumed yet. The origin was being drained, so they went to its successor, and what
// the bot had remembered of them stayed behind.
test('a node that is cordoned gets back what it holds, with its state', () => {
  const world = broken();
  const b = world.nodes.get('b');
  world.ask({ kind: 'uncordonNode', node: 'b' });
  world.ask({ kind: 'cordonNode', node: 'a' });
  if (b !== undefined) world.kill(b);
  world.settle();
  world.pass(5_000);
  expect(world.shard(0)).toMatchObject({ kind: 'running', node: 'a' });
});

test('a shard that nobody runs goes to the node with the least to do, and not with the fewest shards', () => {
  const world = new World({ totalShards: 4 });
  world.join('a');
  world.start();
  world.pass(30_000);
  world.join('b');
  for (const shard of [2, 3]) world.ask({ kind: 'migrateShard', shard, destination: 'b' });
  const heavy = { at: world.now, events: 1, rate: 80, guilds: null, level: 3 };
  world.state = { ...world.state, balance: { ...world.state.balance, loads: new Map([[0, heavy]]) } };
  world.ask({ kind: 'stopShard', shard: 1 });
  world.pass(60_000);
  expect(world.truth()).toEqual({ a: [0], b: [1, 2, 3] });
});
