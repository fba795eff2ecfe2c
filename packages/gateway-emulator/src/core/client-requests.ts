/**
 * What an identified client asks for, read without trusting a byte of it ("Gateway Events: Send Events"). What does not
 * fit its opcode is `malformed`: closed with 4001, once it is known that the client has identified at all (else 4003).
 */
import { opcodes } from './discord.js';
import { isCount, isObject, isSnowflake } from './json.js';

export type MembersRequest = {
  kind: 'members';
  guildId: string;
  /** By prefix of a name, or by id. */
  wanted: { query: string; limit: number } | { userIds: readonly string[] };
  presences: boolean;
  nonce: string | null;
};

export type VoiceRequest = {
  kind: 'voice';
  guildId: string;
  /** Null: hang up. */
  channelId: string | null;
  selfMute: boolean;
  selfDeaf: boolean;
};

export type ClientRequest =
  | { kind: 'presence'; presence: Presence }
  | VoiceRequest
  | MembersRequest
  | { kind: 'soundboard'; guildIds: readonly string[] }
  | { kind: 'channel-info'; guildId: string; fields: readonly string[] }
  | { kind: 'malformed'; reason: string };

const utf8 = new TextEncoder();

/** A longer nonce is ignored ("Request Guild Members: Nonce"). */
const maxNonceBytes = 32;
/** So many members by id or by prefix in one answer. */
export const maxMembersAsked = 100;

const readers: ReadonlyMap<number, (d: Record<string, unknown>) => ClientRequest> = new Map([
  [opcodes.presenceUpdate, readPresenceUpdate],
  [opcodes.voiceStateUpdate, readVoiceStateUpdate],
  [opcodes.requestGuildMembers, readMembersRequest],
  [opcodes.requestSoundboardSounds, readSoundboardRequest],
  [opcodes.requestChannelInfo, readChannelInfoRequest],
]);

/** Null: no opcode of a request. */
export function readRequest(op: number, d: unknown): ClientRequest | null {
  const read = readers.get(op);
  if (read === undefined) return null;
  return isObject(d) ? read(d) : malformed(`Opcode ${op} needs an object.`);
}

function malformed(reason: string): ClientRequest {
  return { kind: 'malformed', reason };
}

function readPresenceUpdate(d: Record<string, unknown>): ClientRequest {
  const presence = readPresence(d);
  return presence === null
    ? malformed('That is no presence: since, activities, status, afk.')
    : { kind: 'presence', presence };
}

function readVoiceStateUpdate(d: Record<string, unknown>): ClientRequest {
  const {
    guild_id: guildId,
    channel_id: channelId = null,
    self_mute: selfMute = false,
    self_deaf: selfDeaf = false,
  } = d;
  if (!isSnowflake(guildId)) return malformed('A voice state needs a guild_id.');
  if (channelId !== null && !isSnowflake(channelId)) return malformed('channel_id is an id or null.');
  if (typeof selfMute !== 'boolean' || typeof selfDeaf !== 'boolean')
    return malformed('self_mute and self_deaf are booleans.');
  return { kind: 'voice', guildId, channelId, selfMute, selfDeaf };
}

function readMembersRequest(d: Record<string, unknown>): ClientRequest {
  const { guild_id: guildId, query, limit = 0, user_ids: ids, presences = false, nonce } = d;
  if (!isSnowflake(guildId)) return malformed('A request for members needs one guild_id.');
  if (typeof presences !== 'boolean') return malformed('presences is a boolean.');
  const wanted = readWanted(query, limit, ids);
  if (wanted === null) return malformed('A request for members needs query and limit, or user_ids.');
  const usable = typeof nonce === 'string' && utf8.encode(nonce).byteLength <= maxNonceBytes;
  return { kind: 'members', guildId, wanted, presences, nonce: usable ? nonce : null };
}

function readWanted(query: unknown, limit: unknown, ids: unknown): MembersRequest['wanted'] | null {
  if (ids !== undefined && ids !== null) {
    const userIds: unknown[] = Array.isArray(ids) ? ids : [ids];
    return userIds.every(isSnowflake) ? { userIds: userIds.slice(0, maxMembersAsked) } : null;
  }
  return typeof query === 'string' && isCount(limit) ? { query, limit } : null;
}

function readSoundboardRequest(d: Record<string, unknown>): ClientRequest {
  const guildIds: unknown = d['guild_ids'];
  if (!Array.isArray(guildIds) || !guildIds.every(isSnowflake))
    return malformed('A request for soundboard sounds needs guild_ids.');
  return { kind: 'soundboard', guildIds };
}

function readChannelInfoRequest(d: Record<string, unknown>): ClientRequest {
  const { guild_id: guildId, fields } = d;
  if (!isSnowflake(guildId)) return malformed('A request for channel info needs a guild_id.');
  if (!Array.isArray(fields) || !fields.every((field) => typeof field === 'string')) {
    return malformed('A request for channel info needs fields: status, voice_start_time.');
  }
  return { kind: 'channel-info', guildId, fields };
}

/**
 * What a bot says of itself, in IDENTIFY and with op 3 ("Gateway Events: Update Presence"). Fields that are missing
 * have their usual value (our reading); fields of the wrong kind are an invalid payload, 4001.
 */
export type Presence = { status: PresenceStatus; activities: readonly string[]; afk: boolean };

const statuses = ['online', 'dnd', 'idle', 'invisible', 'offline'] as const;
type PresenceStatus = (typeof statuses)[number];

export const plainPresence: Presence = { status: 'online', activities: [], afk: false };

/** Null: not a presence. */
export function readPresence(value: unknown): Presence | null {
  if (!isObject(value)) return null;
  const { since = null, activities = [], status = 'online', afk = false } = value;
  const known = statuses.find((candidate) => candidate === status);
  if (known === undefined || typeof afk !== 'boolean') return null;
  if (since !== null && typeof since !== 'number') return null;
  const names = readActivities(activities ?? []);
  return names === null ? null : { status: known, activities: names, afk };
}

function readActivities(value: unknown): string[] | null {
  if (!Array.isArray(value)) return null;
  const names: string[] = [];
  for (const activity of value) {
    if (!isObject(activity) || typeof activity['name'] !== 'string' || typeof activity['type'] !== 'number')
      return null;
    names.push(activity['name']);
  }
  return names;
}
