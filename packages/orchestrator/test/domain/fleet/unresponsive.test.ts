/**
 * A Go bot hung in a handler: its connection stayed open, it started nothing, and the orchestrator gave it the same
 * shards again every 20 s, for ever, with a healthy node beside it.
 */
import { expect, test } from 'vitest';
import { World } from '../world.js';

test('a node of the base level that answers no start gets no further shard while another is there', () => {
  const world = new World({ totalShards: 4, gateway: { shards: 4, maxConcurrency: 16 } });
  const hung = world.join({ id: 'hung', baseLevel: true });
  hung.mute.add('startShards');
  world.start();
  world.pass(90_000);
  world.join({ id: 'well', baseLevel: true });
  world.pass(120_000);
  expect(world.truth()).toEqual({ well: [0, 1, 2, 3] });
  expect(world.state.unanswered.get('hung')?.times).toBeGreaterThanOrEqual(3);
});

test('it is the last resort, and a node like any other once it answers or connects anew', () => {
  const world = new World({ totalShards: 2, gateway: { shards: 2, maxConcurrency: 16 } });
  const hung = world.join({ id: 'hung', baseLevel: true });
  hung.mute.add('startShards');
  world.start();
  world.pass(120_000);
  hung.mute.clear();
  world.pass(60_000);
  expect(world.truth()).toEqual({ hung: [0, 1] });
  expect(world.state.unanswered.size).toBe(0);
});
