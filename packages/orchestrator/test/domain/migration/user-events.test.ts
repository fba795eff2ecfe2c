import { describe, expect, test } from 'vitest';
import { decide } from '../../../src/domain/decide.js';
import { OLDER_CAPABILITIES } from '../model-node.js';
import { World } from '../world.js';

function transferring(): World {
  const world = new World().start();
  const a = world.join({ id: 'a', capabilities: OLDER_CAPABILITIES });
  world.pass(25_000);
  const b = world.join({ id: 'b', capabilities: OLDER_CAPABILITIES });
  a.mute.add('startMigration');
  for (const shard of [0, 1]) world.command({ kind: 'migrateShard', shard, destination: 'b' });
  world.settle();
  expect([...world.state.migrations.values()].map(({ step }) => step.kind)).toEqual(['transferring', 'transferring']);
  b.mute.add('shardUserEvent');
  world.sent.length = 0;
  return world;
}

describe('user events', () => {
  test('are passed on one by one, in order, each to the migration of its shard, before its allUserDataSent', () => {
    const world = transferring();
    const a = world.nodes.get('a')!;
    for (let i = 0; i < 6; i += 1) {
      a.send({ kind: 'shardUserEvent', shardId: i % 2, eventId: 100 + i, body: new Uint8Array([i]) });
    }
    a.send({ kind: 'allUserDataSent', numEvents: 3, shardId: 1 });
    a.send({ kind: 'shardUserEvent', shardId: 0, eventId: 106, body: new Uint8Array([6]) });
    world.settle();
    expect(world.sentTo('b')).toMatchObject([
      ...[0, 1, 2, 3, 4, 5].map((i) => ({ kind: 'shardUserEvent', shardId: i % 2, eventId: 100 + i })),
      { kind: 'allUserDataSent', shardId: 1, numEvents: 3 },
      { kind: 'shardUserEvent', shardId: 0, eventId: 106 },
    ]);
  });

  test('cost one record: everything else of the state is the same object', () => {
    const world = transferring();
    const connection = world.nodes.get('a')?.connection ?? '';
    const message = { kind: 'shardUserEvent', shardId: 0, eventId: 100, body: new Uint8Array() } as const;
    const { state, effects } = decide(world.state, { kind: 'message', connection, message }, world.now);
    expect(effects).toHaveLength(1);
    for (const key of ['shards', 'nodes', 'connections', 'operations', 'identifies'] as const) {
      expect(state[key]).toBe(world.state[key]);
    }
    const [before, after] = [world.state, state].map(({ migrations }) => [...migrations.values()][0]?.step);
    expect([before, after]).toMatchObject([{ userEvents: 0 }, { userEvents: 1 }]);
  });

  test.each([
    [
      'of a shard that does not move',
      'a',
      { kind: 'shardUserEvent', shardId: 3, eventId: 100, body: new Uint8Array() },
    ],
    ['of a shard beyond the total', 'a', { kind: 'shardUserEvent', shardId: 99, eventId: 100, body: new Uint8Array() }],
    [
      'from a node that is not the origin',
      'b',
      { kind: 'shardUserEvent', shardId: 0, eventId: 100, body: new Uint8Array() },
    ],
    ['that could be of two shards', 'a', { kind: 'userEvent', eventId: 100, body: new Uint8Array() }],
  ] as const)('go nowhere, without a word: those %s', (_, from, message) => {
    const world = transferring();
    world.nodes.get(from)?.send(message);
    const before = world.entries.length;
    world.settle();
    expect(world.sent).toEqual([]);
    expect(world.entries.length).toBe(before);
  });
});
