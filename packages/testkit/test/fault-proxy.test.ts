import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock, tcpTransport } from '@dshard/transport';
import type { ByteStream, CloseReason, Listener } from '@dshard/transport';
import { FaultProxy, leakGuard, until } from '@dshard/testkit';

leakGuard({ beforeEach, afterEach });

type Watched = { stream: ByteStream; text: string; bytes: number; closes: CloseReason[] };

function watch(stream: ByteStream): Watched {
  const watched: Watched = { stream, text: '', bytes: 0, closes: [] };
  stream.handle({
    onData: (chunk) => {
      watched.bytes += chunk.length;
      watched.text = (watched.text + Buffer.from(chunk).toString('latin1')).slice(-100);
    },
    onDrain: () => undefined,
    onClose: (reason) => watched.closes.push(reason),
  });
  return watched;
}

const transport = tcpTransport({ lingerMs: 200 });
const clock = systemClock();
const TIMEOUT = { timeoutMs: 5000 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let listener: Listener;
let proxy: FaultProxy;
let servers: Watched[];
let clients: Watched[];

beforeEach(async () => {
  servers = [];
  clients = [];
  listener = await transport.listen('127.0.0.1:0', (stream) => servers.push(watch(stream)));
  proxy = await FaultProxy.to(listener.address);
});

afterEach(async () => {
  for (const { stream } of [...servers, ...clients]) stream.destroy();
  await proxy.close();
  await listener.close();
});

async function pair(): Promise<{ client: Watched; server: Watched }> {
  const before = servers.length;
  const client = watch(await transport.connect(proxy.address, TIMEOUT));
  clients.push(client);
  await until(() => servers.length > before, { what: 'the server to accept' });
  return { client, server: servers[before]! };
}

test('without faults it passes everything on, ends included', async () => {
  const { client, server } = await pair();
  client.stream.write(bytes('ping'));
  server.stream.write(bytes('pong'));
  await until(() => server.text === 'ping' && client.text === 'pong', { what: 'both' });
  client.stream.end();
  await until(() => server.closes.length === 1 && client.closes.length === 1, { what: 'both closes' });
  expect([...client.closes, ...server.closes]).toEqual([{}, {}]);
  await until(() => proxy.connections === 0, { what: 'the proxy to forget the connection' });
});

test('latency delays bytes and keeps their order', async () => {
  proxy.set({ latencyMs: 60 });
  const { client, server } = await pair();
  const start = clock.monotonicMs();
  for (const part of ['a', 'b', 'c']) client.stream.write(bytes(part));
  await until(() => server.text === 'abc', { what: 'the bytes' });
  expect(clock.monotonicMs() - start).toBeGreaterThanOrEqual(59);
});

/** More than the buffers of the operating system take on the way. */
const TOO_MANY_MEGABYTES = 64;

/** Writes whenever there is room, until there is none for many polls in a row: the megabytes that went. */
async function megabytesUntilHeldBack(client: Watched): Promise<number> {
  const megabyte = new Uint8Array(1024 * 1024);
  let written = 0;
  let pollsWithoutRoom = 0;
  const heldBack = (): boolean => {
    if (client.stream.bufferedBytes > 0) return ++pollsWithoutRoom > 50;
    pollsWithoutRoom = 0;
    client.stream.write(megabyte);
    return ++written >= TOO_MANY_MEGABYTES;
  };
  await until(heldBack, { what: 'the sender to be held back' });
  return written;
}

test('a slow line slows the sender down', async () => {
  proxy.set({ bytesPerSecond: 400_000 });
  const { client } = await pair();
  expect(await megabytesUntilHeldBack(client)).toBeLessThan(TOO_MANY_MEGABYTES);
});

test('a server that does not read slows the sender down', async () => {
  const { client, server } = await pair();
  server.stream.pause();
  expect(await megabytesUntilHeldBack(client)).toBeLessThan(TOO_MANY_MEGABYTES);
});

test('a slow line passes so many bytes a second and no more', async () => {
  proxy.set({ bytesPerSecond: 2_000_000 });
  const { client, server } = await pair();
  const start = clock.monotonicMs();
  client.stream.write(new Uint8Array(400_000));
  await until(() => server.bytes === 400_000, { what: 'the bytes' });
  expect(clock.monotonicMs() - start).toBeGreaterThanOrEqual(180);
});

test('a pause holds bytes back, and the healing lets them go', async () => {
  const { client, server } = await pair();
  proxy.set({ paused: true });
  client.stream.write(bytes('held'));
  const other = await transport.connect(listener.address, TIMEOUT);
  clients.push(watch(other));
  other.write(bytes('direct'));
  await until(() => servers.some(({ text }) => text === 'direct'), { what: 'bytes around the proxy' });
  expect(server.text).toBe('');
  proxy.heal();
  await until(() => server.text === 'held', { what: 'the bytes' });
});

test('a half-open connection swallows bytes and ends, and nobody is told', async () => {
  const { client, server } = await pair();
  proxy.set({ swallow: true });
  client.stream.write(bytes('lost'));
  client.stream.end();
  // The client gives up by itself after its linger time.
  await until(() => client.closes.length === 1, { what: 'the client to give up' });
  expect([server.text, server.closes]).toEqual(['', []]);
});

test('a reset is seen by both ends as one, a drop as a close', async () => {
  const first = await pair();
  proxy.reset();
  await until(() => first.client.closes.length === 1 && first.server.closes.length === 1, { what: 'both closes' });
  for (const side of [first.client, first.server]) expect(side.closes[0]?.error).toMatchObject({ code: 'ECONNRESET' });

  const second = await pair();
  proxy.drop();
  await until(() => second.client.closes.length === 1 && second.server.closes.length === 1, { what: 'both closes' });
  for (const side of [second.client, second.server]) expect(side.closes).toEqual([{}]);
});

test('it refuses new connections on command, and keeps the old ones', async () => {
  const { client, server } = await pair();
  proxy.set({ refuse: true });
  const refused = await transport.connect(proxy.address, TIMEOUT).then(watch, () => null);
  if (refused !== null) await until(() => refused.closes.length === 1, { what: 'the refusal' });
  client.stream.write(bytes('still here'));
  await until(() => server.text === 'still here', { what: 'the bytes' });
  expect(servers.length).toBe(1);
  proxy.heal();
  await pair();
});

test('a server that is not there is a reset to the client', async () => {
  await listener.close();
  const client = watch(await transport.connect(proxy.address, TIMEOUT));
  clients.push(client);
  await until(() => client.closes.length === 1, { what: 'the close' });
});
