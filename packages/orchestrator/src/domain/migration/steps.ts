/**
 * One shard moves from its origin to a destination. Where both name `live-migration` it moves live (`live.ts`). Where
 * one does not, this is the flow, which closes the shard first:
 *
 *     step          waits for                       from          then
 *     closing       prepareMigration with session   origin        preparing: prepareMigration → destination
 *     preparing     prepareMigration                destination   transferring: startMigration → origin
 *     transferring  user events, allUserDataSent    origin        resuming: allUserDataSent → destination
 *     resuming      startShards                     destination   done
 *
 * Passing allUserDataSent on is the point of no return: the destination may resume the session at any time after it.
 * Until then every failure means back to the origin (`failure.ts`), after it every failure means forward: the shard is
 * resumed with the known session once it is certain that the destination does not run it. Whatever happens, the record
 * is gone afterwards and the shard is in exactly one other state; nobody is left migrating.
 *
 * A base-level origin closed its connection and cannot take it up by itself, so it is given its own session to resume.
 * A node of ours only froze the shard, and is told to run it (startShards).
 */
import type { GatewaySession } from '@dshard/protocol';
import { assign, newEpoch, noteCheckpoint } from '../shards/epochs.js';
import { upLink } from '../state/shard-link.js';
import type { BaseMigration, BaseStep, MigrationState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { announce, openOrigin } from './live.js';
import { tellAborted } from '../shards/start.js';
import { takesRoom } from '../state/migrations.js';
import { nameOfEnd } from '../state/park.js';
import { movesLive, patienceOf, recordMoveStarted, type About } from './limits.js';
import { boundBetween, firstStep } from './live-steps.js';

export function beginMigration(
  tx: Transaction,
  plan: Pick<
    MigrationState,
    'shard' | 'origin' | 'destination' | 'request' | 'operation' | 'parked' | 'spread' | 'together'
  >,
): void {
  const { shard, origin, destination } = plan;
  const about = { ...plan, id: tx.nextMigrationId(), epoch: newEpoch(tx), startedAt: tx.now, by: tx.by };
  tx.setShard(shard, { kind: 'migrating', migration: about.id });
  const live = movesLive(tx, origin, destination);
  if (live) beginLive(tx, about);
  else beginBase(tx, about);
  const begun = tx.state.migrations.get(about.id);
  if (begun === undefined || takesRoom(begun)) recordMoveStarted(tx, about, live);
  else recordMoveAnnounced(tx, about);
}

/** User code is told, and the shard serves for as long as it may be kept. */
function recordMoveAnnounced(tx: Transaction, { id, shard, origin, destination, operation }: About): void {
  const text = `Shard ${shard} is to move from ${nameOfEnd(origin)} to ${nameOfEnd(destination)}, when user code has finished with it.`;
  const facts = { migration: id, shard, origin, destination, operation };
  tx.record('migrationAnnounced', 'info', text, facts);
}

function beginLive(tx: Transaction, about: About): void {
  const kind = firstStep(tx, about);
  const deadline = tx.now + boundBetween(tx, about, kind);
  if (kind === 'announcing') {
    const step = { kind, patienceMs: patienceOf(tx, about.origin, about.destination), mayLeave: false };
    tx.setMigration({ ...about, step, deadline });
    announce(tx, { ...about, step, deadline });
    return;
  }
  const migration = { ...about, step: { kind: 'openingOrigin' } as const, deadline };
  tx.setMigration(migration);
  openOrigin(tx, migration);
}

function beginBase(tx: Transaction, about: About): void {
  const deadline = tx.now + tx.settings.migrationStepTimeoutMs;
  tx.setMigration({ ...about, step: { kind: 'closing' }, deadline });
  tx.send(about.origin, { kind: 'prepareMigration', origin: true, shardId: about.shard, session: null });
}

/** The migration a shard is in, if it is in one. */
export function migrationOf(tx: Transaction, shard: number): MigrationState | undefined {
  const state = tx.shard(shard);
  return state?.kind === 'migrating' ? tx.state.migrations.get(state.migration) : undefined;
}

/** What user code may take for a user event: a destination of the base level says nothing while it handles them. */
const HANDLING_MS = 10;

function enter(tx: Transaction, migration: BaseMigration, step: BaseStep): void {
  const handlingMs = step.kind === 'resuming' ? HANDLING_MS * step.userEvents : 0;
  tx.setMigration({ ...migration, step, deadline: tx.now + tx.settings.migrationStepTimeoutMs + handlingMs });
}

/** closing → preparing. */
export function onOriginClosed(tx: Transaction, migration: BaseMigration, session: GatewaySession): void {
  enter(tx, migration, { kind: 'preparing', session });
  tx.send(migration.destination, { kind: 'prepareMigration', origin: false, shardId: migration.shard, session });
}

/** preparing → transferring. */
export function onDestinationReady(tx: Transaction, migration: BaseMigration, session: GatewaySession): void {
  enter(tx, migration, { kind: 'transferring', session, userEvents: 0 });
  tx.send(migration.origin, { kind: 'startMigration', shardId: migration.shard });
}

/** transferring → resuming. */
export function onUserDataSent(
  tx: Transaction,
  migration: BaseMigration,
  step: Extract<BaseStep, { kind: 'transferring' }>,
): void {
  enter(tx, migration, { ...step, kind: 'resuming' });
  assign(tx, migration.shard, migration.epoch);
  tx.send(migration.destination, { kind: 'allUserDataSent', numEvents: step.userEvents });
}

/** resuming → done. */
export function onDestinationRuns(tx: Transaction, migration: BaseMigration, userEvents: number): void {
  const { shard, origin, destination } = migration;
  tx.setShard(shard, { kind: 'running', node: destination, since: tx.now, link: upLink(destination, tx.now) });
  if (migration.step.kind === 'resuming') {
    noteCheckpoint(tx, shard, { session: migration.step.session, at: tx.now });
  }
  tx.removeMigration(migration.id);
  const durationMs = tx.now - migration.startedAt;
  const text = `Shard ${shard} moved from node ${origin} to node ${destination} in ${durationMs} ms.`;
  // It was closed from the first step on.
  const { id, operation } = migration;
  const times = { durationMs, frozenMs: durationMs };
  const facts = { migration: id, shard, origin, destination, ...times, userEvents, operation };
  tx.record('migrationCompleted', 'info', text, facts, migration.by);
  tx.done(migration.request, text, { migration: id, shard, origin, destination, durationMs, userEvents });
  tx.leaveOutcome(operation, { kind: 'moved', shard });
}

/** A node's sentence as a part of ours. */
export function quoted(node: string, message: string): string {
  return `${nameOfEnd(node)} said: ${message.replace(/\.$/, '')}`;
}

/** The end of a migration that did not succeed. The shard has been given its new state before. */
export function endFailed(tx: Transaction, migration: MigrationState, reason: string): void {
  const { id, shard, origin, destination, step, request, operation } = migration;
  tx.removeMigration(id);
  const where = tx.shard(shard);
  const now = where === undefined || where.kind === 'migrating' ? '' : ` ${whereabouts(shard, where)}`;
  const text = `Shard ${shard} was not moved from ${nameOfEnd(origin)} to ${nameOfEnd(destination)}: ${reason}.${now}`;
  const facts = { migration: id, shard, origin, destination, step: step.kind, reason, operation };
  tx.record('migrationFailed', 'warn', text, facts, migration.by);
  tx.fail(request, 'DSO_MIGRATION_FAILED', text);
  tx.leaveOutcome(operation, { kind: 'notMoved', shard, reason });
}

function whereabouts(shard: number, state: Exclude<ReturnType<Transaction['shard']>, undefined>): string {
  switch (state.kind) {
    case 'running':
      return `It runs on node ${state.node}.`;
    case 'starting':
      return `It is being resumed on node ${state.node}.`;
    case 'stopping':
      return `It is being stopped on node ${state.node}.`;
    case 'unreachable':
      return `It was last on node ${state.node}, which is away.`;
    case 'parked':
      return 'It is parked.';
    case 'vacant':
    case 'migrating':
      return `Shard ${shard} is not running now.`;
  }
}

/** Tells a destination that was given a session to leave it. */
export function abortAtDestination(tx: Transaction, migration: BaseMigration): void {
  if (migration.step.kind !== 'closing') tellAborted(tx, migration.destination, migration.shard);
}
