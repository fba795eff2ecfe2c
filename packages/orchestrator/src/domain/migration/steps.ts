/**
 * One shard moves from its origin to a destination. Where both name `live-migration` it moves live (`live.ts`). Where one does not, this is
 * the flow, which closes the shard first:
 *
 *     step          waits for                       from          then
 *     closing       prepareMigration with session   origin        preparing: prepareMigration → destination
 *     preparing     prepareMigration                destination   transferring: startMigration → origin
 *     transferring  user events, allUserDataSent    origin        resuming: allUserDataSent → destination
 *     resuming      startShards                     destination   done: migrationFinished → origin
 *
 * Passing allUserDataSent on is the point of no return: the destination may resume the session at any time after it. Until then
 * every failure means back to the origin (`failure.ts`), after it every failure means forward: the shard is resumed with the known
 * session once it is certain that the destination does not run it. Whatever happens, the record is gone afterwards and the shard
 * is in exactly one other state; nobody is left migrating.
 *
 * A base-level origin closed its connection and cannot take it up by itself, so it is given its own session to resume; one
 * with parallel-migrations is told migrationAborted and resumes from its cursor.
 */
import type { GatewaySession, Message } from '@dshard/protocol';
import { assign, newEpoch, noteCheckpoint } from '../shards/epochs.js';
import { can } from '../state/nodes.js';
import type { BaseMigration, BaseStep, MigrationState } from '../state/state.js';
import type { Turn } from '../state/transaction.js';
import { announce, openOrigin } from './live.js';
import { leaveHandOver } from '../shards/start.js';
import { takesRoom } from '../state/migrations.js';
import { moveStarted } from './started.js';
import type { About } from './started.js';
import { movesLive, patienceOf } from './limits.js';
import { boundBetween, firstStep } from './live-steps.js';

export function beginMigration(
  turn: Turn,
  plan: { shard: number; origin: string; destination: string; request: string | null; operation: string | null },
): void {
  const { shard, origin, destination } = plan;
  const about = { ...plan, id: turn.nextMigrationId(), epoch: newEpoch(turn), startedAt: turn.now, by: turn.by };
  turn.setShard(shard, { kind: 'migrating', migration: about.id });
  const live = movesLive(turn, origin, destination);
  if (live) beginLive(turn, about);
  else beginBase(turn, about);
  const begun = turn.state.migrations.get(about.id);
  if (begun === undefined || takesRoom(begun)) moveStarted(turn, about, live);
  else moveAnnounced(turn, about);
}

/** User code is told, and the shard serves for as long as it may be kept. */
function moveAnnounced(turn: Turn, { id, shard, origin, destination, operation }: About): void {
  const text = `Shard ${shard} is to move from node ${origin} to node ${destination}, when user code has finished with it.`;
  const facts = { migration: id, shard, origin, destination, operation };
  turn.happened('migrationAnnounced', 'info', text, facts);
}

function beginLive(turn: Turn, about: About): void {
  const kind = firstStep(turn, about);
  const deadline = turn.now + boundBetween(turn, about, kind);
  if (kind === 'announcing') {
    const step = { kind, patienceMs: patienceOf(turn, about.origin, about.destination), mayLeave: false };
    turn.setMigration({ ...about, step, deadline });
    announce(turn, { ...about, step, deadline });
    return;
  }
  const migration = { ...about, step: { kind: 'openingOrigin' } as const, deadline };
  turn.setMigration(migration);
  openOrigin(turn, migration);
}

function beginBase(turn: Turn, about: About): void {
  const deadline = turn.now + turn.settings.migrationStepTimeoutMs;
  turn.setMigration({ ...about, step: { kind: 'closing' }, deadline });
  turn.send(about.origin, { kind: 'prepareMigration', origin: true, shardId: about.shard, session: null });
}

/** The migration a shard is in, if it is in one. */
export function migrationOf(turn: Turn, shard: number): MigrationState | undefined {
  const state = turn.shard(shard);
  return state?.kind === 'migrating' ? turn.state.migrations.get(state.migration) : undefined;
}

function enter(turn: Turn, migration: BaseMigration, step: BaseStep): void {
  turn.setMigration({ ...migration, step, deadline: turn.now + turn.settings.migrationStepTimeoutMs });
}

/** closing → preparing. */
export function originClosed(turn: Turn, migration: BaseMigration, session: GatewaySession): void {
  enter(turn, migration, { kind: 'preparing', session });
  turn.send(migration.destination, { kind: 'prepareMigration', origin: false, shardId: migration.shard, session });
}

/** preparing → transferring. */
export function destinationReady(turn: Turn, migration: BaseMigration, session: GatewaySession): void {
  enter(turn, migration, { kind: 'transferring', session, userEvents: 0 });
  turn.send(migration.origin, { kind: 'startMigration', shardId: migration.shard });
}

/** transferring → resuming. */
export function userDataSent(
  turn: Turn,
  migration: BaseMigration,
  step: Extract<BaseStep, { kind: 'transferring' }>,
): void {
  enter(turn, migration, { ...step, kind: 'resuming' });
  assign(turn, migration.shard, migration.epoch);
  const named = can(turn.node(migration.destination), 'parallel-migrations');
  const message: Message = {
    kind: 'allUserDataSent',
    numEvents: step.userEvents,
    shardId: named ? migration.shard : null,
  };
  turn.send(migration.destination, message);
}

/** resuming → done. */
export function destinationRuns(turn: Turn, migration: BaseMigration, userEvents: number): void {
  const { shard, origin, destination } = migration;
  turn.setShard(shard, { kind: 'running', node: destination, since: turn.now });
  if (migration.step.kind === 'resuming') {
    noteCheckpoint(turn, shard, { session: migration.step.session, at: turn.now });
  }
  turn.removeMigration(migration.id);
  if (can(turn.node(origin), 'parallel-migrations')) turn.send(origin, { kind: 'migrationFinished', shardId: shard });
  const durationMs = turn.now - migration.startedAt;
  const text = `Shard ${shard} moved from node ${origin} to node ${destination} in ${durationMs} ms.`;
  // It was closed from the first step on.
  const facts = { migration: migration.id, shard, origin, destination, durationMs, frozenMs: durationMs, userEvents };
  turn.happened('migrationCompleted', 'info', text, facts, migration.by);
  turn.done(migration.request, text, { shard, origin, destination, durationMs, userEvents });
  turn.leaveOutcome(migration.operation, { kind: 'moved', shard });
}

/** A node's sentence as a part of ours. */
export function said(node: string, message: string): string {
  return `node ${node} said: ${message.replace(/\.$/, '')}`;
}

/** The end of a migration that did not succeed. The shard has been given its new state before. */
export function endFailed(turn: Turn, migration: MigrationState, reason: string): void {
  const { id, shard, origin, destination, step, request } = migration;
  turn.removeMigration(id);
  const where = turn.shard(shard);
  const now = where === undefined || where.kind === 'migrating' ? '' : ` ${whereabouts(shard, where)}`;
  const text = `Shard ${shard} was not moved from node ${origin} to node ${destination}: ${reason}.${now}`;
  const facts = { migration: id, shard, origin, destination, step: step.kind, reason };
  turn.happened('migrationFailed', 'warn', text, facts, migration.by);
  turn.fail(request, 'DSO_MIGRATION_FAILED', text);
  turn.leaveOutcome(migration.operation, { kind: 'notMoved', shard, reason });
}

function whereabouts(shard: number, state: Exclude<ReturnType<Turn['shard']>, undefined>): string {
  switch (state.kind) {
    case 'running':
      return `It runs on node ${state.node}.`;
    case 'starting':
      return `It is being resumed on node ${state.node}.`;
    case 'stopping':
      return `It is being stopped on node ${state.node}.`;
    case 'unreachable':
      return `It was last on node ${state.node}, which is away.`;
    case 'vacant':
    case 'migrating':
      return `Shard ${shard} is not running now.`;
  }
}

/** Tells a destination that was given a session to leave it. */
export function callOffDestination(turn: Turn, migration: BaseMigration, reason: string): void {
  if (migration.step.kind !== 'closing') leaveHandOver(turn, migration.destination, migration.shard, reason);
}
