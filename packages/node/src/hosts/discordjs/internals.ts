/**
 * Every place where this host goes beyond the documented surface of discord.js, and the only file that does. Made for and tested
 * with 14.28.1. `checkInternals` runs at login and says what is missing in another version, before anything connects.
 *
 * Documented doors (`ws.buildStrategy`, the dispatches of its manager, `updateSessionInfo`) are used elsewhere. What they lack:
 * - The strategy is not told which client it belongs to: `login` of the class is wrapped to learn that. A client that was destroyed stays
 *   so, with the manager it had: `ws.destroyed`, `ws._ws` and `ws.packetQueue` are set back.
 * - A client makes its shards in `login` and never again: `WebSocketShard` is made here, and counted in `ws.totalShards`.
 * - What listeners return is thrown away: `emit` of the one client is replaced (listeners-in-flight.ts).
 * - A guild has no packet that comes without an event, nor can it be made outside the caches: the constructors of Guild, Message,
 *   ClientUser and ClientApplication, `_patch`, and `_add` of the managers of users, members, presences and threads' members.
 * - A few raw values are kept in private fields: `_roles`, `_createdTimestamp`, `_emoji`, `member`, `data` of integration owners.
 * - `WebSocketShard` of the @discordjs/ws inside discord.js: loaded from where discord.js loads it.
 */
import { createRequire } from 'node:module';
import {
  Client,
  ClientApplication,
  ClientUser,
  Collection,
  Events,
  Guild,
  Message,
  Status,
  WebSocketShard,
  version as discordJsVersion,
} from 'discord.js';
import type {
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
import { NodeError } from '../../errors.js';
import type { GatewayLibrary } from '../ws/library.js';
import type { Payload } from './export/fields.js';
import type { MessageRecord } from './export/messages.js';

/** What the typings hide or mark as private. */
type HiddenManager = {
  totalShards: number;
  destroyed: boolean;
  _ws: unknown;
  readonly packetQueue: unknown[];
  checkShardsReady(): void;
  triggerClientReady(): void;
  handlePacket(): void;
};
type HiddenCache = { _add(payload: Payload): unknown };
type Hidden<T> = new (client: Client, payload: Payload) => T;
type Patched = { _patch(payload: Payload): void };
type HiddenRoles = { _roles: readonly string[] };
type Emit = (event: string, ...args: unknown[]) => boolean;

const TESTED_WITH = '14.28.1';

/** Throws `DSO_DISCORDJS_UNSUPPORTED`. */
export function checkInternals(client: Client): void {
  const manager = client.ws as unknown as Record<string, unknown>;
  const guild = client.guilds as unknown as Record<string, unknown>;
  const missing = [
    ['client.ws.shards', client.ws.shards instanceof Map],
    ['client.ws.status', typeof manager['status'] === 'number'],
    ['client.ws.destroyed', typeof manager['destroyed'] === 'boolean'],
    ['client.ws._ws', '_ws' in manager],
    ['client.ws.packetQueue', Array.isArray(manager['packetQueue'])],
    ['client.ws.checkShardsReady()', typeof manager['checkShardsReady'] === 'function'],
    ['client.ws.triggerClientReady()', typeof manager['triggerClientReady'] === 'function'],
    ['client.ws.handlePacket()', typeof manager['handlePacket'] === 'function'],
    ['client.guilds._add()', typeof guild['_add'] === 'function'],
    ['Guild#_patch()', typeof hidden(Guild.prototype)['_patch'] === 'function'],
    ['Message', typeof Message === 'function'],
    ['ClientUser', typeof ClientUser === 'function'],
    ['ClientApplication', typeof ClientApplication === 'function'],
    ['WebSocketShard', typeof WebSocketShard === 'function'],
    ['WebSocketShard#checkReady()', typeof hidden(WebSocketShard.prototype)['checkReady'] === 'function'],
    ['WebSocketShard#onReadyPacket()', typeof hidden(WebSocketShard.prototype)['onReadyPacket'] === 'function'],
  ]
    .filter(([, there]) => there !== true)
    .map(([name]) => name);
  if (missing.length > 0) {
    throw unsupported(`has no ${missing.join(', ')}`);
  }
}

/** @discordjs/ws as discord.js has it. Throws `DSO_DISCORDJS_UNSUPPORTED`. */
export function libraryOfDiscordJs(): GatewayLibrary {
  try {
    const inDiscordJs = createRequire(createRequire(import.meta.url).resolve('discord.js'));
    const library = inDiscordJs('@discordjs/ws') as Pick<GatewayLibrary, 'WebSocketShard'>;
    if (typeof library.WebSocketShard === 'function') {
      // 1.x emits one object per event: `{ data }`, `{ code }`, `{ error }`, `{ message }`, or the heartbeat's figures as they are.
      return { WebSocketShard: library.WebSocketShard, valuesOf: ([event]) => [unwrapped(event)] };
    }
  } catch (error) {
    throw unsupported('has no @discordjs/ws inside', error);
  }
  throw unsupported('has a @discordjs/ws inside that has no WebSocketShard');
}

function unwrapped(event: unknown): unknown {
  const object = (event ?? {}) as Record<string, unknown>;
  for (const key of ['data', 'code', 'error', 'message']) {
    if (key in object) return object[key];
  }
  return event;
}

let loginWrapped = false;

/** From now on every client of this copy of discord.js is shown to `begins` when its login() begins. Once per process. */
export function wrapLogin(begins: (client: Client) => void, failed: (client: Client) => void): void {
  if (loginWrapped) {
    return;
  }
  loginWrapped = true;
  const login = Reflect.get(Client.prototype, 'login');
  Client.prototype.login = async function wrapped(this: Client, token?: string): Promise<string> {
    begins(this);
    try {
      return await (token === undefined ? login.call(this) : login.call(this, token));
    } catch (error) {
      failed(this);
      throw error;
    }
  };
}

/** As it was before its first login(): the next one makes a new manager of the gateway, and asks for a new strategy. */
export function forgetGateway(client: Client): void {
  const manager = hiddenManager(client);
  manager.destroyed = false;
  manager._ws = null;
  manager.packetQueue.length = 0;
  client.ws.shards.clear();
  client.ws.status = Status.Idle;
}

/** A shard as `client.ws.connect()` makes it. `allReady`: its guilds are all there. */
export function makeShard(client: Client, shardId: number, allReady: () => void): WebSocketShard {
  const Shard = WebSocketShard as unknown as new (manager: Client['ws'], id: number) => WebSocketShard;
  const shard = new Shard(client.ws, shardId);
  shard.on('allReady', (unavailableGuilds) => {
    allReady();
    client.emit(Events.ShardReady, shardId, unavailableGuilds);
    checkClientReady(client);
  });
  return shard;
}

/** Counts the client's shards, for `clientReady`. */
export function countShards(client: Client): void {
  client.options.shards = [...client.ws.shards.keys()];
  hiddenManager(client).totalShards = client.ws.shards.size;
}

/** Emits `clientReady` if the client has shards, all of them are ready and it has not been emitted yet. */
export function checkClientReady(client: Client): void {
  if (client.ws.shards.size > 0) {
    hiddenManager(client).checkShardsReady();
  }
}

/** `ready` is called whenever the client is to become ready: with what discord.js does then, `clientReady` included. */
export function wrapClientReady(client: Client, ready: (emit: () => void) => void): void {
  const manager = hiddenManager(client);
  const trigger = manager.triggerClientReady.bind(manager);
  manager.triggerClientReady = () => ready(trigger);
}

export function triggerClientReady(client: Client): void {
  hiddenManager(client).triggerClientReady();
}

/** Without `clientReady`; `readyTimestamp` stays that of the first time. */
export function becomeReady(client: Client): void {
  client.ws.status = Status.Ready;
  hiddenManager(client).handlePacket();
}

/** Returns the emit that was there. */
export function replaceEmit(client: Client, emit: Emit): Emit {
  const before = client.emit.bind(client);
  (client as unknown as { emit: Emit }).emit = emit;
  return before;
}

/** The bot and its application, as its first READY would make them: members are compared with the user when caches are limited. */
export function makeClientUser(client: Client, user: Payload, application: Payload): void {
  if (client.user === null) {
    client.user = new (ClientUser as unknown as Hidden<ClientUser>)(client, user);
    client.users.cache.set(client.user.id, client.user);
  }
  client.application ??= new (ClientApplication as unknown as Hidden<ClientApplication>)(client, application);
}

/** A guild in none of the client's caches. Its channels go there by themselves, and are taken out before anybody can look. */
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

/** Makes messages of a guild that is in none of the client's caches: they look for it and their channel there, when they are made. */
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
  message.messageSnapshots = new Collection(
    record.snapshots.map((each) => [each.message.id, makeMessage(client, each)]),
  ) as unknown as Message['messageSnapshots'];
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

export function integrationOwnersOf({ authorizingIntegrationOwners }: MessageInteractionMetadata): Payload {
  return (authorizingIntegrationOwners as unknown as { data: Payload }).data;
}

function hiddenManager(client: Client): HiddenManager {
  return client.ws as unknown as HiddenManager;
}

function hidden(prototype: object): Record<string, unknown> {
  return prototype as Record<string, unknown>;
}

function unsupported(what: string, cause?: unknown): NodeError {
  return new NodeError(
    'DSO_DISCORDJS_UNSUPPORTED',
    `discord.js ${discordJsVersion} ${what}, which @dshard/node/discordjs needs. Install discord.js@${TESTED_WITH}, with which it was ` +
      'tested, or a newer @dshard/node.',
    { cause },
  );
}
