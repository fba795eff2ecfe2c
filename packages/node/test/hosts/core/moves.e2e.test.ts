import { GatewayDispatchEvents } from '@discordjs/core';
import { WebSocketShardEvents } from '@discordjs/ws';
import { PresenceUpdateStatus } from 'discord-api-types/v10';
import { expect, test } from 'vitest';
import { makeHost } from '../../../src/hosts/client/orchestrate.js';
import { resolveClientOptions } from '../../../src/hosts/client/options.js';
import { core } from '../../../src/hosts/core/core-port.js';
import { guildCreateOf } from '../../../src/guild-state/raw-guild.js';
import type { RawGuild } from '../../../src/guild-state/raw-guild.js';
import { emptyState, reduce } from '../../../src/guild-state/reduce.js';
import type { ShardState } from '../../../src/guild-state/reduce.js';
import { ALL_INTENTS, sorted } from '../../guild-state/world.js';
import { describeClientMoves } from '../client/moves.js';
import type { MakeClientBot } from '../client/scene.js';
import { loggerTo } from '../kept-state.js';
import { emulator } from '../subject.js';
import { coreClient } from './bots.js';

/** A bot with caches of its own, from what its client tells: per shard, until that goes. */
const makeCachingBot: MakeClientBot = (gateway, options) => {
  const { client, manager } = coreClient(gateway, ALL_INTENTS);
  const events: string[] = [];
  const caches = new Map<number, ShardState>();
  const guilds = (): [string, RawGuild | null][] => [...caches.values()].flatMap((cache) => [...cache.guilds]);
  manager.on(WebSocketShardEvents.Dispatch, (packet, shardId) => {
    const cache = caches.get(shardId) ?? emptyState();
    caches.set(shardId, cache);
    if (packet.t === GatewayDispatchEvents.GuildCreate) {
      events.push(`${cache.guilds.has(packet.d.id) ? 'guildAvailable' : 'guildCreate'} ${packet.d.id}`);
    }
    reduce(cache, structuredClone(packet));
  });
  client.once(GatewayDispatchEvents.Ready, () => void events.push('ready'));
  client.on(GatewayDispatchEvents.GuildDelete, ({ data }) => {
    events.push(`${data.unavailable === true ? 'guildUnavailable' : 'guildDelete'} ${data.id}`);
  });
  client.on(GatewayDispatchEvents.MessageCreate, ({ data }) => void events.push(`message ${data.content}`));
  client.on(GatewayDispatchEvents.VoiceStateUpdate, ({ data }) => {
    if (data.user_id === gateway.world.userId) events.push(`voice ${data.guild_id ?? ''}`);
  });
  client.on(
    'shardMoved' as never,
    ((shardId: number) => {
      events.push(`shardMoved ${shardId}`);
      caches.delete(shardId);
    }) as never,
  );
  const host = makeHost(
    core(client),
    resolveClientOptions(options),
    loggerTo((text) => void events.push(`log ${text}`)),
  );
  return {
    host,
    events,
    hasCaches: false,
    shown: () => Object.fromEntries(guilds().map(([id, guild]) => [id, guild && sorted(guildCreateOf(guild))])),
    guildIds: () => guilds().flatMap(([id, guild]) => (guild === null ? [] : [id])),
    finds: () => false,
    setPresence: (shardId, name) => {
      const presence = { status: PresenceUpdateStatus.Idle, activities: [{ name, type: 0 }], afk: false, since: null };
      void client.updatePresence(shardId, presence);
    },
    fetchMembers: async (guildId) =>
      (await client.requestGuildMembers({ guild_id: guildId, query: '', limit: 0 })).members.length,
    joinVoice: (guildId, channelId) =>
      void client.updateVoiceState({ guild_id: guildId, channel_id: channelId, self_mute: false, self_deaf: false }),
    onReady: (listener) => void client.once(GatewayDispatchEvents.Ready, listener),
  };
};

describeClientMoves('@discordjs/core', makeCachingBot);

test("the manager's getShardIds() says which shards run here, and its sends to others neither fail nor are heard of", async () => {
  // Seen with 0.1.0: it listed all shards of the bot, so that a presence "on all shards" ended the process.
  await using gateway = await emulator();
  const { client, manager } = coreClient(gateway, 1);
  const host = makeHost(
    core(client),
    resolveClientOptions({}),
    loggerTo(() => undefined),
  );
  const requestIdentify = () => Promise.resolve({ coordinated: true, finished: () => undefined });
  const context = { nodeId: 'a', totalShards: 4, requestIdentify };
  host.sessionEstablished(context);
  expect(await manager.getShardIds()).toEqual([]);
  await host.startShards([3, 1], context);
  expect(await manager.getShardIds()).toEqual([1, 3]);
  expect(await manager.getShardCount()).toBe(4);
  const presence = { status: PresenceUpdateStatus.Idle, activities: [], afk: false, since: null };
  for (let shardId = 0; shardId < 4; shardId++) await client.updatePresence(shardId, presence);
  await expect(manager.updateShardCount(8)).rejects.toMatchObject({ code: 'DSO_MANAGER_NOT_IN_CHARGE' });
  expect([...(await manager.fetchStatus()).keys()]).toEqual([3, 1]);
  await Promise.all([1, 3].map((shardId) => host.stopShard(shardId, { keepSession: false })));
  await host.shutdown();
});
