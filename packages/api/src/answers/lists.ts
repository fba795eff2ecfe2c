/** Lists, and single things of them. Rows are only ever added to. */
import type { ProcessReport, ShardPhase } from '@dshard/protocol';
import type {
  Alarm,
  CrashStatus,
  MigrationStatus,
  MigrationStep,
  NodeStatus,
  ShardCondition,
  ShardStateName,
  StatusV1,
} from './status.js';

/** A part of a list. */
type Page = {
  now: number;
  /** How many there are in all that were asked for. */
  total: number;
  /** The `cursor` of the next part. null: there is none. */
  next: string | null;
};

export type ShardRow = {
  id: number;
  /** Who has it, as far as it was decided. */
  state: ShardStateName;
  condition: ShardCondition;
  node: string | null;
  host: string | null;
  version: string | null;
  /** What its gateway connection does, by the last heartbeat. */
  phase: ShardPhase | null;
  /** The step of the migration that it is in. */
  step: MigrationStep | null;
  migration: string | null;
  /** For how long none of its events is handled. null: they are. */
  gapMs: number | null;
  /** How long it is in its condition. */
  ageMs: number;
  pingMs: number | null;
  guilds: number | null;
  events: number | null;
};

/** `GET /v1/shards`. */
export type ShardList = Page & { shards: readonly ShardRow[] };

export type NodeRow = Omit<NodeStatus, 'shards' | 'signals' | 'capabilities' | 'process'> & {
  /** How many it has. */
  shards: number;
  notUp: number;
  ageMs: number;
  process: ProcessReport | null;
};

/** `GET /v1/nodes`. */
export type NodeList = Page & { nodes: readonly NodeRow[] };

/** `GET /v1/migrations`. */
export type MigrationList = {
  now: number;
  migrations: readonly MigrationStatus[];
  /** Asked for, and waiting for their nodes to have room for another one. */
  waiting: readonly { shard: number; destination: string; since: number }[];
};

/** `GET /v1/alarms`, the gravest first. */
export type AlarmList = { now: number; alarms: readonly Alarm[] };

/** `GET /v1/identifies`. */
export type Identifies = StatusV1['identifies'] & { now: number };

/** `GET /v1/versions`. */
export type Versions = {
  now: number;
  /** The orchestrator's. */
  orchestrator: string;
  /** What a new node would run, as far as it was heard last. null: that is not known. */
  deployed: string | null;
  /** What nodes run, the most used first. */
  running: readonly { version: string; nodes: number; shards: number }[];
  /** Versions that a rollout was reverted from. */
  quarantined: readonly { version: string; reason: string; at: number }[];
  /** No rollout is begun without force. */
  frozen: boolean;
  crashes: readonly CrashStatus[];
};

/** `GET /v1/config`: what is in force. What is secret is not shown. */
export type Configuration = {
  file: string | null;
  settings: readonly {
    key: string;
    /** As it would stand in `dso.yaml`. */
    value: string;
    /** Where it is written. null: it is the default. */
    writtenAt: string | null;
  }[];
  warnings: readonly string[];
};
