import { connect } from 'node:net';
import { leakGuard, until, virtualClock } from '@dshard/testkit';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { closeCodes } from '../../src/core/discord.js';
import type { GatewayEmulator } from '../../src/emulator.js';
import { startGatewayEmulator } from '../../src/emulator.js';
import type { EmulatorOptions } from '../../src/options.js';
import { RawClient } from './raw-client.js';

leakGuard({ beforeEach, afterEach });

let gateway: GatewayEmulator;
afterEach(() => gateway.close());

async function start(options: EmulatorOptions = {}): Promise<void> {
  gateway = await startGatewayEmulator({ guilds: 2, ...options });
}

describe('a socket', () => {
  test('that is closed by the client frees its session before the client hears of it', async () => {
    await start({ maxConcurrency: 4 });
    let client = new RawClient(gateway.url);
    const { d } = await client.identify(gateway.token);
    // The next process is connected already when the first leaves, and resumes the moment the close is done.
    for (let round = 0; round < 20; round += 1) {
      const next = new RawClient(d.resume_gateway_url);
      await next.until('HELLO', (payload) => payload.op === 10);
      const leaving = client;
      leaving.socket.once('close', () =>
        next.send({ op: 6, d: { token: gateway.token, session_id: d.session_id, seq: 1 } }),
      );
      leaving.socket.close(4200);
      await next.until('RESUMED', (payload) => payload.t === 'RESUMED');
      client = next;
    }
    expect(gateway.ledger.verdict()).toMatchObject({ clean: true, identifies: { used: 1 } });
    expect(gateway.ledger.verdict().gaps).toHaveLength(20);
    await client.cut();
  });

  test('that is cut leaves a session that can be resumed', async () => {
    await start();
    const client = new RawClient(gateway.url);
    const { d } = await client.identify(gateway.token);
    await client.cut();
    await until(() => gateway.admin.status().sessions[0]?.attached === false, { what: 'the session to be detached' });
    const next = new RawClient(gateway.url);
    await next.until('HELLO', (payload) => payload.op === 10);
    next.send({ op: 6, d: { token: gateway.token, session_id: d.session_id, seq: 3 } });
    await next.until('RESUMED', (payload) => payload.t === 'RESUMED');
    expect(gateway.ledger.verdict().clean).toBe(true);
    await next.cut();
  });

  test.each([1000, 1001])('closed with %i ends the session', async (code) => {
    await start();
    const client = new RawClient(gateway.url);
    await client.identify(gateway.token);
    client.socket.close(code);
    await client.untilClosed();
    expect(gateway.admin.status().sessions).toEqual([]);
    expect(gateway.ledger.verdict().violationCounts).toEqual({ 'session-closed-for-good': 1 });
  });

  test('that does not read is cut when too much waits for it, and its session is kept', async () => {
    await start({ maxSocketBufferBytes: 65_536 });
    const client = new RawClient(gateway.url);
    await client.identify(gateway.token);
    client.socket.pause();
    await until(
      () => {
        gateway.traffic.burst(500);
        return gateway.ledger.verdict().violationCounts['slow-reader'] === 1;
      },
      { what: 'the slow reader to be cut' },
    );
    expect(gateway.admin.status().sessions).toMatchObject([{ attached: false }]);
    await client.cut();
  });

  test('that speaks zlib-stream gets every payload whole, large and small, also just before a close', async () => {
    await start({ guilds: 60 });
    const client = new RawClient(`${gateway.url}/?v=10&encoding=json&compress=zlib-stream`);
    await client.identify(gateway.token);
    gateway.traffic.burst(300);
    gateway.admin.reconnect();
    gateway.admin.drop({}, { code: 4000 });
    expect(await client.untilClosed()).toBe(4000);
    const types = client.received.map((payload) => payload.t ?? `op${payload.op}`);
    expect(types).toEqual(['op10', 'READY', ...fill(60, 'GUILD_CREATE'), ...fill(300, 'MESSAGE_CREATE'), 'op7']);
  });
});

describe('garbage', () => {
  const frame = fc.oneof(
    fc.string(),
    fc.uint8Array({ maxLength: 6_000 }),
    fc.record({ op: fc.integer({ min: 0, max: 50 }), d: fc.jsonValue() }).map((value) => JSON.stringify(value)),
  );

  test('on a real socket ends in a documented close code, or in no close', async () => {
    await start();
    const documented: ReadonlySet<number> = new Set(Object.values(closeCodes));
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 5 }), async (frames) => {
        const client = new RawClient(gateway.url);
        await client.until('HELLO', (payload) => payload.op === 10);
        for (const data of frames) client.socket.send(data);
        // Answered once everything before it was read, unless the socket was closed.
        client.send({ op: 1, d: null });
        await until(() => client.closedWith !== null || client.received.some((payload) => payload.op === 11), {
          what: 'an answer',
        });
        if (client.closedWith !== null) expect(documented).toContain(client.closedWith);
        await client.cut();
      }),
      { numRuns: 40 },
    );
  });

  test('of two megabytes is a decode error', async () => {
    await start();
    const client = new RawClient(gateway.url);
    await client.until('HELLO', (payload) => payload.op === 10);
    client.socket.send('x'.repeat(2 * 1_048_576));
    expect(await client.untilClosed()).toBe(4002);
  });

  test('instead of HTTP or websocket frames harms nobody', async () => {
    await start();
    const port = Number(new URL(gateway.url).port);
    const upgrade =
      'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
    for (const bytes of [
      '\0\0\0\0nonsense\r\n\r\n',
      'GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
      `${upgrade}\xff\xff\xff\xff\xff`,
    ]) {
      const ended = await new Promise<boolean>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => socket.end(bytes, 'latin1'));
        socket
          .on('error', () => undefined)
          .on('close', () => resolve(true))
          .resume();
      });
      expect(ended).toBe(true);
    }
    const client = new RawClient(gateway.url);
    await client.identify(gateway.token);
    await client.cut();
  });
});

describe('the resume host', () => {
  test.each([
    ['refuse', 1006],
    ['unavailable', 1006],
  ] as const)('that is down (%s) cuts its sockets and lets nobody in, until it is up again', async (mode, code) => {
    await start();
    const url = gateway.resumeUrl;
    const before = new RawClient(url);
    await before.identify(gateway.token);
    await gateway.admin.setResumeHost(mode);
    expect(await before.untilClosed()).toBe(1006);
    expect(await new RawClient(url).untilClosed()).toBe(code);
    const generic = new RawClient(gateway.url);
    await generic.until('HELLO', (payload) => payload.op === 10);
    await gateway.admin.setResumeHost('up');
    const after = new RawClient(url);
    await after.until('HELLO', (payload) => payload.op === 10);
    await Promise.all([generic.cut(), after.cut()]);
    expect(gateway.ledger.verdict().violations).toEqual([]);
  });

  test('that is silent accepts sockets and says nothing', async () => {
    await start();
    await gateway.admin.setResumeHost('silent');
    const client = new RawClient(gateway.resumeUrl);
    await until(() => client.socket.readyState === client.socket.OPEN, { what: 'the socket to open' });
    client.send({ op: 1, d: null });
    const generic = new RawClient(gateway.url);
    await generic.identify(gateway.token);
    expect(client.received).toEqual([]);
    expect(client.closedWith).toBeNull();
    await Promise.all([client.cut(), generic.cut()]);
  });
});

test("under a clock of one's own, sockets time out when that clock says so", async () => {
  const clock = virtualClock();
  gateway = await startGatewayEmulator({}, { clock });
  const client = new RawClient(gateway.url);
  await client.identify(gateway.token);
  clock.advance(61_800);
  client.send({ op: 1, d: null });
  await client.until('ACK', (payload) => payload.op === 11);
  clock.advance(61_800);
  expect(client.closedWith).toBeNull();
  clock.advance(100);
  expect(await client.untilClosed()).toBe(4009);
});

test('close is safe to call again, and cuts who is there', async () => {
  await start({ rate: 100 });
  const client = new RawClient(gateway.url);
  await client.identify(gateway.token);
  await Promise.all([gateway.close(), gateway.close()]);
  await gateway.close();
  expect(await client.untilClosed()).toBe(1006);
});

function fill<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value);
}
