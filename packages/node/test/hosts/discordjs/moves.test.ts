/** discord.js clients whose shards move between them, against the emulator. */
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { leakGuard, until } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { emulator, verdictOf } from '../ws/bots.js';
import type { EmulatorOptions } from '../ws/bots.js';
import type { Client } from 'discord.js';
import { ClientBot, compareCaches, moveLive, plainClient } from './bots.js';

leakGuard({ beforeEach, afterEach }, { graceMs: 5_000 });

let gateway: GatewayEmulator;
const bots: ClientBot[] = [];

async function world(options: EmulatorOptions = {}): Promise<void> {
  gateway = await emulator(options);
}

async function bot(name: string, ...rest: [Parameters<typeof ClientBot.start>[3]?]): Promise<ClientBot> {
  const made = await ClientBot.start(name, gateway, 4, ...rest);
  bots.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all([...bots.splice(0).map((each) => each.close()), ...plains.splice(0).map((each) => each.destroy())]);
  await gateway.close();
});

const plains: Client[] = [];

async function plain(): Promise<Client> {
  const client = await plainClient(gateway, 4);
  plains.push(client);
  return client;
}

async function traffic(count: number): Promise<void> {
  const before = gateway.ledger.verdict().emitted;
  await until(() => gateway.ledger.verdict().emitted >= before + count, { what: `${count} events to be sent` });
}

describe('a planned move', () => {
  test('under traffic: nothing lost or twice, no IDENTIFY, guilds there before the first replayed event', async () => {
    await world({ rate: 200 });
    const a = await bot('a');
    const b = await bot('b');
    await a.startShards(0, 1, 2, 3);
    expect(a.client.guilds.cache.size).toBe(16);
    await traffic(50);
    for (const shardId of [0, 1, 2, 3]) {
      expect(await moveLive(shardId, a, b, () => traffic(20))).toBe('resumed');
    }
    await traffic(50);
    expect(await verdictOf(gateway)).toMatchObject({ clean: true, lost: 0, duplicated: 0, identifies: { used: 4 } });
    expect(a.client.guilds.cache.size).toBe(0);
    expect(b.client.guilds.cache.size).toBe(16);
    expect(b.client.isReady()).toBe(true);
    expect(b.client.user?.id).toBe(a.client.user?.id);
    expect(b.count('clientReady')).toBe(1);
    expect(b.count('guildCreate') + a.count('guildDelete')).toBe(0);
    // discord.js drops a message of a channel it does not know: all have to be there.
    expect(a.messages.length + b.messages.length).toBe(gateway.ledger.verdict().emitted);
  });

  test('of a lively world: caches are those of a client that never restarted, field by field', async ({ annotate }) => {
    await world({
      members: 20,
      mix: { messages: 4, reactions: 1, presences: 2, voice: 2, members: 2, typing: 1 },
    });
    const single = await plain();
    const a = await bot('a');
    const b = await bot('b');
    await a.startShards(0, 1, 2, 3);
    gateway.traffic.start(300);
    await traffic(300);
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      for (const shardId of [0, 1, 2, 3]) {
        await moveLive(shardId, from, to, () => traffic(30));
        await traffic(30);
      }
    }
    gateway.traffic.stop();
    await until(() => wholeStreams([a, b], 4), { what: 'every event to be handled' });
    const { compared, different, examples } = compareCaches(single, [a, b]);
    await annotate(`${compared} fields compared`);
    expect(examples).toEqual([]);
    expect(different).toBe(0);
    expect(compared).toBeGreaterThan(16 * 20 * 20);
    expect(a.count('guildCreate') + a.count('guildDelete')).toBe(0);
  });
});

/** Whether everything Discord sent came, each dispatch once and none left out. */
function wholeStreams(bots_: readonly ClientBot[], totalShards: number): boolean {
  const all = bots_.flatMap(({ sequences }) => sequences);
  const traffic_ = all.filter(({ type }) => !['READY', 'RESUMED', 'GUILD_CREATE'].includes(type));
  const whole = Array.from({ length: totalShards }, (_, shard) => all.filter((each) => each.shard === shard)).every(
    (seen) => new Set(seen.map(({ s }) => s)).size === seen.length,
  );
  return whole && traffic_.length === gateway.ledger.verdict().emitted;
}
