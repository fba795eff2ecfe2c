/** What a node answers to the calls of others, and what it refuses. */
import type { CallAsk } from '@dshard/protocol';
import { leakGuard } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NodeOptions } from '../../src/index.js';
import { FakeHost } from '../fake-host.js';
import { EXTENDED } from '../fake-orchestrator.js';
import { json, NOTHING, world } from './fleet-world.js';

leakGuard({ beforeEach, afterEach });

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

  // A bot asked each shard of a node for its members. Together that was more than a message may have, so nothing was
  // sent, and who had asked waited until the call timed out.
  test('answers with what fits, when all together is more than a call may have', async () => {
    const { node, ask, tell, close } = await world({}, { ...EXTENDED, totalShards: 20 });
    const shards = Array.from({ length: 20 }, (_, shard) => shard);
    await tell({ kind: 'startShards', shardIds: shards });
    node.fleet.handle('h', () => 'x'.repeat(1_000_000));
    const answers = await ask({ each: 'shard', shards });
    expect(answers.map((answer) => answer.shards)).toEqual(shards.map((shard) => [shard]));
    expect(answers.filter(({ error }) => error === null)).toHaveLength(8);
    expect(answers.at(-1)?.error).toMatch(/more than 8 MiB together/);
    await close();
  });

  const client = {
    guilds: { cache: new Map([['1', {}]]) },
    nothing: null,
    get boomCount(): never {
      throw new Error('no such thing');
    },
  };

  test.each<[string, Partial<CallAsk>, Partial<NodeOptions>, unknown, RegExp | null]>([
    ['a property', { name: '$value', args: json({ property: 'guilds.cache.size' }) }, { fleet: { client } }, 1, null],
    [
      'a property that is none',
      { name: '$value', args: json({ property: 'a.b.id' }) },
      { fleet: { client } },
      null,
      null,
    ],
    [
      'a property below null',
      { name: '$value', args: json({ property: 'nothing.id' }) },
      { fleet: { client } },
      null,
      null,
    ],
    [
      'a property that throws',
      { name: '$value', args: json({ property: 'boomCount' }) },
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
  ])('answers or refuses a call as it should: %s', async (_, question, options, value, error) => {
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
