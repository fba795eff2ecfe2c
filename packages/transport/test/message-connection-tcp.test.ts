/** Message connections over real sockets, and over a network that misbehaves. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Message } from '@dshard/protocol';
import { openMessageConnection, tcpTransport } from '@dshard/transport';
import type { ConnectionEnd, Listener, MessageConnection, MessageConnectionOptions } from '@dshard/transport';
import { FaultProxy, leakGuard, until } from '@dshard/testkit';

leakGuard({ beforeEach, afterEach });

type Side = { connection: MessageConnection; messages: Message[]; drains: number; ends: ConnectionEnd[] };

const BYE: ConnectionEnd = { code: 'DSO_TEST', message: 'Enough.' };
const transport = tcpTransport({ lingerMs: 200 });

let listener: Listener;
let proxy: FaultProxy;
let servers: Side[];
let clients: Side[];
let serverOptions: MessageConnectionOptions;

function watch(connection: MessageConnection): Side {
  const side: Side = { connection, messages: [], drains: 0, ends: [] };
  connection.handle({
    onMessage: (message) => side.messages.push(message),
    onDrain: () => side.drains++,
    onClose: (end) => side.ends.push(end),
  });
  connection.established();
  return side;
}

beforeEach(async () => {
  servers = [];
  clients = [];
  serverOptions = {};
  listener = await transport.listen('127.0.0.1:0', (stream) => {
    servers.push(watch(openMessageConnection(stream, serverOptions)));
  });
  proxy = await FaultProxy.to(listener.address);
});

afterEach(async () => {
  for (const { connection } of [...servers, ...clients]) connection.destroy(BYE);
  await proxy.close();
  await listener.close();
});

async function pair(address = listener.address, options: MessageConnectionOptions = {}): Promise<{ a: Side; b: Side }> {
  const a = watch(openMessageConnection(await transport.connect(address, { timeoutMs: 5000 }), options));
  clients.push(a);
  await until(() => servers.length === clients.length, { what: 'the server to accept' });
  return { a, b: servers.at(-1)! };
}

function shardsOf(side: Side): number[] {
  return side.messages.map((message) => (message.kind === 'startMigration' ? message.shardId : -1));
}

test('thousands of messages arrive in order, both ways at once', async () => {
  const { a, b } = await pair();
  const wanted = Array.from({ length: 5000 }, (_, index) => index);
  for (const shardId of wanted) {
    a.connection.send({ kind: 'startMigration', shardId });
    b.connection.send({ kind: 'startMigration', shardId });
  }
  await until(() => a.messages.length === 5000 && b.messages.length === 5000, { what: 'all messages' });
  expect(shardsOf(a)).toEqual(wanted);
  expect(shardsOf(b)).toEqual(wanted);
});

test('what was sent before a close arrives, then both sides know', async () => {
  const { a, b } = await pair();
  const body = new Uint8Array(2 * 1024 * 1024).fill(7);
  a.connection.send({ kind: 'userEvent', eventId: 100, body });
  a.connection.send({ kind: 'startMigration', shardId: 1 });
  a.connection.close(BYE);
  await until(() => a.ends.length === 1 && b.ends.length === 1, { what: 'both ends' });
  expect(b.messages.map(({ kind }) => kind)).toEqual(['userEvent', 'startMigration']);
  expect([a.ends, b.ends]).toMatchObject([[BYE], [{ code: 'DSO_CONNECTION_CLOSED' }]]);
});

test('a sender that heeds send and onDrain keeps its memory bounded against a slow line', async () => {
  proxy.set({ bytesPerSecond: 20_000_000 });
  const { a, b } = await pair(proxy.address, { highWaterBytes: 100_000, maxBufferedBytes: 200_000 });
  const body = new Uint8Array(20_000);
  let sent = 0;
  while (sent < 200) {
    const drains = a.drains;
    sent++;
    if (!a.connection.send({ kind: 'userEvent', eventId: 100, body })) {
      await until(() => a.drains > drains, { what: 'the drain' });
    }
  }
  await until(() => b.messages.length === 200, { what: 'all messages' });
  expect(a.drains).toBeGreaterThan(5);
  expect(a.ends).toEqual([]);
});

test('a peer that does not read is cut off at the bound', async () => {
  const { a, b } = await pair(listener.address, { maxBufferedBytes: 1_000_000 });
  b.connection.pauseReading();
  const body = new Uint8Array(100_000);
  await until(
    () => {
      a.connection.send({ kind: 'userEvent', eventId: 100, body });
      return a.ends.length === 1;
    },
    { what: 'the cut' },
  );
  expect(a.ends[0]?.code).toBe('DSO_SLOW_PEER');
});

test('a half-open connection ends within the linger time when it is closed', async () => {
  const { a, b } = await pair(proxy.address);
  proxy.set({ swallow: true });
  a.connection.send({ kind: 'startMigration', shardId: 1 });
  a.connection.close(BYE);
  await until(() => a.ends.length === 1, { what: 'the end' });
  expect(a.ends).toEqual([BYE]);
  expect([b.messages, b.ends]).toEqual([[], []]);
});

test('a reset in the middle of traffic ends both sides, and what came before it was whole and in order', async () => {
  const { a, b } = await pair(proxy.address);
  for (let shardId = 0; shardId < 2000; shardId++) a.connection.send({ kind: 'startMigration', shardId });
  await until(() => b.messages.length > 0, { what: 'the first message' });
  proxy.reset();
  await until(() => a.ends.length === 1 && b.ends.length === 1, { what: 'both ends' });
  expect(a.ends[0]?.code).toBe('DSO_CONNECTION_LOST');
  expect(shardsOf(b)).toEqual(Array.from({ length: b.messages.length }, (_, index) => index));
});

test('garbage closes the connection it came on, and the listener lives on', async () => {
  const garbage = await transport.connect(listener.address, { timeoutMs: 5000 });
  garbage.handle({ onData: () => undefined, onDrain: () => undefined, onClose: () => undefined });
  garbage.write(new TextEncoder().encode('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'));
  await until(() => servers[0]?.ends.length === 1, { what: 'the end' });
  expect(servers[0]?.ends[0]?.code).toBe('DSO_FRAME_TOO_LARGE');
  garbage.destroy();

  servers = [];
  const { a, b } = await pair();
  a.connection.send({ kind: 'startMigration', shardId: 1 });
  await until(() => b.messages.length === 1, { what: 'the message' });
});
