/**
 * The gateway goes away while sessions live on, with real sockets: each way of being away, and what REST does
 * meanwhile.
 */
import { leakGuard, until, virtualClock } from '@dshard/testkit';
import type { VirtualClock } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GatewayEmulator } from '../../src/emulator.js';
import { startGatewayEmulator } from '../../src/emulator.js';
import { RawClient } from './raw-client.js';

leakGuard({ beforeEach, afterEach });

let clock: VirtualClock;
let gateway: GatewayEmulator;
beforeEach(async () => {
  clock = virtualClock();
  gateway = await startGatewayEmulator({ guilds: 2, replayBuffer: 10 }, { clock });
});
afterEach(() => gateway.close());

async function rest(): Promise<number> {
  const response = await fetch(`${gateway.apiUrl}/v10/gateway`, { headers: { connection: 'close' } });
  await response.text();
  return response.status;
}

async function resumed(url: string, sessionId: string, seq: number): Promise<RawClient> {
  const client = new RawClient(url);
  await client.until('HELLO', ({ op }) => op === 10);
  client.send({ op: 6, d: { token: gateway.token, session_id: sessionId, seq } });
  await client.until('RESUMED', ({ t }) => t === 'RESUMED');
  return client;
}

describe.each([
  ['hang-up', {}, 200],
  ['unavailable', {}, 200],
  ['unavailable', { rest: false }, 503],
] as const)('%s %o', (how, options, status) => {
  test('cuts every socket, lets nobody in, and after 75 s every session is resumed with all of its events', async () => {
    const client = new RawClient(gateway.url);
    const { d } = await client.identify(gateway.token);
    await client.until('the last guild', ({ s }) => s === 3);
    await gateway.admin.takeGatewayAway({ how, forMs: 75_000, ...options });
    expect(await client.untilClosed()).toBe(1006);
    await until(() => gateway.admin.status().sessions[0]?.attached === false, { what: 'the session to wait' });
    gateway.traffic.burst(50);
    expect(await new RawClient(gateway.url).untilClosed()).toBe(1006);
    expect(await new RawClient(gateway.resumeUrl).untilClosed()).toBe(1006);
    expect(await rest()).toBe(status);
    await clock.run(74_999);
    expect(gateway.admin.status()).toMatchObject({ gateway: how, resumeHost: how, sessionsHeld: true });
    await clock.run(1);
    await until(() => !gateway.admin.status().sessionsHeld, { what: 'the gateway to be back' });
    expect(await rest()).toBe(200);
    const again = await resumed(gateway.resumeUrl, d.session_id, 3);
    expect(again.received.filter(({ t }) => t === 'MESSAGE_CREATE')).toHaveLength(50);
    expect(gateway.ledger.verdict().violations).toEqual([]);
    await again.cut();
  });
});

test('with refuse nobody listens, REST neither, until the operator brings the gateway back', async () => {
  const client = new RawClient(gateway.url);
  const { d } = await client.identify(gateway.token);
  await gateway.admin.takeGatewayAway({ how: 'refuse' });
  expect(await client.untilClosed()).toBe(1006);
  await expect(rest()).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  await clock.run(10 * 60_000);
  await gateway.admin.bringGatewayBack();
  await (await resumed(gateway.url, d.session_id, 3)).cut();
});

test('REST cannot be kept with refuse, and that is said', async () => {
  await expect(gateway.admin.takeGatewayAway({ how: 'refuse', rest: true })).rejects.toMatchObject({
    code: 'DSO_EMULATOR_BAD_REQUEST',
  });
  expect(gateway.admin.status()).toMatchObject({ gateway: 'up', sessionsHeld: false });
});

test('an absence that is ended and begun anew ends when the second says so', async () => {
  await gateway.admin.takeGatewayAway({ forMs: 10_000 });
  await clock.run(5_000);
  await gateway.admin.bringGatewayBack();
  await gateway.admin.takeGatewayAway({ forMs: 60_000 });
  await clock.run(59_999);
  expect(gateway.admin.status().sessionsHeld).toBe(true);
  await clock.run(1);
  await until(() => !gateway.admin.status().sessionsHeld, { what: 'the gateway to be back' });
});
