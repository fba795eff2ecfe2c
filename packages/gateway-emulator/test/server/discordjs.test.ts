/** discord.js 14, as it comes from the registry: what it asks for beyond a login. */
import { leakGuard, until } from '@dshard/testkit';
import type { RESTOptions } from 'discord.js';
import { Client, GatewayIntentBits } from 'discord.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { GatewayEmulator } from '../../src/emulator.js';
import { startGatewayEmulator } from '../../src/emulator.js';

leakGuard({ beforeEach, afterEach });

let gateway: GatewayEmulator;
let client: Client<true>;

/** Undici's connection pool would outlive the test. */
const makeRequest: RESTOptions['makeRequest'] = async (url, init) => {
  const headers = { ...(init.headers as Record<string, string>), connection: 'close' };
  return fetch(url, { method: init.method ?? 'GET', headers });
};

beforeEach(async () => {
  gateway = await startGatewayEmulator({ guilds: 2, members: 1_500 });
  const { Guilds, GuildMembers, GuildPresences, GuildVoiceStates } = GatewayIntentBits;
  const bot = new Client({
    intents: [Guilds, GuildMembers, GuildPresences, GuildVoiceStates],
    rest: { api: gateway.apiUrl, makeRequest },
  });
  await bot.login(gateway.token);
  await until(() => bot.isReady(), { what: 'the bot to be ready', timeoutMs: 20_000 });
  client = bot as Client<true>;
});
afterEach(async () => {
  await client.destroy();
  await gateway.close();
});

test('fetches all members of a guild, in chunks, then some by name and by id', async () => {
  const guild = client.guilds.cache.first()!;
  const all = await guild.members.fetch();
  expect(all.size).toBe(1_501);
  const somebody = all.find(({ user }) => !user.bot)!;
  const byName = await guild.members.fetch({ query: somebody.user.username, limit: 5 });
  expect(byName.has(somebody.id)).toBe(true);
  const byId = await guild.members.fetch({ user: [somebody.id], withPresences: true });
  expect(byId.map(({ id }) => id)).toEqual([somebody.id]);
  await expect(guild.members.fetch()).rejects.toThrow(/rate limited/i);
  expect(gateway.ledger.verdict().violationCounts).toEqual({ 'members-too-early': 1 });
});

test('shows a presence, and sees a guild go and come back', async () => {
  client.user.setPresence({ status: 'dnd', activities: [{ name: 'with shards' }] });
  await until(() => gateway.admin.status().sessions[0]?.presence === 'dnd', { what: 'the presence' });
  const seen: string[] = [];
  client.on('guildUnavailable', ({ id }) => seen.push(`gone ${id}`));
  client.on('guildAvailable', ({ id }) => seen.push(`back ${id}`));
  const { id } = client.guilds.cache.first()!;
  gateway.admin.beginOutage([id]);
  await until(() => client.guilds.cache.get(id)?.available === false, { what: 'the outage' });
  gateway.admin.endOutage([id]);
  await until(() => client.guilds.cache.get(id)?.available === true, { what: 'its end' });
  expect(seen).toEqual([`gone ${id}`, `back ${id}`]);
});

test('joins a voice channel as far as the gateway goes', async () => {
  const guild = client.guilds.cache.first()!;
  const channel = guild.channels.cache.find((candidate) => candidate.isVoiceBased())!;
  guild.shard.send({
    op: 4,
    d: { guild_id: guild.id, channel_id: channel.id, self_mute: false, self_deaf: true },
  });
  await until(() => guild.members.me?.voice.channelId === channel.id, { what: 'the voice state' });
  expect(guild.members.me?.voice.selfDeaf).toBe(true);
  expect(gateway.admin.status().voice).toMatchObject([{ guildId: guild.id, channelId: channel.id }]);
});
