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
  world.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
  world.settle();
  expect([...world.state.migrations.values()].map(({ step }) => step.kind)).toEqual(['transferring']);
  b.mute.add('userEvent');
  world.sent.length = 0;
  return world;
}

describe('user events', () => {
  test('are passed on one by one, in order, before their allUserDataSent; those behind it go nowhere', () => {
    const world = transferring();
    const a = world.nodes.get('a')!;
    for (let i = 0; i < 6; i += 1) a.send({ kind: 'userEvent', eventId: 100 + i, body: new Uint8Array([i]) });
    a.send({ kind: 'allUserDataSent', numEvents: 6 });
    a.send({ kind: 'userEvent', eventId: 106, body: new Uint8Array([6]) });
    world.settle();
    expect(world.sentTo('b')).toMatchObject([
      ...[0, 1, 2, 3, 4, 5].map((i) => ({ kind: 'userEvent', eventId: 100 + i })),
      { kind: 'allUserDataSent', numEvents: 6 },
    ]);
  });

  // They name no shard.
  test('are those of one shard: a node has one migration at a time that is not live', () => {
    const world = transferring();
    const waiting = world.command({ kind: 'migrateShard', shard: 1, destination: 'b' });
    world.settle();
    expect(world.state.migrations.size).toBe(1);
    expect(world.state.waitingMigrations.map(({ request }) => request)).toEqual([waiting]);
  });

  test('cost one record: everything else of the state is the same object', () => {
    const world = transferring();
    const connection = world.nodes.get('a')?.connection ?? '';
    const message = { kind: 'userEvent', eventId: 100, body: new Uint8Array() } as const;
    const { state, effects } = decide(world.state, { kind: 'message', connection, message }, world.now);
    expect(effects).toHaveLength(1);
    for (const key of ['shards', 'nodes', 'connections', 'operations', 'identifies'] as const) {
      expect(state[key]).toBe(world.state[key]);
    }
    const [before, after] = [world.state, state].map(({ migrations }) => [...migrations.values()][0]?.step);
    expect([before, after]).toMatchObject([{ userEvents: 0 }, { userEvents: 1 }]);
  });

  test('go nowhere, without a word, when they come from a node that is not the origin', () => {
    const world = transferring();
    world.nodes.get('b')?.send({ kind: 'userEvent', eventId: 100, body: new Uint8Array() });
    const before = world.entries.length;
    world.settle();
    expect(world.sent).toEqual([]);
    expect(world.entries.length).toBe(before);
  });
});
