/**
 * What becomes of a live migration that cannot go on, by the step it is in (`LIVE_STEPS[…].undo`):
 *
 * - Before COMMIT it is aborted. Nothing has to be resumed: a frozen origin unfreezes when it hears of it, or by
 *   itself.
 * - `releasing`: the origin either let go or did not, and says which. Refused, the shard is its own again. Without the
 *   destination the origin is told startShards, which is right in both cases: it unfreezes, or takes the closed session
 *   up again.
 * - `activating`: the shard is resumed with the cursor in the manifest once it is certain that the destination does not
 *   run it; the origin, which keeps its copy until transferDone, is the first choice.
 *
 * Whatever happens, the record is gone afterwards or one step on, and the shard is in exactly one other state.
 */
import type { GatewaySession } from '@dshard/protocol';
import { keep, letGo } from '../shards/epochs.js';
import { isConnected, isShuttingDown } from '../state/nodes.js';
import { beginTakeBack } from '../shards/start.js';
import { beginStop } from '../shards/stop.js';
import { checkpointOf, inexact, knownNow, vacate } from '../shards/vacate.js';
import type { LiveMigration, MigrationState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { activate, of } from './live.js';
import { boundBetween, canAbort, isKnownToDestination, LIVE_STEPS } from './live-steps.js';
import { isLive } from '../state/migrations.js';
import { endFailed, quoted } from './steps.js';
import type { KnownSession } from '../state/commands.js';
import { isPark, nameOfEnd } from '../state/park.js';
import { dropParkedState, stayParked } from './parked.js';

/** The newest cursor known here: the manifest's, or what the origin said at the beginning. */
function cursorOf({ step }: LiveMigration): GatewaySession | null {
  if ('manifest' in step) return step.manifest.session;
  return 'session' in step ? step.session : null;
}

function tellAbort(tx: Transaction, migration: LiveMigration, node: string, reason: string): void {
  tx.send(node, { kind: 'transferAbort', ...of(migration), reason });
}

/** Before COMMIT only. */
export function abortLive(tx: Transaction, migration: LiveMigration, reason: string): void {
  if (!canAbort(migration)) return;
  const { shard, origin, destination, step } = migration;
  if (isKnownToDestination(migration)) tellAbort(tx, migration, destination, reason);
  tellAbort(tx, migration, origin, reason);
  if (migration.parked !== undefined) stayParked(tx, migration, reason, false);
  else if (isConnected(tx.node(origin))) tx.setShard(shard, { kind: 'running', node: origin, since: tx.now });
  else leaveServing(tx, shard, origin, { cursor: cursorOf(migration), isLast: step.kind === 'verifying' });
  endFailed(tx, migration, reason);
}

/** The origin does not run the shard at all (a stop that was given up crossed with the migration, say). */
function onOriginStopped(tx: Transaction, migration: LiveMigration, session: GatewaySession | null): void {
  const reason = `node ${migration.origin} had stopped it`;
  tellAbort(tx, migration, migration.destination, reason);
  vacate(tx, migration.shard, knownNow(tx, session));
  endFailed(tx, migration, reason);
}

/** In `releasing` the origin says that it did not let go: the shard is its own again. */
export function onOriginKept(tx: Transaction, migration: LiveMigration, reason: string): void {
  const { shard, origin, destination } = migration;
  tellAbort(tx, migration, destination, reason);
  keep(tx, shard, origin);
  endFailed(tx, migration, reason);
}

/** In `releasing`, without a destination: the origin is to run the shard, whether it let go or not. */
function giveBackToOrigin(tx: Transaction, migration: LiveMigration, reason: string): void {
  const { shard, origin, destination } = migration;
  const node = tx.node(origin);
  const session = cursorOf(migration);
  tellAbort(tx, migration, destination, reason);
  if (!isConnected(node)) leaveToLost(tx, shard, origin, session);
  else if (isShuttingDown(node)) beginStop(tx, shard, origin, null, knownNow(tx, session));
  else beginTakeBack(tx, shard, origin, knownNow(tx, session));
  endFailed(tx, migration, reason);
}

/**
 * In `releasing` the origin is known not to run the shard any more, without having said that it let go.
 * @param session with which it stopped the shard; null: nobody knows how far it got. If the shard had moved on, the
 * state at the destination is of no use.
 */
function onOriginEnded(tx: Transaction, migration: LiveMigration, session: GatewaySession | null): void {
  const { step, shard, destination } = migration;
  if (step.kind !== 'releasing') return;
  const movedOn = isAhead(session, step.manifest.session);
  const node = tx.node(destination);
  const isThere = isPark(destination) || (node !== undefined && !isShuttingDown(node));
  if (!movedOn && isThere) {
    activate(tx, { ...migration, step }, session !== null);
    return;
  }
  const reason = movedOn ? `node ${migration.origin} had gone on with it` : `node ${destination} is shutting down`;
  tellAbort(tx, migration, destination, reason);
  vacate(tx, shard, knownNow(tx, session) ?? inexact(knownNow(tx, step.manifest.session)));
  endFailed(tx, migration, reason);
}

/** Whether user code got more than what the cursor says, or there is another session. */
function isAhead(session: GatewaySession | null, cursor: GatewaySession): boolean {
  return session !== null && (session.sessionId !== cursor.sessionId || session.sequence > cursor.sequence);
}

/** In `activating` the destination says, or is known, not to run the shard. */
function onDestinationEnded(
  tx: Transaction,
  migration: LiveMigration,
  reason: string,
  session: GatewaySession | null,
): void {
  originRetains(tx, migration);
  const { parked } = migration;
  // The state is as of the parked cursor, and of no later one.
  if (parked !== undefined && !isAhead(session, parked.known.session)) stayParked(tx, migration, reason, true);
  else if (parked !== undefined) {
    const known = knownNow(tx, session) ?? parked.known;
    dropParkedState(
      tx,
      migration.shard,
      { ...parked, known },
      `node ${migration.destination} had gone on with the shard`,
    );
  } else vacate(tx, migration.shard, knownNow(tx, session) ?? inexact(knownNow(tx, cursorOf(migration))));
  endFailed(tx, migration, reason);
}

/** In `activating` the destination may or may not run the shard, so it is stopped there first. */
function stopAtDestination(tx: Transaction, migration: LiveMigration, reason: string, request: string | null): void {
  originRetains(tx, migration);
  // A resume that hangs is cut short by the first, one that succeeded is stopped by the second.
  tellAbort(tx, migration, migration.destination, reason);
  const known = knownNow(tx, cursorOf(migration));
  beginStop(tx, migration.shard, migration.destination, request, known);
  endFailed(tx, migration, reason);
}

/** A parked shard is not given out: the state is damaged or gone, or the node cannot take it. */
function onParkedRefused(tx: Transaction, migration: LiveMigration, node: string, reason: string): void {
  const { shard, parked, destination } = migration;
  if (isKnownToDestination(migration)) tellAbort(tx, migration, destination, reason);
  if (parked !== undefined && isPark(node)) dropParkedState(tx, shard, parked, reason);
  else stayParked(tx, migration, reason, true);
  endFailed(tx, migration, reason);
}

/** A node said that it cannot do what it was told. */
export function onNodeRefused(tx: Transaction, migration: LiveMigration, node: string, message: string): void {
  const { step, origin, destination, shard } = migration;
  const reason = quoted(node, message);
  if (migration.parked !== undefined && canAbort(migration)) onParkedRefused(tx, migration, node, reason);
  else if (canAbort(migration)) abortLive(tx, migration, reason);
  else if (step.kind === 'releasing' && node === origin) onOriginKept(tx, migration, reason);
  else if (step.kind === 'releasing') giveBackToOrigin(tx, migration, reason);
  else if (node === destination) onDestinationEnded(tx, migration, reason, null);
  else if (step.kind === 'activating' && !step.originReleased) {
    // It was silent for too long and went on by itself. The destination has the shard now.
    letGo(tx, origin, shard);
  }
}

/** @returns whether the answer belongs to the migration. */
export function onStopAnswer(
  tx: Transaction,
  migration: LiveMigration,
  node: string,
  session: GatewaySession | null,
): boolean {
  if (node === migration.origin && canAbort(migration)) onOriginStopped(tx, migration, session);
  else if (node === migration.origin && migration.step.kind === 'releasing') onOriginEnded(tx, migration, session);
  else if (node === migration.destination && migration.step.kind === 'activating') {
    onDestinationEnded(tx, migration, `node ${node} stopped it`, session);
  } else return false;
  return true;
}

/** One of its nodes is gone or silent; the node's record says so already. */
export function liveLosesNode(tx: Transaction, migration: LiveMigration, node: string, reason: string): void {
  const { step, destination, shard } = migration;
  if (canAbort(migration)) abortLive(tx, migration, reason);
  else if (step.kind === 'releasing' && node === destination) giveBackToOrigin(tx, migration, reason);
  else if (step.kind === 'releasing') {
    tx.setMigration({ ...migration, deadline: tx.now + tx.settings.maxNodeDowntimeMs });
  } else if (node === destination) {
    originRetains(tx, migration);
    leaveToLost(tx, shard, node, cursorOf(migration));
    endFailed(tx, migration, reason);
  }
}

/** One of its nodes is about to shut down. What is past COMMIT ends by what its nodes say, as far as both are there. */
export function liveLeavesNode(tx: Transaction, migration: LiveMigration, node: string, reason: string): void {
  if (canAbort(migration)) abortLive(tx, migration, reason);
  else if (migration.step.kind === 'releasing' && node === migration.destination) {
    giveBackToOrigin(tx, migration, reason);
  }
}

/** One of its nodes has stopped all its shards, or is known dead. @param session the shard's, if the node gave it. */
export function liveNodeEnded(
  tx: Transaction,
  migration: LiveMigration,
  node: string,
  session: GatewaySession | null,
): void {
  const { step, origin, destination } = migration;
  if (step.kind === 'releasing' && node === origin) onOriginEnded(tx, migration, session);
  else if (step.kind === 'activating' && node === destination) {
    onDestinationEnded(tx, migration, `node ${node} shut down`, session);
  }
}

/**
 * A node that was lost is back, and what it runs was taken over: of what it does not run, it has let go. If it does not
 * hold the session either, it is another process, and nobody knows what the one before did last.
 */
export function onOriginBack(tx: Transaction, node: string): void {
  for (const migration of tx.state.migrations.values()) {
    const { step, origin } = migration;
    if (origin !== node || !isLive(migration) || step.kind !== 'releasing') continue;
    activate(tx, { ...migration, step }, tx.node(node)?.retained.includes(migration.shard) === true);
  }
}

/** An operator wants the shard down. @returns whether that is under way; false: it is still where it was before. */
export function stopInTransfer(tx: Transaction, migration: LiveMigration, reason: string, request: string): boolean {
  const { step, origin, destination, shard } = migration;
  if (step.kind === 'activating') {
    stopAtDestination(tx, migration, reason, request);
    return true;
  }
  if (step.kind === 'releasing' && isConnected(tx.node(origin))) {
    // Whether it let go or not: it answers with the session either way.
    tellAbort(tx, migration, destination, reason);
    beginStop(tx, shard, origin, request, knownNow(tx, cursorOf(migration)));
    endFailed(tx, migration, reason);
    return true;
  }
  abortLive(tx, migration, reason);
  return false;
}

export function expireLive(tx: Transaction, migration: LiveMigration): void {
  const { step } = migration;
  const { undo, waitsFor, overdue } = LIVE_STEPS[step.kind];
  const waited = `within ${boundBetween(tx, migration, step.kind)} ms`;
  const reason =
    step.kind === 'announcing' && step.mayLeave
      ? `there was no room for it to move within ${tx.settings.budgetTimeoutMs} ms`
      : `${nameOfEnd(migration[waitsFor])} ${overdue} ${waited}`;
  if (undo === 'abort') abortLive(tx, migration, reason);
  else if (undo === 'resumeElsewhere') stopAtDestination(tx, migration, reason, null);
  else onOriginEnded(tx, migration, null);
}

/** The node went away with the shard: known dead, or it may still run it (or come back with the session it holds). */
export function leaveToLost(tx: Transaction, shard: number, node: string, session: GatewaySession | null): void {
  const known = inexact(knownNow(tx, session));
  const checkpoint = known === null ? checkpointOf(tx, node, shard) : null;
  const connection = tx.node(node)?.connection;
  if (connection === undefined || (connection.kind === 'disconnected' && connection.gone)) {
    vacate(tx, shard, known ?? checkpoint);
  } else {
    tx.setShard(shard, { kind: 'unreachable', node, since: tx.now, known, checkpoint });
  }
}

/**
 * The node went away while it served the shard, so its session goes on there until it is known dead.
 * @param session what else is known of it: the cursor of a frozen shard, which is the last there is, or one from
 * before.
 */
function leaveServing(
  tx: Transaction,
  shard: number,
  node: string,
  session: { cursor: GatewaySession | null; isLast: boolean },
): void {
  const told = inexact(knownNow(tx, session.cursor));
  const reported = checkpointOf(tx, node, shard);
  const checkpoint = session.isLast ? (told ?? reported) : newer(reported, told);
  const connection = tx.node(node)?.connection;
  if (connection === undefined || (connection.kind === 'disconnected' && connection.gone)) {
    vacate(tx, shard, checkpoint);
  } else {
    tx.setShard(shard, { kind: 'unreachable', node, since: tx.now, known: null, checkpoint });
  }
}

/** Of two sessions that differ, the reported one is taken to be the later. */
function newer(reported: KnownSession | null, told: KnownSession | null): KnownSession | null {
  if (reported === null || told === null) return reported ?? told;
  const isSame = reported.session.sessionId === told.session.sessionId;
  return isSame && told.session.sequence > reported.session.sequence ? told : reported;
}

/** The origin still has the closed session, so it is the first choice to resume the shard. */
function originRetains(tx: Transaction, migration: MigrationState): void {
  const origin = tx.node(migration.origin);
  if (!isConnected(origin) || origin.retained.includes(migration.shard)) return;
  tx.patchNode(origin.id, { retained: [...origin.retained, migration.shard] });
}
