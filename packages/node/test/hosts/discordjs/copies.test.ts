/** What is copied of a shard before its last moment, in that moment, and of its messages. */
import { leakGuard, until } from '@dshard/testkit';
import { systemClock } from '@dshard/transport';
import { Events } from 'discord.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { partsOf } from '../../../src/hosts/discordjs/state-frames.js';
import { moveLive } from './bots.js';
import { Scene } from './scene.js';

leakGuard({ beforeEach, afterEach }, { graceMs: 5_000 });

const scene = new Scene();

afterEach(() => scene.close());

test('what changes while the copy is on its way is sent again before the freeze: little is left for the frozen shard', async () => {
  const gateway = await scene.world({ guilds: 64 });
  const a = await scene.bot('a');
  await a.startShards(0);
  const kinds: string[][] = [];
  let bursts = 3;
  const transfer = {
    signal: new AbortController().signal,
    send: (_: unknown, frame: unknown) =>
      Promise.resolve(void kinds.push(partsOf(frame as Uint8Array).map(({ kind }) => kind))),
    handled: async () => {
      if (bursts-- <= 0) return;
      const before = a.messages.length;
      gateway.traffic.burst(200);
      const all = (): number => gateway.ledger.verdict().emitted;
      await until(() => a.messages.length > before && a.messages.length === all(), { what: 'the messages' });
    },
  };
  await a.host.exportState(0, transfer);
  expect(bursts).toBeLessThan(0);
  expect(kinds.flat().filter((kind) => kind === 'change').length).toBeGreaterThan(4);
  kinds.length = 0;
  await a.host.freeze(0);
  await a.host.exportDelta(0, transfer);
  a.host.unfreeze(0);
  expect(kinds).toEqual([['frozen', 'done']]);
});

test('a shard that is frozen goes before the copies of others, at its origin and at its destination', async () => {
  await scene.world({ members: 20 });
  // Nobody loses patience while a loaded machine dawdles.
  const system = systemClock();
  const clock = { ...system, after: (ms: number, run: () => void) => system.after(ms * 100, run) };
  const a = await scene.bot('a', { clock });
  const b = await scene.bot('b', { clock });
  await a.startShards(0, 1);
  const handled: number[] = [];
  const transferOf = (shardId: number) => ({
    signal: new AbortController().signal,
    send: async (event: string | number, value: unknown) => {
      await b.host.handleUserEvent(shardId, String(event), value);
      handled.push(shardId);
    },
    handled: () => Promise.resolve(),
  });
  await b.host.prepareTransferTo(0, null);
  await b.host.prepareTransferTo(1, null);
  await a.host.exportState(0, transferOf(0));
  handled.length = 0;
  const cursor = await a.host.freeze(0);
  const copying = a.host.exportState(1, transferOf(1));
  await a.host.exportDelta(0, transferOf(0));
  await a.host.release(0);
  expect(await b.host.resumeShard(0, cursor, b.context)).toBe('resumed');
  handled.push(-1);
  await copying;
  expect(handled.slice(0, 3)).toEqual([0, -1, 1]);
  await a.host.released(0);
  await b.host.abortTransferTo(1);
});

test('messages of before the migration are known after it: edits and deletions say what they were, reactions are told', async () => {
  const gateway = await scene.world();
  const a = await scene.bot('a');
  const b = await scene.bot('b');
  await a.startShards(0);
  const guildId = [...a.client.guilds.cache.keys()][0]!;
  const { people } = gateway;
  const [first, second] = [people.say('early', { guildId }), people.say('early', { guildId })];
  await until(() => a.messages.length === 2, { what: 'the messages' });
  let third = first;
  // While the copy is on its way, one is written and one is deleted.
  await moveLive(0, a, b, async () => {
    third = people.say('late', { guildId });
    people.event('MESSAGE_DELETE', { id: second.id, channel_id: second.channel_id, guild_id: guildId }, { guildId });
    await until(() => a.count('messageDelete') === 1, { what: 'the deletion' });
  });
  const told: unknown[] = [];
  b.client.on(Events.MessageReactionAdd, ({ message, count }) => told.push(['reacted', message.content, count]));
  b.client.on(Events.MessageUpdate, (old, { content }) => told.push(['edited', old.content, content]));
  b.client.on(Events.MessageDelete, ({ content, author }) => told.push(['deleted', content, author?.id]));
  people.react('🌻', first.id, { guildId, channelId: first.channel_id });
  people.event('MESSAGE_UPDATE', { ...third, guild_id: guildId, content: 'later' }, { guildId });
  for (const { id, channel_id } of [first, second, third]) {
    people.event('MESSAGE_DELETE', { id, channel_id, guild_id: guildId }, { guildId });
  }
  await until(() => told.length === 4, { what: 'what happened to the messages' });
  expect(told).toEqual([
    ['reacted', 'early', 1],
    ['edited', 'late', 'later'],
    ['deleted', 'early', first.author.id],
    ['deleted', 'later', third.author.id],
  ]);
});
