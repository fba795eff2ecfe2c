/**
 * Where this host goes beyond the documented surface of discord.js' structures (see internals.ts). A guild has no
 * packet that comes without an event, nor can it be made outside the caches: the constructors of Guild, Message,
 * ClientUser and ClientApplication, `_patch`, `_add` of the managers of users, members, presences and threads' members,
 * and `_remove` of that of channels. And a few raw values are kept in private fields: `_roles`, `_createdTimestamp`,
 * `_emoji`, `member`, `data` of integration owners.
 */
import type { APIApplication, APIUser } from 'discord-api-types/v10';
import { ClientApplication, ClientUser, Collection, Guild, Message, Routes } from 'discord.js';
import type {
  Client,
  GuildBasedChannel,
  GuildEmoji,
  GuildMember,
  MessageInteractionMetadata,
  MessageReaction,
  PartialPollAnswer,
  PollAnswer,
  SoundboardSound,
  TextBasedChannel,
  ThreadChannel,
  ThreadMember,
  User,
} from 'discord.js';
import type { Payload } from './fields.js';
import type { MessageRecord } from './messages.js';

type HiddenChannels = { _remove(id: string): void };
type HiddenCache = { _add(payload: Payload): unknown };
type Hidden<T> = new (client: Client, payload: Payload) => T;
type Patched = { _patch(payload: Payload): void };
type HiddenRoles = { _roles: readonly string[] };

/** The bot and its application, as its first READY would make them: limited caches compare members with the user. */
export function makeClientUser(client: Client, user: Payload, application: Payload): void {
  if (client.user === null) {
    client.user = new (ClientUser as unknown as Hidden<ClientUser>)(client, user);
    client.users.cache.set(client.user.id, client.user);
  }
  client.application ??= new (ClientApplication as unknown as Hidden<ClientApplication>)(client, application);
}

/** A guild in none of the client's caches. Its channels go there, and are taken out before anybody can look. */
export function buildGuild(client: Client, shardId: number, payload: Payload): Guild {
  const guild = new (Guild as unknown as Hidden<Guild>)(client, { ...payload, shardId });
  guild.channels.cache.forEach(({ id }) => client.channels.cache.delete(id));
  return guild;
}

export function buildUnavailableGuild(client: Client, shardId: number, id: string): Guild {
  return buildGuild(client, shardId, { id, unavailable: true });
}

export function patchGuild(guild: Guild, payload: Payload): void {
  (guild as unknown as Patched)._patch({ ...payload, id: guild.id });
}

/** Without members, presences and messages. Emits what changed of emojis and stickers, which nobody should hear. */
export function patchWholeGuild(guild: Guild, payload: Payload): void {
  const channels = guild.client.channels as unknown as HiddenChannels;
  const sent = ['channels', 'threads'].flatMap((key) => payload[key] as readonly Payload[]);
  const kinds = new Map(sent.map(({ id, type }) => [id, type]));
  for (const channel of Array.from(guild.channels.cache.values())) {
    // One of another kind is another object.
    if (kinds.get(channel.id) !== channel.type) channels._remove(channel.id);
    else if (channel.isThread()) channel.members.cache.clear();
  }
  patchGuild(guild, payload);
}

export function patchChannel(channel: GuildBasedChannel, payload: Payload): void {
  (channel as unknown as Patched)._patch(payload);
}

export function addMember(guild: Guild, payload: Payload): void {
  (guild.members as unknown as HiddenCache)._add(payload);
}

export function addPresence(guild: Guild, payload: Payload): void {
  (guild.presences as unknown as HiddenCache)._add({ ...payload, guild });
}

export function addThreadMember(thread: ThreadChannel, payload: Payload): void {
  (thread.members as unknown as HiddenCache)._add(payload);
}

/** Text channels and threads; a voice channel has messages, too. */
export type MessageChannel = GuildBasedChannel & Pick<TextBasedChannel, 'messages'>;

export function hasMessages(channel: GuildBasedChannel): channel is MessageChannel {
  return 'messages' in channel;
}

/** Makes messages of a guild in none of the client's caches: they look for it and their channel there. */
export function putMessages(channel: MessageChannel, records: readonly MessageRecord[]): void {
  const { guild, client } = channel;
  const before = { guild: client.guilds.cache.get(guild.id), channel: client.channels.cache.get(channel.id) };
  client.guilds.cache.set(guild.id, guild);
  client.channels.cache.set(channel.id, channel);
  try {
    for (const record of records) {
      // One that is there keeps its place: the oldest is the first that a full cache drops.
      channel.messages.cache.set(record.message.id, makeMessage(client, record));
    }
  } finally {
    putBack(client.guilds.cache, guild.id, before.guild);
    putBack(client.channels.cache, channel.id, before.channel);
  }
}

function putBack<T>(cache: Map<string, T>, id: string, before: T | undefined): void {
  if (before === undefined) cache.delete(id);
  else cache.set(id, before);
}

function makeMessage(client: Client, record: MessageRecord): Message<true> {
  const message = new (Message as unknown as Hidden<Message<true>>)(client, record.message);
  const user = (payload: Payload): User => (client.users as unknown as HiddenCache)._add(payload) as User;
  const fill = (cache: Map<string, User>, payloads: readonly Payload[] = []): void => {
    cache.clear();
    payloads.map(user).forEach((each) => cache.set(each.id, each));
  };
  if (record.repliedUser !== undefined) message.mentions.repliedUser = user(record.repliedUser);
  [...message.reactions.cache.values()].forEach(({ users }, index) => fill(users.cache, record.reacted[index]));
  [...(message.poll?.answers.values() ?? [])].forEach(({ voters }, index) => fill(voters.cache, record.voted[index]));
  if ('messageSnapshots' in message) {
    message.messageSnapshots = new Collection(
      record.snapshots.map((each) => [each.message.id, makeMessage(client, each)]),
    ) as unknown as Message['messageSnapshots'];
  }
  return message;
}

/** With ids of roles that are not cached, which `roles.cache` leaves out. */
export function roleIdsOf(member: GuildMember): readonly string[] {
  return (member as unknown as HiddenRoles)._roles;
}

export function allowedRoleIdsOf(emoji: GuildEmoji): readonly string[] {
  return (emoji as unknown as HiddenRoles)._roles;
}

/** As Discord said, in milliseconds, or null: `createdTimestamp` also knows it from the id. */
export function creationOf(thread: ThreadChannel): number | null {
  return (thread as unknown as { _createdTimestamp: number | null })._createdTimestamp;
}

/** Only if Discord sent it along; `guildMember` also finds it in the guild. */
export function memberWith(threadMember: ThreadMember): GuildMember | null {
  return (threadMember as unknown as { member: GuildMember | null }).member;
}

export function soundEmojiOf(sound: SoundboardSound): { id: string | null; name: string | null } | null {
  return (sound as unknown as { _emoji: { id: string | null; name: string | null } | null })._emoji;
}

/** `emoji` looks for what the client knows of it. */
export function reactionEmojiOf(reaction: MessageReaction): {
  id: string | null;
  name: string | null;
  animated: boolean | null;
} {
  return (reaction as unknown as { _emoji: MessageReaction['emoji'] })._emoji;
}

/** As Discord said it, or null. */
export function answerEmojiOf(answer: PollAnswer | PartialPollAnswer): Payload | null {
  return (answer as unknown as { _emoji: Payload | null })._emoji;
}

/** discord.js before 14.19 does not keep them. */
export function integrationOwnersOf({ authorizingIntegrationOwners }: MessageInteractionMetadata): Payload | undefined {
  return (authorizingIntegrationOwners as unknown as { data: Payload } | undefined)?.data;
}

/** Rejects as discord.js' REST does. */
export async function learnIdentity(client: Client): Promise<void> {
  const [user, application] = await Promise.all([
    client.rest.get(Routes.user()) as Promise<APIUser>,
    client.rest.get(Routes.currentApplication()) as Promise<APIApplication>,
  ]);
  // What READY has of the application. For the rest a bot calls client.application.fetch(), as ever.
  const { id, flags } = application;
  makeClientUser(client, { ...user }, { id, flags });
}
