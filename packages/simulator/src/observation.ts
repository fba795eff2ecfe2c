/** What can be seen from outside, which is all that the checkers and the trace know; and what a checker is. */
import type { TraceEntry } from '@dshard/api/trace';
import type { LedgerRecord } from '@dshard/gateway-emulator';
import type { Cursor, LossCause, ShardStateKind } from '@dshard/node';
import type { StoreFailure } from '@dshard/orchestrator';
import type { HistoryEntry, OrchestratorState } from '@dshard/orchestrator/domain';
import type { Message } from '@dshard/protocol';
import type { FaultName, Plan } from './plan.js';

/** By which orchestrator, under which epoch; `leads`: the epoch of the one whose time it is. */
type Spoken = { by: string; epoch: number; leads: number };

export type StoreCall =
  | { what: 'loaded' }
  | { what: 'commitAsked'; expectedVersion: number }
  | { what: 'commitAnswered'; expectedVersion: number; outcome: 'ok' | StoreFailure['reason'] };

/** A channel's last number, as user code remembers it: the state that moves with a shard. */
export type UserState = ReadonlyMap<string, number>;

export type Observation =
  /** User code got an event. `expected`: the number that had to come; null: it remembers nothing of the channel. */
  | {
      kind: 'handed';
      node: string;
      shard: number;
      sessionId: string;
      sequence: number;
      eventId: string;
      channel: string;
      number: number;
      expected: number | null;
      /** It was marked as one that may have been handled before. */
      redelivered: boolean;
      /** It was read late: another connection has the session, and Discord's close that says so is behind it. */
      late: boolean;
    }
  /** A host sends RESUME: told to, or because its connection ended in this way. */
  | { kind: 'begins'; node: string; shard: number; cause: LossCause }
  /** Discord said to a host that a session is invalid (op 9). */
  | { kind: 'invalidated'; node: string; shard: number }
  /** A host says that a shard which it was told to resume is. */
  | { kind: 'resumed'; node: string; shard: number; isUp: boolean }
  /** A host connected to an address that is not Discord's. */
  | { kind: 'stranger' }
  /** A host is up with a shard: READY came, or RESUMED. */
  | { kind: 'up'; node: string; shard: number; sessionId: string; how: 'ready' | 'resumed' }
  /** A host stopped a shard; from here on it hands over nothing. */
  | { kind: 'stopped'; node: string; shard: number }
  /** A destination is ready for a shard: user code is, and the gateway has greeted it. */
  | { kind: 'ready'; node: string; shard: number }
  /** User code was told that a shard is to leave (`done` false); it has finished, or is not asked any more (`done`). */
  | { kind: 'leaving'; node: string; shard: number; done: boolean }
  /** A host stopped handing out events of a shard, to hand it over. */
  | { kind: 'frozen'; node: string; shard: number; cursor: Cursor; state: UserState }
  /** A host resumes a shard with this state, of which `received` entries came from another node. */
  | {
      kind: 'resuming';
      node: string;
      shard: number;
      cursor: Cursor;
      state: UserState;
      received: number;
      stateLost: boolean;
    }
  /** How many files the orchestrator's spool has. */
  | { kind: 'spooled'; files: number }
  /** A piece of a shard's state came. `index` is its place as it was sent, `expected` the place that had to come. */
  | { kind: 'stateArrived'; node: string; shard: number; index: number; expected: number }
  /** A host sends IDENTIFY. */
  | { kind: 'identify'; node: string; shard: number; permit: 'granted' | 'uncoordinated' | 'none' }
  /** What Discord did. */
  | { kind: 'gateway'; record: LedgerRecord }
  /** The orchestrator decided: what it was told, what it knows now, what it did. */
  | { kind: 'decided'; state: OrchestratorState; entries: readonly HistoryEntry[] }
  /** The orchestrator's history has a new entry: what led to it is durable. */
  | { kind: 'recorded'; entry: TraceEntry }
  /** The orchestrator writes a message to a socket. `kept`: what its disk has of a record (`kind/key`) then. */
  | ({ kind: 'said'; message: Message; kept: (record: string) => unknown } & Spoken)
  /** An orchestrator leads from here on, by its own word. `epoch` 0: it has no store. */
  | { kind: 'leads'; name: string; epoch: number }
  /** A commit took effect in the database. `epoch`: its author's; `leads`: whose time it is. */
  | { kind: 'committed'; batch: string; epoch: number; leads: number; version: number }
  /** What an orchestrator asks its store, and what it is told. */
  | ({ kind: 'stored'; by: string } & StoreCall)
  /** A shard changed its state within a node's session. */
  | { kind: 'moved'; node: string; shard: number; from: ShardStateKind; to: ShardStateKind }
  | { kind: 'fault'; fault: FaultName; target: string }
  /** A fault that keeps the orchestrator from hearing a node, or the node from hearing it, begins or ends. */
  | { kind: 'apart'; node: string; begins: boolean }
  | { kind: 'processStarted'; name: string; baseLevel?: boolean }
  | { kind: 'processEnded'; name: string; how: string }
  /** Faults are over; what follows must converge. */
  | { kind: 'calm' }
  /** The bot is shut down for good: sessions are ended. */
  | { kind: 'ending' };

export type Observe = (observation: Observation) => void;

/**
 * A checker watches one invariant of the design (`docs`: moving a shard) for the whole run. It sees observations only;
 * what it finds is a violation of the sentence it is named after.
 */
export type Checker = {
  see(observation: Observation, at: number): void;
  /** The run is over, traffic has stopped, everything had its time. */
  finish?(at: number): void;
};

type CheckerSurroundings = {
  plan: Plan;
  /** `what` completes the invariant's sentence: what was seen instead. */
  violated: (invariant: string, what: string) => void;
};

export type MakeChecker = (surroundings: CheckerSurroundings) => Checker;
