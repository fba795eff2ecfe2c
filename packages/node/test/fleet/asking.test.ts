/** What a node asks of the fleet, and what it is told. */
import { leakGuard } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CallIncompleteError } from '../../src/index.js';
import { BASE_LEVEL } from '../fake-orchestrator.js';
import { json, read, NOTHING, world } from './fleet-world.js';

leakGuard({ beforeEach, afterEach });

describe('a node that asks', () => {
  test('gets answers in the order of shards, and reasons for what is missing', async () => {
    const { node, clock, started, endWith, close } = await world();
    const called = node.fleet.call<number>('guilds', { a: 1 }, { timeoutMs: 500 });
    await clock.run(10);
    expect(started()).toMatchObject({ name: 'guilds', args: json({ a: 1 }), each: 'node', shards: [], timeoutMs: 500 });
    await endWith({
      answers: [
        { nodeId: 'a', shards: [0, 1], value: json(3), error: null },
        { nodeId: 'b', shards: [2], value: NOTHING, error: 'it threw' },
      ],
      missing: [{ nodeId: '', shards: [3], reason: 'nobody runs them' }],
    });
    expect(await called).toEqual({
      answers: [{ node: 'a', shards: [0, 1], value: 3 }],
      failures: [
        { node: null, shards: [3], reason: 'nobody runs them' },
        { node: 'b', shards: [2], reason: 'it threw' },
      ],
      values: [3],
      complete: false,
    });
    await close();
  });

  test('has fetchClientValues and broadcastEval as ShardingManager has them', async () => {
    const { node, clock, started, endWith, close } = await world();
    const all = node.fleet.fetchClientValues<number>('guilds.cache.size');
    await clock.run(10);
    expect(started()).toMatchObject({ name: '$value', each: 'node', shards: [] });
    await endWith({
      answers: [
        { nodeId: 'a', shards: [0], value: json(3), error: null },
        { nodeId: 'b', shards: [1], value: json(4), error: null },
      ],
    });
    expect(await all).toEqual([3, 4]);

    const one = node.fleet.broadcastEval((_client: object, { x }: { x: number }) => x * 2, {
      shard: 1,
      context: { x: 2 },
    });
    await clock.run(10);
    expect(started()).toMatchObject({ name: '$eval', each: 'shard', shards: [1] });
    expect(read(started().args)).toMatchObject({ context: { x: 2 }, script: expect.stringContaining('x * 2') });
    await endWith({ answers: [{ nodeId: 'b', shards: [1], value: json(4), error: null }] });
    expect(await one).toBe(4);
    await close();
  });

  test('is told at once that a property is not answered', async () => {
    const { node, orchestrator, clock, close } = await world();
    const refused = { code: 'DSO_CALL_INVALID', message: expect.stringContaining('"token"') as string };
    await expect(node.fleet.fetchClientValues('token')).rejects.toMatchObject(refused);
    await clock.run(10);
    expect(orchestrator.peer.of('callStart')).toEqual([]);
    await close();
  });

  test('is told what is missing by an error that carries what came', async () => {
    const { node, clock, endWith, close } = await world();
    const values = node.fleet.fetchClientValues('x.size');
    const refused = expect(values).rejects.toSatisfy(
      (error) =>
        error instanceof CallIncompleteError &&
        error.code === 'DSO_CALL_INCOMPLETE' &&
        error.message === 'x.size has no answer for shard(s) 1 of node b: gone.' &&
        error.result.values[0] === 3,
    );
    await clock.run(10);
    await endWith({
      answers: [{ nodeId: 'a', shards: [0], value: json(3), error: null }],
      missing: [{ nodeId: 'b', shards: [1], reason: 'gone' }],
    });
    await refused;
    await close();
  });

  test.each<[string, (fleet: Awaited<ReturnType<typeof world>>['node']['fleet']) => Promise<unknown>]>([
    ['a name of the library’s own', (fleet) => fleet.call('$eval', { script: '1' })],
    ['no name', (fleet) => fleet.call(undefined as never)],
    ['arguments that cannot travel', (fleet) => fleet.call('h', 5n)],
    ['arguments that are too large', (fleet) => fleet.call('h', 'x'.repeat(2 ** 19))],
    ['a timeout of nothing', (fleet) => fleet.call('h', null, { timeoutMs: 0 })],
    ['a timeout of an hour', (fleet) => fleet.call('h', null, { timeoutMs: 3_600_000 })],
    ['no function', (fleet) => fleet.broadcastEval('1 + 1' as never)],
  ])('refuses to ask with %s', async (_, ask) => {
    const { node, orchestrator, close } = await world();
    await expect(ask(node.fleet)).rejects.toMatchObject({ code: 'DSO_CALL_INVALID' });
    expect(orchestrator.peer.of('callStart')).toEqual([]);
    await close();
  });

  test('is refused by an orchestrator that knows no calls, and by one that refuses', async () => {
    const old = await world({}, BASE_LEVEL);
    await expect(old.node.fleet.call('h')).rejects.toMatchObject({ code: 'DSO_CALL_REFUSED' });
    await old.close();
    const { node, clock, endWith, close } = await world();
    const refused = expect(node.fleet.call('h')).rejects.toThrow(/"h" was not called: Too many/);
    await clock.run(10);
    await endWith({ error: 'Too many.' });
    await refused;
    await close();
  });

  test('hears of it when the orchestrator is lost, or never answers', async () => {
    const { node, clock, orchestrator, close } = await world();
    const lost = expect(node.fleet.call('h')).rejects.toMatchObject({ code: 'DSO_CALL_NO_ORCHESTRATOR' });
    await clock.run(10);
    orchestrator.peer.cut();
    await clock.run(1);
    await lost;
    await expect(node.fleet.call('h')).rejects.toMatchObject({ code: 'DSO_CALL_NO_ORCHESTRATOR' });
    await clock.run(10_000);
    const silent = expect(node.fleet.call('h', null, { timeoutMs: 500 })).rejects.toThrow(/did not end the call/);
    await clock.run(2_501);
    await silent;
    await close();
  });

  test('is not confused by the end of a call that it never made', async () => {
    const { node, tell, close } = await world();
    await tell({ kind: 'callEnded', callId: 'x', answers: [], missing: [], error: null });
    expect(node.status.kind).toBe('established');
    await close();
  });

  test('has so many calls under way and no more', async () => {
    const { node, clock, close } = await world();
    const calls = Array.from({ length: 64 }, () => node.fleet.call('h').catch(() => null));
    await expect(node.fleet.call('h')).rejects.toMatchObject({ code: 'DSO_CALL_REFUSED' });
    await clock.run(13_000);
    await Promise.all(calls);
    await close();
  });
});
