/** A whole day of Discord's limits over real sockets, in the time the sockets take. */
import { startGatewayEmulator, virtualClock } from '@dshard/gateway-emulator';
import { leakGuard } from '@dshard/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RawClient } from '../server/raw-client.js';

leakGuard({ beforeEach, afterEach });

const day = 24 * 60 * 60 * 1000;

test('a day of 200 session starts: the budget is used up, the token dies, and a new day does not bring it back', async () => {
  const clock = virtualClock();
  const starts = 200;
  await using gateway = await startGatewayEmulator({ guilds: 0, shards: 1, sessionStartLimit: starts }, { clock });
  const began = clock.now();
  const remaining = async (): Promise<number> => {
    const response = await fetch(`${gateway.apiUrl}/v10/gateway/bot`, {
      headers: { authorization: `Bot ${gateway.token}`, connection: 'close' },
    });
    const body = (await response.json()) as { session_start_limit?: { remaining: number } };
    return body.session_start_limit?.remaining ?? -response.status;
  };
  for (let start = 0; start < starts; start += 1) {
    const client = new RawClient(gateway.url);
    await client.identify(gateway.token);
    await client.cut();
    // A little less than would spread them over the day.
    clock.advance(day / starts - 1_000);
  }
  expect(clock.now() - began).toBeLessThan(day);
  expect(await remaining()).toBe(0);

  const last = new RawClient(gateway.url);
  await last.until('HELLO', ({ op }) => op === 10);
  last.send({ op: 2, d: { token: gateway.token, intents: 513, properties: {}, shard: [0, 1] } });
  expect(await last.untilClosed()).toBe(4004);
  clock.advance(day);
  expect(await remaining()).toBe(-401);
  gateway.admin.issueToken('fresh');
  const fresh = new RawClient(gateway.url);
  await fresh.identify('fresh');
  await fresh.cut();
  expect(gateway.ledger.verdict()).toMatchObject({
    identifies: { used: starts + 2, inWrongWindow: 0 },
    violationCounts: { 'budget-exhausted': 1 },
  });
});

test('faults every 30 s for a day, from a schedule', async () => {
  const clock = virtualClock();
  await using gateway = await startGatewayEmulator({ guilds: 1 }, { clock });
  let drops = 0;
  gateway.admin.schedule('drops', { inMs: 5_000, everyMs: 30_000 }, () => {
    drops += 1;
    gateway.admin.drop({ shards: [0, 1, 2, 3] });
  });
  clock.advance(day);
  expect(drops).toBe(2_880);
  expect(gateway.admin.scheduled()).toMatchObject([{ name: 'drops', done: 2_880, left: null }]);
});
