import type { CallEach, CallEnded, Message } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import type { OperatorCommand } from '../../../src/domain/state/commands.js';
import { OLDER_CAPABILITIES } from '../model-node.js';
import type { ModelNode } from '../model-node.js';
import { World } from '../world.js';

const ARGS = new TextEncoder().encode('{}');
const NOTHING = new Uint8Array(0);

/** Four shards, two on each of two nodes. */
function twoNodes(): { world: World; a: ModelNode; b: ModelNode } {
  const world = new World({ totalShards: 4, maxShardsPerNode: 2 }).start();
  const a = world.join('a');
  world.settle();
  const b = world.join('b');
  world.settle();
  expect(world.placement()).toEqual({ a: [0, 1], b: [2, 3] });
  return { world, a, b };
}

function start(more: Partial<Extract<Message, { kind: 'callStart' }>> = {}): Message {
  return {
    kind: 'callStart',
    callId: '1',
    name: 'count',
    args: ARGS,
    each: 'node',
    shards: [],
    timeoutMs: 10_000,
    ...more,
  };
}

function asked(more: Partial<Extract<OperatorCommand, { kind: 'callFleet' }>> = {}): OperatorCommand {
  return { kind: 'callFleet', name: 'count', args: ARGS, each: 'node', shards: [], timeoutMs: 10_000, ...more };
}

function endOf(world: World, node = 'a', callId = '1'): CallEnded | undefined {
  return world
    .sentTo(node, 'callEnded')
    .find((message): message is CallEnded => 'callId' in message && message.callId === callId);
}

/** `{ a: [0, 1] }`: who spoke for what, and that nobody spoke for more than the value says. */
function spoken(ended: Pick<CallEnded, 'answers'> | undefined): Record<string, number[]> {
  const by: Record<string, number[]> = {};
  for (const { nodeId, shards, value } of ended?.answers ?? []) {
    (by[nodeId] ??= []).push(...shards);
    if (value.length > 0)
      expect(JSON.parse(new TextDecoder().decode(value))).toEqual(expect.arrayContaining([...shards]));
  }
  return by;
}

describe('a fleet call', () => {
  test.each<CallEach>(['node', 'shard'])('is answered for every shard once, each %s', (each) => {
    const { world, a } = twoNodes();
    a.send(start({ each }));
    world.settle();
    expect(spoken(endOf(world))).toEqual({ a: [0, 1], b: [2, 3] });
    expect(endOf(world)).toMatchObject({ missing: [], error: null });
    expect(endOf(world)?.answers).toHaveLength(each === 'node' ? 2 : 4);
    expect(world.state.calls.size).toBe(0);
  });

  test('asks only for the shards it is about', () => {
    const { world, a } = twoNodes();
    a.send(start({ each: 'shard', shards: [3] }));
    world.settle();
    expect(spoken(endOf(world))).toEqual({ b: [3] });
    expect(world.sentTo('a', 'callAsk')).toEqual([]);
  });

  test('is answered as the command when an operator asks', () => {
    const { world } = twoNodes();
    const result = world.ask(asked());
    expect(result).toMatchObject({ ok: true });
    const { call } = (result as unknown as { data: { call: CallEnded } }).data;
    expect(spoken(call)).toEqual({ a: [0, 1], b: [2, 3] });
  });

  test('has a handler’s error in the place of a value', () => {
    const { world, a, b } = twoNodes();
    b.mute.add('callAsk');
    a.send(start());
    world.settle();
    const question = world.sentTo('b', 'callAsk')[0] as { askId: string };
    b.send({
      kind: 'callAnswer',
      askId: question.askId,
      answers: [{ shards: [2, 3], value: NOTHING, error: 'it threw' }],
    });
    world.settle();
    expect(endOf(world)?.answers.map(({ nodeId, error }) => [nodeId, error])).toEqual([
      ['a', null],
      ['b', 'it threw'],
    ]);
  });

  test('ends in time with what there is, and says who did not answer', () => {
    const { world, a, b } = twoNodes();
    b.mute.add('callAsk');
    a.send(start({ timeoutMs: 5_000 }));
    world.pass(4_999);
    expect(endOf(world)).toBeUndefined();
    world.pass(1);
    expect(spoken(endOf(world))).toEqual({ a: [0, 1] });
    expect(endOf(world)?.missing).toEqual([
      { nodeId: 'b', shards: [2, 3], reason: 'node b did not answer within 5 s' },
    ]);
  });

  test.each<[string, (world: World, b: ModelNode) => void, Partial<CallEnded>]>([
    ['a node that knows no calls', () => undefined, { missing: [] }],
    [
      'a shard that nobody runs',
      (world) => world.ask({ kind: 'stopShard', shard: 3 }),
      { missing: [{ nodeId: '', shards: [3], reason: 'nobody runs them' }] },
    ],
    [
      'a node that is away',
      (world, b) => world.disconnect(b),
      { missing: [{ nodeId: '', shards: [2, 3], reason: 'nobody runs them' }] },
    ],
  ])('does not wait for ever for %s', (what, disturb, expected) => {
    const world = new World({ totalShards: 4, maxShardsPerNode: 2, ensureAllShardsRunning: false }).start();
    const a = world.join('a');
    const b = world.join(
      what === 'a node that knows no calls'
        ? { id: 'b', capabilities: OLDER_CAPABILITIES.filter((name) => name !== 'calls') }
        : 'b',
    );
    world.ask({ kind: 'startShards', node: 'a', shards: [0, 1] });
    world.ask({ kind: 'startShards', node: 'b', shards: [2, 3] });
    disturb(world, b);
    a.send(start({ timeoutMs: 600_000 }));
    world.pass(3_001);
    expect(endOf(world)).toMatchObject(expected);
    if (what === 'a node that knows no calls') {
      expect(endOf(world)?.answers.find(({ nodeId }) => nodeId === 'b')?.error).toContain(
        'node b does not know fleet calls',
      );
    }
  });

  test('counts a shard once that answered at its origin and then at its destination', () => {
    const { world, a, b } = twoNodes();
    b.mute.add('callAsk');
    a.send(start());
    world.settle();
    // a has spoken for 0 and 1; then 1 moves, and b speaks for 1, 2 and 3.
    world.ask({ kind: 'migrateShard', shard: 1, destination: 'b' });
    world.settle();
    expect(world.placement()).toEqual({ a: [0], b: [1, 2, 3] });
    const question = world.sentTo('b', 'callAsk')[0] as { askId: string };
    b.mute.clear();
    b.send({
      kind: 'callAnswer',
      askId: question.askId,
      answers: [{ shards: [1, 2, 3], value: new TextEncoder().encode('[1,2,3]'), error: null }],
    });
    world.pass(1_000);
    expect(spoken(endOf(world))).toEqual({ a: [0], b: [1, 2, 3] });
    expect(world.sentTo('a', 'callAsk')).toHaveLength(2);
  });

  test('misses no shard that was asked for at its destination before it came, and at its origin after it had gone', () => {
    const { world, a, b } = twoNodes();
    a.mute.add('callAsk');
    b.send(start());
    world.settle();
    // b has spoken for 2 and 3; then 1 moves to b, and a speaks for 0 only.
    world.ask({ kind: 'migrateShard', shard: 1, destination: 'b' });
    const question = world.sentTo('a', 'callAsk')[0] as { askId: string };
    a.mute.clear();
    a.send({
      kind: 'callAnswer',
      askId: question.askId,
      answers: [{ shards: [0], value: new TextEncoder().encode('[0]'), error: null }],
    });
    world.pass(1_000);
    expect(spoken(endOf(world, 'b'))).toEqual({ a: [0], b: [1, 2, 3] });
  });

  test('asks no shard twice when it is asked shard by shard', () => {
    const { world, a, b } = twoNodes();
    b.mute.add('callAsk');
    a.send(start({ each: 'shard' }));
    world.settle();
    world.ask({ kind: 'migrateShard', shard: 1, destination: 'b' });
    b.mute.clear();
    const question = world.sentTo('b', 'callAsk')[0]!;
    b.receive(question);
    world.pass(1_000);
    expect(spoken(endOf(world))).toEqual({ a: [0, 1], b: [2, 3] });
    expect([...a.callsAnswered, ...b.callsAnswered].toSorted((x, y) => x - y)).toEqual([0, 1, 2, 3]);
  });

  test('goes to the node that takes over from one that died', () => {
    const { world, a, b } = twoNodes();
    b.mute.add('callAsk');
    a.send(start());
    world.settle();
    const c = world.join('c');
    world.kill(b);
    world.pass(2_000);
    expect(c.running.size).toBe(2);
    expect(spoken(endOf(world))).toEqual({ a: [0, 1], c: [2, 3] });
  });

  test('ends with the connection of its caller', () => {
    const { world, a, b } = twoNodes();
    b.mute.add('callAsk');
    a.send(start());
    world.settle();
    expect(world.state.calls.size).toBe(1);
    world.disconnect(a);
    expect(world.state.calls.size).toBe(0);
  });

  test.each<[string, (question: string) => Message]>([
    ['an unknown question', () => ({ kind: 'callAnswer', askId: 'c0-0', answers: [] })],
    [
      'shards it does not have',
      (askId) => ({ kind: 'callAnswer', askId, answers: [{ shards: [0, 1, 77], value: NOTHING, error: null }] }),
    ],
    [
      'the same shard ten times',
      (askId) => ({
        kind: 'callAnswer',
        askId,
        answers: Array.from({ length: 10 }, () => ({ shards: [2, 3, 3], value: NOTHING, error: null })),
      }),
    ],
  ])('is not confused by an answer of %s', (_, answerTo) => {
    const { world, a, b } = twoNodes();
    b.mute.add('callAsk');
    a.send(start({ timeoutMs: 2_000 }));
    world.settle();
    b.send(answerTo((world.sentTo('b', 'callAsk')[0] as { askId: string }).askId));
    b.mute.clear();
    world.pass(2_000);
    const shards = endOf(world)!.answers.flatMap((answer) => answer.shards);
    expect(new Set(shards).size).toBe(shards.length);
    expect(spoken(endOf(world))['a']).toEqual([0, 1]);
  });

  test('is refused beyond so many of one caller', () => {
    const { world, a, b } = twoNodes();
    b.mute.add('callAsk');
    for (let i = 0; i < 70; i += 1) a.send(start({ callId: `${i}` }));
    world.settle();
    const refused = world.sentTo('a', 'callEnded') as CallEnded[];
    expect(refused).toHaveLength(6);
    expect(refused[0]?.error).toContain('Too many calls');
    b.send(start({ callId: 'b' }));
    world.settle();
    expect(world.sentTo('b', 'callEnded')).toEqual([]);
  });

  test.each<[string, OperatorCommand, string]>([
    ['a shard that is none', asked({ shards: [4] }), 'There is no shard 4'],
  ])('is refused for %s', (_, command, reason) => {
    const { world } = twoNodes();
    expect(world.ask(command)).toMatchObject({
      ok: false,
      error: { code: 'DSO_CALL_REFUSED', message: expect.stringContaining(reason) },
    });
  });

  test('gives up values that are too large together', () => {
    const { world, a, b } = twoNodes();
    b.mute.add('callAsk');
    a.send(start());
    world.settle();
    const { askId } = world.sentTo('b', 'callAsk')[0] as { askId: string };
    const value = new Uint8Array(9 * 2 ** 20);
    b.send({ kind: 'callAnswer', askId, answers: [{ shards: [2, 3], value, error: null }] });
    world.settle();
    expect(endOf(world)?.answers[1]).toMatchObject({ nodeId: 'b', error: expect.stringContaining('exceed') });
  });
});
