/**
 * What those who run a guild do: its settings, channels, threads, roles, emojis, stickers, scheduled events, stages,
 * sounds, and what its members are. Each edit changes the world and returns the events that Discord sends of it.
 *
 * A new part is made after the pattern of the first of its kind, so that it has all fields which Discord sends.
 */
import type { TrafficEvent } from '../core/dispatch.js';
import { intentsOf } from './event-intents.js';
import type { Guild } from './guild.js';
import { activeThreads, shownChannel, shownThread } from './guild-create.js';
import { channelTypes, type GuildChannel, type GuildThread } from './guild-parts.js';
import { voiceChanges, type EventMeta } from './member-events.js';
import { memberJson } from './users.js';

/** Where the parts of a kind are, and by which events they are told. `list`: as a whole. */
const kinds = {
  channel: { parts: 'channels', id: 'id', event: 'CHANNEL' },
  thread: { parts: 'threads', id: 'id', event: 'THREAD' },
  role: { parts: 'roles', id: 'id', event: 'GUILD_ROLE' },
  emoji: { parts: 'emojis', id: 'id', list: 'GUILD_EMOJIS_UPDATE' },
  sticker: { parts: 'stickers', id: 'id', list: 'GUILD_STICKERS_UPDATE' },
  scheduledEvent: { parts: 'scheduledEvents', id: 'id', event: 'GUILD_SCHEDULED_EVENT' },
  stageInstance: { parts: 'stageInstances', id: 'id', event: 'STAGE_INSTANCE' },
  sound: { parts: 'sounds', id: 'sound_id', event: 'GUILD_SOUNDBOARD_SOUND' },
} as const;

export type PartKind = keyof typeof kinds;

export const partKinds = Object.keys(kinds) as PartKind[];

type Part = Readonly<Record<string, unknown>>;

export type GuildEdit =
  | { kind: 'guild'; data: Part }
  /** Nickname (`nick`) and `roles` of a member. */
  | { kind: 'member'; id: string; data: Part }
  /** Somebody joins a thread, or leaves it. */
  | { kind: 'threadMember'; action: 'join' | 'leave'; id: string; userId: string }
  /** Discord lists the threads that are active. */
  | { kind: 'threadList' }
  | { kind: PartKind; action: 'create'; data: Part }
  | { kind: PartKind; action: 'update'; id: string; data: Part }
  | { kind: PartKind; action: 'delete'; id: string };

/** An edit that cannot be made: the message says why. */
export class EditRefused extends Error {}

/** In the order in which Discord sends them. Throws EditRefused. */
export function editGuild(guild: Guild, edit: GuildEdit, meta: EventMeta): TrafficEvent[] {
  const tell = (type: string, data: object): TrafficEvent => ({
    id: meta.id,
    type,
    json: JSON.stringify(data),
    route: guild.route,
    intents: intentsOf(type, true),
  });
  if ('action' in edit && edit.kind !== 'threadMember') return editPart(guild, edit, meta, tell);
  switch (edit.kind) {
    case 'guild':
      guild.set(edit.data);
      return [tell('GUILD_UPDATE', { ...guild.json(), guild_id: guild.id })];
    case 'member':
      return [tell('GUILD_MEMBER_UPDATE', editMember(guild, edit.id, edit.data))];
    case 'threadMember':
      return [tell('THREAD_MEMBERS_UPDATE', editThreadMembers(guild, edit, meta))];
    case 'threadList':
      return [tell('THREAD_LIST_SYNC', { guild_id: guild.id, ...threadList(guild) })];
  }
}

type Tell = (type: string, data: object) => TrafficEvent;
type PartEdit = Extract<GuildEdit, { action: 'create' | 'update' | 'delete' }>;

function editPart(guild: Guild, edit: PartEdit, meta: EventMeta, tell: Tell): TrafficEvent[] {
  const spec = kinds[edit.kind];
  const before = partsOf(guild, edit.kind);
  const known = edit.action === 'create' ? undefined : before.find((part) => part[spec.id] === edit.id);
  if (edit.action !== 'create' && known === undefined) throw new EditRefused(`there is no ${edit.kind} ${edit.id}`);
  const part = edit.action === 'create' ? patternOf(guild, edit.kind, edit.data) : { ...known };
  if (edit.action !== 'delete') Object.assign(part, edit.data);
  part[spec.id] = edit.action === 'create' ? guild.nextPartId() : edit.id;
  // The channel goes last, so that what was in it can still be named.
  const hungUp = edit.kind === 'channel' && edit.action === 'delete' ? emptyChannel(guild, edit.id, meta, tell) : [];
  const others = before.filter((other) => other !== known);
  const after = {
    create: [...before, part],
    update: before.map((other) => (other === known ? part : other)),
    delete: others,
  }[edit.action];
  guild.edit({ [spec.parts]: after });
  return [...hungUp, told(guild, edit, part, tell)];
}

function told(guild: Guild, { kind, action }: PartEdit, part: Part, tell: Tell): TrafficEvent {
  const spec = kinds[kind];
  if ('list' in spec) return tell(spec.list, { guild_id: guild.id, [spec.parts]: partsOf(guild, kind) });
  const type = `${spec.event}_${action.toUpperCase()}`;
  const inGuild = { ...shown(guild, kind, part), guild_id: guild.id };
  if (kind === 'role') {
    return tell(type, { guild_id: guild.id, ...(action === 'delete' ? { role_id: part['id'] } : { role: part }) });
  }
  if (kind === 'thread' && action === 'create') return tell(type, { ...inGuild, newly_created: true });
  if (kind === 'thread' && action === 'delete') {
    const { id, parent_id, type: threadType } = part;
    return tell(type, { id, guild_id: guild.id, parent_id, type: threadType });
  }
  return tell(
    type,
    kind === 'sound' && action === 'delete' ? { sound_id: part['sound_id'], guild_id: guild.id } : inGuild,
  );
}

/** With what was written there. Of a thread without whether the bot is in it, which Discord does not repeat. */
function shown(guild: Guild, kind: PartKind, part: Part): object {
  if (kind === 'channel') return shownChannel(guild, part as unknown as GuildChannel);
  if (kind !== 'thread') return part;
  const { member: _, ...thread } = shownThread(guild, part as unknown as GuildThread);
  return thread;
}

/** What is in a channel goes with it: Discord tells of the people and of the stage, not of the threads. */
function emptyChannel(guild: Guild, id: string, meta: EventMeta, tell: Tell): TrafficEvent[] {
  const rest = guild.textChannels.filter((channel) => channel.id !== id);
  if (rest.length === 0) throw new EditRefused(`${id} is the last text channel, and the traffic needs one`);
  const hungUp = guild
    .voiceStates()
    .filter(({ channel_id }) => channel_id === id)
    .map(({ user_id }) => voiceChanges(guild, user_id, null, meta));
  const { threads, stageInstances, scheduledEvents } = guild.parts;
  const ended = stageInstances.filter(({ channel_id }) => channel_id === id);
  const cancelled = scheduledEvents.filter(({ channel_id }) => channel_id === id);
  guild.edit({
    threads: threads.filter(({ parent_id }) => parent_id !== id),
    stageInstances: stageInstances.filter((stage) => !ended.includes(stage)),
    scheduledEvents: scheduledEvents.filter((event) => !cancelled.includes(event)),
  });
  return [
    ...hungUp,
    ...ended.map((stage) => tell('STAGE_INSTANCE_DELETE', stage)),
    ...cancelled.map((event) => tell('GUILD_SCHEDULED_EVENT_DELETE', event)),
  ];
}

/** The first of its kind that the guild ever had; of channels, the first of the type that is asked for. */
function patternOf(guild: Guild, kind: PartKind, data: Part): Record<string, unknown> {
  const all = guild.beginning[kinds[kind].parts] as readonly object[] as readonly Part[];
  const type = data['type'] ?? channelTypes.text;
  // A role after the pattern of @everyone would be one.
  const pattern = kind === 'channel' ? all.find((one) => one['type'] === type) : kind === 'role' ? all[1] : all[0];
  if (pattern === undefined) throw new EditRefused(`there is no pattern for a ${kind} of type ${JSON.stringify(type)}`);
  return { ...pattern };
}

function partsOf(guild: Guild, kind: PartKind): readonly Part[] {
  return guild.parts[kinds[kind].parts] as readonly object[] as readonly Part[];
}

function editMember(guild: Guild, userId: string, { nick, roles, ...rest }: Part): object {
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new EditRefused(`"${unknown}" of a member cannot be set; "nick" and "roles" can`);
  if (guild.member(userId) === null) throw new EditRefused(`${userId} is not a member of guild ${guild.id}`);
  if (nick !== undefined && nick !== null && typeof nick !== 'string') throw new EditRefused('"nick" is no name');
  if (roles !== undefined && !(Array.isArray(roles) && roles.every((role) => typeof role === 'string'))) {
    throw new EditRefused('"roles" must be an array of ids');
  }
  guild.setProfile(userId, { ...(nick !== undefined && { nick }), ...(roles !== undefined && { roles }) });
  return { ...memberJson(guild.member(userId) ?? guild.botMember), guild_id: guild.id };
}

function editThreadMembers(
  guild: Guild,
  { action, id, userId }: Extract<GuildEdit, { kind: 'threadMember' }>,
  { now }: EventMeta,
): object {
  const thread = guild.parts.threads.find((one) => one.id === id);
  const member = guild.member(userId);
  if (thread === undefined) throw new EditRefused(`there is no thread ${id}`);
  if (thread.thread_metadata?.archived === true) throw new EditRefused(`thread ${id} is archived`);
  if (member === null) throw new EditRefused(`${userId} is not a member of guild ${guild.id}`);
  const joins = action === 'join';
  const own = { id, user_id: userId, join_timestamp: new Date(now).toISOString(), flags: 0 };
  const count = Math.min(50, Math.max(0, (thread.member_count ?? 0) + (joins ? 1 : -1)));
  const { member: _, ...without } = thread;
  const isBot = userId === guild.botMember.user.id;
  const after = { ...(isBot ? without : thread), member_count: count, ...(isBot && joins && { member: own }) };
  guild.edit({ threads: guild.parts.threads.map((one) => (one === thread ? (after as GuildThread) : one)) });
  return {
    id,
    guild_id: guild.id,
    member_count: count,
    ...(joins
      ? { added_members: [{ ...own, member: memberJson(member), presence: guild.presence(userId) }] }
      : { removed_member_ids: [userId] }),
  };
}

function threadList(guild: Guild): { threads: readonly GuildThread[]; members: readonly unknown[] } {
  const threads = activeThreads(guild);
  return { threads, members: threads.flatMap(({ member }) => (member === undefined ? [] : [member])) };
}
