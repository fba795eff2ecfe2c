/** What user code sees of a shard that comes from another process, and in which order. */
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { leakGuard, until } from '@dshard/testkit';
import { Events, Status } from 'discord.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OrchestratedOptions } from '../../../src/hosts/discordjs/index.js';
import { verdictOf } from '../subject.js';
import { Move } from './bots.js';
import type { ClientBot } from './bots.js';
import { Scene } from './scene.js';

leakGuard({ beforeEach, afterEach }, { graceMs: 5_000 });

const scene = new Scene();
let gateway: GatewayEmulator;

afterEach(() => scene.close());

type ImportShard = NonNullable<OrchestratedOptions['importShard']>;

/** `a` serves; `b` imports as it is told. */
async function twoBots(
  importShard: ImportShard,
  options: OrchestratedOptions = {},
): Promise<[a: ClientBot, b: ClientBot]> {
  gateway = await scene.world();
  const a = await scene.bot('a', { exportShard: (shardId) => `state of ${shardId}`, importShard: () => undefined });
  const b = await scene.bot('b', { exportShard: () => null, importShard, ...options });
  await a.startShards(0, 1, 2, 3);
  return [a, b];
}

/** Up to the point where it is frozen; what is said then is replayed at the destination. */
async function prepared(a: ClientBot, b: ClientBot): Promise<Move> {
  const move = new Move(0, a, b);
  await move.copy();
  await move.warm();
  return move;
}

function guildOf(client: ClientBot): string {
  return client.client.guilds.cache.find(({ shardId }) => shardId === 0)!.id;
}

describe('a shard that arrives', () => {
  test('is hosted, imported, told, then its replay is handed over, then what comes', async () => {
    const seen: unknown[] = [];
    let finish = (): void => undefined;
    const work = new Promise<void>((resolve) => (finish = resolve));
    const [a, b] = await twoBots(async (shardId, state) => {
      const { guilds, ws } = b.client;
      seen.push(['importShard', shardId, state, guilds.cache.size, Status[ws.shards.get(0)!.status]]);
      b.client.user?.setActivity('imported');
      await work;
      seen.push('imported');
    });
    for (const event of [Events.GuildAvailable, Events.ShardReady, Events.ShardResume, Events.MessageCreate]) {
      b.client.on(event as Events.ShardResume, (shardId, replayed) => {
        const what = event === Events.ShardResume ? [event, shardId, replayed] : event;
        if (seen.at(-1) !== what) seen.push(what);
      });
    }
    b.client.on(Events.Raw, ({ t, s }: { t: string; s: number }) => s > 0 && seen.push(t));
    const move = await prepared(a, b);
    const guildId = guildOf(a);
    const finished = move.finish(() => ['one', 'two'].forEach((content) => gateway.people.say(content, { guildId })));
    await until(() => seen.length > 0, { what: 'importShard' });
    await until(() => gateway.admin.status().sessions.some(({ activities }) => activities.includes('imported')), {
      what: 'what importShard sent',
    });
    expect(seen).toEqual([['importShard', 0, 'state of 0', 4, 'Ready']]);
    finish();
    expect(await finished).toBe('resumed');
    gateway.people.say('three', { guildId });
    await until(() => b.messages.length === 3, { what: 'the messages' });
    expect(seen.slice(1)).toEqual([
      'imported',
      'guildAvailable',
      'shardReady',
      ['shardResume', 0, 2],
      'MESSAGE_CREATE',
      'messageCreate',
      'MESSAGE_CREATE',
      'messageCreate',
      'RESUMED',
      'MESSAGE_CREATE',
      'messageCreate',
    ]);
    expect(await verdictOf(gateway)).toMatchObject({ lost: 0, duplicated: 0, outOfOrder: 0, identifies: { used: 4 } });
  });

  test('has its connection made anew when that is lost before all is told, and nothing is lost with it', async () => {
    let finish = (): void => undefined;
    const work = new Promise<void>((resolve) => (finish = resolve));
    const [a, b] = await twoBots(() => work);
    const move = await prepared(a, b);
    const finished = move.finish();
    await until(() => gateway.admin.status().sessions.every(({ attached }) => attached) && b.phase(0) === 'ready', {
      what: 'the session to be resumed',
    });
    gateway.admin.drop({ shards: [0] });
    gateway.people.say('one', { guildId: guildOf(b) });
    finish();
    await finished;
    await until(() => b.messages.length === 1, { what: 'the message' });
    expect(await verdictOf(gateway)).toMatchObject({ lost: 0, duplicated: 0, identifies: { used: 4 } });
  });

  test('imports its state also when its session is gone by then, and its guilds come anew', async () => {
    const imported: unknown[] = [];
    const [a, b] = await twoBots((...told) => void imported.push(told));
    const move = await prepared(a, b);
    const outcome = await move.finish(() => gateway.admin.expire({ shards: [0] }));
    expect([outcome, imported]).toEqual(['sessionLost', [[0, 'state of 0']]]);
    await until(() => b.count('shardReady') === 1, { what: 'the guilds' });
    expect([b.client.guilds.cache.size, b.count('guildCreate'), b.permits]).toEqual([4, 0, 1]);
    gateway.people.say('hello', { guildId: guildOf(b) });
    await until(() => b.messages.length === 1, { what: 'a message' });
  });
});

describe('importShard that fails', () => {
  test.each<[string, ImportShard, OrchestratedOptions, RegExp]>([
    ['throws', () => Promise.reject(new Error('no database')), {}, /Shard 0 .* importShard .*: no database/u],
    [
      'hangs',
      () => new Promise(() => undefined),
      { timeouts: { importMs: 1 } },
      /importShard within 1 ms \(timeouts\.importMs\)/u,
    ],
  ])(
    'lets the shard go back to what its origin kept, and nothing was told, when it %s',
    async (_, importShard, options, message) => {
      const [a, b] = await twoBots(importShard, options);
      const move = await prepared(a, b);
      const before = b.events.length;
      const guildId = guildOf(a);
      const failure = move.finish(() => void gateway.people.say('meanwhile', { guildId }));
      await expect(failure).rejects.toMatchObject({ code: 'DSO_IMPORT_FAILED', message });
      // As the node does it.
      await b.host.stopShard(0, { keepSession: true });
      expect([b.events.slice(before), b.client.guilds.cache.size, b.messages]).toEqual([[], 0, []]);
      expect(await a.host.resumeShard(0, move.cursor!, a.context)).toBe('resumed');
      await until(() => a.messages.length === 1, { what: 'the message' });
      expect(a.client.guilds.cache.size).toBe(16);
      expect(await verdictOf(gateway)).toMatchObject({ clean: true, identifies: { used: 4 } });
    },
  );
});
