/** What the processes of this benchmark say to each other. */
import type { FleetOptions } from '@dshard/demo';

export type RunOrder = {
  shards: number;
  nodes: number;
  rate: number;
  /** How often every shard moves. */
  rounds: number;
  seed: number;
  tls: NonNullable<FleetOptions['tls']> | null;
};

export type RunReading = {
  /** Per migration: how long the shard had no session, in milliseconds. */
  gapsMs: readonly number[];
  emitted: number;
  lost: number;
  repeated: number;
  identifies: number;
};
