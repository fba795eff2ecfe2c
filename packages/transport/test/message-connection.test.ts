import { describe, expect, test } from 'vitest';
import { encodeMessage } from '@dshard/protocol';
import type { Message } from '@dshard/protocol';
import { openMessageConnection } from '@dshard/transport';
import type { ByteStream, ConnectionEnd, MessageConnection, MessageConnectionOptions } from '@dshard/transport';
import { memoryNetwork, virtualClock } from '@dshard/testkit';
import type { MemoryNetwork, VirtualClock } from '@dshard/testkit';

const ADDRESS = '127.0.0.1:7447';
const BYE: ConnectionEnd = { code: 'DSO_TEST', message: 'Enough.' };

/** A message of about `bytes` bytes; `eventId` tells them apart. */
function userEvent(eventId: number, bytes = 1): Message {
  return { kind: 'userEvent', eventId, body: new Uint8Array(bytes).fill(eventId % 256) };
}

function idsOf(messages: readonly Message[]): number[] {
  return messages.map((message) => (message.kind === 'userEvent' ? message.eventId : -1));
}

type Side = {
  connection: MessageConnection;
  messages: Message[];
  drains: number;
  unknown: number[];
  ends: ConnectionEnd[];
};

function watch(connection: MessageConnection, onMessage?: (message: Message, side: Side) => void): Side {
  const side: Side = { connection, messages: [], drains: 0, unknown: [], ends: [] };
  connection.handle({
    onMessage: (message) => {
      side.messages.push(message);
      onMessage?.(message, side);
    },
    onDrain: () => side.drains++,
    onUnknownEvent: (eventId) => side.unknown.push(eventId),
    onClose: (end) => side.ends.push(end),
  });
  return side;
}

type World = { clock: VirtualClock; network: MemoryNetwork; client: ByteStream; server: ByteStream };

async function connectedStreams(): Promise<World> {
  const clock = virtualClock();
  const network = memoryNetwork({ clock, delayMs: 1 });
  let server: ByteStream | undefined;
  await network.listen(ADDRESS, (stream) => (server = stream));
  const connecting = network.connect(ADDRESS, { timeoutMs: 1000 });
  await clock.run(10);
  return { clock, network, client: await connecting, server: server! };
}

async function connectedPair(
  options: { client?: MessageConnectionOptions; server?: MessageConnectionOptions } = {},
  onServerMessage?: (message: Message, side: Side) => void,
): Promise<World & { a: Side; b: Side }> {
  const world = await connectedStreams();
  const a = watch(openMessageConnection(world.client, options.client));
  const b = watch(openMessageConnection(world.server, options.server), onServerMessage);
  return { ...world, a, b };
}

describe('messages', () => {
  test('arrive whole and in order, both ways', async () => {
    const { clock, a, b } = await connectedPair();
    for (let id = 100; id < 150; id++) a.connection.send(userEvent(id, id));
    b.connection.send({ kind: 'startMigration', shardId: 7 });
    await clock.run(10);

    expect(idsOf(b.messages)).toEqual(Array.from({ length: 50 }, (_, index) => 100 + index));
    expect(a.messages).toEqual([{ kind: 'startMigration', shardId: 7 }]);
  });

  test('go out in one write when they are of one turn, and large ones go out by themselves', async () => {
    const { client, clock } = await connectedStreams();
    const writes: number[] = [];
    const counting = new Proxy(client, {
      get: (target, key) => {
        if (key === 'write') {
          return (bytes: Uint8Array) => {
            writes.push(bytes.length);
            return target.write(bytes);
          };
        }
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const connection = openMessageConnection(counting);
    for (let count = 0; count < 10; count++) connection.send(userEvent(100, 92));
    connection.send(userEvent(101, 100_000));
    connection.send(userEvent(102, 92));
    expect(writes).toEqual([]);
    await clock.run(0);
    expect(writes).toEqual([1000, 100_008, 100]);
  });

  test('are told of and ignored when their id is unknown', async () => {
    const { clock, client, server } = await connectedStreams();
    const b = watch(openMessageConnection(server));
    client.write(Uint8Array.of(99, 0, 0, 0, 2, 0, 0, 0, 0xff, 0xff));
    client.write(encodeMessage(userEvent(100)));
    await clock.run(10);

    expect(b.unknown).toEqual([99]);
    expect(idsOf(b.messages)).toEqual([100]);
    expect(b.ends).toEqual([]);
  });

  test('are refused to the sender when they break a bound of the protocol, and the connection lives on', async () => {
    const { clock, a, b } = await connectedPair({ client: { maxFrameBytes: 1000 } });
    expect(() => a.connection.send({ kind: 'startMigration', shardId: -1 })).toThrow(/startMigration\.ShardID is -1/);
    expect(() => a.connection.send(userEvent(100, 1001))).toThrow(/1001 bytes cannot be sent; 1000 are allowed/);
    a.connection.send(userEvent(101));
    await clock.run(10);
    expect(idsOf(b.messages)).toEqual([101]);
  });
});

describe('a peer that breaks the protocol', () => {
  test.each([
    ['a frame beyond the limit', Uint8Array.of(1, 0, 0, 0, 255, 255, 255, 255), 'DSO_FRAME_TOO_LARGE'],
    ['a body that is no MessagePack', Uint8Array.of(11, 0, 0, 0, 1, 0, 0, 0, 0xc1), 'DSO_BODY_MALFORMED'],
    ['a missing field', Uint8Array.of(11, 0, 0, 0, 1, 0, 0, 0, 0x80), 'DSO_FIELD_MISSING'],
  ])('loses its connection, and no other does, when it sends %s', async (_, bytes, code) => {
    const world = await connectedStreams();
    const b = watch(openMessageConnection(world.server));
    const others: ByteStream[] = [];
    await world.network.listen('127.0.0.1:7448', (stream) => others.push(stream));
    const connecting = world.network.connect('127.0.0.1:7448', { timeoutMs: 1000 });
    await world.clock.run(10);
    const other = { a: watch(openMessageConnection(await connecting)), b: watch(openMessageConnection(others[0]!)) };

    world.client.write(bytes);
    world.client.write(encodeMessage(userEvent(100)));
    await world.clock.run(5000);
    other.a.connection.send(userEvent(101));
    await world.clock.run(10);

    expect(b.messages).toEqual([]);
    expect(b.ends).toEqual([expect.objectContaining({ code })]);
    expect(idsOf(other.b.messages)).toEqual([101]);
  });

  test('has its first frame held to the smaller limit until it is known, also within one chunk', async () => {
    const limits = { maxFirstFrameBytes: 10, maxFrameBytes: 1000 };
    const accepting = await connectedPair({ server: limits }, (_, side) => side.connection.established());
    accepting.a.connection.send(userEvent(100, 10));
    accepting.a.connection.send(userEvent(101, 1000));
    accepting.a.connection.send(userEvent(102, 1001));
    await accepting.clock.run(10);
    expect(idsOf(accepting.b.messages)).toEqual([100, 101]);
    expect(accepting.b.ends[0]?.code).toBe('DSO_FRAME_TOO_LARGE');

    const silent = await connectedPair({ server: limits });
    silent.a.connection.send(userEvent(100, 11));
    await silent.clock.run(10);
    expect(silent.b.messages).toEqual([]);
    expect(silent.b.ends[0]?.message).toBe('A frame with event id 100 announces 11 bytes; 10 are allowed.');
  });
});

describe('backpressure', () => {
  test('send says when to hold back, and onDrain when to go on', async () => {
    const { clock, a, b } = await connectedPair({
      client: { highWaterBytes: 10_000 },
      server: { maxFirstFrameBytes: 60_000 },
    });
    expect(a.connection.send(userEvent(100, 9_000))).toBe(true);
    expect(a.connection.send(userEvent(101, 9_000))).toBe(false);
    expect(a.connection.bufferedBytes).toBe(18_016);
    await clock.run(10);
    expect(a.drains).toBe(1);
    expect(a.connection.bufferedBytes).toBe(0);
    expect(idsOf(b.messages)).toEqual([100, 101]);
  });

  test('a reader that pauses holds the sender back, and loses nothing', async () => {
    const { clock, a, b } = await connectedPair({ client: { highWaterBytes: 100_000 } }, (_, side) => {
      if (side.messages.length === 1) side.connection.pauseReading();
    });
    for (let id = 100; id < 110; id++) a.connection.send(userEvent(id, 30_000));
    await clock.run(10);
    expect(idsOf(b.messages)).toEqual([100]);
    expect(a.drains).toBe(0);
    expect(a.connection.bufferedBytes).toBeGreaterThan(200_000);

    b.connection.resumeReading();
    await clock.run(10);
    expect(idsOf(b.messages)).toEqual([100, 101, 102, 103, 104, 105, 106, 107, 108, 109]);
    expect(a.drains).toBe(1);
  });

  test('messages of one chunk wait while reading is paused in the middle of it', async () => {
    const { clock, a, b } = await connectedPair({}, (_, side) => side.connection.pauseReading());
    for (let id = 100; id < 103; id++) a.connection.send(userEvent(id));
    a.connection.close(BYE);
    for (let expected = 1; expected <= 3; expected++) {
      await clock.run(10);
      expect(b.messages.length).toBe(expected);
      expect(b.ends).toEqual([]);
      b.connection.resumeReading();
    }
    await clock.run(10);
    expect(b.ends).toEqual([expect.objectContaining({ code: 'DSO_CONNECTION_CLOSED' })]);
  });

  test('reading that was paused before the connection was handled is paused from the start', async () => {
    const { clock, client, server } = await connectedStreams();
    const a = openMessageConnection(client);
    const paused = openMessageConnection(server);
    paused.pauseReading();
    const b = watch(paused);
    a.send(userEvent(100, 5_000));
    await clock.run(10);
    expect([b.messages.length, a.bufferedBytes]).toEqual([0, 5_008]);
    paused.resumeReading();
    await clock.run(10);
    expect([b.messages.length, a.bufferedBytes]).toEqual([1, 0]);
  });

  test('a peer that does not read is cut off at the bound', async () => {
    const { clock, a, b } = await connectedPair({ client: { maxBufferedBytes: 100_000 } });
    b.connection.pauseReading();
    for (let id = 100; id < 200; id++) {
      a.connection.send(userEvent(id, 3_000));
      await clock.run(1);
    }
    expect(a.ends).toEqual([
      {
        code: 'DSO_SLOW_PEER',
        message: '127.0.0.1:7447 reads too slowly: 102272 bytes are waiting for it, and 100000 are allowed.',
      },
    ]);
    expect(a.connection.bufferedBytes).toBe(0);
    expect(a.connection.send(userEvent(100))).toBe(false);
  });
});

describe('the end', () => {
  test('comes after what was sent, with the reason of each side, when one of them closes', async () => {
    const { clock, network, a, b } = await connectedPair();
    a.connection.send(userEvent(100));
    a.connection.close(BYE);
    a.connection.close({ code: 'DSO_LATER', message: 'Not told.' });
    expect(a.connection.send(userEvent(101))).toBe(false);
    await clock.run(10);

    expect(idsOf(b.messages)).toEqual([100]);
    expect(b.ends).toEqual([
      { code: 'DSO_CONNECTION_CLOSED', message: expect.stringMatching(/closed the connection\.$/) },
    ]);
    expect(a.ends).toEqual([BYE]);
    expect(network.openConnections()).toBe(0);
    expect(clock.pending()).toBe(0);
  });

  test('comes within the linger time when the peer is gone without a word', async () => {
    const { clock, network, a, b } = await connectedPair();
    network.cut();
    a.connection.close(BYE);
    await clock.run(1000);
    expect(a.ends).toEqual([]);
    await clock.run(1000);
    expect(a.ends).toEqual([BYE]);
    expect(b.ends).toEqual([]);
  });

  test('drops what was not sent when it comes by a destroy', async () => {
    const { clock, a, b } = await connectedPair();
    a.connection.send(userEvent(100));
    a.connection.destroy(BYE);
    await clock.run(10);
    expect(b.messages).toEqual([]);
    expect(a.ends).toEqual([BYE]);
    expect(b.ends.length).toBe(1);
  });

  test('is told as lost, with its cause, when it comes by a reset', async () => {
    const { clock, network, a, b } = await connectedPair();
    network.reset();
    await clock.run(0);
    for (const side of [a, b]) {
      expect(side.ends).toEqual([
        expect.objectContaining({
          code: 'DSO_CONNECTION_LOST',
          cause: expect.objectContaining({ code: 'ECONNRESET' }),
        }),
      ]);
    }
  });

  test('is told as lost when it comes in the middle of a message', async () => {
    const { clock, client, server } = await connectedStreams();
    const b = watch(openMessageConnection(server));
    client.write(encodeMessage(userEvent(100, 50)).subarray(0, 20));
    client.end();
    await clock.run(10);
    expect(b.ends).toEqual([
      {
        code: 'DSO_CONNECTION_LOST',
        message: expect.stringMatching(/closed the connection in the middle of a message/),
      },
    ]);
  });

  test('is told also to handlers that are set after it', async () => {
    const { clock, client, server } = await connectedStreams();
    const early = openMessageConnection(client);
    early.destroy(BYE);
    await clock.run(10);
    const a = watch(early);
    const b = watch(openMessageConnection(server));
    await clock.run(10);
    expect(a.ends).toEqual([BYE]);
    expect(b.ends.length).toBe(1);
  });

  test('stops delivery at once, even within a chunk', async () => {
    const { clock, a, b } = await connectedPair({}, (_, side) => side.connection.close(BYE));
    a.connection.send(userEvent(100));
    a.connection.send(userEvent(101));
    await clock.run(10);
    expect(idsOf(b.messages)).toEqual([100]);
    expect(b.ends).toEqual([BYE]);
  });

  test('comes for a connection whose message our own handler failed on, and for no other', async () => {
    const fault = new Error('a defect of ours');
    const { clock, a, b } = await connectedPair({}, () => {
      throw fault;
    });
    a.connection.send(userEvent(100));
    a.connection.send(userEvent(101));
    await clock.run(10);
    expect(idsOf(b.messages)).toEqual([100]);
    expect(b.ends).toEqual([
      { code: 'DSO_HANDLER_FAILED', message: expect.stringMatching(/failed: a defect of ours$/), cause: fault },
    ]);
  });
});
