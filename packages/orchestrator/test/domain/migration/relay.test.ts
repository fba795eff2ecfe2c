import type { Message } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import { decide } from '../../../src/domain/decide.js';
import { whileSuspended } from '../../../src/domain/suspended.js';
import { durableWrites } from '../../../src/domain/durable/writes.js';
import { World } from '../world.js';

/** Shards 0 and 1 of `a` are being copied to `b`. */
function copying(): { world: World; ids: readonly [string, string] } {
  const world = new World().start();
  const a = world.join('a');
  world.pass(25_000);
  world.join('b');
  a.mute.add('transferCopy');
  for (const shard of [0, 1]) world.command({ kind: 'migrateShard', shard, destination: 'b' });
  world.settle();
  const [first, second] = [...world.state.migrations.values()];
  expect([first?.step.kind, second?.step.kind]).toEqual(['copying', 'copying']);
  world.sent.length = 0;
  return { world, ids: [first?.id ?? '', second?.id ?? ''] };
}

function data(migrationId: string, shardId: number, index: number): Message {
  return { kind: 'transferData', migrationId, shardId, index, eventId: 100, body: new Uint8Array([index]) };
}

/** Says it, and does not let the model answer. */
function say(world: World, node: string, message: Message): void {
  world.feed({ kind: 'message', connection: world.nodes.get(node)?.connection ?? '', message });
}

describe('data and credit', () => {
  test('are passed on as they come, in order, each with its own migration', () => {
    const { world, ids } = copying();
    const said = [data(ids[0], 0, 0), data(ids[1], 1, 0), data(ids[0], 0, 1), data(ids[1], 1, 1)];
    for (const message of said) say(world, 'a', message);
    const credit: Message = { kind: 'transferCredit', migrationId: ids[1], shardId: 1, bytes: 7 };
    say(world, 'b', credit);
    expect(world.sentTo('b')).toEqual(said);
    expect(world.sentTo('b')[0]).toBe(said[0]);
    expect(world.sentTo('a')).toEqual([credit]);
  });

  test('leave the state as it is, the very same object', () => {
    const { world, ids } = copying();
    const connection = world.nodes.get('a')?.connection ?? '';
    const decision = decide(world.state, { kind: 'message', connection, message: data(ids[0], 0, 0) }, world.now);
    expect(decision.state).toBe(world.state);
    expect(decision.effects).toHaveLength(1);
  });

  test('are progress, so that the deadline of that migration moves now and then', () => {
    const { world, ids } = copying();
    world.now += 10_000;
    const before = ids.map((id) => world.state.migrations.get(id));
    say(world, 'a', data(ids[0], 0, 0));
    expect(world.state.migrations.get(ids[0])?.deadline).toBe(world.now + 20_000);
    expect(world.state.migrations.get(ids[1])).toBe(before[1]);
    const { migrations } = world.state;
    world.now += 400;
    say(world, 'a', data(ids[0], 0, 1));
    expect(world.state.migrations).toBe(migrations);
  });

  test('need no store: they flow while nothing can be decided, and write nothing', () => {
    const { world, ids } = copying();
    world.now += 10_000;
    const connection = world.nodes.get('a')?.connection ?? '';
    const decision = whileSuspended(
      world.state,
      { kind: 'message', connection, message: data(ids[0], 0, 0) },
      world.now,
    );
    expect(decision?.effects).toMatchObject([{ kind: 'send', message: { kind: 'transferData' } }]);
    expect(durableWrites(world.state, decision?.state ?? world.state)).toEqual([]);
    const released: Message = { kind: 'transferReleased', migrationId: ids[0], shardId: 0 };
    expect(whileSuspended(world.state, { kind: 'message', connection, message: released }, world.now)).toBeNull();
  });

  test('count as a sign of life of their node', () => {
    const { world, ids } = copying();
    world.now += 1_000;
    say(world, 'a', data(ids[0], 0, 0));
    expect(world.state.nodes.get('a')?.connection).toMatchObject({ lastHeardAt: world.now });
  });

  test.each<[string, 'a' | 'b', (ids: readonly [string, string]) => Message]>([
    ['of no migration', 'a', () => data('m0-1', 0, 0)],
    ['of another shard than the migration’s', 'a', ([id]) => data(id, 1, 0)],
    ['from the destination', 'b', ([id]) => data(id, 0, 0)],
    ['credit from the origin', 'a', ([id]) => ({ kind: 'transferCredit', migrationId: id, shardId: 0, bytes: 1 })],
    ['credit of no migration', 'b', () => ({ kind: 'transferCredit', migrationId: 'm0-1', shardId: 0, bytes: 1 })],
  ])('are dropped and counted when they are %s', (_, from, message) => {
    const { world, ids } = copying();
    const { migrations } = world.state;
    say(world, from, message(ids));
    expect(world.sent).toEqual([]);
    expect(world.state.staleTransfers).toBe(1);
    expect(world.state.migrations).toBe(migrations);
  });

  test('are dropped after the manifest when they are data, and not when they are credit for the last of it', () => {
    const { world, ids } = copying();
    const [migrationId] = ids;
    world.nodes.get('a')?.mute.add('transferFreeze');
    world.nodes.get('b')?.mute.add('transferManifest');
    const of = { migrationId, shardId: 0 };
    say(world, 'a', { kind: 'transferCopied', ...of, events: 0, bytes: 0 });
    say(world, 'b', { kind: 'transferWarm', ...of });
    const session = { sessionId: 's', sequence: 1, resumeGatewayUrl: '' };
    say(world, 'a', { kind: 'transferManifest', ...of, events: 0, bytes: 0, hash: '', session });
    world.sent.length = 0;
    say(world, 'a', data(migrationId, 0, 0));
    say(world, 'b', { kind: 'transferCredit', ...of, bytes: 1 });
    expect(world.sent.map(({ message }) => message.kind)).toEqual(['transferCredit']);
    expect(world.state.staleTransfers).toBe(1);
  });

  test('do not flow to a destination that gets warm, and credit for what came still goes back', () => {
    const { world, ids } = copying();
    const [migrationId] = ids;
    const of = { migrationId, shardId: 0 };
    world.nodes.get('b')?.mute.add('transferWarmUp');
    say(world, 'a', { kind: 'transferCopied', ...of, events: 0, bytes: 0 });
    world.sent.length = 0;
    say(world, 'a', data(migrationId, 0, 0));
    say(world, 'b', { kind: 'transferCredit', ...of, bytes: 1 });
    expect(world.sent.map(({ message }) => message.kind)).toEqual(['transferCredit']);
    expect(world.state.staleTransfers).toBe(1);
  });
});
