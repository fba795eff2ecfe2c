/**
 * What Discord's events mean for the guilds of a shard: `reduce(state, event)` changes the state, which belongs to its
 * caller alone. No I/O, no clock, no randomness; an event that it does not know, or of a guild that it does not have,
 * changes nothing.
 *
 * As in a session that begins now: threads that are archived are not shown, nor is who went offline.
 */
import type * as Discord from 'discord-api-types/v10';
import { addMember, addPresence, KEEP_ALL, prunePeople, type PeopleLimits } from './people.js';
import { rawGuildOf, type Payload, type RawGuild } from './raw-guild.js';

/** Of one shard. */
export type ShardState = {
  readonly limits: PeopleLimits;
  /** Of READY, as JSON; null before it. */
  user: { readonly id: string; readonly json: string } | null;
  application: string | null;
  /** null: the guild is there, and not available. */
  readonly guilds: Map<string, RawGuild | null>;
};

export function emptyState(limits: PeopleLimits = KEEP_ALL): ShardState {
  return { limits, user: null, application: null, guilds: new Map() };
}

export type RawDispatch = { readonly t: string; readonly d: unknown };

export function reduce(state: ShardState, { t, d }: RawDispatch): void {
  if (Object.hasOwn(SHARD_EVENTS, t)) {
    (SHARD_EVENTS[t as keyof ShardEvents] as (state: ShardState, data: unknown) => void)(state, d);
  } else if (Object.hasOwn(GUILD_EVENTS, t)) {
    const guild = state.guilds.get(String((d as { guild_id?: string }).guild_id));
    if (guild) (GUILD_EVENTS[t as keyof GuildEvents] as GuildReducer<unknown>)(guild, d, state);
  }
}

type ShardEvents = {
  READY: Discord.GatewayReadyDispatchData;
  USER_UPDATE: Discord.GatewayUserUpdateDispatchData;
  GUILD_CREATE: Discord.GatewayGuildCreateDispatchData;
  GUILD_UPDATE: Discord.GatewayGuildUpdateDispatchData;
  GUILD_DELETE: Discord.GatewayGuildDeleteDispatchData;
};

const SHARD_EVENTS: { readonly [T in keyof ShardEvents]: (state: ShardState, data: ShardEvents[T]) => void } = {
  READY: (state, { user, application, guilds }) => {
    state.user = { id: user.id, json: JSON.stringify(user) };
    state.application = JSON.stringify(application);
    state.guilds.clear();
    guilds.forEach(({ id }) => state.guilds.set(id, null));
  },
  USER_UPDATE: (state, user) => {
    if (state.user === null) return;
    const json = JSON.stringify({ ...(JSON.parse(state.user.json) as Payload), ...user });
    state.user = { id: user.id, json };
  },
  GUILD_CREATE: (state, data) => {
    const guild = data.unavailable === true ? null : rawGuildOf(data);
    if (guild !== null) prunePeople(guild, state);
    state.guilds.set(data.id, guild);
  },
  GUILD_UPDATE: (state, { roles, emojis, stickers, ...fields }) => {
    const guild = state.guilds.get(fields.id);
    if (!guild) return;
    const { guild_id: _, ...own } = fields as typeof fields & { guild_id?: string };
    guild.mergeFields(own);
    guild.replace('roles', roles);
    guild.replace('emojis', emojis);
    guild.replace('stickers', stickers ?? []);
  },
  GUILD_DELETE: (state, { id, unavailable }) => {
    if (unavailable === true) state.guilds.set(id, null);
    else state.guilds.delete(id);
  },
};

/** Per guild; the newest of them. */
const ARCHIVED_THREADS = 50;

type GuildReducer<D> = (guild: RawGuild, data: D, state: ShardState) => void;

type ThreadEvent = Discord.GatewayThreadCreateDispatchData & { guild_id?: string };
type VoiceChannelUpdate = { id: string; guild_id: string; status?: string | null; voice_start_time?: string | null };

type GuildEvents = {
  CHANNEL_CREATE: Discord.GatewayChannelCreateDispatchData;
  CHANNEL_UPDATE: Discord.GatewayChannelUpdateDispatchData;
  CHANNEL_DELETE: Discord.GatewayChannelDeleteDispatchData;
  CHANNEL_PINS_UPDATE: Discord.GatewayChannelPinsUpdateDispatchData;
  VOICE_CHANNEL_STATUS_UPDATE: VoiceChannelUpdate;
  VOICE_CHANNEL_START_TIME_UPDATE: VoiceChannelUpdate;
  THREAD_CREATE: ThreadEvent;
  THREAD_UPDATE: ThreadEvent;
  THREAD_DELETE: Discord.GatewayThreadDeleteDispatchData;
  THREAD_LIST_SYNC: Discord.GatewayThreadListSyncDispatchData;
  THREAD_MEMBER_UPDATE: Discord.GatewayThreadMemberUpdateDispatchData;
  THREAD_MEMBERS_UPDATE: Discord.GatewayThreadMembersUpdateDispatchData;
  MESSAGE_CREATE: Discord.GatewayMessageCreateDispatchData;
  MESSAGE_DELETE: Discord.GatewayMessageDeleteDispatchData;
  MESSAGE_DELETE_BULK: Discord.GatewayMessageDeleteBulkDispatchData;
  GUILD_ROLE_CREATE: Discord.GatewayGuildRoleCreateDispatchData;
  GUILD_ROLE_UPDATE: Discord.GatewayGuildRoleUpdateDispatchData;
  GUILD_ROLE_DELETE: Discord.GatewayGuildRoleDeleteDispatchData;
  GUILD_EMOJIS_UPDATE: Discord.GatewayGuildEmojisUpdateDispatchData;
  GUILD_STICKERS_UPDATE: Discord.GatewayGuildStickersUpdateDispatchData;
  GUILD_SOUNDBOARD_SOUND_CREATE: Discord.GatewayGuildSoundboardSoundCreateDispatchData;
  GUILD_SOUNDBOARD_SOUND_UPDATE: Discord.GatewayGuildSoundboardSoundUpdateDispatchData;
  GUILD_SOUNDBOARD_SOUND_DELETE: Discord.GatewayGuildSoundboardSoundDeleteDispatchData;
  GUILD_SOUNDBOARD_SOUNDS_UPDATE: Discord.GatewayGuildSoundboardSoundsUpdateDispatchData;
  SOUNDBOARD_SOUNDS: Discord.GatewaySoundboardSoundsDispatchData;
  STAGE_INSTANCE_CREATE: Discord.GatewayStageInstanceCreateDispatchData;
  STAGE_INSTANCE_UPDATE: Discord.GatewayStageInstanceUpdateDispatchData;
  STAGE_INSTANCE_DELETE: Discord.GatewayStageInstanceDeleteDispatchData;
  GUILD_SCHEDULED_EVENT_CREATE: Discord.GatewayGuildScheduledEventCreateDispatchData;
  GUILD_SCHEDULED_EVENT_UPDATE: Discord.GatewayGuildScheduledEventUpdateDispatchData;
  GUILD_SCHEDULED_EVENT_DELETE: Discord.GatewayGuildScheduledEventDeleteDispatchData;
  GUILD_SCHEDULED_EVENT_USER_ADD: Discord.GatewayGuildScheduledEventUserAddDispatchData;
  GUILD_SCHEDULED_EVENT_USER_REMOVE: Discord.GatewayGuildScheduledEventUserRemoveDispatchData;
  GUILD_MEMBER_ADD: Discord.GatewayGuildMemberAddDispatchData;
  GUILD_MEMBER_UPDATE: Discord.GatewayGuildMemberUpdateDispatchData;
  GUILD_MEMBER_REMOVE: Discord.GatewayGuildMemberRemoveDispatchData;
  GUILD_MEMBERS_CHUNK: Discord.GatewayGuildMembersChunkDispatchData;
  PRESENCE_UPDATE: Discord.GatewayPresenceUpdateDispatchData;
  VOICE_STATE_UPDATE: Discord.GatewayVoiceStateUpdateDispatchData;
};

const GUILD_EVENTS: { readonly [T in keyof GuildEvents]: GuildReducer<GuildEvents[T]> } = {
  CHANNEL_CREATE: putChannel,
  CHANNEL_UPDATE: putChannel,
  CHANNEL_DELETE: (guild, { id }) => {
    guild.drop('channels', id);
    for (const [threadId, text] of guild.parts.threads) {
      if ((JSON.parse(text) as Payload)['parent_id'] === id) guild.drop('threads', threadId);
    }
  },
  CHANNEL_PINS_UPDATE: (guild, { channel_id: id, last_pin_timestamp = null }) => {
    mergeChannel(guild, id, { last_pin_timestamp });
  },
  VOICE_CHANNEL_STATUS_UPDATE: (guild, { id, status = null }) => mergeChannel(guild, id, { status }),
  VOICE_CHANNEL_START_TIME_UPDATE: (guild, { id, voice_start_time = null }) => {
    mergeChannel(guild, id, { voice_start_time });
  },

  THREAD_CREATE: putThread,
  THREAD_UPDATE: putThread,
  THREAD_DELETE: (guild, { id }) => guild.drop('threads', id),
  THREAD_LIST_SYNC: (guild, { channel_ids: channelIds, threads, members }) => {
    // Only active ones are listed.
    const listed = new Set([...threads.map(({ id }) => id), ...guild.archivedThreads()]);
    for (const [id, text] of guild.parts.threads) {
      const parentId = String((JSON.parse(text) as Payload)['parent_id']);
      const isAsked = channelIds === undefined || channelIds.includes(parentId);
      if (isAsked && !listed.has(id)) guild.drop('threads', id);
    }
    threads.forEach((thread) => putThread(guild, thread));
    members.forEach((member) => guild.merge('threads', String(member.id), { member }));
  },
  THREAD_MEMBER_UPDATE: (guild, data) => void guild.merge('threads', String(data.id), { member: own(data) }),
  THREAD_MEMBERS_UPDATE: (
    guild,
    { id, member_count, added_members: added = [], removed_member_ids: gone = [] },
    state,
  ) => {
    const thread = guild.get('threads', id);
    if (thread === null) return;
    const { member: before, ...others } = thread;
    const ownId = state.user?.id ?? '';
    const joined = added.find(({ user_id: userId }) => userId === ownId);
    const isOut = gone.includes(ownId);
    const ownMember = isOut ? undefined : joined === undefined ? before : ownPart(joined);
    guild.put('threads', id, { ...others, member_count, ...(ownMember !== undefined && { member: ownMember }) });
  },

  MESSAGE_CREATE: (guild, { id, channel_id: channelId }) => guild.wrote(channelId, id),
  MESSAGE_DELETE: (guild, { channel_id: channelId }) => guild.wrote(channelId, null),
  MESSAGE_DELETE_BULK: (guild, { ids, channel_id: channelId }) => ids.forEach(() => guild.wrote(channelId, null)),

  GUILD_ROLE_CREATE: (guild, { role }) => guild.put('roles', role.id, role),
  GUILD_ROLE_UPDATE: (guild, { role }) => guild.put('roles', role.id, role),
  GUILD_ROLE_DELETE: (guild, { role_id: id }) => {
    guild.drop('roles', id);
    // Discord does not tell of every member that had it.
    for (const [userId, text] of guild.parts.members) {
      if (!text.includes(id)) continue;
      const { roles } = JSON.parse(text) as { roles: readonly string[] };
      guild.merge('members', userId, { roles: roles.filter((role) => role !== id) });
    }
  },
  GUILD_EMOJIS_UPDATE: (guild, { emojis }) => guild.replace('emojis', emojis),
  GUILD_STICKERS_UPDATE: (guild, { stickers }) => guild.replace('stickers', stickers),

  GUILD_SOUNDBOARD_SOUND_CREATE: (guild, sound) => guild.put('soundboard_sounds', sound.sound_id, sound),
  GUILD_SOUNDBOARD_SOUND_UPDATE: (guild, sound) => guild.put('soundboard_sounds', sound.sound_id, sound),
  GUILD_SOUNDBOARD_SOUND_DELETE: (guild, { sound_id: id }) => guild.drop('soundboard_sounds', id),
  GUILD_SOUNDBOARD_SOUNDS_UPDATE: (guild, { soundboard_sounds: sounds }) => guild.replace('soundboard_sounds', sounds),
  SOUNDBOARD_SOUNDS: (guild, { soundboard_sounds: sounds }) => guild.replace('soundboard_sounds', sounds),

  STAGE_INSTANCE_CREATE: (guild, stage) => guild.put('stage_instances', stage.id, stage),
  STAGE_INSTANCE_UPDATE: (guild, stage) => guild.put('stage_instances', stage.id, stage),
  STAGE_INSTANCE_DELETE: (guild, { id }) => guild.drop('stage_instances', id),

  GUILD_SCHEDULED_EVENT_CREATE: (guild, event) => guild.put('guild_scheduled_events', event.id, event),
  GUILD_SCHEDULED_EVENT_UPDATE: (guild, event) => {
    if (!guild.merge('guild_scheduled_events', event.id, event)) guild.put('guild_scheduled_events', event.id, event);
  },
  GUILD_SCHEDULED_EVENT_DELETE: (guild, { id }) => guild.drop('guild_scheduled_events', id),
  GUILD_SCHEDULED_EVENT_USER_ADD: (guild, { guild_scheduled_event_id: id }) => countSubscriber(guild, id, 1),
  GUILD_SCHEDULED_EVENT_USER_REMOVE: (guild, { guild_scheduled_event_id: id }) => countSubscriber(guild, id, -1),

  GUILD_MEMBER_ADD: (guild, data, state) => {
    guild.count(1);
    guild.drop('members', data.user.id);
    addMember(guild, own(data), state);
  },
  GUILD_MEMBER_UPDATE: (guild, data, state) => addMember(guild, own(data), state),
  GUILD_MEMBER_REMOVE: (guild, { user: { id } }) => {
    guild.count(-1);
    guild.drop('members', id);
    guild.drop('presences', id);
    guild.drop('voice_states', id);
  },
  GUILD_MEMBERS_CHUNK: (guild, { members, presences = [] }, state) => {
    members.forEach((member) => addMember(guild, member, state));
    presences.forEach((presence) => addPresence(guild, presence, state));
  },
  PRESENCE_UPDATE: addPresence,
  VOICE_STATE_UPDATE: (guild, data, state) => {
    const { member, ...voice } = own(data);
    const { user_id: id } = voice;
    // Who is in a channel is known by GUILD_CREATE, whatever the bot's intents are.
    if (member !== undefined) addMember(guild, member, state);
    if (voice.channel_id === null) guild.drop('voice_states', id);
    else guild.put('voice_states', id, voice);
  },
};

/** As GUILD_CREATE has it: its parts do not name the guild. */
function own<D extends { guild_id?: string }>(data: D): Omit<D, 'guild_id'> {
  const { guild_id: _, ...rest } = data;
  return rest;
}

function putChannel(guild: RawGuild, data: { id: string; guild_id?: string }): void {
  guild.put('channels', data.id, own(data));
}

function mergeChannel(guild: RawGuild, id: string, fields: object): void {
  if (!guild.merge('channels', id, fields)) guild.merge('threads', id, fields);
}

/**
 * Whether the bot is a member is said once. So an archived thread that the bot is a member of is kept, though it is not
 * shown: when it is active again, Discord does not say so.
 */
function putThread(guild: RawGuild, data: ThreadEvent): void {
  const { newly_created: _, ...thread } = data;
  const before = guild.get('threads', thread.id)?.['member'];
  const member = thread.member ?? before;
  const isArchived = thread.thread_metadata?.archived === true;
  if (isArchived) guild.drop('threads', thread.id);
  if (isArchived && member === undefined) return;
  guild.put('threads', thread.id, { ...thread, ...(member !== undefined && { member }) });
  if (!isArchived) return;
  const archived = guild.archivedThreads();
  archived.slice(0, Math.max(0, archived.length - ARCHIVED_THREADS)).forEach((id) => guild.drop('threads', id));
}

/** Of the bot as a member of a thread; who that is in the guild is known. */
function ownPart(data: Discord.APIThreadMember & { presence?: unknown }): object {
  const { member: _, presence: __, ...rest } = data;
  return rest;
}

function countSubscriber(guild: RawGuild, id: string, change: 1 | -1): void {
  const count = guild.get('guild_scheduled_events', id)?.['user_count'];
  if (typeof count === 'number') guild.merge('guild_scheduled_events', id, { user_count: count + change });
}
