/**
 * What fleetwide values of discord.js clients rest on: at any moment a client either holds exactly the guilds of the
 * shards that its host names, or its host names none.
 */
import { startGatewayEmulator } from '@dshard/gateway-emulator';
import { leakGuard } from '@dshard/testkit';
import { delay, systemClock } from '@dshard/transport';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ClientBot, moveLive } from './bots.js';

leakGuard({ beforeEach, afterEach }, { graceMs: 5_000 });

const GUILDS_PER_SHARD = 8;

test('a client holds the guilds of the shards that its host names, all the while they move', async () => {
  const gateway = await startGatewayEmulator({
    shards: 4,
    guilds: 4 * GUILDS_PER_SHARD,
    maxConcurrency: 4,
    identifyWindowMs: 1,
    rate: 50,
  });
  const a = await ClientBot.start('a', gateway, 4);
  const b = await ClientBot.start('b', gateway, 4);
  try {
    await a.startShards(0, 1);
    await b.startShards(2, 3);
    const seen = new Set<string>();
    const done = new AbortController();
    const clock = systemClock();
    const look = (async () => {
      for (let isLast = false; !isLast;) {
        isLast = done.signal.aborted;
        const named = [a, b].map(({ host }) => host.shardsInClient());
        [a, b].forEach(({ client }, index) => {
          const shards = named[index] ?? null;
          if (shards !== null) expect(client.guilds.cache.size).toBe(shards.length * GUILDS_PER_SHARD);
        });
        const all = named.flatMap((shards) => shards ?? []);
        expect(new Set(all).size).toBe(all.length);
        seen.add(named.map((shards) => shards?.toSorted((x, y) => x - y).join() ?? 'moving').join(' | '));
        await delay(clock, 0);
      }
    })();
    await moveLive(1, a, b);
    await moveLive(2, b, a);
    done.abort();
    await look;
    expect(seen).toContain('0,1 | 2,3');
    expect(seen).toContain('0 | 1,2,3');
    expect([...seen].at(-1)).toBe('0,2 | 1,3');
  } finally {
    await Promise.all([a.close(), b.close()]);
    await gateway.close();
  }
});
