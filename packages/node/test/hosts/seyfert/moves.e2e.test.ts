import { GatewayOpcodes } from 'discord-api-types/v10';
import type { MemoryAdapter } from 'seyfert';
import { makeHost } from '../../../src/hosts/client/orchestrate.js';
import { resolveClientOptions } from '../../../src/hosts/client/options.js';
import { seyfert } from '../../../src/hosts/seyfert/seyfert-port.js';
import { ALL_INTENTS } from '../../guild-state/world.js';
import { describeClientMoves } from '../client/moves.js';
import { plain } from '../client/scene.js';
import { loggerTo } from '../kept-state.js';
import { on, seyfertClient } from './bots.js';

/**
 * Messages do not move; who reacts or writes is cached as a user. seyfert does not keep up which message was the last
 * of a channel.
 */
const NOT_SHOWN = new Set(['message', 'user']);
const NOT_KEPT = new Set(['last_message_id']);

describeClientMoves('seyfert', (gateway, options) => {
  const client = seyfertClient(gateway, ALL_INTENTS);
  const events: string[] = [];
  const { storage } = client.cache.adapter as MemoryAdapter<unknown>;
  const guilds = (): Map<string, { unavailable?: boolean }> => (storage.get('guild') ?? new Map()) as never;
  on(client, 'botReady', () => void events.push('ready'));
  on(client, 'shardMoved', (shardId: number) => void events.push(`shardMoved ${shardId}`));
  on(client, 'guildCreate', (guild: { id: string }) => {
    // seyfert has no other word for a guild that is available again.
    events.push(`guildAvailable ${guild.id}`);
  });
  on(client, 'messageCreate', (message: { content: string }) => void events.push(`message ${message.content}`));
  on(
    client,
    'raw',
    ({ t, d }: { t: string; d: { id: string; unavailable?: boolean; user_id: string; guild_id: string } }) => {
      if (t === 'VOICE_STATE_UPDATE' && d.user_id === gateway.world.userId) events.push(`voice ${d.guild_id}`);
      if (t === 'GUILD_DELETE') events.push(`${d.unavailable === true ? 'guildUnavailable' : 'guildDelete'} ${d.id}`);
    },
  );
  const log = (text: string): void => void events.push(`log ${text}`);
  const host = makeHost(seyfert(client), resolveClientOptions(options), loggerTo(log));
  return {
    host,
    events,
    hasCaches: false,
    shown: () => plain(new Map([...storage].filter(([name]) => !NOT_SHOWN.has(name.split('.')[0] ?? ''))), NOT_KEPT),
    guildIds: () =>
      [...guilds()].flatMap(([key, guild]) => (guild.unavailable === true ? [] : [key.slice('guild.'.length)])),
    finds: () => false,
    setPresence: (shardId, name) =>
      void client.gateway.setShardPresence(shardId, {
        status: 'idle' as never,
        activities: [{ name, type: 0 }],
        afk: false,
        since: null,
      }),
    fetchMembers: async (guildId) => {
      const shard = client.gateway.get(client.gateway.calculateShardId(guildId));
      return (await shard?.requestGuildMember({ guild_id: guildId, query: '', limit: 0 }))?.members.length ?? 0;
    },
    joinVoice: (guildId, channelId) =>
      void client.gateway.send(client.gateway.calculateShardId(guildId), {
        op: GatewayOpcodes.VoiceStateUpdate as number,
        d: { guild_id: guildId, channel_id: channelId, self_mute: false, self_deaf: false },
      } as never),
    onReady: (listener) =>
      on(client, 'botReady', () => {
        events.push('ready');
        return listener();
      }),
  };
});
