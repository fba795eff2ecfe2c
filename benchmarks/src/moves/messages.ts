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
  /**
   * `shards`: every shard moves, one at a time; `nodes`: all shards of a node together. `kill`: the first node dies
   * (kill -9), and its shards are resumed by the others.
   */
  what: 'shards' | 'nodes' | 'kill';
  /** How often. */
  rounds: number;
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
