/** What is said to a run, and by it. A run is a fleet whose shards move under traffic, in processes of its own. */
import type { FleetOptions } from '@dshard/demo';

export type RunOrder = {
  /** `bare`: no fleet at all, but the least that any migration needs: see bare.ts. */
  bot: 'ws' | 'discordjs' | 'bare';
  shards: number;
  nodes: number;
  /** Per shard, and per guild. */
  guilds: number;
  members: number;
  /** Events a second over all shards. */
  rate: number;
  /** Per shard. */
  stateMb: number;
  /** How often every shard moves. */
  rounds: number;
  /** One shard at a time; else all shards of a node together. */
  oneByOne: boolean;
  seed: number;
  tls: NonNullable<FleetOptions['tls']> | null;
};

export type RunReading = {
  /** Per migration: how long the shard had no session, and how long user code had no event, in milliseconds. */
  gapsMs: readonly number[];
  frozenMs: readonly number[];
  emitted: number;
  lost: number;
  repeated: number;
  identifies: number;
};
