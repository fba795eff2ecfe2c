import type { MessageOf } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import { World } from './world.js';
import type { WorldOptions } from './world.js';

function oneNode(options: WorldOptions = {}): World {
  const world = new World(options).start();
  world.join('a');
  world.pass(25_000);
  return world;
}

describe('stopping a shard', () => {
  test('is answered when it is down, and says that it comes back', () => {
    const world = oneNode();
    const a = world.nodes.get('a')!;
    a.identifies = [];
    const result = world.ask({ kind: 'stopShard', shard: 1 });
    expect(world.recorded('shardStopped')).toMatchObject([{ by: 'alice', fields: { shard: 1 } }]);
    expect(result).toMatchObject({ ok: true });
    expect(JSON.stringify(result)).toContain('started again in 30 s');
    world.pass(29_999);
    expect(world.truth()).toEqual({ a: [0, 2, 3] });
    world.pass(1);
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    // With the session of the answer: no IDENTIFY.
    expect([a.resumes, a.identifies]).toEqual([[1], []]);
  });

  test('leaves it running when the node refuses', () => {
    const world = oneNode();
    world.nodes.get('a')?.fail.add('stopShard');
    expect(world.ask({ kind: 'stopShard', shard: 1 })).toMatchObject({ error: { code: 'DSO_NODE_FAILED' } });
    expect(world.placement()).toEqual({ a: [0, 1, 2, 3] });
  });

  test('fails in time when the node does not answer, and so does a second stop meanwhile', () => {
    const world = oneNode();
    world.nodes.get('a')?.mute.add('stopShard');
    const request = world.command({ kind: 'stopShard', shard: 1 });
    expect(world.ask({ kind: 'stopShard', shard: 1 })).toMatchObject({
      error: { code: 'DSO_SHARD_BUSY', fault: 'conflict' },
    });
    world.pass(15_000);
    expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_NODE_TIMEOUT' } });
  });

  test('fails when the node is lost', () => {
    const world = oneNode();
    const a = world.nodes.get('a')!;
    a.mute.add('stopShard');
    const request = world.command({ kind: 'stopShard', shard: 1 });
    world.disconnect(a);
    expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_NODE_LOST' } });
  });

  test('keeps the session of a shard whose end the node told in vain', () => {
    // Node a had stopped the shard and said with which cursor. The store was away for a moment, so that was not taken,
    // and the node was asked to connect again. Nobody remembered the session any more, and the shard was identified.
    const world = oneNode();
    const a = world.nodes.get('a')!;
    world.beat();
    world.settle();
    a.mute.add('stopShard');
    world.command({ kind: 'stopShard', shard: 1 });
    world.disconnect(a);
    world.join('b');
    world.command({ kind: 'takeOverNode', node: 'a' });
    world.pass(30_000);
    world.settle();
    const resumed = world
      .sentTo('b', 'resumeShards')
      .flatMap((message) => (message as MessageOf<'resumeShards'>).shards);
    expect(resumed.find(({ shardId }) => shardId === 1)).toMatchObject({ sessionId: 'session-1', sequence: 10 });
  });

  test('takes it out of the queue when it waits for its identify window', () => {
    const world = new World({ gateway: { shards: 4, maxConcurrency: 1 } }).start();
    world.join({ id: 'go', baseLevel: true });
    world.settle();
    expect(world.shard(3)).toMatchObject({ kind: 'starting', step: 'queued' });
    expect(world.ask({ kind: 'stopShard', shard: 3 })).toMatchObject({ ok: true });
    expect(world.state.identifies.waiting.map(({ shard }) => shard)).toEqual([1, 2]);
  });

  test('is refused when nobody runs it', () => {
    const world = new World().start();
    expect(world.ask({ kind: 'stopShard', shard: 0 })).toMatchObject({ error: { code: 'DSO_SHARD_NOT_RUNNING' } });
    expect(world.ask({ kind: 'stopShard', shard: 4 })).toMatchObject({ error: { code: 'DSO_UNKNOWN_SHARD' } });
    const early = new World({ totalShards: null, gateway: null }).start();
    expect(early.ask({ kind: 'stopShard', shard: 0 })).toMatchObject({ error: { code: 'DSO_TOTAL_UNDECIDED' } });
  });
});

describe('starting shards by hand', () => {
  test('is answered when they run, and may go over the limit and past a cordon', () => {
    const world = oneNode({ ensureAllShardsRunning: false, maxShardsPerNode: 1 });
    expect(world.truth()).toEqual({});
    world.ask({ kind: 'cordonNode', node: 'a' });
    expect(world.ask({ kind: 'startShards', node: 'a', shards: [0, 2, 2] })).toMatchObject({ ok: true });
    expect(world.truth()).toEqual({ a: [0, 2] });
  });

  test('goes through the identify windows of a base-level node', () => {
    const world = new World({ ensureAllShardsRunning: false, gateway: { shards: 4, maxConcurrency: 1 } }).start();
    world.join({ id: 'go', baseLevel: true });
    const request = world.command({ kind: 'startShards', node: 'go', shards: [0, 1] });
    world.pass(4_999);
    expect(world.replies.has(request)).toBe(false);
    world.pass(1);
    expect(world.replies.get(request)).toMatchObject({ ok: true });
  });

  test.each<[string, WorldOptions, readonly number[], string]>([
    ['none', {}, [], 'DSO_NO_SHARDS_GIVEN'],
    ['one beyond the total', {}, [0, 9], 'DSO_UNKNOWN_SHARD'],
    ['one of another orchestrator', { responsibleForShards: [0, 1] }, [0, 2], 'DSO_SHARD_NOT_OURS'],
  ])('starts nothing when the list is of %s', (_, options, shards, code) => {
    const world = oneNode({ ...options, ensureAllShardsRunning: false });
    expect(world.ask({ kind: 'startShards', node: 'a', shards })).toMatchObject({ error: { code, fault: 'caller' } });
    expect(world.truth()).toEqual({});
  });

  test('is refused for a shard that runs elsewhere', () => {
    const world = oneNode();
    world.join('b');
    expect(world.ask({ kind: 'startShards', node: 'b', shards: [0] })).toMatchObject({
      error: { code: 'DSO_SHARD_RUNS_ELSEWHERE', fault: 'conflict' },
    });
  });

  test('is answered when the node cannot start one, which is tried again later if everything is to run', () => {
    const world = new World({ startupGraceMs: 100_000, expectedNodes: null }).start();
    const a = world.join('a', { totalShards: 4 });
    a.mute.add('startShards');
    const request = world.command({ kind: 'startShards', node: 'a', shards: [0] });
    world.settle();
    a.send({ kind: 'commandFailed', command: 'startShards', shardId: 0, message: 'bad token' });
    world.settle();
    expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_NODE_FAILED' } });
    expect(world.shard(0)).toMatchObject({ kind: 'vacant', notBefore: world.now + 5_000 });
  });
});

describe('a session that cannot be resumed', () => {
  test('is kept, and given up only when three nodes in a row say so', () => {
    const world = oneNode({ maxNodeDowntimeMs: 1_000 });
    const a = world.nodes.get('a')!;
    world.ask({ kind: 'stopShard', shard: 0 });
    a.identifies = [];
    a.fail.add('resumeShards');
    world.pass(10_000);
    expect(world.shard(0)).toMatchObject({ known: { session: { sessionId: 'session-0' }, refusals: 2 } });
    expect([world.truth(), a.identifies]).toEqual([{ a: [1, 2, 3] }, []]);
    world.pass(10_000);
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect([a.resumes, a.identifies]).toEqual([[], [0]]);
    expect(world.recorded('commandFailed').at(-1)?.text).toContain('after 3 nodes it will be started anew');
  });

  test('is resumed after a stop when the node neither answers nor names the shard', () => {
    const world = oneNode({ maxNodeDowntimeMs: 1_000 });
    const a = world.nodes.get('a')!;
    world.ask({ kind: 'stopShard', shard: 0 });
    a.identifies = [];
    a.mute.add('resumeShards');
    world.pass(17_000);
    expect(world.sentTo('a', 'stopShard')).toHaveLength(2);
    a.mute.clear();
    world.pass(16_000);
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect([a.resumes, a.identifies]).toEqual([[0], []]);
  });

  // Told to resume, a Go bot went on with shards whose guilds it did not have.
  test('is started anew on a base-level node, to which nobody hands the state over, as by the ancestor', () => {
    const world = new World({ gateway: { shards: 4, maxConcurrency: 16 } }).start();
    const a = world.join('a');
    world.settle();
    const go = world.join({ id: 'go', baseLevel: true });
    world.ask({ kind: 'shutdownNode', node: 'a', now: true });
    expect(a.alive).toBe(false);
    world.pass(60_000);
    expect([world.truth(), go.resumes]).toEqual([{ go: [0, 1, 2, 3] }, []]);
  });
});

describe('a cordon', () => {
  test('keeps new shards away until it is lifted, and outlives a reconnect', () => {
    const world = new World().start();
    const a = world.join('a', {}, { remote: '', loopback: true, proof: 'right' });
    world.ask({ kind: 'cordonNode', node: 'a' });
    world.disconnect(a);
    a.running.clear();
    world.pass(31_000);
    world.connect(a);
    world.pass(60_000);
    expect(world.truth()).toEqual({});
    expect(world.ask({ kind: 'uncordonNode', node: 'a' })).toMatchObject({ ok: true });
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect(world.ask({ kind: 'cordonNode', node: 'z' })).toMatchObject({
      error: { code: 'DSO_UNKNOWN_NODE', fault: 'caller' },
    });
  });
});

test('only the shards this orchestrator is responsible for are started', () => {
  expect(oneNode({ responsibleForShards: [1, 3] }).truth()).toEqual({ a: [1, 3] });
});
