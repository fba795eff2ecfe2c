/**
 * User code is told that its shards are to leave, and may keep them while it finishes. A music bot with eight shards
 * and ten minutes of patience is drained: every player hears of it at once, and a shard goes when its player has
 * finished and there is room for it.
 */
import { CAPABILITIES } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import { disruptionOf } from '../../../src/domain/migration/limits.js';
import type { ModelNode } from '../model-node.js';
import { drain, World } from '../world.js';
import type { WorldOptions } from '../world.js';

const TEN_MINUTES = 600_000;
const draining = drain('a', 'b');
const bounds = { lingerMs: 0, patienceMs: TEN_MINUTES, readyMs: 0, handlersMs: 0 };

/** Eight shards on `a`, whose user code does not finish before it is told to; `b` is empty. */
function fleet(options: WorldOptions = {}): { world: World; a: ModelNode; b: ModelNode } {
  const world = new World({ totalShards: 8, migrationsPerNode: 2, maxUnavailable: { count: 2 }, ...options }).start();
  const a = world.join('a', { bounds });
  world.pass(60_000);
  const b = world.join('b');
  a.mute.add('shardLeaving');
  return { world, a, b };
}

/** User code of a shard on `a` has finished. */
function finish({ world, a }: ReturnType<typeof fleet>, shard: number): void {
  const [leaving] = world
    .sentTo('a', 'shardLeaving')
    .filter((message) => 'shardId' in message && message.shardId === shard);
  a.mute.delete('shardLeaving');
  if (leaving !== undefined) a.receive(leaving);
  a.mute.add('shardLeaving');
  world.settle();
}

describe('shards that are announced to leave', () => {
  test('are told all at once, serve on, and take nobody’s budget', () => {
    const { world } = fleet();
    world.command(draining);
    world.settle();
    expect(world.sentTo('a', 'shardLeaving')).toHaveLength(8);
    expect(world.sentTo('a', 'shardLeaving')[0]).toMatchObject({ patienceMs: TEN_MINUTES });
    expect(world.sentTo('a', 'transferOpen')).toEqual([]);
    expect(disruptionOf(world.state)).toMatchObject({ moving: 0, down: 0 });
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3, 4, 5, 6, 7] });
  });

  test('go when user code has finished with them', () => {
    const made = fleet();
    const { world } = made;
    world.command(draining);
    world.settle();
    world.pass(TEN_MINUTES - 1);
    finish(made, 3);
    expect(world.truth()).toEqual({ a: [0, 1, 2, 4, 5, 6, 7], b: [3] });
    for (const shard of [0, 1, 2, 4, 5, 6, 7]) finish(made, shard);
    expect(world.truth()).toEqual({ b: [0, 1, 2, 3, 4, 5, 6, 7] });
    expect(world.recorded('operationEnded')[0]?.fields).toMatchObject({ ok: true });
  });

  test('wait for room and budget then, those first that were told first', () => {
    const made = fleet();
    const { world, a } = made;
    a.mute.add('transferCopy');
    world.command(draining);
    world.settle();
    for (const shard of [7, 6, 5, 4]) finish(made, shard);
    expect(world.sentTo('a', 'transferOpen').map((message) => 'shardId' in message && message.shardId)).toEqual([7, 6]);
    a.mute.delete('transferCopy');
    for (const message of world.sentTo('a', 'transferCopy')) a.receive(message);
    world.settle();
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3], b: [4, 5, 6, 7] });
  });

  test('stay when there is no room for them for too long', () => {
    const made = fleet({ budgetTimeoutMs: 5_000 });
    const { world, a } = made;
    a.mute.add('transferCopy');
    const [, , last] = [0, 1, 2].map((shard) => world.command({ kind: 'migrateShard', shard, destination: 'b' }));
    world.settle();
    for (const shard of [0, 1, 2]) finish(made, shard);
    world.pass(4_999);
    expect(world.replies.has(last!)).toBe(false);
    world.pass(1);
    expect(world.replies.get(last!)).toMatchObject({
      error: { message: expect.stringContaining('there was no room for it to move within 5000 ms') },
    });
    expect(world.state.migrations.size).toBe(2);
  });

  test('stay when their drain is cancelled, and user code hears of it', () => {
    const made = fleet();
    const { world } = made;
    const asked = world.command(draining);
    world.settle();
    finish(made, 3);
    const [id] = world.state.operations.keys();
    world.ask({ kind: 'cancelOperation', operation: id! });
    expect(world.replies.get(asked)).toMatchObject({ error: { code: 'DSO_OPERATION_CANCELLED' } });
    expect(world.state.migrations.size).toBe(0);
    expect(world.sentTo('a', 'transferAbort')).toHaveLength(7);
    expect(world.sentTo('b', 'transferAbort')).toEqual([]);
    expect(world.truth()).toEqual({ a: [0, 1, 2, 4, 5, 6, 7], b: [3] });
  });

  test('are not moved when their node does not say in time that they may go', () => {
    const { world } = fleet();
    const asked = world.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
    world.pass(TEN_MINUTES + 19_999);
    expect(world.replies.has(asked)).toBe(false);
    world.pass(1);
    expect(world.replies.get(asked)).toMatchObject({
      error: {
        message: expect.stringContaining(`node a did not say that it may leave within ${TEN_MINUTES + 20_000} ms`),
      },
    });
  });

  test('count from the first message on where nobody is waited for', () => {
    const world = new World({ totalShards: 8, migrationsPerNode: 8, maxUnavailable: { count: 2 } }).start();
    const a = world.join('a');
    world.pass(60_000);
    world.join('b');
    a.mute.add('shardLeaving');
    world.command(draining);
    world.settle();
    expect(world.sentTo('a', 'shardLeaving')).toHaveLength(2);
    expect(disruptionOf(world.state)).toMatchObject({ moving: 2 });
  });

  // Found by the simulator: the budget was not asked, because the node has patience, and nobody was told, because it
  // does not move live.
  test('are not announced, and count, when their node does not move live', () => {
    const world = new World({ totalShards: 8, migrationsPerNode: 8, maxUnavailable: { count: 2 } }).start();
    const a = world.join(
      { id: 'a', capabilities: CAPABILITIES.filter((each) => each !== 'live-migration') },
      { bounds },
    );
    world.pass(60_000);
    world.join('b');
    a.mute.add('prepareMigration');
    world.command(draining);
    world.settle();
    expect(world.sentTo('a', 'shardLeaving')).toEqual([]);
    expect(world.sentTo('a', 'prepareMigration')).toHaveLength(1);
    expect(disruptionOf(world.state)).toMatchObject({ moving: 1 });
  });

  // Found by the simulator: the history said that a shard moves, with more moving or down than may be, when it was only
  // announced.
  test('are told of when they are announced, and again when they begin to move', () => {
    const made = fleet();
    const { world } = made;
    world.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
    world.settle();
    expect([world.recorded('migrationAnnounced').length, world.recorded('migrationStarted').length]).toEqual([1, 0]);
    finish(made, 0);
    expect(world.recorded('migrationStarted')).toMatchObject([{ fields: { shard: 0, moving: 1, limit: 2 } }]);
  });
});
