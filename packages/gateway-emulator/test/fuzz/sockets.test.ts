/**
 * The real socket against clients that do anything: it never crashes, and ends in a documented close code, or the code
 * of RFC 6455 where the websocket itself is broken, or the client's own.
 */
import { connect } from 'node:net';
import { leakGuard, until } from '@dshard/testkit';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { closeCodes } from '../../src/core/discord.js';
import type { GatewayEmulator } from '../../src/emulator.js';
import { startGatewayEmulator } from '../../src/emulator.js';
import { RawClient } from '../server/raw-client.js';
import type { Frame } from './frame-client.js';
import { encodeFrame, FrameClient, textFrame } from './frame-client.js';

leakGuard({ beforeEach, afterEach });

let gateway: GatewayEmulator;
beforeEach(async () => {
  gateway = await startGatewayEmulator({ guilds: 1, identifyWindowMs: 0, sessionStartLimit: 1_000_000 });
});
afterEach(async () => {
  // Whatever was done to it, it still serves.
  const client = new RawClient(gateway.url);
  await client.identify(gateway.token);
  await client.cut();
  await gateway.close();
});

const portOf = (): number => Number(new URL(gateway.url).port);
const documented: readonly number[] = Object.values(closeCodes);
/** Protocol error. */
const rfc6455 = [1002];
const heartbeat = JSON.stringify({ op: 1, d: null });

/**
 * Sends bytes, then a heartbeat; waits for its answer, a close frame or the end. Returns the code of the close frame.
 */
async function outcomeOf(chunks: readonly Uint8Array[]): Promise<number | 'answered' | 'ended'> {
  const client = new FrameClient(portOf());
  await until(() => client.texts.length > 0, { what: 'HELLO' });
  for (const chunk of chunks) client.write(chunk);
  client.write(encodeFrame(textFrame(heartbeat)));
  const isAnswered = (): boolean => client.texts.some((text) => text.includes('"op":11'));
  const settled = (): boolean => isAnswered() || client.closeCode !== null || client.ended;
  try {
    await until(settled, { what: 'an outcome', timeoutMs: 150 });
  } catch {
    // A frame that announced more than came has swallowed the heartbeat, or the machine is slow: the end of the stream
    // settles it.
    client.end();
    await until(settled, { what: 'an outcome' });
  }
  const outcome = client.closeCode ?? (isAnswered() ? 'answered' : 'ended');
  await client.gone();
  return outcome;
}

describe('gateway payloads', () => {
  const payload = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary', maxLength: 6_000 }),
    fc.uint8Array({ maxLength: 6_000 }),
    fc.json(),
    fc.record({ op: fc.integer({ min: -1, max: 50 }), d: fc.jsonValue() }).map((value) => JSON.stringify(value)),
    fc.constantFrom(
      '[['.repeat(2_000),
      `{"op":1,"d":${'9'.repeat(400)}}`,
      '{"op":1e400}',
      '{"op":1,"op":2}',
      '{"__proto__":{"op":1}}',
      '\ufeff{"op":1}',
      '{"op":6,"d":{"token":"x","session_id":"__proto__","seq":0}}',
    ),
  );

  test('in any order and number end in a documented close code, or in none', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(payload, { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        fc.boolean(),
        async (payloads, identified, asBinary) => {
          const client = new RawClient(gateway.url);
          if (identified) await client.identify(gateway.token);
          await client.until('HELLO', ({ op }) => op === 10);
          for (const data of payloads) client.socket.send(data, { binary: asBinary || typeof data !== 'string' });
          client.send({ op: 1, d: null });
          await until(() => client.closedWith !== null || client.received.some(({ op }) => op === 11), {
            what: 'an answer',
          });
          if (client.closedWith !== null) expect(documented).toContain(client.closedWith);
          await client.cut();
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each([4_097, 65_536, 1_048_576, 1_048_577, 20 * 1_048_576])(
    'of %i bytes are closed with 4002, a decode error',
    async (bytes) => {
      const client = new RawClient(gateway.url);
      await client.until('HELLO', ({ op }) => op === 10);
      client.socket.send('x'.repeat(bytes));
      expect(await client.untilClosed()).toBe(4002);
    },
  );

  test('in a thousand fragments are read as one payload', async () => {
    const text = JSON.stringify({ op: 1, d: null, pad: 'x'.repeat(1_000) });
    const fragments = text.split('').map((char, at) => {
      const isLast = at === text.length - 1;
      return encodeFrame({ ...textFrame(char), fin: isLast, opcode: at === 0 ? 1 : 0 });
    });
    expect(await outcomeOf(fragments)).toBe('answered');
  });

  test('that never end are cut off when they are too large', async () => {
    const chunk = encodeFrame({ ...textFrame('x'.repeat(60_000)), fin: false, opcode: 0 });
    const first = encodeFrame({ ...textFrame('x'), fin: false });
    expect(await outcomeOf([first, ...Array.from({ length: 30 }, () => chunk)])).toBe(4002);
  });
});

describe('websocket frames', () => {
  const frame: fc.Arbitrary<Frame> = fc.record({
    fin: fc.boolean(),
    rsv: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(7) }),
    opcode: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(0, 1, 2, 8, 9, 10) },
      { weight: 1, arbitrary: fc.nat(15) },
    ),
    masked: fc.oneof({ weight: 6, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.constant(Buffer.from(heartbeat)),
      fc.uint8Array({ minLength: 4_000, maxLength: 5_000 }),
      fc.integer({ min: 0, max: 65_535 }).map((code) => new Uint8Array([code >> 8, code & 0xff])),
    ),
  });
  const bytes = fc.oneof(
    { weight: 5, arbitrary: frame.map(encodeFrame) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }).map((raw) => Buffer.from(raw)) },
    // A frame that ends before its length is over.
    { weight: 1, arbitrary: frame.map((cut) => encodeFrame(cut).subarray(0, 3)) },
  );

  test('of any kind end in a documented close code, that of RFC 6455, or the one the client closed with', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(bytes, { minLength: 1, maxLength: 8 }), async (chunks) => {
        const outcome = await outcomeOf(chunks);
        if (typeof outcome === 'string') return;
        // A chunk that ends in the middle of a frame takes the bytes of the next one: a close frame lay across three of
        // them once.
        const own = closeCodesIn(Buffer.concat([...chunks, encodeFrame(textFrame(heartbeat))]));
        expect([...documented, ...rfc6455, ...own, 1005]).toContain(outcome);
      }),
      { numRuns: 80 },
    );
  });

  test.each([
    ['a reserved bit', { rsv: 4 }, 1002],
    ['a reserved opcode', { opcode: 3 }, 1002],
    ['no mask', { masked: false }, 1002],
    ['a continuation of nothing', { opcode: 0 }, 1002],
    ['a ping in two parts', { opcode: 9, fin: false }, 1002],
    ['a close code that nobody may send', { opcode: 8, payload: Buffer.from([1005 >> 8, 1005 & 0xff]) }, 1002],
  ])('with %s are answered as RFC 6455 has it, and counted', async (_what, broken, code) => {
    expect(await outcomeOf([encodeFrame({ ...textFrame(heartbeat), ...broken })])).toBe(code);
    await until(() => gateway.ledger.verdict().violationCounts['bad-payload'] === 1, { what: 'the violation' });
  });

  test('that are pings, as fast as they go, are answered, and fill nothing when the answers are not read', async () => {
    const flood = encodeFrame({ ...textFrame('x'.repeat(125)), opcode: 9 });
    const client = new FrameClient(portOf());
    await until(() => client.texts.length > 0, { what: 'HELLO' });
    for (let sent = 0; sent < 200; sent += 1) client.write(Buffer.concat(Array.from({ length: 100 }, () => flood)));
    client.write(encodeFrame(textFrame(heartbeat)));
    await until(() => client.texts.length === 2, { what: 'the acknowledgement' });
    expect(client.pongs).toBe(20_000);
    await client.gone();
  });
});

test('bytes that are no HTTP, half an upgrade, and an upgrade followed by noise harm nobody', async () => {
  const upgrade =
    'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
  for (const bytes of [
    '\0\0\0\0nonsense\r\n\r\n',
    'GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    `${upgrade}\xff\xff\xff\xff\xff`,
    `GET /?v=10&v=11&encoding=%00 HTTP/1.1${upgrade.slice(14)}`,
    `GET //[%] HTTP/1.1${upgrade.slice(14)}`,
    `POST /emulator/drop HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n{`,
  ]) {
    const ended = await new Promise<boolean>((resolve) => {
      const socket = connect(portOf(), '127.0.0.1', () => socket.end(bytes, 'latin1'));
      socket
        .on('error', () => undefined)
        .on('close', () => resolve(true))
        .resume();
    });
    expect(ended).toBe(true);
  }
});

/** The codes of close frames that a client wrote. */
function closeCodesIn(stream: Buffer): number[] {
  const codes: number[] = [];
  for (let at = 0; at + 2 <= stream.length;) {
    const [first = 0, second = 0] = stream.subarray(at);
    const short = second & 0x7f;
    const maskAt = at + 2 + (short < 126 ? 0 : short === 126 ? 2 : 8);
    const payloadAt = maskAt + ((second & 0x80) === 0 ? 0 : 4);
    if (payloadAt + 2 > stream.length) return codes;
    const mask = payloadAt === maskAt ? Buffer.alloc(2) : stream.subarray(maskAt, maskAt + 2);
    if ((first & 15) === 8) codes.push(stream.readUInt16BE(payloadAt) ^ mask.readUInt16BE(0));
    const long = maskAt - at - 2;
    at =
      payloadAt +
      (long === 0 ? short : Number(long === 2 ? stream.readUInt16BE(at + 2) : stream.readBigUInt64BE(at + 2)));
  }
  return codes;
}
