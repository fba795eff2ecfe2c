import { connect as netConnect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseAddress, tcpTransport, TransportError } from '@dshard/transport';
import type { ByteStream, CloseReason, Listener } from '@dshard/transport';
import { leakGuard, until, virtualClock } from '@dshard/testkit';

leakGuard({ beforeEach, afterEach });

const transport = tcpTransport();
const TIMEOUT = { timeoutMs: 5_000 };

/** Closed after each test, streams first. */
const open: { streams: ByteStream[]; listeners: Listener[]; sockets: Socket[] } = {
  streams: [],
  listeners: [],
  sockets: [],
};
afterEach(async () => {
  for (const stream of open.streams.splice(0)) stream.destroy();
  for (const socket of open.sockets.splice(0)) socket.destroy();
  await Promise.all(open.listeners.splice(0).map((listener) => listener.close()));
});

async function listen(address = '127.0.0.1:0', using = transport): Promise<Listener & { accepted: ByteStream[] }> {
  const accepted: ByteStream[] = [];
  const listener = await using.listen(address, (stream) => {
    accepted.push(stream);
    open.streams.push(stream);
  });
  open.listeners.push(listener);
  return { ...listener, accepted };
}

async function connect(address: string): Promise<ByteStream> {
  const stream = await transport.connect(address, TIMEOUT);
  open.streams.push(stream);
  return stream;
}

type Watched = { stream: ByteStream; bytes: number; text: string; drains: number; closes: CloseReason[] };

function watch(stream: ByteStream): Watched {
  const watched: Watched = { stream, bytes: 0, text: '', drains: 0, closes: [] };
  stream.handle({
    onData: (chunk) => {
      watched.bytes += chunk.length;
      if (watched.text.length < 1000) watched.text += Buffer.from(chunk).toString('latin1');
    },
    onDrain: () => watched.drains++,
    onClose: (reason) => watched.closes.push(reason),
  });
  return watched;
}

async function pair(using = transport): Promise<{ a: ByteStream; b: ByteStream }> {
  const listener = await listen('127.0.0.1:0', using);
  const a = await using.connect(listener.address, TIMEOUT);
  open.streams.push(a);
  await until(() => listener.accepted.length === 1, { what: 'the connection to be accepted' });
  return { a, b: listener.accepted[0]! };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a stream', () => {
  test('knows its peer, and carries bytes both ways', async () => {
    const { a, b } = await pair();
    const [left, right] = [watch(a), watch(b)];
    a.write(bytes('hello '));
    a.write(bytes('world'));
    b.write(bytes('and back'));
    await until(() => right.text === 'hello world' && left.text === 'and back', { what: 'the bytes' });
    expect(a.loopback).toBe(true);
    expect(b.loopback).toBe(true);
    expect(a.remote).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(parseAddress(b.remote).host).toBe('127.0.0.1');
  });

  test('delivers nothing before it is handled, and everything then', async () => {
    const { a, b } = await pair();
    a.write(bytes('early'));
    a.end();
    const right = watch(b);
    await until(() => right.closes.length === 1, { what: 'the close' });
    expect(right.text).toBe('early');
    expect(right.closes).toEqual([{}]);
  });

  test('delivers nothing until it is resumed when it was paused before it is handled', async () => {
    const first = await pair();
    const second = await pair();
    first.b.pause();
    const right = watch(first.b);
    const other = watch(second.b);
    first.a.write(bytes('held'));
    // What is written later to another stream has arrived: so would this have.
    for (let round = 1; round <= 5; round++) {
      second.a.write(bytes('x'));
      await until(() => other.bytes === round, { what: 'the other stream' });
    }
    expect(right.text).toBe('');
    first.b.resume();
    await until(() => right.text === 'held', { what: 'the bytes' });
  });

  test('holds the writer back while the reader pauses, and tells when to go on', async () => {
    const { a, b } = await pair();
    const [left, right] = [watch(a), watch(b)];
    b.pause();
    const chunk = new Uint8Array(256 * 1024);
    let written = 0;
    const windowFull = (): boolean => {
      a.write(chunk);
      written++;
      return a.bufferedBytes > 4 * chunk.length;
    };
    await until(windowFull, { what: 'the window to be full' });
    expect(right.bytes).toBeLessThan(written * chunk.length);
    const drainsBefore = left.drains;
    b.resume();
    await until(() => right.bytes === written * chunk.length, { what: 'all bytes' });
    await until(() => left.drains > drainsBefore && a.bufferedBytes === 0, { what: 'the drain' });
  });

  test('sends what it holds first when it is ended', async () => {
    const { a, b } = await pair();
    const [left, right] = [watch(a), watch(b)];
    const big = new Uint8Array(8 * 1024 * 1024);
    a.write(big);
    a.end();
    expect(a.write(bytes('too late'))).toBe(false);
    await until(() => left.closes.length === 1 && right.closes.length === 1, { what: 'both closes' });
    expect(right.bytes).toBe(big.length);
    expect([...left.closes, ...right.closes]).toEqual([{}, {}]);
  });

  test('reads on for the peer’s close when it is ended while paused, and leaves no timer behind', async () => {
    // The clock stands still: only the peer's close can end it, not the linger time.
    const clock = virtualClock();
    const { a, b } = await pair(tcpTransport({ clock }));
    const [left, right] = [watch(a), watch(b)];
    a.pause();
    b.write(new Uint8Array(1024 * 1024));
    a.end();
    await until(() => left.closes.length === 1 && right.closes.length === 1, { what: 'both closes' });
    expect([...left.closes, ...right.closes]).toEqual([{}, {}]);
    expect(clock.pending()).toBe(0);
  });

  test('gives up on a peer that never closes when it is ended', async () => {
    const clock = virtualClock();
    const peer = createServer({ allowHalfOpen: true }, (socket) => open.sockets.push(socket));
    await new Promise<void>((resolve) => peer.listen(0, '127.0.0.1', resolve));
    const { port } = peer.address() as AddressInfo;
    const a = await tcpTransport({ clock, lingerMs: 500 }).connect(`127.0.0.1:${port}`, TIMEOUT);
    const left = watch(a);
    a.end();
    await until(() => open.sockets.length === 1, { what: 'the peer to accept' });
    expect(left.closes).toEqual([]);
    clock.advance(500);
    await until(() => left.closes.length === 1, { what: 'the close' });
    expect(clock.pending()).toBe(0);
    await new Promise<void>((resolve) => {
      for (const socket of open.sockets) socket.destroy();
      peer.close(() => resolve());
    });
  });

  test('closes at once when it is destroyed, and tells also handlers that are set later', async () => {
    const { a, b } = await pair();
    a.destroy();
    a.destroy();
    await until(() => !a.write(bytes('x')), { what: 'the stream to be closed' });
    const [left, right] = [watch(a), watch(b)];
    await until(() => left.closes.length === 1 && right.closes.length === 1, { what: 'both closes' });
    expect(a.bufferedBytes).toBe(0);
  });

  test('says that it was reset when it was', async () => {
    const listener = await listen();
    const socket = netConnect(parseAddress(listener.address));
    await until(() => listener.accepted.length === 1, { what: 'the connection to be accepted' });
    const right = watch(listener.accepted[0]!);
    socket.resetAndDestroy();
    await until(() => right.closes.length === 1, { what: 'the close' });
    expect(right.closes[0]?.error).toMatchObject({ code: 'ECONNRESET' });
  });

  test('takes handlers once, and refuses others with an error', async () => {
    const { a } = await pair();
    watch(a);
    expect(() => watch(a)).toThrow(/is handled already/);
  });
});

describe('a listener', () => {
  test('gives the port back at once when it closes, and its streams live on', async () => {
    const { a, b } = await pair();
    const [listener] = open.listeners;
    const { address } = listener!;
    const right = watch(b);
    await Promise.all([listener!.close(), listener!.close()]);
    const again = await listen(address);
    expect(again.address).toBe(address);
    a.write(bytes('still here'));
    await until(() => right.text === 'still here', { what: 'the bytes' });
  });

  test('listens on an IPv6 address, and knows that ::1 is loopback', async () => {
    const listener = await listen('[::1]:0');
    expect(listener.address).toMatch(/^\[::1\]:\d+$/);
    const stream = await connect(listener.address);
    expect(stream.loopback).toBe(true);
  });
});

describe('errors of TCP name the address and the way out:', () => {
  async function failure(attempt: Promise<unknown>): Promise<TransportError> {
    const error: unknown = await attempt.then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(TransportError);
    return error as TransportError;
  }

  test('where nobody listens, the attempt says so and may be made again', async () => {
    const listener = await listen();
    await listener.close();
    const error = await failure(transport.connect(listener.address, TIMEOUT));
    expect(error).toMatchObject({ code: 'DSO_CONNECT_REFUSED', retryable: true });
    expect(error.message).toBe(`Cannot connect to ${listener.address}: nobody listens there.`);
    expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('where the port is taken, they say which one it is', async () => {
    const { address } = await listen();
    const error = await failure(transport.listen(address, () => undefined));
    expect(error).toMatchObject({ code: 'DSO_PORT_TAKEN', retryable: false });
    expect(error.message).toBe(`Cannot listen on ${address}: another process listens there already.`);
  });

  test('where the address is not one of this machine, they say so', async () => {
    const error = await failure(transport.listen('192.0.2.1:7447', () => undefined));
    expect(error.code).toBe('DSO_ADDRESS_NOT_OURS');
    expect(error.message).toContain('192.0.2.1:7447');
  });

  test('where the attempt takes too long, they say how long it took', async () => {
    const clock = virtualClock();
    const { address } = await listen();
    const attempt = failure(tcpTransport({ clock }).connect(address, { timeoutMs: 250 }));
    // In this turn, before the system could have answered.
    clock.advance(250);
    const error = await attempt;
    expect(error.code).toBe('DSO_CONNECT_TIMEOUT');
    expect(error.message).toBe(`Cannot connect to ${address}: it did not answer within 250 ms.`);
  });

  test('where the caller aborts the attempt, before or meanwhile, its reason is the cause', async () => {
    const { address } = await listen();
    const controller = new AbortController();
    const meanwhile = failure(transport.connect(address, { ...TIMEOUT, signal: controller.signal }));
    controller.abort(new Error('stopping'));
    const before = failure(transport.connect(address, { ...TIMEOUT, signal: controller.signal }));
    for (const error of await Promise.all([meanwhile, before])) {
      expect(error).toMatchObject({ code: 'DSO_CONNECT_ABORTED', cause: new Error('stopping') });
      expect(error.message).toContain(address);
    }
  });

  test('where the address is no address, nothing is tried', async () => {
    expect((await failure(transport.connect('nowhere', TIMEOUT))).code).toBe('DSO_ADDRESS_INVALID');
    expect((await failure(transport.connect('127.0.0.1:0', TIMEOUT))).code).toBe('DSO_ADDRESS_INVALID');
    expect((await failure(transport.listen('nowhere', () => undefined))).code).toBe('DSO_ADDRESS_INVALID');
  });
});
