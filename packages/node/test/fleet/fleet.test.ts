/** A real node and a scripted orchestrator, in memory: what a node asks, what it answers, and what it refuses. */
import type { CallAsk, CallEnded, CallStart, Message } from '@dshard/protocol';
import { leakGuard, memoryNetwork, seededRandom, virtualClock } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CallIncompleteError, createNode } from '../../src/index.js';
import type { NodeOptions } from '../../src/index.js';
import { FakeHost } from '../fake-host.js';
import { BASE_LEVEL, EXTENDED, FakeOrchestrator } from '../fake-orchestrator.js';
import type { Greeting } from '../fake-orchestrator.js';

leakGuard({ beforeEach, afterEach });

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const read = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
const NOTHING = new Uint8Array(0);

async function world(options: Partial<NodeOptions> = {}, greeting: Greeting = EXTENDED) {
  const clock = virtualClock();
  const transport = memoryNetwork({ clock });
  const orchestrator = new FakeOrchestrator(greeting);
  await orchestrator.listen(transport, '127.0.0.1:1');
  const host = new FakeHost();
  const node = createNode({
    host,
    nodeId: 'a',
    orchestrator: '127.0.0.1:1',
    clock,
    transport,
    random: seededRandom(1),
    ...options,
  });
  await node.start();
  await clock.run(10);
  const tell = async (message: Message): Promise<void> => {
    orchestrator.peer.send(message);
    await clock.run(10);
  };
  await tell({ kind: 'startShards', shardIds: [1, 2] });
  const ask = async (
    more: Partial<CallAsk>,
  ): Promise<{ shards: readonly number[]; value: unknown; error: string | null }[]> => {
    const askId = `q${orchestrator.peer.received.length}`;
    await tell({
      kind: 'callAsk',
      askId,
      name: 'h',
      args: json(null),
      each: 'node',
      shards: [1, 2],
      timeoutMs: 1_000,
      ...more,
    });
    const answer = orchestrator.peer.of('callAnswer').find((one) => one.askId === askId);
    return (answer?.answers ?? []).map(({ shards, value, error }) => ({
      shards,
      value: value.length === 0 ? null : read(value),
      error,
    }));
  };
  const started = (): CallStart => orchestrator.peer.of('callStart').at(-1)!;
  const endWith = (more: Partial<CallEnded>): Promise<void> =>
    tell({ kind: 'callEnded', callId: started().callId, answers: [], missing: [], error: null, ...more });
  const close = async (): Promise<void> => {
    const closed = node.close();
    await clock.run(30_000);
    await closed;
    await orchestrator.close();
  };
  return { clock, orchestrator, host, node, tell, ask, started, endWith, close };
}

describe('a node that is asked', () => {
  test('answers by its handler, for the shards it has', async () => {
    const { node, ask, close } = await world();
    node.fleet.handle('sum', (args: { plus: number }, { shards }) => shards.reduce((a, b) => a + b, args.plus));
    expect(await ask({ name: 'sum', args: json({ plus: 10 }) })).toEqual([{ shards: [1, 2], value: 13, error: null }]);
    expect(await ask({ name: 'sum', args: json({ plus: 0 }), each: 'shard', shards: [2, 3] })).toEqual([
      { shards: [2], value: 2, error: null },
    ]);
    expect(await ask({ name: 'sum', args: json({ plus: 0 }), each: 'shard', shards: [9] })).toEqual([]);
    await close();
  });

  const client = {
    guilds: { cache: new Map([['1', {}]]) },
    nothing: null,
    get boom(): never {
      throw new Error('no such thing');
    },
  };

  test.each<[string, Partial<CallAsk>, Partial<NodeOptions>, unknown, RegExp | null]>([
    ['a property', { name: '$value', args: json({ property: 'guilds.cache.size' }) }, { fleet: { client } }, 1, null],
    [
      'a property that is none',
      { name: '$value', args: json({ property: 'a.b.c' }) },
      { fleet: { client } },
      null,
      null,
    ],
    [
      'a property below null',
      { name: '$value', args: json({ property: 'nothing.b' }) },
      { fleet: { client } },
      null,
      null,
    ],
    [
      'a property that throws',
      { name: '$value', args: json({ property: 'boom' }) },
      { fleet: { client } },
      null,
      /no such thing/,
    ],
    [
      'a property that is no text',
      { name: '$value', args: json({ property: 7 }) },
      { fleet: { client } },
      null,
      /takes a property name/,
    ],
    [
      'a property, without a client',
      { name: '$value', args: json({ property: 'x' }) },
      {},
      null,
      /no client.*fleet: \{ client \}/,
    ],
    [
      'a function, which is off',
      { name: '$eval', args: json({ script: '() => 1' }) },
      { fleet: { client } },
      null,
      /runs no functions from elsewhere/,
    ],
    [
      'a function',
      { name: '$eval', args: json({ script: '(c, x) => c.guilds.cache.size + x', context: 4 }) },
      { fleet: { client, evaluate: true } },
      5,
      null,
    ],
    [
      'an async function',
      { name: '$eval', args: json({ script: 'async (c) => c.guilds.cache.size' }) },
      { fleet: { client, evaluate: true } },
      1,
      null,
    ],
    [
      'a function that throws',
      { name: '$eval', args: json({ script: '() => { throw new Error("oh") }' }) },
      { fleet: { client, evaluate: true } },
      null,
      /^oh$/,
    ],
    [
      'something that is no function',
      { name: '$eval', args: json({ script: '1 +' }) },
      { fleet: { client, evaluate: true } },
      null,
      /Unexpected token/,
    ],
    [
      'no text',
      { name: '$eval', args: json({ script: [] }) },
      { fleet: { client, evaluate: true } },
      null,
      /takes a function/,
    ],
    ['an unknown name', { name: 'nobody' }, {}, null, /no handler for "nobody"; register it on every node/],
    ['arguments that are no JSON', { name: 'echo', args: new Uint8Array([0xff, 0]) }, {}, null, /no JSON/],
    ['no arguments at all', { name: 'echo', args: NOTHING }, {}, null, /no JSON/],
  ])('answers or refuses %s', async (_, question, options, value, error) => {
    const { node, ask, close } = await world(options);
    node.fleet.handle('echo', (args) => args);
    const [answer] = await ask(question);
    expect(answer).toEqual({ shards: [1, 2], value, error: error === null ? null : expect.stringMatching(error) });
    await close();
  });

  test.each<[string, unknown, RegExp]>([
    [
      'itself',
      (() => {
        const loop: Record<string, unknown> = {};
        loop['loop'] = loop;
        return loop;
      })(),
      /cannot travel as JSON/,
    ],
    ['a bigint', 5n, /cannot travel as JSON/],
    ['two megabytes', 'x'.repeat(2 ** 21), /are allowed/],
  ])('does not send a value that contains %s', async (_, value, error) => {
    const { node, ask, close } = await world();
    node.fleet.handle('h', () => value);
    expect(await ask({})).toEqual([{ shards: [1, 2], value: null, error: expect.stringMatching(error) }]);
    await close();
  });

  test('says so when a handler takes too long', async () => {
    const { node, ask, clock, orchestrator, close } = await world();
    node.fleet.handle('h', () => new Promise(() => undefined));
    await ask({});
    await clock.run(1_000);
    expect(orchestrator.peer.of('callAnswer').at(-1)?.answers[0]?.error).toContain('within 1000 ms');
    await close();
  });

  test('answers so many at once and no more', async () => {
    const { node, tell, orchestrator, close } = await world();
    node.fleet.handle('h', () => new Promise(() => undefined));
    const question = { name: 'h', args: json(null), each: 'node' as const, shards: [1], timeoutMs: 5_000 };
    for (let i = 0; i < 70; i += 1) await tell({ kind: 'callAsk', askId: `${i}`, ...question });
    const answers = orchestrator.peer.of('callAnswer');
    expect(answers).toHaveLength(6);
    expect(answers[0]?.answers[0]?.error).toContain('64 calls already');
    await close();
  });

  test('makes its answer anew when its shards change meanwhile', async () => {
    const { node, tell, ask, orchestrator, close } = await world();
    let go: (() => void)[] = [];
    node.fleet.handle('h', (_, { shards }) => new Promise((resolve) => go.push(() => resolve(shards))));
    await ask({});
    await tell({ kind: 'stopShard', shardId: 1, session: null });
    go.splice(0).forEach((each) => each());
    await tell({ kind: 'heartbeatAck', sequence: 0 });
    expect(orchestrator.peer.of('callAnswer')).toEqual([]);
    go.splice(0).forEach((each) => each());
    await tell({ kind: 'heartbeatAck', sequence: 0 });
    go = [];
    expect(orchestrator.peer.of('callAnswer').at(-1)?.answers).toEqual([
      { shards: [2], value: json([2]), error: null },
    ]);
    await close();
  });

  test('speaks for the shards that its host says are in the client', async () => {
    class Host extends FakeHost {
      readonly client = { size: 9 };
      shardsInClient(): number[] {
        return [2, 5];
      }
    }
    const { ask, close } = await world({ host: new Host() });
    expect(await ask({ name: '$value', args: json({ property: 'size' }) })).toEqual([
      { shards: [2, 5], value: 9, error: null },
    ]);
    await close();
  });

  test('says nothing while its host cannot say which shards are in the client', async () => {
    class Host extends FakeHost {
      shardsInClient(): null {
        return null;
      }
    }
    const { node, ask, close } = await world({ host: new Host() });
    node.fleet.handle('h', () => 1);
    expect(await ask({})).toEqual([]);
    expect(await ask({ each: 'shard' })).toEqual([]);
    await close();
  });

  test.each(['', '$eval', 'a\nb', 'x'.repeat(101), 7])('has no handler of the name %j', async (name) => {
    const { node, close } = await world();
    expect(() => node.fleet.handle(name as string, () => 1)).toThrow(
      expect.objectContaining({ code: 'DSO_CALL_INVALID' }),
    );
    node.fleet.handle('twice', () => 1);
    expect(() => node.fleet.handle('twice', () => 1)).toThrow(/already/);
    await close();
  });
});

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

  test('fetchClientValues and broadcastEval are ShardingManager’s', async () => {
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

  test('is told what is missing by an error that carries what came', async () => {
    const { node, clock, endWith, close } = await world();
    const values = node.fleet.fetchClientValues('x');
    const refused = expect(values).rejects.toSatisfy(
      (error) =>
        error instanceof CallIncompleteError &&
        error.code === 'DSO_CALL_INCOMPLETE' &&
        error.message === 'x has no answer for shard(s) 1 of node b: gone.' &&
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
  ])('refuses %s', async (_, ask) => {
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
