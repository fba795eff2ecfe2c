import { leakGuard } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GatewayEmulator } from '../../src/emulator.js';
import { startGatewayEmulator } from '../../src/emulator.js';
import { RawClient } from './raw-client.js';

leakGuard({ beforeEach, afterEach });

let gateway: GatewayEmulator | null = null;
afterEach(() => gateway?.close());

describe.each(['zlib-stream', 'zstd-stream'])('a socket that speaks %s', (compress) => {
  test('gets every payload whole, large and small, also just before a close', async () => {
    gateway = await startGatewayEmulator({ guilds: 60 });
    const client = new RawClient(`${gateway.url}/?v=10&encoding=json&compress=${compress}`);
    await client.identify(gateway.token);
    gateway.traffic.burst(300);
    gateway.admin.reconnect();
    gateway.admin.drop({}, { code: 4000 });
    expect(await client.untilClosed()).toBe(4000);
    const types = client.received.map((payload) => payload.t ?? `op${payload.op}`);
    expect(types).toEqual(['op10', 'READY', ...fill(60, 'GUILD_CREATE'), ...fill(300, 'MESSAGE_CREATE'), 'op7']);
    expect(client.binaryMessages).toBe(types.length);
  });

  test('begins a stream of its own on every connection, and can resume', async () => {
    gateway = await startGatewayEmulator({ guilds: 2 });
    const url = `${gateway.url}/?v=10&encoding=json&compress=${compress}`;
    const client = new RawClient(url);
    const { d } = await client.identify(gateway.token);
    gateway.admin.drop({}, { code: 4000 });
    await client.untilClosed();
    gateway.traffic.burst(3);
    const next = new RawClient(url);
    await next.until('HELLO', (payload) => payload.op === 10);
    next.send({ op: 6, d: { token: gateway.token, session_id: d.session_id, seq: 3 } });
    await next.until('RESUMED', (payload) => payload.t === 'RESUMED');
    expect(next.received.map(({ s }) => s)).toEqual([null, 4, 5, 6, 7]);
    await next.cut();
  });
});

test('payload compression: large payloads are zlib streams of their own, small ones are text', async () => {
  gateway = await startGatewayEmulator({ guilds: 2 });
  const client = new RawClient(`${gateway.url}/?v=10&encoding=json`);
  await client.identify(gateway.token, [0, 1], 513, { compress: true });
  client.send({ op: 1, d: null });
  await client.until('ACK', ({ op }) => op === 11);
  expect(client.received.map(({ t, op }) => t ?? op)).toEqual([10, 'READY', 'GUILD_CREATE', 'GUILD_CREATE', 11]);
  expect(client.binaryMessages).toBeGreaterThanOrEqual(2);
  expect(client.binaryMessages).toBeLessThan(client.received.length);
  await client.cut();
});

function fill<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value);
}
