/**
 * Discord's ids: milliseconds since 2015 above 22 low bits. Ids of one source are unique and ascend, also when the clock
 * stands still or goes back.
 */
import type { Ms } from '@dshard/transport';
import { discordEpochMs } from '../core/discord.js';

const lowBits = 22n;
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
  return ((BigInt(Math.max(0, ms - discordEpochMs)) << lowBits) | BigInt(low)).toString();
}

/** `id >> 22`: what decides a guild's shard, `(guild_id >> 22) % num_shards`. Fits a number exactly. */
export function routeOf(id: string): number {
  return Number(BigInt(id) >> lowBits);
}
