/**
 * What becomes of a migration that cannot go on. The rule is in `steps.ts`: back before the point of no return, forward
 * after it. Live migrations are passed on to `live-failure.ts`.
 */
import type { GatewaySession } from '@dshard/protocol';
import { can, isConnected, isShuttingDown } from '../state/nodes.js';
import { beginResume, beginTakeBack } from '../shards/start.js';
import { beginStop } from '../shards/stop.js';
import { inexact, knownNow, vacate } from '../shards/vacate.js';
import type { BaseMigration, MigrationState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import {
  abortLive,
  expireLive,
  leaveToLost,
  liveLeavesNode,
  liveLosesNode,
  liveNodeEnded,
  stopInTransfer,
} from './live-failure.js';
import { isLive } from '../state/migrations.js';
import { abortAtDestination, endFailed, quoted } from './steps.js';

/**
 * Back to the origin. Only before the point of no return.
 * @param resume false: the shard is to go down anyway, so the origin is not told to go on.
 */
export function abort(tx: Transaction, migration: BaseMigration, reason: string, resume = true): void {
  const { step, shard } = migration;
  if (step.kind === 'resuming') return;
  abortAtDestination(tx, migration);
  // What the origin closed is closed: from the second step on, the session is in our hands.
  const session = step.kind === 'closing' ? null : step.session;
  const origin = tx.node(migration.origin);
  const isThere = isConnected(origin);
  const known = knownNow(tx, session);
  if (isThere && can(origin, 'sessions')) {
    if (resume && !isShuttingDown(origin)) beginTakeBack(tx, shard, origin.id, known);
    else tx.setShard(shard, { kind: 'running', node: origin.id, since: tx.now });
  } else if (isThere && known === null) {
    // It was told to close and did not say that it did. Should it say so later, it is given the session back then.
    tx.setShard(shard, { kind: 'running', node: origin.id, since: tx.now });
  } else if (isThere && known !== null && resume && !isShuttingDown(origin)) {
    beginResume(tx, shard, origin.id, known);
  } else if (isThere) {
    vacate(tx, shard, known);
  } else {
    leaveToLost(tx, shard, migration.origin, session);
  }
  endFailed(tx, migration, reason);
}

/** The origin waited too long for the next step, and runs the shard again. */
export function onOriginTookBack(tx: Transaction, migration: BaseMigration): void {
  const { shard, origin } = migration;
  const reason = `node ${origin} took it back`;
  abortAtDestination(tx, migration);
  tx.setShard(shard, { kind: 'running', node: origin, since: tx.now });
  endFailed(tx, migration, reason);
}

/** The origin does not run the shard at all: the answer to a stop that was given up crossed with the migration. */
export function onOriginStopped(tx: Transaction, migration: BaseMigration, session: GatewaySession | null): void {
  vacate(tx, migration.shard, knownNow(tx, session));
  endFailed(tx, migration, `node ${migration.origin} had stopped it`);
}

/** After the point of no return: the destination says, or is known, not to run the shard. */
export function onDestinationFailed(
  tx: Transaction,
  migration: BaseMigration,
  reason: string,
  session: GatewaySession | null = null,
): void {
  if (migration.step.kind !== 'resuming') return;
  vacate(tx, migration.shard, knownNow(tx, session) ?? inexact(knownNow(tx, migration.step.session)));
  endFailed(tx, migration, reason);
}

/** After the point of no return: the destination may or may not run the shard, so it is stopped there first. */
function stopAtDestination(tx: Transaction, migration: BaseMigration, reason: string, request: string | null): void {
  if (migration.step.kind !== 'resuming') return;
  beginStop(tx, migration.shard, migration.destination, request, knownNow(tx, migration.step.session));
  endFailed(tx, migration, reason);
}

/** A node is gone or silent; its record says so already. */
export function migrationsLoseNode(tx: Transaction, node: string, reason: string): void {
  for (const migration of tx.state.migrations.values()) {
    if (migration.origin !== node && migration.destination !== node) continue;
    if (isLive(migration)) {
      liveLosesNode(tx, migration, node, reason);
    } else if (migration.step.kind !== 'resuming') {
      abort(tx, migration, reason);
    } else if (migration.destination === node) {
      leaveToLost(tx, migration.shard, node, migration.step.session);
      endFailed(tx, migration, reason);
    }
  }
}

/**
 * A node is about to shut down: what can still go back goes back. What is past that point ends by the destination's
 * answer.
 */
export function abortMigrationsOf(tx: Transaction, node: string, reason: string): void {
  for (const migration of tx.state.migrations.values()) {
    if (migration.origin !== node && migration.destination !== node) continue;
    if (isLive(migration)) liveLeavesNode(tx, migration, node, reason);
    else abort(tx, migration, reason);
  }
}

/** A node gets nothing any more: what is on its way there, and can go back, does. */
export function abortMigrationsTo(tx: Transaction, node: string, reason: string): void {
  for (const migration of tx.state.migrations.values()) {
    if (migration.destination !== node) continue;
    if (isLive(migration)) abortLive(tx, migration, reason);
    else abort(tx, migration, reason);
  }
}

/**
 * A node runs nothing any more: it said so, or it is known dead. @param sessionOf what it gave for a shard, if
 * anything.
 */
export function migrationsOutliveNode(
  tx: Transaction,
  node: string,
  sessionOf: (shard: number) => GatewaySession | null,
): void {
  for (const migration of tx.state.migrations.values()) {
    const session = sessionOf(migration.shard);
    if (isLive(migration)) liveNodeEnded(tx, migration, node, session);
    else if (migration.destination === node) onDestinationFailed(tx, migration, `node ${node} shut down`, session);
  }
}

/**
 * An operator wants the shard down. @returns whether that is under way; false: the migration is over, the stop is to be
 * begun.
 */
export function stopMoving(tx: Transaction, migration: MigrationState, request: string): boolean {
  const reason = `an operator stops shard ${migration.shard}`;
  if (isLive(migration)) return stopInTransfer(tx, migration, reason, request);
  if (migration.step.kind === 'resuming') {
    stopAtDestination(tx, migration, reason, request);
    return true;
  }
  // In the first step a base-level origin may not have closed yet; later its closed session is all there is to the
  // shard.
  abort(tx, migration, reason, false);
  return false;
}

/** A command of a migration failed on one of its nodes. */
export function migrationCommandFailed(tx: Transaction, migration: BaseMigration, node: string, message: string): void {
  const reason = quoted(node, message);
  if (migration.step.kind !== 'resuming') abort(tx, migration, reason);
  else if (node === migration.destination) onDestinationFailed(tx, migration, reason);
}

const WAITED_FOR = {
  closing: 'did not close its connection',
  preparing: 'was not ready to take it over',
  transferring: 'did not send its user data',
  resuming: 'did not start it',
} as const;

export function expireMigration(tx: Transaction, migration: MigrationState): void {
  if (isLive(migration)) {
    expireLive(tx, migration);
    return;
  }
  const { kind } = migration.step;
  const slow = kind === 'closing' || kind === 'transferring' ? migration.origin : migration.destination;
  const reason = `node ${slow} ${WAITED_FOR[kind]} within ${tx.settings.migrationStepTimeoutMs} ms`;
  if (kind === 'resuming') stopAtDestination(tx, migration, reason, null);
  else abort(tx, migration, reason);
}
