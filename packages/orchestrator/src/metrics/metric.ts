/**
 * What a metric is: a name, what it tells, its labels, and how its samples come about. Either they are read off a look
 * at the fleet at each scrape, or they are counted from what is recorded anyway: entries of the history, commits of the
 * store, answers of the REST interface. Nothing is decided by a metric.
 *
 * Always true: the number of samples is bounded by the number of nodes (labels `node`, `host`, `version`) or by a list
 * in the code. No metric has a label per shard.
 */
import type { Alarm, StoreStatus } from '@dshard/api';
import type { Facts } from '@dshard/api/trace';
import type { HistoryName } from '../domain/state/effects.js';
import type { Down } from '../domain/shards/condition.js';
import type { OrchestratorState } from '../domain/state/state.js';

/** A value, and the values of the labels in their order. null: not known, so there is no sample. */
export type Sample = readonly [value: number | null, ...labels: string[]];

/** One commit of the store. */
export type CommitFigures = { ms: number; writes: number; entries: number; ok: boolean };
/** One answer of the REST interface. `entry`: its name in the contract, or what became of it before it had one. */
export type RequestFigures = { entry: string; status: number };

/** What is counted from, by what happened. An entry of the history is given as its facts, with its level. */
export type CountedFrom = {
  readonly [Name in HistoryName]?: (facts: Facts, level: string) => Iterable<Sample>;
} & {
  readonly commit?: (commit: CommitFigures) => Iterable<Sample>;
  readonly request?: (request: RequestFigures) => Iterable<Sample>;
};

type About = {
  /** One sentence. */
  help: string;
  labels: readonly string[];
};

export type Metric<Seen = Look> = About &
  (
    | { kind: 'gauge' | 'counter'; read: (look: Seen) => Iterable<Sample> }
    /** `zeros`: the labels of samples that are there, as 0, before anything was counted. */
    | { kind: 'counter'; on: CountedFrom; zeros: readonly (readonly string[])[] }
    /** Samples are single measurements. `bounds` ascend. */
    | { kind: 'histogram'; on: CountedFrom; zeros: readonly (readonly string[])[]; bounds: readonly number[] }
  );

export type CountedMetric = Extract<Metric, { on: CountedFrom }>;

/** The control connections to nodes. */
export type ConnectionFigures = {
  byPhase: Readonly<Record<'unidentified' | 'identified' | 'refused' | 'closing', number>>;
  /** What waits to be sent, by connection. */
  queuedBytes: ReadonlyMap<string, number>;
};

/** The orchestrator's own process. */
export type ProcessFigures = {
  memoryBytes: number;
  heapBytes: number;
  cpuSeconds: number;
  eventLoopDelayMs: number;
  /** By the machine's clock, Unix milliseconds. */
  startedAt: number;
};

/** What an orchestrator can say of itself, also one that waits for its turn. */
export type OwnLook = {
  version: string;
  leads: boolean;
  process: ProcessFigures;
};

/** What the runtime knows beyond the state. */
export type RuntimeFigures = {
  connections: ConnectionFigures;
  /** Closed connections and refusals, by code. */
  violations: Readonly<Record<string, number>>;
  /** Events that wait to be decided on. */
  waitingEvents: number;
};

/** Everything that is read at a scrape. */
export type Look = OwnLook &
  RuntimeFigures & {
    now: number;
    /** How far the machine's clock is ahead of `now`. */
    wallClockAheadMs: number;
    state: OrchestratorState;
    store: StoreStatus;
    alarms: readonly Alarm[];
    eventStreams: number;
    notUp: readonly Down[];
    /** The shards of each node, those that move included. */
    shardsByNode: ReadonlyMap<string, readonly number[]>;
  };

export const NO_LABELS: readonly string[] = [];
/** Of a counter or histogram without labels. */
export const ONE_ZERO: readonly (readonly string[])[] = [NO_LABELS];

/** Each value of the one label that there is. */
export function zerosOf(values: readonly string[]): readonly (readonly string[])[] {
  return values.map((value) => [value]);
}

/** Metrics have base units. */
export function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1_000;
}
