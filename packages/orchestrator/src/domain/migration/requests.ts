/**
 * An operator moves one shard. By hand one may go over maxShardsPerNode, use a cordoned node and take a shard out of
 * its bucket, as with the ancestor. A migration that finds its nodes busy waits its turn for one step's time at most,
 * and is refused then.
 */
import { refused, runningOn, usableNode, type Checked } from '../state/checks.js';
import type { OperatorCommand } from '../state/commands.js';
import { budgetAllowsMove, budgetReason, hasRoomToMove, isFreeOfBudget, waitsFor } from './limits.js';
import { drainedBy } from '../state/nodes.js';
import type { Transaction } from '../state/transaction.js';
import { beginMigration } from './steps.js';
import type { LiveMigration } from '../state/state.js';
import { leaveNow } from './live.js';
import { abortLive } from './live-failure.js';

export function migrateShard(
  tx: Transaction,
  request: string,
  command: Extract<OperatorCommand, { kind: 'migrateShard' }>,
): void {
  const { shard, destination } = command;
  const origin = migratable(tx, shard, destination);
  if (!origin.ok) {
    tx.reply(request, origin);
    return;
  }
  if (tx.state.waitingMigrations.some((waiting) => waiting.shard === shard)) {
    tx.fail(request, 'DSO_SHARD_BUSY', `A move of shard ${shard} waits its turn already.`);
    return;
  }
  const deadline = tx.now + tx.settings.migrationStepTimeoutMs;
  const waiting = { shard, destination, request, by: tx.by, since: tx.now, deadline };
  tx.patch({ waitingMigrations: [...tx.state.waitingMigrations, waiting] });
}

/** The origin of a possible migration, or why it is not possible. */
function migratable(tx: Transaction, shard: number, destination: string): Checked<string> {
  const origin = runningOn(tx.state, shard);
  if (!origin.ok) return origin;
  const target = usableNode(tx.state, destination);
  if (!target.ok) return target;
  if (origin.value === destination) {
    return refused('DSO_SAME_NODE', `Shard ${shard} is on node ${destination} already.`);
  }
  const source = usableNode(tx.state, origin.value);
  if (!source.ok) return source;
  if (drainedBy(tx.state, destination) !== undefined) {
    return refused('DSO_NODE_BUSY', `Node ${destination} is being drained, so it takes no shard.`);
  }
  return origin;
}

/**
 * Begins the waiting migrations whose turn it is, oldest first, and answers those that waited too long or became
 * impossible.
 */
export function startWaitingMigrations(tx: Transaction): void {
  const before = tx.state.waitingMigrations;
  if (before.length === 0) return;
  const still = before.filter((waiting) => {
    const { shard, destination, request } = waiting;
    const origin = migratable(tx, shard, destination);
    if (!origin.ok) {
      tx.reply(request, origin);
      return false;
    }
    const wait = waitsFor(tx, origin.value, destination);
    if (wait === null) {
      const plan = { shard, origin: origin.value, destination, request, operation: null };
      tx.actingFor(waiting.by, () => beginMigration(tx, plan));
      return false;
    }
    if (waiting.deadline > tx.now) return true;
    const why =
      wait === 'budget' ? budgetReason(tx.state) : `nodes ${origin.value} and ${destination} are moving other shards`;
    const text = `Shard ${shard} waited ${tx.now - waiting.since} ms for its tx: ${why}.`;
    tx.fail(request, wait === 'budget' ? 'DSO_BUDGET_USED_UP' : 'DSO_NODE_BUSY', text);
    return false;
  });
  if (still.length < before.length) tx.patch({ waitingMigrations: still });
}

function mayLeaveNow(tx: Transaction, { operation, origin }: LiveMigration): boolean {
  return tx.state.alarm === null && (isFreeOfBudget(tx.state, operation) || budgetAllowsMove(tx, origin));
}

/**
 * Shards that are announced to leave, where user code was waited for: they go when it has finished and there is room
 * and budget, those first that were announced first. One whose operation moves nothing any more stays.
 */
export function leaveWhenThereIsRoom(tx: Transaction): void {
  for (const migration of tx.state.migrations.values()) {
    const { step, origin, destination, operation } = migration;
    if (step.kind !== 'announcing' || step.patienceMs === 0) continue;
    const announced: LiveMigration & { step: typeof step } = { ...migration, step };
    const stopped = operation === null ? null : (tx.state.operations.get(operation)?.stopped ?? null);
    if (stopped !== null) abortLive(tx, announced, `the operation it was part of moves no further shard: ${stopped}`);
    else if (step.mayLeave && hasRoomToMove(tx, origin, destination) && mayLeaveNow(tx, announced)) {
      tx.actingFor(migration.by, () => leaveNow(tx, announced));
    }
  }
}
