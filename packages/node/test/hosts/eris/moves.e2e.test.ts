import type { TextChannel } from 'eris';
import { makeHost } from '../../../src/hosts/client/orchestrate.js';
import { resolveClientOptions } from '../../../src/hosts/client/options.js';
import { eris } from '../../../src/hosts/eris/eris-port.js';
import { ALL_INTENTS } from '../../guild-state/world.js';
import { describeClientMoves } from '../client/moves.js';
import { plain } from '../client/scene.js';
import { loggerTo } from '../kept-state.js';
import { erisClient } from './bots.js';

/** The client behind each thing, its connection, and messages, which do not move. */
const NOT_SHOWN = new Set(['_client', 'client', 'shard', 'messages']);

describeClientMoves('eris', (gateway, options) => {
  const client = erisClient(gateway, { intents: ALL_INTENTS, messageLimit: 10 });
  const events: string[] = [];
  client.on('ready', () => void events.push('ready'));
  for (const name of ['shardReady', 'shardResume', 'shardMoved', 'shardLeaving'] as const) {
    client.on(name, (shardId: number) => void events.push(`${name} ${shardId}`));
  }
  for (const name of ['guildCreate', 'guildDelete', 'guildAvailable', 'guildUnavailable'] as const) {
    client.on(name, (guild: { id: string }) => void events.push(`${name} ${guild.id}`));
  }
  client.on('messageCreate', ({ content }) => void events.push(`message ${content}`));
  client.on('voiceChannelJoin', (member) => {
    if (member.id === client.user.id) events.push(`voice ${member.guild.id}`);
  });
  client.on('error', (error) => void events.push(`error ${String(error)}`));
  const host = makeHost(
    eris(client),
    resolveClientOptions(options),
    loggerTo((text) => void events.push(`log ${text}`)),
  );
  return {
    host,
    events,
    shown: () => plain(client.guilds, NOT_SHOWN),
    guildIds: () => [...client.guilds.keys()].map(String),
    finds: (guildId, channelId) =>
      client.guilds.get(guildId)?.id === guildId &&
      (client.getChannel(channelId) as TextChannel | undefined)?.guild.id === guildId,
    setPresence: (_, name) => client.editStatus('idle', { name, type: 0 }),
    fetchMembers: async (guildId) => (await client.guilds.get(guildId)?.fetchMembers())?.length ?? 0,
    joinVoice: (guildId, channelId) => {
      const guild = client.guilds.get(guildId);
      guild?.shard.sendWS(4, { guild_id: guildId, channel_id: channelId, self_mute: false, self_deaf: false });
    },
    onReady: (listener) => void client.on('ready', listener),
  };
});
