/** The door, without a domain behind it: memory network, virtual time, hand-written peers. */
import { encodeMessage } from '@dshard/protocol';
import type { Identify, Message } from '@dshard/protocol';
import { memoryNetwork, seededRandom, virtualClock } from '@dshard/testkit';
import { openMessageConnection } from '@dshard/transport';
import type { ConnectionEnd, MessageConnection } from '@dshard/transport';
import { describe, expect, test } from 'vitest';
import { Connections } from '../../src/runtime/connections.js';
import type { ConnectionsOptions } from '../../src/runtime/connections.js';
import { bareIdentify, identify } from './peer.js';

const ADDRESS = '127.0.0.1:7447';
const A_PROOF: Message = { kind: 'proof', mac: new Uint8Array(32), identify: new Uint8Array(0) };
const userEvent = (body: Uint8Array): Message => ({ kind: 'userEvent', eventId: 100, body });

type Peer = { connection: MessageConnection; received: Message[]; end: ConnectionEnd | null };

async function door(more: Partial<ConnectionsOptions> = {}, delayMs = 0) {
  const clock = virtualClock();
  const network = memoryNetwork({ clock });
  const identified: { id: string; message: Identify }[] = [];
  const messages: { id: string; message: Message }[] = [];
  const closed: { id: string; code: string }[] = [];
  const violations: string[] = [];
  const unknown: number[] = [];
  const route: { to: string | null } = { to: null };
  const connections = new Connections({
    runId: 'run',
    clock,
    limits: { maxConnections: 100 },
    token: null,
    random: seededRandom(1),
    onIdentify: (id, message) => identified.push({ id, message }),
    onMessage: (id, message) => {
      messages.push({ id, message });
      if (route.to !== null) connections.send(route.to, message, id);
    },
    onUnknownEvent: (_id, eventId) => unknown.push(eventId),
    onClosed: (id, { code }) => closed.push({ id, code }),
    onViolation: (_remote, { code }) => {
      violations.push(code);
      return delayMs;
    },
    ...more,
  });
  await network.listen(ADDRESS, (stream) => connections.accept(stream));

  const rawPeer = async () => {
    const connecting = network.connect(ADDRESS, { timeoutMs: 1_000 });
    await clock.run(0);
    return connecting;
  };
  const peer = async (): Promise<Peer> => {
    const connection = openMessageConnection(await rawPeer());
    const opened: Peer = { connection, received: [], end: null };
    connection.handle({
      onMessage: (message) => opened.received.push(message),
      onClose: (end) => {
        opened.end = end;
      },
    });
    return opened;
  };
  const node = async (nodeId: string): Promise<Peer & { id: string }> => {
    const opened = await peer();
    opened.connection.send(identify(nodeId));
    await clock.run(0);
    const id = identified.at(-1)?.id ?? 'none';
    return Object.assign(opened, { id });
  };
  return { clock, network, connections, identified, messages, closed, violations, unknown, route, rawPeer, peer, node };
}

describe('the first message', () => {
  test('is an Identify, which is passed on, and what follows too, in order', async () => {
    const { node, identified, messages, clock, closed } = await door();
    const { connection, id } = await node('a');
    for (const shardId of [1, 2, 3]) connection.send({ kind: 'startMigration', shardId });
    await clock.run(0);
    expect(identified.map(({ message }) => message.nodeId)).toEqual(['a']);
    expect(
      messages.map(({ id: from, message }) => [from, message.kind === 'startMigration' && message.shardId]),
    ).toEqual([
      [id, 1],
      [id, 2],
      [id, 3],
    ]);
    connection.close({ code: 'X', message: 'done' });
    await clock.run(10_000);
    expect(closed).toEqual([{ id, code: 'DSO_CONNECTION_CLOSED' }]);
    expect(clock.pending()).toBe(0);
  });

  test.each<[string, (peer: Peer) => void, string]>([
    [
      'another message',
      ({ connection }) => void connection.send({ kind: 'startShards', shardIds: [1] }),
      'DSO_IDENTIFY_EXPECTED',
    ],
    ['a user event', ({ connection }) => void connection.send(userEvent(new Uint8Array(1))), 'DSO_IDENTIFY_EXPECTED'],
    ['silence', () => undefined, 'DSO_IDENTIFY_TIMEOUT'],
  ])('closes the connection when it is %s, and nobody else hears of it', async (_what, act, code) => {
    const { peer, clock, violations, identified, messages, closed, network } = await door();
    const stranger = await peer();
    act(stranger);
    await clock.run(9_999);
    expect(stranger.end === null).toBe(code === 'DSO_IDENTIFY_TIMEOUT');
    await clock.run(1);
    expect(stranger.end?.code).toBe('DSO_CONNECTION_CLOSED');
    expect(violations).toEqual([code]);
    expect([identified, messages, closed]).toEqual([[], [], []]);
    expect(network.openConnections()).toBe(0);
    expect(clock.pending()).toBe(0);
  });

  test.each<[string, Uint8Array]>([
    ['an HTTP request', new TextEncoder().encode('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['a huge length', Uint8Array.of(1, 0, 0, 0, 255, 255, 255, 255)],
    ['an Identify that is none', Uint8Array.of(1, 0, 0, 0, 1, 0, 0, 0, 0xc1)],
    ['an unknown event', Uint8Array.of(99, 0, 0, 0, 0, 0, 0, 0)],
  ])('closes just that connection when it is %s', async (_what, bytes) => {
    const { rawPeer, node, clock, violations, connections } = await door();
    const good = await node('good');
    const stream = await rawPeer();
    let over = false;
    stream.handle({ onData: () => undefined, onDrain: () => undefined, onClose: () => (over = true) });
    stream.write(bytes);
    await clock.run(0);
    expect(over).toBe(true);
    expect(violations).toHaveLength(1);
    expect(violations[0]).toMatch(/^DSO_/);
    connections.send(good.id, { kind: 'startMigration', shardId: 5 }, null);
    await clock.run(0);
    expect(good.received).toHaveLength(1);
  });

  test.each<[string, string | null, Message[], string]>([
    ['the answer to the challenge', 'secret', [bareIdentify('a')], 'DSO_IDENTIFY_TIMEOUT'],
    ['the answer, after a second Identify', 'secret', [bareIdentify('a'), identify('a')], 'DSO_PROOF_EXPECTED'],
    ['a challenge, because it sent a proof first', 'secret', [A_PROOF], 'DSO_IDENTIFY_EXPECTED'],
  ])('is followed by nothing else than %s, in the same 10 s', async (_what, token, messages, code) => {
    const { peer, clock, violations, identified, network } = await door({ token });
    const stranger = await peer();
    for (const message of messages) stranger.connection.send(message);
    await clock.run(10_000);
    expect(stranger.end).not.toBeNull();
    expect(violations).toEqual([code]);
    expect(identified).toEqual([]);
    expect([network.openConnections(), clock.pending()]).toEqual([0, 0]);
  });

  test('is no violation when it never comes, because the peer only looks in and leaves', async () => {
    const { peer, clock, violations } = await door();
    const { connection } = await peer();
    connection.close({ code: 'X', message: 'bye' });
    await clock.run(0);
    expect(violations).toEqual([]);
    expect(clock.pending()).toBe(0);
  });
});

describe('bounds', () => {
  test('the oldest of too many unidentified connections is closed, so that a node always gets in', async () => {
    const { peer, node, violations } = await door({ limits: { maxUnidentified: 64 } });
    const strangers: Peer[] = [];
    for (let i = 0; i < 64; i++) strangers.push(await peer());
    const { end, id } = await node('a');
    expect(end).toBeNull();
    expect(id).not.toBe('none');
    expect(violations).toEqual(['DSO_TOO_MANY_CONNECTIONS']);
    expect(strangers.filter((stranger) => stranger.end !== null)).toEqual([strangers[0]]);
  });

  test('no more connections than maxConnections are open', async () => {
    const { node, peer, clock, violations, closed } = await door({ limits: { maxConnections: 2 } });
    const first = await node('a');
    await node('b');
    const third = await peer();
    await clock.run(0);
    expect(third.end).not.toBeNull();
    expect(violations).toEqual(['DSO_TOO_MANY_CONNECTIONS']);
    first.connection.close({ code: 'X', message: 'bye' });
    await clock.run(0);
    expect(closed).toHaveLength(1);
    await expect(node('c')).resolves.toMatchObject({ end: null });
  });
});

describe('bounds of one address', () => {
  test('no more connections than maxPerAddress are open from one', async () => {
    const { node, peer, clock, violations } = await door({ limits: { maxPerAddress: 2 } });
    const first = await node('a');
    await node('b');
    const third = await peer();
    await clock.run(0);
    expect(third.end).not.toBeNull();
    expect(violations).toEqual(['DSO_TOO_MANY_CONNECTIONS']);
    first.connection.close({ code: 'X', message: 'bye' });
    await clock.run(0);
    await expect(node('c')).resolves.toMatchObject({ end: null });
  });

  test('of too many that wait for their close the first is closed', async () => {
    const { peer, clock, network } = await door({}, 30_000);
    const strangers: Peer[] = [];
    for (let i = 0; i < 17; i++) {
      const stranger = await peer();
      stranger.connection.send({ kind: 'startMigration', shardId: 1 });
      strangers.push(stranger);
      await clock.run(1);
    }
    expect(strangers.map(({ end }) => end !== null)).toEqual(strangers.map((_, index) => index === 0));
    await clock.run(30_000);
    expect(strangers.every(({ end }) => end !== null)).toBe(true);
    expect(clock.pending()).toBe(0);
    void network;
  });
});

describe('a list of shards', () => {
  /** The story: a list of 250,000 ids in a fleet of a few shards kept the orchestrator busy for 11 s. */
  test('longer than the fleet ends its connection, and the domain does not hear of it', async () => {
    const { node, clock, messages, violations, closed } = await door({ maxShards: () => 4 });
    const { connection } = await node('a');
    connection.send({ kind: 'startShards', shardIds: [0, 1, 2, 3] });
    connection.send({ kind: 'startShards', shardIds: [0, 0, 0, 0, 0] });
    await clock.run(1);
    expect(messages).toHaveLength(1);
    expect(violations).toEqual(['DSO_FIELD_RANGE']);
    expect(closed).toMatchObject([{ code: 'DSO_FIELD_RANGE' }]);
  });
});

describe('a node that breaks a rule', () => {
  test('has ended for the fleet at once, and waits for its close', async () => {
    const { node, clock, closed } = await door({ maxShards: () => 1 }, 5_000);
    const { connection, id } = await node('a');
    connection.send({ kind: 'startShards', shardIds: [0, 0] });
    await clock.run(1);
    expect(closed).toEqual([{ id, code: 'DSO_FIELD_RANGE' }]);
    connection.send({ kind: 'startShards', shardIds: [0] });
    await clock.run(10_000);
    expect(closed).toHaveLength(1);
    expect(clock.pending()).toBe(0);
  });
});

test('an unknown event of an identified node is told and ignored', async () => {
  const { rawPeer, clock, unknown, identified, violations, connections } = await door();
  const stream = await rawPeer();
  let bytes = 0;
  stream.handle({ onData: (chunk) => (bytes += chunk.length), onDrain: () => undefined, onClose: () => undefined });
  stream.write(encodeMessage(identify('a')));
  stream.write(Uint8Array.of(98, 0, 0, 0, 0, 0, 0, 0));
  await clock.run(0);
  expect(unknown).toEqual([98]);
  connections.send(identified[0]?.id ?? 'none', { kind: 'startMigration', shardId: 1 }, null);
  await clock.run(0);
  expect(bytes).toBeGreaterThan(0);
  expect(violations).toEqual([]);
});

describe('after we closed a connection', () => {
  test('what the peer still sends is dropped; the end is told once, with our code', async () => {
    const { node, connections, clock, messages, closed, violations } = await door();
    const { id, connection } = await node('a');
    connection.send({ kind: 'startMigration', shardId: 1 });
    connections.close(id, { code: 'DSO_REPLACED', message: 'replaced' });
    connections.close(id, { code: 'DSO_OTHER', message: 'again' });
    await clock.run(10_000);
    expect(messages).toEqual([]);
    expect(closed).toEqual([{ id, code: 'DSO_REPLACED' }]);
    expect(violations).toEqual([]);
  });

  test('closeAll waits for all, and cuts off who does not answer', async () => {
    const { node, connections, clock, network, closed } = await door();
    await node('a');
    await node('b');
    network.cut();
    let over = false;
    void connections.closeAll({ code: 'DSO_LEAVING', message: 'leaving' }, 1_000).then(() => (over = true));
    await clock.run(999);
    expect(over).toBe(false);
    await clock.run(1);
    expect(over).toBe(true);
    expect(closed.map(({ code }) => code)).toEqual(['DSO_LEAVING', 'DSO_LEAVING']);
    await expect(connections.closeAll({ code: 'X', message: 'X' }, 3_000)).resolves.toBeUndefined();
  });
});

describe('user events through a slow destination', () => {
  const CHUNK = new Uint8Array(10_000);
  const EVENTS = 1_000;

  /** Two nodes; what the first sends is passed on to the second, as the domain would do it. */
  async function passing() {
    const setup = await door({ limits: { connection: { highWaterBytes: 50_000 } } });
    const origin = await setup.node('origin');
    const destination = await setup.node('destination');
    setup.route.to = destination.id;
    return { ...setup, origin, destination };
  }

  test('everything arrives, in order, and little is held meanwhile', async () => {
    const { origin, destination, clock } = await passing();
    destination.connection.pauseReading();
    for (let i = 0; i < EVENTS; i++) {
      const body = CHUNK.slice();
      new DataView(body.buffer).setUint32(0, i);
      origin.connection.send(userEvent(body));
    }
    await clock.run(500);
    // The destination reads nothing: the origin's events stay with the origin.
    expect(origin.connection.bufferedBytes).toBeGreaterThan((EVENTS - 50) * CHUNK.length);
    destination.connection.resumeReading();
    await clock.run(5_000);
    const order = destination.received.map((message) =>
      message.kind === 'userEvent' ? new DataView(message.body.buffer, message.body.byteOffset).getUint32(0) : -1,
    );
    expect(order).toEqual(Array.from({ length: EVENTS }, (_, i) => i));
  });

  test('a destination that goes away frees its origin', async () => {
    const { origin, destination, connections, clock } = await passing();
    destination.connection.pauseReading();
    for (let i = 0; i < EVENTS; i++) origin.connection.send(userEvent(CHUNK));
    await clock.run(100);
    expect(origin.connection.bufferedBytes).toBeGreaterThan(0);
    connections.close(destination.id, { code: 'DSO_GONE', message: 'gone' });
    await clock.run(100);
    expect(origin.connection.bufferedBytes).toBe(0);
  });
});
