import { leakGuard, until, virtualClock } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
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

  test.each([1000, 1001])('that is closed by the client with %i ends the session', async (code) => {
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
