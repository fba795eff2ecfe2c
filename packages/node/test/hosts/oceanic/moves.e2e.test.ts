import { makeHost } from '../../../src/hosts/client/orchestrate.js';
import { resolveClientOptions } from '../../../src/hosts/client/options.js';
import { oceanic } from '../../../src/hosts/oceanic/oceanic-port.js';
import { ALL_INTENTS } from '../../guild-state/world.js';
import { describeClientMoves } from '../client/moves.js';
import { plain } from '../client/scene.js';
import { loggerTo } from '../kept-state.js';
import { oceanicClient } from './bots.js';

/**
 * The client behind each thing, its connection, what was looked up when it was made, and messages, which do not move.
 */
const NOT_SHOWN = new Set(['client', '_shard', 'messages', '_cachedGuild', '_cachedChannel', '_cachedParent', 'owner']);

describeClientMoves('oceanic.js', (gateway, options) => {
  const client = oceanicClient(gateway, ALL_INTENTS, { collectionLimits: { messages: 10 } });
  const events: string[] = [];
  client.on('ready', () => void events.push('ready'));
  for (const name of ['shardReady', 'shardResume', 'shardMoved', 'shardLeaving'] as const) {
    client.on(name as 'shardReady', (shardId: number) => void events.push(`${name} ${shardId}`));
  }
  for (const name of ['guildCreate', 'guildDelete', 'guildAvailable', 'guildUnavailable'] as const) {
    client.on(name as 'guildCreate', (guild) => void events.push(`${name} ${guild.id}`));
  }
  client.on('messageCreate', ({ content }) => void events.push(`message ${content}`));
  client.on('voiceChannelJoin', (member) => {
    if (member.id === client.user.id) events.push(`voice ${member.guildID}`);
  });
  client.on('error', (error) => void events.push(`error ${String(error)}`));
  const host = makeHost(
    oceanic(client),
    resolveClientOptions(options),
    loggerTo((text) => void events.push(`log ${text}`)),
  );
  return {
    host,
    events,
    shown: () => plain(client.guilds, NOT_SHOWN),
    guildIds: () => [...client.guilds.keys()],
    finds: (guildId, channelId) =>
      client.guilds.get(guildId)?.id === guildId && client.getChannel(channelId)?.id === channelId,
    setPresence: (_, name) => void client.editStatus('idle', [{ name, type: 0 }]),
    fetchMembers: async (guildId) => (await client.guilds.get(guildId)?.fetchMembers())?.length ?? 0,
    joinVoice: (guildId, channelId) => client.guilds.get(guildId)?.shard.updateVoiceState(guildId, channelId),
    onReady: (listener) => void client.on('ready', listener),
  };
});
