import type { OperationKind } from '../operations.js';
import type { Answer } from './answer.js';

/** `GET /v1/operations`: what operators began and what takes its time, how far it is, and how the last ones ended. */
export type OperationStatus = {
  id: string;
  kind: OperationKind;
  /** `cancelling`: nothing further is begun, what is under way comes to its end. */
  state: 'running' | 'cancelling' | 'done' | 'failed' | 'cancelled';
  /** Where it stands, or how it ended, in a sentence. */
  text: string;
  /** The operation that it is a step of. null: it was asked for by itself. */
  parent: string | null;
  /** Why nothing of it goes on at the moment. null: it does. */
  waitsFor: string | null;
  /** How long it still takes, in milliseconds. null: nobody knows yet, it waits, or it is over. */
  etaMs: number | null;
  /** Who asked for it. */
  by: string;
  cancelledBy: string | null;
  /** The nodes that give up their shards (`a, b`); of a rollout the one that is being replaced now. */
  origin: string | null;
  /** null: not known yet, or all other nodes. */
  destination: string | null;
  /** null once it is over. `total`: as far as it is known now. */
  shards: { moved: number; total: number; moving: readonly number[]; waiting: readonly number[] } | null;
  /** Tried twice and given up; they stay where they are. */
  failed: readonly { shard: number; reason: string }[];
  /** Of a rollout. */
  nodes: { done: number; total: number } | null;
  startedAt: number;
  endedAt: number | null;
};

/** `POST /v1/operations`. `operation` null: there is nothing to do, or it was asked with `dryRun`. */
export type StartedOperation = Answer & { operation: string | null; dryRun?: DryRun };

/** What an operation would do. */
export type DryRun = {
  /** For people, in order. */
  lines: readonly string[];
  /** What it would cost in state or IDENTIFYs, as a sentence. null: nothing. */
  costs: string | null;
  /** What it would move, as far as that is known before it begins. */
  shards: readonly number[];
  /** So many nodes would be launched at once. */
  launches: number;
};
