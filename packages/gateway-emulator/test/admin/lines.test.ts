/** Bad lines: stalled, slow, narrow, reset. */
import type { Socket } from 'node:net';
import { leakGuard, until, virtualClock } from '@dshard/testkit';
import type { VirtualClock } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GatewayEmulator } from '../../src/emulator.js';
import { startGatewayEmulator } from '../../src/emulator.js';
import { RawClient } from '../server/raw-client.js';

leakGuard({ beforeEach, afterEach });

let clock: VirtualClock;
let gateway: GatewayEmulator;
let client: RawClient;

beforeEach(async () => {
  clock = virtualClock();
  gateway = await startGatewayEmulator({ guilds: 2 }, { clock });
  client = new RawClient(gateway.url);
  await client.identify(gateway.token);
  await client.until('the last guild', ({ s }) => s === 3);
});
afterEach(async () => {
  client.socket.terminate();
  await gateway.close();
});

const count = (type: string): number => client.received.filter(({ t }) => t === type).length;
const acks = (): number => client.received.filter(({ op }) => op === 11).length;

/** Everything that was sent before has arrived: another socket, opened later, was greeted. */
async function aWhile(): Promise<void> {
  const other = new RawClient(gateway.url);
  await other.until('HELLO', ({ op }) => op === 10);
  await other.cut();
}

describe('a stalled line', () => {
  test('is a zombie: open, and nothing comes, not even an acknowledgement, until it is healed', async () => {
    expect(gateway.admin.stall({ shards: [0] })).toBe(1);
    gateway.traffic.burst(3);
    client.send({ op: 1, d: 3 });
    client.socket.ping();
    await aWhile();
    expect([count('MESSAGE_CREATE'), acks(), client.closedWith]).toEqual([0, 0, null]);
    expect(gateway.admin.heal()).toBe(1);
    await until(() => acks() === 1, { what: 'the acknowledgement' });
    expect(count('MESSAGE_CREATE')).toBe(3);
    expect(gateway.ledger.verdict().violations).toEqual([]);
  });

  test('lets the client go, and its session be resumed, without a second attachment', async () => {
    gateway.admin.stall();
    gateway.traffic.burst(2);
    const { session_id } = client.received.find(({ t }) => t === 'READY')!.d;
    client.socket.close(4200);
    await until(() => gateway.admin.status().sessions[0]?.attached === false, { what: 'the socket to be missed' });
    const next = new RawClient(gateway.resumeUrl);
    await next.until('HELLO', ({ op }) => op === 10);
    next.send({ op: 6, d: { token: gateway.token, session_id, seq: 3 } });
    await next.until('RESUMED', ({ t }) => t === 'RESUMED');
    expect(next.received.map(({ s }) => s)).toEqual([null, 4, 5, 6]);
    expect(gateway.ledger.verdict().violations).toEqual([]);
    await next.cut();
  });

  test('is left by the gateway when heartbeats do not come through; the client is not told', async () => {
    gateway.admin.stall();
    clock.advance(62_000);
    await aWhile();
    expect(client.closedWith).toBeNull();
    expect(gateway.admin.status().sessions).toMatchObject([{ attached: false }]);
    gateway.admin.heal();
    client.socket.terminate();
  });

  test('is healed by itself when forMs are over', async () => {
    gateway.admin.stall({}, { forMs: 10_000 });
    client.send({ op: 1, d: 3 });
    await aWhile();
    clock.advance(9_999);
    await aWhile();
    expect(acks()).toBe(0);
    clock.advance(1);
    await until(() => acks() === 1, { what: 'the acknowledgement' });
  });
});

describe('a slow line', () => {
  test('delays what is said and keeps its order, the close frame last', async () => {
    expect(gateway.admin.slow({}, { latencyMs: 1_000 })).toBe(1);
    gateway.traffic.burst(5);
    gateway.admin.drop({}, { code: 4000 });
    clock.advance(999);
    await aWhile();
    expect([count('MESSAGE_CREATE'), client.closedWith]).toEqual([0, null]);
    clock.advance(1);
    expect(await client.untilClosed()).toBe(4000);
    expect(count('MESSAGE_CREATE')).toBe(5);
    const sequences = client.received.flatMap(({ s }) => s ?? []);
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
  });

  test('that is as narrow as a few bytes a second spreads payloads over time', async () => {
    gateway.admin.slow({}, { bytesPerSecond: 500 });
    gateway.traffic.burst(3);
    clock.advance(60_000);
    await until(() => count('MESSAGE_CREATE') === 3, { what: 'the messages' });
    gateway.traffic.burst(2);
    clock.advance(10);
    await aWhile();
    expect(count('MESSAGE_CREATE')).toBe(3);
  });

  test('is good again when healed, at once', async () => {
    gateway.admin.slow({}, { latencyMs: 3_600_000 });
    gateway.traffic.burst(2);
    gateway.admin.heal();
    await until(() => count('MESSAGE_CREATE') === 2, { what: 'the messages' });
    gateway.traffic.burst(1);
    await until(() => count('MESSAGE_CREATE') === 3, { what: 'the next one' });
  });
});

test('a reset ends the connection with an error of TCP, and keeps the session', async () => {
  const errors: string[] = [];
  // ws keeps the errors of its stream to itself.
  const { _socket: stream } = client.socket as unknown as { _socket: Socket };
  stream.on('error', (error) => errors.push(error.message));
  expect(gateway.admin.reset()).toBe(1);
  expect(await client.untilClosed()).toBe(1006);
  expect(errors).toEqual([expect.stringContaining('ECONNRESET')]);
  expect(gateway.admin.status().sessions).toMatchObject([{ attached: false }]);
});

test('a flood of pings is answered, and a client that reads no answer is cut', async () => {
  const pongs: number[] = [];
  client.socket.on('pong', () => pongs.push(1));
  for (let sent = 0; sent < 100; sent += 1) client.socket.ping();
  await until(() => pongs.length === 100, { what: 'the pongs' });
  expect(gateway.ledger.verdict().violations).toEqual([]);
});
