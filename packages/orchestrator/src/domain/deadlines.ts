/**
 * Everything that is due at some time, in one map: what it is, when it is due, what is done when that time has passed,
 * and how it is put off. Three things walk the map: the beginning of each round of `reconcile` (`expireOverdue`), the
 * next wake-up (`setWakeUp`), and the end of a time in which nothing could be made durable (`afterSuspension`).
 */
import { callTimes } from './calls/calls.js';
import { endLeftProcess, endProcessAt } from './fleet/leave.js';
import { endCrashLoop, healthyAt, isAnyCrashLoop, loopOfNext, probationEndsAt } from './fleet/crash-loop.js';
import { siblingsUntil } from './fleet/place-parked.js';
import { RESUME_PATIENCE_MS } from './fleet/expected.js';
import { expireLaunch } from './fleet/launch.js';
import { cutOffSilent, expireShutdown, firstSilentAt, forgetAt, forgetNode, silentAt } from './fleet/lost.js';
import { uselessAt } from './fleet/processes.js';
import { gatewayDue } from './fleet/total-shards.js';
import { expireMigration } from './migration/failure.js';
import { expireParked, nextCallAt, parkedUntil } from './migration/park.js';
import { leaveDue } from './operations/leave.js';
import { endingDue } from './operations/shutdown-fleet.js';
import { expireOperation } from './operations/operations.js';
import { keyTimes, permitsBlockedUntil } from './shards/identify-permits.js';
import { clearedAt } from './shards/quarantine.js';
import { expireStart } from './shards/start.js';
import { expireStop } from './shards/stop.js';
import { unsettledNodes } from './state/node-survey.js';
import type { NodeState, OrchestratorState } from './state/state.js';
import { Transaction } from './state/transaction.js';

type Deadline<T> = {
  /** The things that may have it. */
  things: (tx: Transaction) => Iterable<T>;
  /** When it is due. null: this one has none. */
  at: (tx: Transaction, thing: T) => number | null;
  /** The first of all, where it is known without a look at each. */
  first?: (tx: Transaction) => number;
  /** What is done when it has passed. Without: a phase of `reconcile` looks at the time, and needs the wake-up only. */
  expire?: (tx: Transaction, thing: T) => void;
  /** Time in which we could not act counts against nobody. Without: it goes on to count. */
  putOff?: (tx: Transaction, thing: T, ms: number) => void;
};

/** The same for whoever walks the map, whatever the things are. */
type Walk = {
  expire: (tx: Transaction) => void;
  /** What is due and was not done waits for an event, not for time: only the future counts. Infinity: nothing. */
  next: (tx: Transaction) => number;
  putOff: (tx: Transaction, ms: number) => void;
};

function deadline<T>({ things, at, first, expire, putOff }: Deadline<T>): Walk {
  return {
    expire(tx) {
      if (expire === undefined || (first !== undefined && first(tx) > tx.now)) return;
      for (const thing of things(tx)) {
        const due = at(tx, thing);
        if (due !== null && due <= tx.now) expire(tx, thing);
      }
    },
    next(tx) {
      const known = first?.(tx);
      if (known !== undefined && known > tx.now) return known;
      let next = Number.POSITIVE_INFINITY;
      for (const thing of things(tx)) {
        const due = at(tx, thing);
        if (due !== null && due > tx.now && due < next) next = due;
      }
      return next;
    },
    putOff(tx, ms) {
      if (putOff === undefined) return;
      for (const thing of things(tx)) putOff(tx, thing, ms);
    },
  };
}

const once = (): readonly [null] => [null];
const nodes = (tx: Transaction): Iterable<NodeState> => tx.state.nodes.values();
const unsettled = (tx: Transaction): Iterable<NodeState> => unsettledNodes(tx.state);

/** In the order in which they expire: who is there comes before what those who are there have not done. */
const DEADLINES: Readonly<Record<string, Walk>> = {
  silence: deadline({
    things: nodes,
    at: (tx, node) => silentAt(tx.settings, node),
    first: firstSilentAt,
    expire: cutOffSilent,
    putOff(tx, { id, connection }) {
      if (connection.kind !== 'disconnected') tx.patchNode(id, { connection: { ...connection, lastHeardAt: tx.now } });
    },
  }),
  shutdown: deadline({
    things: unsettled,
    at: (_, { intent }) => (intent.kind === 'shuttingDown' ? intent.deadline : null),
    expire: expireShutdown,
    putOff(tx, { id, intent }, ms) {
      if (intent.kind === 'shuttingDown') tx.patchNode(id, { intent: { ...intent, deadline: intent.deadline + ms } });
    },
  }),
  leave: deadline({ things: unsettled, at: (tx, node) => leaveDue(tx, node) }),
  leftProcess: deadline({
    things: unsettled,
    at: (_, node) => endProcessAt(node),
    expire: endLeftProcess,
    putOff(tx, { id, connection }, ms) {
      if (connection.kind !== 'disconnected' || connection.endAt === undefined) return;
      tx.patchNode(id, { connection: { ...connection, endAt: connection.endAt + ms } });
    },
  }),
  migration: deadline({
    things: (tx) => tx.state.migrations.values(),
    at: (_, migration) => migration.deadline,
    expire: expireMigration,
    // The origin of a shard that is frozen counts too, and unfreezes it when its time is over.
    putOff(tx, migration, ms) {
      if (migration.step.kind !== 'freezing') tx.setMigration({ ...migration, deadline: migration.deadline + ms });
    },
  }),
  start: deadline({
    things: (tx) => tx.survey().starting,
    at: deadlineOfShard,
    first: (tx) => tx.survey().earliestDeadline,
    expire: expireStart,
    putOff: putOffShard,
  }),
  stop: deadline({
    things: (tx) => tx.survey().stopping,
    at: deadlineOfShard,
    first: (tx) => tx.survey().earliestDeadline,
    expire: expireStop,
    putOff: putOffShard,
  }),
  launch: deadline({
    things: (tx) => tx.state.launches.values(),
    at: (_, launch) => launch.deadline,
    expire: expireLaunch,
    putOff: (tx, launch, ms) => tx.setLaunch({ ...launch, deadline: launch.deadline + ms }),
  }),
  forgetting: deadline({
    things: unsettled,
    at: (_, { connection }) => (connection.kind === 'disconnected' ? forgetAt(connection) : null),
    expire: forgetNode,
  }),
  downtimeOfNode: deadline({
    things: unsettled,
    at: (tx, { connection }) =>
      connection.kind === 'disconnected' ? connection.since + tx.settings.maxNodeDowntimeMs : null,
    putOff(tx, { id, connection }, ms) {
      if (connection.kind !== 'disconnected') return;
      tx.patchNode(id, { connection: { ...connection, since: connection.since + ms } });
    },
  }),
  downtimeOfShard: deadline({
    things: (tx) => tx.survey().unreachable,
    at(tx, shard) {
      const state = tx.shard(shard);
      return state?.kind === 'unreachable' ? state.since + tx.settings.maxNodeDowntimeMs : null;
    },
    first: (tx) => tx.survey().awaySince + tx.settings.maxNodeDowntimeMs,
    putOff(tx, shard, ms) {
      const state = tx.shard(shard);
      if (state?.kind === 'unreachable') tx.setShard(shard, { ...state, since: state.since + ms });
    },
  }),
  pauseOfShard: deadline({
    things: (tx) => tx.survey().vacant,
    at(tx, shard) {
      const state = tx.shard(shard);
      return state?.kind === 'vacant' ? state.notBefore : null;
    },
  }),
  // A shard that was kept for a node that may still come (`fleet/placement.ts`).
  patienceOfShard: deadline({
    things: (tx) => tx.state.unplaced.keys(),
    at(tx, shard) {
      const state = tx.shard(shard);
      return state?.kind === 'vacant' && state.known !== null ? state.since + RESUME_PATIENCE_MS : null;
    },
  }),
  timeOfParked: deadline({
    things: (tx) => tx.survey().parked,
    at: parkedUntil,
    expire: expireParked,
  }),
  callOfParked: deadline({ things: (tx) => tx.survey().parked, at: nextCallAt }),
  siblingsOfParked: deadline({ things: once, at: (tx) => siblingsUntil(tx) }),
  grace: deadline({
    things: once,
    at: (tx) => tx.state.graceUntil,
    putOff(tx, _, ms) {
      const { graceUntil } = tx.state;
      if (graceUntil !== null) tx.patch({ graceUntil: graceUntil + ms });
    },
  }),
  gateway: deadline({ things: once, at: (tx) => gatewayDue(tx.state) }),
  pauseOfLaunches: deadline({ things: once, at: (tx) => loopOfNext(tx.state)?.notBefore ?? null }),
  crashLoop: deadline({
    things: (tx) => tx.state.crashLoops.values(),
    at: (tx, loop) => healthyAt(loop, tx.settings),
    expire: endCrashLoop,
  }),
  probation: deadline({
    things: (tx) => (isAnyCrashLoop(tx.state) ? nodes(tx) : []),
    at: (tx, node) => probationEndsAt(tx.state, node),
  }),
  uselessProcess: deadline({ things: (tx) => tx.state.processes.values(), at: uselessAt }),
  ending: deadline({
    things: once,
    at: endingDue,
    putOff(tx, _, ms) {
      const { ending } = tx.state;
      if (ending !== null) tx.patch({ ending: { ...ending, deadline: ending.deadline + ms } });
    },
  }),
  operation: deadline({
    things: (tx) => tx.state.operations.values(),
    at: (_, operation) => operation.deadline,
    expire: expireOperation,
    putOff(tx, { id, deadline: at }, ms) {
      if (at !== null) tx.patchOperation(id, { deadline: at + ms });
    },
  }),
  settling: deadline({ things: once, at: (tx) => tx.state.balance.settledAt }),
  waitingMigration: deadline({
    things: (tx) => tx.state.waitingMigrations,
    at: (_, waiting) => waiting.deadline,
    putOff(tx, waiting, ms) {
      const later = { ...waiting, deadline: waiting.deadline + ms };
      const all = tx.state.waitingMigrations.map((each) => (each === waiting ? later : each));
      tx.patch({ waitingMigrations: all });
    },
  }),
  crashSuspicion: deadline({ things: (tx) => tx.state.crashRecords.keys(), at: clearedAt }),
  identifyWindow: deadline({
    things: ({ state: { identifies }, now }) =>
      keyTimes(identifies.keys).latest > now ? Object.values(identifies.keys) : [],
    at: (_, key) => key.freeAt,
  }),
  identifyBudget: deadline({ things: once, at: (tx) => permitsBlockedUntil(tx) }),
  call: deadline({ things: (tx) => callTimes(tx.state), at: (_, time) => time }),
};

const ALL = Object.values(DEADLINES);

function deadlineOfShard(tx: Transaction, shard: number): number | null {
  const state = tx.shard(shard);
  return state?.kind === 'starting' || state?.kind === 'stopping' ? state.deadline : null;
}

function putOffShard(tx: Transaction, shard: number, ms: number): void {
  const state = tx.shard(shard);
  if (state?.kind !== 'starting' && state?.kind !== 'stopping') return;
  tx.setShard(shard, { ...state, deadline: state.deadline + ms });
}

/** Does what is to be done about everything that has taken too long. */
export function expireOverdue(tx: Transaction): void {
  for (const { expire } of ALL) expire(tx);
}

/** Asks for the next wake-up, if it is another one than the one asked for. */
export function setWakeUp(tx: Transaction): void {
  const next = ALL.reduce((earliest, each) => Math.min(earliest, each.next(tx)), Number.POSITIVE_INFINITY);
  const at = Number.isFinite(next) ? next : null;
  if (at === tx.state.wakeAt) return;
  tx.patch({ wakeAt: at });
  tx.effect({ kind: 'wakeAt', at });
}

/** The store is back: what counts against somebody has moved. @param ms how long nothing was decided. */
export function afterSuspension(state: OrchestratorState, ms: number, now: number): OrchestratorState {
  const tx = new Transaction(state, now);
  for (const { putOff } of ALL) putOff(tx, ms);
  return tx.decision().state;
}
