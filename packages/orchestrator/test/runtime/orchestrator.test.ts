/** The whole orchestrator, real domain included, with hand-written nodes: over the memory network, and over TCP. */
import { createConnection } from 'node:net';
import { LOGIC_VERSION } from '@dshard/protocol';
import { memoryNetwork, seededRandom, until, virtualClock } from '@dshard/testkit';
import { parseAddress, systemClock, systemRandom, tcpTransport } from '@dshard/transport';
import type { Address } from '@dshard/transport';
import { afterEach, describe, expect, test } from 'vitest';
import type { OrchestratorOptions } from '../../src/runtime/contract.js';
import { createOrchestrator } from '../../src/runtime/orchestrator.js';
import type { Orchestrator } from '../../src/runtime/contract.js';
import { scriptedNode } from './scripted-node.js';
import type { ScriptedNode, ScriptedNodeOptions } from './scripted-node.js';
import { alone } from './alone.js';
import { inOrder } from './live-node.js';
import { settings } from './settings.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Who runs which shard, in words. */
function shardsOf(orchestrator: Orchestrator): string[] {
  return orchestrator.state.shards.map((shard) => ('node' in shard ? `${shard.kind} on ${shard.node}` : shard.kind));
}

function numbered(count: number, bytes: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => {
    const body = new Uint8Array(bytes);
    new DataView(body.buffer).setUint32(0, i);
    return body;
  });
}

function numbersOf(node: ScriptedNode): number[] {
  return node.received
    .filter((message) => message.kind === 'userEvent')
    .map(({ body }) => new DataView(body.buffer, body.byteOffset).getUint32(0));
}

describe('over the memory network', () => {
  async function fleet(more: Partial<OrchestratorOptions> = {}) {
    const clock = virtualClock();
    const network = memoryNetwork({ clock });
    const options: OrchestratorOptions = {
      ...alone(),
      listen: '127.0.0.1:7447',
      clock,
      random: seededRandom(1),
      transport: network,
      ...more,
    };
    const orchestrator = createOrchestrator(options);
    await orchestrator.start();
    const node = async (nodeId: string, nodeOptions: Partial<ScriptedNodeOptions> = {}): Promise<ScriptedNode> => {
      const connecting = scriptedNode(nodeId, { transport: network, address: orchestrator.address, ...nodeOptions });
      await clock.run(0);
      const connected = await connecting;
      await clock.run(100);
      return connected;
    };
    return { clock, network, options, orchestrator, node };
  }

  test('a node is told the total, and starts what nobody runs', async () => {
    const { orchestrator, node, clock } = await fleet();
    const a = await node('a');
    expect(a.received[0]).toMatchObject({ kind: 'identified', totalShards: 4, nodeId: 'a' });
    await clock.run(60_000);
    expect(shardsOf(orchestrator)).toEqual(Array.from({ length: 4 }, () => 'running on a'));
    expect(a.shards).toEqual(new Set([0, 1, 2, 3]));
    expect(orchestrator.history().map(({ name }) => name)).toContain('nodeJoined');
  });

  test.each([
    ['a wrong token', { token: 'guess' }, 'DSO_TOKEN_REFUSED'],
    ['no token', {}, 'DSO_TOKEN_REFUSED'],
    ['another version of the protocol', { token: 'secret', logicVersion: LOGIC_VERSION + 1 }, 'DSO_LOGIC_VERSION'],
  ])('a node with %s is refused with a code, and harms nobody', async (_what, hello, code) => {
    const { orchestrator, node, clock } = await fleet({ token: 'secret' });
    const refused = await node('refused', hello);
    const good = await node('good', { token: 'secret' });
    await clock.run(60_000);
    expect(refused.receivedOf('rejected')).toEqual([expect.objectContaining({ code })]);
    expect(refused.end).not.toBeNull();
    expect(good.end).toBeNull();
    expect(shardsOf(orchestrator)).toContain('running on good');
    const history = JSON.stringify(orchestrator.history());
    expect(history).not.toContain('guess');
    expect(history).not.toContain('secret');
  });

  test('a peer that names capabilities, but not "auth-hmac", has to prove the token on loopback, too', async () => {
    const { orchestrator, node, clock } = await fleet({ token: 'secret' });
    const refused = await node('refused', { capabilities: ['heartbeat', 'calls'], host: null, pid: null });
    await clock.run(60_000);
    expect(refused.end).not.toBeNull();
    expect(refused.received).toEqual([expect.objectContaining({ kind: 'rejected', code: 'DSO_TOKEN_REFUSED' })]);
    expect(orchestrator.history().map(({ name }) => name)).toContain('nodeRefused');
    expect(JSON.stringify(shardsOf(orchestrator))).not.toContain('refused');
  });

  test('a base-level peer, which can prove no token, is let in only where it is allowed, on loopback, too', async () => {
    const hello = { capabilities: [], host: null, pid: null };
    const closed = await fleet({ token: 'secret' });
    const refused = await closed.node('base', hello);
    await closed.clock.run(60_000);
    expect(refused.end).not.toBeNull();
    expect(refused.received).toEqual([]);
    expect(JSON.stringify(closed.orchestrator.history())).toContain('allowBaseLevelPeers');
    expect(JSON.stringify(shardsOf(closed.orchestrator))).not.toContain('base');

    const { orchestrator, node, clock } = await fleet({
      token: 'secret',
      settings: settings({ allowBaseLevelPeers: true }),
    });
    const base = await node('base', hello);
    await clock.run(60_000);
    expect(base.received[0]).toMatchObject({ kind: 'identified', totalShards: 4 });
    expect(shardsOf(orchestrator)).toContain('running on base');
  });

  test.each([
    ['extended', {}],
    ['base-level', { capabilities: [] }],
  ])('a shard moves between %s nodes with its user events in order', async (_level, hello) => {
    const { orchestrator, node, clock } = await fleet();
    const a = await node('a', { ...hello, runningShards: [0, 1, 2, 3], totalShards: 4, userEvents: numbered(500, 40) });
    const b = await node('b', hello);
    const moved = orchestrator.command({ kind: 'migrateShard', shard: 2, destination: 'b' });
    await clock.run(1_000);
    await expect(moved).resolves.toMatchObject({ ok: true });
    expect(numbersOf(b)).toEqual(inOrder(500));
    expect([...a.shards]).toEqual([0, 1, 3]);
    expect([...b.shards]).toEqual([2]);
    expect(shardsOf(orchestrator)).toEqual(['running on a', 'running on a', 'running on b', 'running on a']);
  });

  test('a second connection of a node replaces the first, and what is left of the first is dropped', async () => {
    const { orchestrator, node, clock } = await fleet();
    const hello = { runningShards: [0, 1, 2, 3], totalShards: 4 };
    const first = await node('a', hello);
    const second = await node('a', hello);
    first.connection.send({ kind: 'stopShard', shardId: 1, session: null });
    await clock.run(1_000);
    expect(first.end).not.toBeNull();
    expect(second.end).toBeNull();
    expect(shardsOf(orchestrator)).toEqual(Array.from({ length: 4 }, () => 'running on a'));
  });

  test('the next run of the orchestrator learns from its nodes, and starts nothing twice', async () => {
    const { orchestrator, options, node, clock } = await fleet();
    const before = await node('a');
    await clock.run(60_000);
    const closing = orchestrator.close('leave');
    await clock.run(5_000);
    await closing;
    expect(before.end).not.toBeNull();

    const next = createOrchestrator(options);
    await next.start();
    const after = await node('a', { runningShards: [...before.shards], totalShards: 4 });
    await clock.run(60_000);
    expect(after.receivedOf('startShards')).toEqual([]);
    expect(shardsOf(next)).toEqual(Array.from({ length: 4 }, () => 'running on a'));
  });

  test('the end of the fleet tells nodes to shut down for good, and leaves no timer', async () => {
    const { orchestrator, node, clock, network } = await fleet();
    const a = await node('a', { runningShards: [0, 1, 2, 3], totalShards: 4 });
    const closing = orchestrator.close('end');
    await clock.run(60_000);
    await closing;
    expect(a.receivedOf('shutdown')).toEqual([expect.objectContaining({ final: true })]);
    expect(network.openConnections()).toBe(0);
    expect(clock.pending()).toBe(0);
  });
});

describe('over TCP', () => {
  const transport = tcpTransport();

  async function fleet(more: Partial<OrchestratorOptions> = {}) {
    const orchestrator = createOrchestrator({
      ...alone(),
      listen: '127.0.0.1:0',
      clock: systemClock(),
      random: systemRandom(),
      transport,
      ...more,
    });
    await orchestrator.start();
    cleanups.push(() => orchestrator.close('leave'));
    const node = async (nodeId: string, options: Partial<ScriptedNodeOptions> = {}): Promise<ScriptedNode> => {
      const connected = await scriptedNode(nodeId, { transport, address: orchestrator.address, ...options });
      cleanups.push(async () => connected.connection.destroy({ code: 'TEST', message: 'over' }));
      await until(() => connected.received.length > 0, { what: `${nodeId} to be identified` });
      return connected;
    };
    return { orchestrator, node };
  }

  /** Resolves when the other side has closed the connection. */
  function garbage(address: Address, bytes: Uint8Array | string): Promise<void> {
    return new Promise((resolve) => {
      const socket = createConnection(parseAddress(address), () => socket.write(bytes));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
      socket.resume();
    });
  }

  test('garbage on the port closes just that connection, and is counted', async () => {
    const { orchestrator, node } = await fleet();
    const a = await node('a', { runningShards: [0, 1, 2, 3], totalShards: 4 });
    await Promise.all([
      garbage(orchestrator.address, 'GET / HTTP/1.1\r\nHost: example.org\r\n\r\n'),
      garbage(orchestrator.address, new Uint8Array(100_000).fill(0xff)),
      garbage(orchestrator.address, Uint8Array.of(10, 0, 0, 0, 0, 0, 0, 0)),
    ]);
    const counted = (): number =>
      Object.values(orchestrator.figures().violations).reduce((sum, count) => sum + count, 0);
    await until(() => counted() === 3, { what: 'three violations to be counted' });
    expect(Object.keys(orchestrator.figures().violations).every((code) => code.startsWith('DSO_'))).toBe(true);
    expect(a.end).toBeNull();
    const b = await node('b');
    await expect(orchestrator.command({ kind: 'migrateShard', shard: 0, destination: 'b' })).resolves.toMatchObject({
      ok: true,
    });
    expect([...b.shards]).toEqual([0]);
  });

  test('a slow destination slows its origin down: everything arrives, in order, and little is held', async () => {
    const events = numbered(2_000, 30_000);
    const { orchestrator, node } = await fleet();
    const a = await node('a', { runningShards: [0, 1, 2, 3], totalShards: 4, userEvents: events });
    const b = await node('b');
    const moved = orchestrator.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
    await until(() => numbersOf(b).length > 0, { what: 'the first user event' });
    b.connection.pauseReading();
    // 60 MB were sent; most of it cannot leave the origin while the destination does not read.
    let waiting = -1;
    await until(
      () => {
        const before = waiting;
        waiting = a.connection.bufferedBytes;
        return waiting === before;
      },
      { what: 'the flow to stand still' },
    );
    expect(waiting).toBeGreaterThan(20_000_000);
    b.connection.resumeReading();
    await expect(moved).resolves.toMatchObject({ ok: true });
    expect(numbersOf(b)).toEqual(inOrder(events.length));
  });

  test('an origin that dies while it is held back does not lose the shard, and the destination lives', async () => {
    const { orchestrator, node } = await fleet();
    const a = await node('a', { runningShards: [0, 1, 2, 3], totalShards: 4, userEvents: numbered(2_000, 30_000) });
    const b = await node('b');
    const moved = orchestrator.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
    await until(() => numbersOf(b).length > 0, { what: 'the first user event' });
    b.connection.pauseReading();
    a.connection.destroy({ code: 'TEST', message: 'killed' });
    await expect(moved).resolves.toMatchObject({ ok: false });
    b.connection.resumeReading();
    await until(() => orchestrator.state.migrations.size === 0, { what: 'the migration to end' });
    expect(b.end).toBeNull();
  });
});
