/**
 * The end of every transaction: acts on the difference between what should be and what is. Each phase does what can be
 * done now and leaves the rest to the next transaction, which an event or the wake-up brings; none of them remembers to
 * do something later.
 *
 * Phases make work for each other (a launch that failed ends its drain, the end of a drain takes the rollout further),
 * so they are run until nothing changes. Every phase must come to rest: run again on its own result it must change
 * nothing.
 */
import { runCalls } from './calls/calls.js';
import { answerStartRequests } from './shards/start-request.js';
import { establishWaiting, dropRetained } from './fleet/handshake.js';
import { askGateway, endGrace, settleTotal } from './fleet/total-shards.js';
import { watchBudget } from './shards/identify-budget.js';
import { grantIdentifies } from './shards/identify-permits.js';
import { keepNodesUp } from './fleet/launch.js';
import { watchForSilence } from './fleet/alarm.js';
import { endUselessProcesses } from './fleet/processes.js';
import { expireUnreachable } from './fleet/lost.js';
import { leaveWhenThereIsRoom, startWaitingMigrations } from './migration/requests.js';
import { placeParked } from './fleet/place-parked.js';
import { placeVacant } from './fleet/placement.js';
import { clearCrashRecords } from './shards/quarantine.js';
import { keepBalanced } from './operations/keep-balanced.js';
import { leaveNodes } from './operations/leave.js';
import { runOperations } from './operations/operations.js';
import { endFleet } from './operations/shutdown-fleet.js';
import type { Transaction } from './state/transaction.js';
import { expireOverdue, setWakeUp } from './deadlines.js';

const PHASES: readonly ((tx: Transaction) => void)[] = [
  expireOverdue,
  // Who is there, and for what.
  askGateway,
  endGrace,
  settleTotal,
  establishWaiting,
  watchForSilence,
  expireUnreachable,
  endFleet,
  endUselessProcesses,
  // What is to be started: before a drain ends, or its node would get what has just left it.
  clearCrashRecords,
  keepNodesUp,
  placeParked,
  placeVacant,
  // What is to be moved.
  leaveWhenThereIsRoom,
  keepBalanced,
  leaveNodes,
  runOperations,
  startWaitingMigrations,
  answerStartRequests,
  dropRetained,
  grantIdentifies,
  watchBudget,
  runCalls,
];

/** Far more rounds than any chain of phases needs: a mistake in one costs a delay and not the process. */
const MAX_ROUNDS = 20;

export function reconcile(tx: Transaction): void {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const before = tx.changes;
    for (const phase of PHASES) phase(tx);
    if (tx.changes === before) break;
  }
  setWakeUp(tx);
}
