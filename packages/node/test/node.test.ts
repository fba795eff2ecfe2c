/** The node against an orchestrator of the test's own, over a network in memory, under a clock that stands still. */
import { CAPABILITIES } from '@dshard/protocol';
import { systemClock, tcpTransport } from '@dshard/transport';
import { leakGuard, until } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createNode } from '../src/index.js';
import type { NodeStatus } from '../src/index.js';
import { FakeHost, SESSION } from './fake-host.js';
import { EXTENDED, FakeOrchestrator } from './fake-orchestrator.js';
import { ADDRESS, world, close } from './node-world.js';

leakGuard({ beforeEach, afterEach });

describe('connecting', () => {
  test('establishes a connection, tells the host once and says so', async () => {
    const { node, host, start, clock, reconnect } = await world();
    const statuses: NodeStatus['kind'][] = [];
    node.on('status', (status) => statuses.push(status.kind));
    await start();
    expect(await node.established).toEqual({ totalShards: 16 });
    await reconnect();
    expect(host.calls).toEqual(['sessionEstablished 16']);
    expect(host.context).toMatchObject({ nodeId: 'a', totalShards: 16 });
    expect(node.status).toEqual({
      kind: 'established',
      nodeId: 'a',
      totalShards: 16,
      capabilities: CAPABILITIES,
      versionFailing: null,
    });
    expect(statuses.filter((kind) => kind === 'established')).toHaveLength(2);
    await close(node, clock);
    expect(statuses.at(-1)).toBe('closed');
  });

  test('goes on trying for hours, and costs no shard', async () => {
    const { node, host, orchestrator, network, start, say, clock } = await world();
    await start();
    await say({ kind: 'startShards', shardIds: [0, 1] });
    await orchestrator.close();
    await clock.run(3 * 3_600_000);
    expect(node.status.kind).toBe('waiting');
    const later = new FakeOrchestrator();
    await later.listen(network, ADDRESS);
    await clock.run(6_000);
    expect(later.peer.of('identify')[0]).toMatchObject({ totalShards: 16, runningShards: [0, 1] });
    expect(host.calls).toEqual(['sessionEstablished 16', 'startShards [0,1]']);
    await close(node, clock);
  });

  // The log's worker thread had ended, and every line threw. The first of them took the effects after it along, among
  // them the wake-up by which the node connects again: the bot ran on, and no orchestrator ever heard of it again.
  test('connects again although its logger throws', async () => {
    let isBroken = false;
    const log = (): void => {
      if (isBroken) throw new Error('the worker has exited');
    };
    const logger = { debug: log, info: log, warn: log, error: log };
    const { node, orchestrator, start, reconnect, clock } = await world(EXTENDED, { logger });
    await start();
    isBroken = true;
    await reconnect();
    expect(orchestrator.peers).toHaveLength(2);
    expect(node.status.kind).toBe('established');
    await close(node, clock);
  });

  test('drops a connection on which nothing is said after 10 s, and tries again', async () => {
    const { node, orchestrator, start, clock } = await world(null);
    await start();
    expect(orchestrator.peers).toHaveLength(1);
    await clock.run(11_000);
    expect(orchestrator.peers).toHaveLength(2);
    await close(node, clock);
  });

  test('takes the id it is given', async () => {
    const { node, start, clock } = await world({ ...EXTENDED, nodeId: 'web-9' }, { nodeId: '' });
    await start();
    expect(node.nodeId).toBe('web-9');
    await close(node, clock);
  });

  test('throws an error that names the reason of a refusal; the bot lives on and tries again', async () => {
    const { node, orchestrator, start, clock, logged } = await world(null);
    const errors: string[] = [];
    node.on('error', ({ message }) => errors.push(message));
    await start();
    orchestrator.peer.send({ kind: 'rejected', code: 'DSO_TOKEN_WRONG', message: 'Set DSO_TOKEN.', retryable: false });
    await clock.run(29_000);
    expect(errors).toHaveLength(1);
    expect(logged).toContain(errors[0]);
    expect(errors[0]).toContain('DSO_TOKEN_WRONG');
    expect(errors[0]).toContain('Set DSO_TOKEN.');
    expect(orchestrator.peers).toHaveLength(1);
    await clock.run(2_000);
    expect(orchestrator.peers).toHaveLength(2);
    await close(node, clock);
  });

  test('notices a half-open connection by three heartbeats', async () => {
    const { node, network, orchestrator, start, clock } = await world({ ...EXTENDED, heartbeatIntervalMs: 1_000 });
    orchestrator.onMessage = (peer, message) => {
      if (message.kind === 'heartbeat') {
        peer.send({ kind: 'heartbeatAck', sequence: message.sequence });
      }
    };
    await start();
    await clock.run(10_000);
    expect(node.status.kind).toBe('established');
    const beats = orchestrator.peer.of('heartbeat');
    expect(beats.length).toBeGreaterThan(9);
    expect(beats.map(({ sequence }) => sequence)).toEqual(beats.map((_, index) => index + 1));
    expect(beats[1]?.process.memoryBytes).toBeGreaterThan(1_000_000);
    network.cut();
    await clock.run(4_500);
    expect(node.status.kind).not.toBe('established');
    network.mend();
    await clock.run(20_000);
    expect(node.status.kind).toBe('established');
    await close(node, clock);
  });

  test('works over real TCP', async () => {
    const orchestrator = new FakeOrchestrator();
    const address = await orchestrator.listen(tcpTransport(), '127.0.0.1:0');
    const host = new FakeHost();
    const node = createNode({ host, nodeId: 'a', orchestrator: address, clock: systemClock() });
    await node.start();
    await node.established;
    orchestrator.peer.send({ kind: 'startShards', shardIds: [2] });
    await until(() => orchestrator.peer.of('startShards').length > 0, { what: 'the answer' });
    await node.close();
    await until(() => orchestrator.peer.of('shutdown').length > 0, { what: 'the farewell' });
    await orchestrator.close();
  });
});

describe('commands', () => {
  test('are answered again when they are repeated', async () => {
    const { node, host, orchestrator, start, say, clock } = await world();
    await start();
    await say({ kind: 'startShards', shardIds: [3] });
    await say({ kind: 'startShards', shardIds: [3] });
    await say({ kind: 'stopShard', shardId: 3, session: null });
    await say({ kind: 'stopShard', shardId: 3, session: null });
    expect(host.calls.slice(1)).toEqual(['startShards [3]', 'stopShard 3']);
    expect(orchestrator.peer.of('startShards')).toHaveLength(2);
    expect(orchestrator.peer.of('stopShard').map(({ session }) => session)).toEqual([SESSION, null]);
    await close(node, clock);
  });

  test('wait for each other per shard, not across shards', async () => {
    const { node, host, start, say, clock } = await world();
    let finish = (): void => undefined;
    host.behaviour.startShards = (ids: readonly number[]) =>
      ids[0] === 1 ? new Promise<void>((resolve) => (finish = resolve)) : undefined;
    await start();
    await say({ kind: 'startShards', shardIds: [1] });
    await say({ kind: 'stopShard', shardId: 1, session: null });
    await say({ kind: 'startShards', shardIds: [2] });
    expect(host.calls.slice(1)).toEqual(['startShards [1]', 'startShards [2]']);
    finish();
    await clock.run(10);
    expect(host.calls.slice(3)).toEqual(['stopShard 1']);
    await close(node, clock);
  });

  test('are rolled back and reported when the host does not finish in time', async () => {
    const { node, host, orchestrator, start, say, clock } = await world();
    host.behaviour.startShards = () => new Promise<void>(() => undefined);
    await start();
    await say({ kind: 'startShards', shardIds: [1] });
    await clock.run(10_000);
    expect(orchestrator.peer.of('commandFailed')[0]).toMatchObject({
      command: 'startShards',
      shardId: 1,
      message: 'The host did not finish startShards within 10000 ms (limits.hostCallMs).',
    });
    expect(host.calls.at(-1)).toBe('stopShard 1');
    expect(node.shards.size).toBe(0);
    await close(node, clock);
  });

  test('do not hurt the node when they throw, whatever they throw', async () => {
    const { node, host, orchestrator, start, say, clock } = await world();
    host.behaviour.startShards = () => {
      // eslint-disable-next-line no-throw-literal, typescript/only-throw-error
      throw 'a string';
    };
    host.behaviour.sessionEstablished = () => Promise.reject(new Error('not even this'));
    await start();
    await say({ kind: 'startShards', shardIds: [1] });
    expect(orchestrator.peer.of('commandFailed')[0]?.message).toBe('a string');
    await close(node, clock);
  });

  test('are carried out although a listener throws, which is logged and hurts nobody', async () => {
    const { node, orchestrator, start, say, clock, logged } = await world();
    node.on('shards', () => {
      throw new Error('mine');
    });
    await start();
    await say({ kind: 'startShards', shardIds: [1] });
    expect(orchestrator.peer.of('startShards')).toHaveLength(1);
    expect(logged).toContain('A listener of the node\'s "shards" threw.');
    await close(node, clock);
  });
});

describe('identify permits', () => {
  test('wait for the orchestrator, through a reconnect', async () => {
    const { node, host, orchestrator, start, say, reconnect, clock } = await world();
    await start();
    const permit = host.context!.requestIdentify(3, new AbortController().signal);
    await reconnect();
    expect(orchestrator.peer.of('identifyRequest')).toEqual([{ kind: 'identifyRequest', shardId: 3 }]);
    await say({ kind: 'identifyGranted', shardId: 3 });
    const { coordinated, finished } = await permit;
    expect(coordinated).toBe(true);
    finished(true);
    finished(false);
    await clock.run(10);
    expect(orchestrator.peer.of('identifyFinished')).toEqual([{ kind: 'identifyFinished', shardId: 3, ready: true }]);
    await close(node, clock);
  });

  test('can be cancelled by whoever waits for them', async () => {
    const { node, host, orchestrator, start, clock } = await world();
    await start();
    const controller = new AbortController();
    const permit = host.context!.requestIdentify(3, controller.signal);
    controller.abort(new Error('stopped'));
    await expect(permit).rejects.toThrow('stopped');
    await clock.run(10);
    expect(orchestrator.peer.of('identifyFinished')).toEqual([{ kind: 'identifyFinished', shardId: 3, ready: false }]);
    await close(node, clock);
  });

  test('are refused when the node leaves', async () => {
    const { node, host, start, clock } = await world();
    await start();
    const permit = host.context!.requestIdentify(3, new AbortController().signal);
    const refused = expect(permit).rejects.toMatchObject({ code: 'DSO_NODE_CLOSED' });
    await close(node, clock);
    await refused;
  });
});

describe('leaving', () => {
  test('gives the sessions in its answer on the orchestrator’s word, then closes, and the process goes on', async () => {
    const { node, host, orchestrator, start, say, clock } = await world();
    await start();
    await say({ kind: 'startShards', shardIds: [1, 2] });
    await say({ kind: 'shutdown', final: false, sessions: [] });
    await clock.run(5_000);
    expect(await node.closed).toEqual({ asked: 'orchestrator', final: false, acknowledged: false });
    expect(orchestrator.peer.of('shutdown')[0]?.sessions).toEqual([
      { shardId: 1, ...SESSION },
      { shardId: 2, ...SESSION },
    ]);
    expect(orchestrator.peer.closed).toBe(true);
    expect(host.calls.at(-1)).toBe('shutdown');
    expect(clock.pending()).toBe(0);
  });

  test('ends once when the bot asks for it twice while the orchestrator is away', async () => {
    const { node, orchestrator, start, say, clock } = await world();
    await start();
    await say({ kind: 'startShards', shardIds: [1] });
    await orchestrator.close();
    await clock.run(1_000);
    const both = Promise.all([node.close(), node.close()]);
    await clock.run(30_000);
    await both;
    expect(await node.closed).toEqual({ asked: 'bot', final: false, acknowledged: false });
    await expect(node.start()).rejects.toMatchObject({ code: 'DSO_NODE_CLOSED' });
    expect(clock.pending()).toBe(0);
  });

  test('ends also when the node was never established', async () => {
    const { node, orchestrator, start, clock } = await world(null);
    await start();
    await close(node, clock);
    await expect(node.established).rejects.toMatchObject({ code: 'DSO_NODE_CLOSED' });
    await clock.run(20_000);
    expect(orchestrator.peers).toHaveLength(1);
  });

  test('a node cannot be started twice', async () => {
    const { node, start, clock } = await world();
    await start();
    await expect(node.start()).rejects.toMatchObject({ code: 'DSO_NODE_STARTED_TWICE' });
    await close(node, clock);
  });
});
