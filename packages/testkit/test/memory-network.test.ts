import { describe, expect, test } from 'vitest';
import type { ByteStream, CloseReason } from '@dshard/transport';
import { memoryNetwork, seededRandom, virtualClock } from '@dshard/testkit';
import type { MemoryNetwork, MemoryNetworkOptions, VirtualClock } from '@dshard/testkit';

const ADDRESS = '10.0.0.1:7447';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

type Watched = { stream: ByteStream; text: string; drains: number; closes: CloseReason[] };

function watch(stream: ByteStream): Watched {
  const watched: Watched = { stream, text: '', drains: 0, closes: [] };
  stream.handle({
    onData: (chunk) => (watched.text += new TextDecoder().decode(chunk)),
    onDrain: () => watched.drains++,
    onClose: (reason) => watched.closes.push(reason),
  });
  return watched;
}

type World = {
  clock: VirtualClock;
  network: MemoryNetwork;
  accepted: ByteStream[];
  connect: (member?: string) => Promise<ByteStream>;
};

async function world(options: Omit<MemoryNetworkOptions, 'clock'> = {}): Promise<World> {
  const clock = virtualClock();
  const network = memoryNetwork({ clock, ...options });
  const accepted: ByteStream[] = [];
  await network.listen(ADDRESS, (stream) => accepted.push(stream));
  const connect = async (member = ''): Promise<ByteStream> => {
    const connecting = network.member(member).connect(ADDRESS, { timeoutMs: 1000 });
    await clock.run(100);
    return connecting;
  };
  return { clock, network, accepted, connect };
}

async function pair(options: Omit<MemoryNetworkOptions, 'clock'> = {}): Promise<World & { a: Watched; b: Watched }> {
  const made = await world(options);
  const a = watch(await made.connect());
  return { ...made, a, b: watch(made.accepted[0]!) };
}

describe('a stream in memory', () => {
  test('carries bytes in order, after the delay and not before', async () => {
    const { clock, a, b } = await pair({ delayMs: 20 });
    a.stream.write(bytes('one '));
    a.stream.write(bytes('two'));
    await clock.run(19);
    expect(b.text).toBe('');
    await clock.run(1);
    expect(b.text).toBe('one two');
  });

  test('keeps the order under jitter', async () => {
    const { clock, a, b } = await pair({ delayMs: 1, jitterMs: 30, random: seededRandom(3) });
    let sent = '';
    for (let index = 0; index < 50; index++) {
      sent += `${index},`;
      a.stream.write(bytes(`${index},`));
      await clock.run(1);
    }
    await clock.run(100);
    expect(b.text).toBe(sent);
  });

  test('copies what is written, so that the writer may use its buffer again', async () => {
    const { clock, a, b } = await pair();
    const memory = bytes('kept');
    a.stream.write(memory);
    memory.fill(0);
    await clock.run(1);
    expect(b.text).toBe('kept');
  });

  test('holds the writer back while the reader pauses', async () => {
    const { clock, a, b } = await pair({ highWaterBytes: 10 });
    b.stream.pause();
    expect(a.stream.write(bytes('12345'))).toBe(true);
    expect(a.stream.write(bytes('67890'))).toBe(false);
    await clock.run(10);
    expect([b.text, a.drains, a.stream.bufferedBytes]).toEqual(['', 0, 10]);
    b.stream.resume();
    await clock.run(10);
    expect([b.text, a.drains, a.stream.bufferedBytes]).toEqual(['1234567890', 1, 0]);
  });

  test('that ends delivers what it holds, then closes both sides cleanly', async () => {
    const { clock, network, a, b } = await pair({ delayMs: 5 });
    a.stream.write(bytes('last words'));
    a.stream.end();
    expect(a.stream.write(bytes('too late'))).toBe(false);
    await clock.run(20);
    expect(b.text).toBe('last words');
    expect([a.closes, b.closes]).toEqual([[{}], [{}]]);
    expect([network.openConnections(), clock.pending()]).toEqual([0, 0]);
  });

  test('that is destroyed drops what it holds, which the peer sees as a reset', async () => {
    const { clock, a, b } = await pair({ delayMs: 5 });
    a.stream.write(bytes('lost'));
    a.stream.destroy();
    await clock.run(20);
    expect(b.text).toBe('');
    expect(a.closes).toEqual([{}]);
    expect(b.closes[0]?.error).toMatchObject({ code: 'ECONNRESET' });
  });

  test('delivers nothing before it is handled', async () => {
    const { clock, accepted, connect } = await world();
    const a = await connect();
    a.write(bytes('early'));
    a.end();
    await clock.run(10);
    const b = watch(accepted[0]!);
    await clock.run(10);
    expect([b.text, b.closes]).toEqual(['early', [{}]]);
  });
});

describe('faults of the network in memory', () => {
  test('a cut is silent, hits the member only, and stays after the mending', async () => {
    const { clock, network, accepted, connect } = await world();
    const web = watch(await connect('web'));
    const other = watch(await connect('other'));
    const servers = accepted.map(watch);
    network.cut('web');
    web.stream.write(bytes('into the void'));
    other.stream.write(bytes('heard'));
    servers[0]!.stream.write(bytes('and back'));
    await clock.run(1000);
    expect(servers.map(({ text }) => text)).toEqual(['', 'heard']);
    expect([web.text, web.closes, servers[0]!.closes]).toEqual(['', [], []]);

    const blocked = network.member('web').connect(ADDRESS, { timeoutMs: 500 });
    const refused = expect(blocked).rejects.toMatchObject({ code: 'DSO_CONNECT_TIMEOUT' });
    await clock.run(500);
    await refused;

    network.mend('web');
    web.stream.write(bytes('still nothing'));
    const again = await connect('web');
    again.write(bytes('hello'));
    const server = watch(accepted[2]!);
    await clock.run(10);
    expect([servers[0]!.text, server.text]).toEqual(['', 'hello']);
  });

  test('whoever listens is cut off by its address, in one direction as it sees it', async () => {
    const { clock, network, accepted, connect } = await world();
    const web = watch(await connect('web'));
    const server = watch(accepted[0]!);
    network.cut(ADDRESS, 'out');
    server.stream.write(bytes('into the void'));
    web.stream.write(bytes('heard'));
    await clock.run(10);
    expect([web.text, server.text]).toEqual(['', 'heard']);

    const blocked = network.member('other').connect(ADDRESS, { timeoutMs: 500 });
    const refused = expect(blocked).rejects.toMatchObject({ code: 'DSO_CONNECT_TIMEOUT' });
    await clock.run(500);
    await refused;
    network.mend(ADDRESS);
    await expect(connect('other')).resolves.toBeDefined();
  });

  test('a reset is seen by both ends of the connection', async () => {
    const { clock, network, a, b } = await pair();
    network.reset();
    await clock.run(0);
    for (const side of [a, b]) expect(side.closes[0]?.error).toMatchObject({ code: 'ECONNRESET' });
    expect(network.openConnections()).toBe(0);
  });
});

describe('connecting and listening', () => {
  test('a refused, an aborted and an invalid attempt say so, with the address', async () => {
    const { clock, network } = await world();
    const controller = new AbortController();
    const attempts = Promise.allSettled([
      network.connect('10.0.0.1:1', { timeoutMs: 1000 }),
      network.connect(ADDRESS, { timeoutMs: 1000, signal: controller.signal }),
      network.connect('nowhere', { timeoutMs: 1000 }),
    ]);
    controller.abort();
    await clock.run(10);
    expect(await attempts).toMatchObject([
      { reason: { code: 'DSO_CONNECT_REFUSED', message: 'Cannot connect to 10.0.0.1:1: nobody listens there.' } },
      { reason: { code: 'DSO_CONNECT_ABORTED' } },
      { reason: { code: 'DSO_ADDRESS_INVALID' } },
    ]);
    expect(clock.pending()).toBe(0);
  });

  test('a port is taken once, given when 0 is asked for, and free after the close', async () => {
    const { network } = await world();
    await expect(network.listen(ADDRESS, () => undefined)).rejects.toMatchObject({ code: 'DSO_PORT_TAKEN' });
    const first = await network.listen('127.0.0.1:0', () => undefined);
    const second = await network.listen('127.0.0.1:0', () => undefined);
    expect(first.address).not.toBe(second.address);
    await first.close();
    expect((await network.listen(first.address, () => undefined)).address).toBe(first.address);
  });

  test('loopback is told from the address', async () => {
    const { network, clock, connect } = await world();
    expect((await connect()).loopback).toBe(false);
    const { address } = await network.listen('127.0.0.1:0', () => undefined);
    const connecting = network.connect(address, { timeoutMs: 10 });
    await clock.run(1);
    expect((await connecting).loopback).toBe(true);
  });
});

describe('a cut in one direction', () => {
  test('swallows what the member sends, and nothing else', async () => {
    const { clock, network, accepted, connect } = await world({ delayMs: 5 });
    const a = watch(await connect('web-1'));
    const b = watch(accepted[0]!);
    network.cut('web-1', 'out');
    a.stream.write(bytes('lost'));
    b.stream.write(bytes('heard'));
    await clock.run(10);
    expect([a.text, b.text]).toEqual(['heard', '']);
    await expectTimeout(connect('web-1'), clock);
  });
});

async function expectTimeout(connecting: Promise<ByteStream>, clock: VirtualClock): Promise<void> {
  const outcome = expect(connecting).rejects.toMatchObject({ code: 'DSO_CONNECT_TIMEOUT' });
  await clock.run(2000);
  await outcome;
}
