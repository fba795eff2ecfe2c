/** Discord's ids: those given out as time goes by, and those in a guild, which follow from its number. */
import type { Ms } from '@dshard/transport';
import { discordEpochMs } from '../core/discord.js';

/**
 * Discord's ids: milliseconds since 2015 above 22 low bits. Ids of one source are unique and ascend, also when the
 * clock stands still or goes back.
 */
const lowBitCount = 22n;
const idsPerMs = 1 << 22;

export type SnowflakeSource = (now: Ms) => string;

export function snowflakeSource(): SnowflakeSource {
  let lastMs = 0;
  let low = 0;
  return (now) => {
    const nowMs = Math.max(Math.floor(now), lastMs);
    low = nowMs === lastMs ? low + 1 : 0;
    lastMs = low < idsPerMs ? nowMs : nowMs + 1;
    low %= idsPerMs;
    return snowflake(lastMs, low);
  };
}

export function snowflake(ms: Ms, low: number): string {
  return ((BigInt(Math.max(0, ms - discordEpochMs)) << lowBitCount) | BigInt(low)).toString();
}

/** `id >> 22`: what decides a guild's shard, `(guild_id >> 22) % num_shards`. Fits a number exactly. */
export function routeOf(id: string): number {
  return Number(BigInt(id) >> lowBitCount);
}

// The ids of what belongs to a guild. Everything of guild n was made in the n-th millisecond of 2020, and its kind
// shows in the low bits: so the guild of any channel, role or member is known from the id alone, without a directory of
// the world, and guilds lie evenly over the shards of any shard count.

/** The first millisecond of 2020: when the first guild was made. */
export const firstGuildMs = 1_577_836_800_000;
const firstRoute = routeOf(snowflake(firstGuildMs, 0));

const lowBits = {
  guild: 0,
  channel: 1,
  thread: 40,
  role: 50,
  emoji: 80,
  sticker: 90,
  sound: 94,
  event: 96,
  stage: 98,
  member: 100,
  /** What was made since the beginning, of whatever kind. */
  later: 3_000_000,
};

export type OwnedKind = keyof typeof lowBits;

/** The last digits of an id that a double adds up exactly, and the digits before them. */
const tailDigits = 12;
const tailEnd = 10 ** tailDigits;

/** The guild whose ids were last asked for: they come by the dozen, and arithmetic of 64 bits is slow. */
let base = { index: -1, head: '', tail: 0 };

export function idIn(guildIndex: number, kind: OwnedKind, number = 0): string {
  if (base.index !== guildIndex) {
    const id = snowflake(firstGuildMs + guildIndex, 0);
    base = { index: guildIndex, head: id.slice(0, -tailDigits), tail: Number(id.slice(-tailDigits)) };
  }
  const tail = base.tail + lowBits[kind] + number;
  if (tail >= tailEnd) return snowflake(firstGuildMs + guildIndex, lowBits[kind] + number);
  return base.head + String(tail).padStart(tailDigits, '0');
}

/** `guild_id >> 22` of the guild, as `routeOf` says it of its id. */
export function routeOfGuild(guildIndex: number): number {
  return firstRoute + guildIndex;
}

/** The guild that a guild's, channel's, role's, … id belongs to; may lie outside of the world. */
export function guildIndexOf(id: string): number {
  return routeOf(id) - firstRoute;
}

/** Which of its guild's generated members an id names; negative when it names none. */
export function memberNumberOf(id: string): number {
  return Number(BigInt(id) & 0x3f_ffffn) - lowBits.member;
}
