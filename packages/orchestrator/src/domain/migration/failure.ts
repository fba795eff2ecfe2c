/** What becomes of a migration that cannot go on. The rule is in `steps.ts`: back before the point of no return, forward after it. */
import type { GatewaySession } from '@dshard/protocol';
import { can, isConnected, isShuttingDown } from '../nodes.js';
import { beginResume } from '../shards/start.js';
import { beginStop } from '../shards/stop.js';
import { checkpointOf, knownNow, vacate } from '../shards/vacate.js';
import type { MigrationState } from '../state.js';
import type { Turn } from '../turn.js';
import { callOffDestination, endFailed } from './steps.js';

/**
 * Back to the origin. Only before the point of no return.
 * @param resume false: the shard is to go down anyway, so a base-level origin is not given its session back.
 */
export function abort(turn: Turn, migration: MigrationState, reason: string, resume = true): void {
  const { step, shard } = migration;
  if (step.kind === 'resuming') return;
  callOffDestination(turn, migration, reason);
  // What the origin closed is closed: from the second step on, the session is in our hands.
  const session = step.kind === 'closing' ? null : step.session;
  const origin = turn.node(migration.origin);
  const isThere = isConnected(origin);
  const known = knownNow(turn, session);
  if (isThere && can(origin, 'parallel-migrations')) {
    turn.send(origin.id, { kind: 'migrationAborted', shardId: shard, reason });
    turn.setShard(shard, { kind: 'running', node: origin.id, since: turn.now });
  } else if (isThere && known === null) {
    // It was told to close and did not say that it did. Should it say so later, it is given the session back then.
    turn.setShard(shard, { kind: 'running', node: origin.id, since: turn.now });
  } else if (isThere && known !== null && resume && !isShuttingDown(origin)) {
    beginResume(turn, shard, origin.id, known);
  } else if (isThere) {
    vacate(turn, shard, known);
  } else {
    leaveToLost(turn, shard, migration.origin, session);
  }
  endFailed(turn, migration, reason);
}

/** The origin waited too long for the next step, and runs the shard again. */
export function originTookBack(turn: Turn, migration: MigrationState): void {
  const { shard, origin } = migration;
  const reason = `node ${origin} took it back`;
  callOffDestination(turn, migration, reason);
  turn.setShard(shard, { kind: 'running', node: origin, since: turn.now });
  endFailed(turn, migration, reason);
}

/** The origin does not run the shard at all: the answer to a stop that was given up crossed with the migration. */
export function originStopped(turn: Turn, migration: MigrationState, session: GatewaySession | null): void {
  vacate(turn, migration.shard, knownNow(turn, session));
  endFailed(turn, migration, `node ${migration.origin} had stopped it`);
}

/** The node went away with the shard: known dead, or it may still run it (or come back with the session it holds). */
function leaveToLost(turn: Turn, shard: number, node: string, session: GatewaySession | null): void {
  const known = knownNow(turn, session);
  const checkpoint = known === null ? checkpointOf(turn, node, shard) : null;
  const connection = turn.node(node)?.connection;
  if (connection === undefined || (connection.kind === 'disconnected' && connection.gone)) {
    vacate(turn, shard, known ?? checkpoint);
  } else {
    turn.setShard(shard, { kind: 'unreachable', node, since: turn.now, known, checkpoint });
  }
}

/** The origin still has the closed session, so it is the first choice to resume the shard. */
function originHolds(turn: Turn, migration: MigrationState): void {
  const origin = turn.node(migration.origin);
  if (!isConnected(origin) || origin.held.includes(migration.shard)) return;
  turn.patchNode(origin.id, { held: [...origin.held, migration.shard] });
}

/** After the point of no return: the destination says, or is known, not to run the shard. */
export function destinationFailed(
  turn: Turn,
  migration: MigrationState,
  reason: string,
  session: GatewaySession | null = null,
): void {
  if (migration.step.kind !== 'resuming') return;
  originHolds(turn, migration);
  vacate(turn, migration.shard, knownNow(turn, session) ?? knownNow(turn, migration.step.session));
  endFailed(turn, migration, reason);
}

/** After the point of no return: the destination may or may not run the shard, so it is stopped there first. */
export function stopAtDestination(turn: Turn, migration: MigrationState, reason: string, request: string | null): void {
  if (migration.step.kind !== 'resuming') return;
  originHolds(turn, migration);
  beginStop(turn, migration.shard, migration.destination, request, knownNow(turn, migration.step.session));
  endFailed(turn, migration, reason);
}

/** A node is gone or silent; its record says so already. */
export function migrationsLoseNode(turn: Turn, node: string, reason: string): void {
  for (const migration of turn.state.migrations.values()) {
    if (migration.origin !== node && migration.destination !== node) continue;
    if (migration.step.kind !== 'resuming') {
      abort(turn, migration, reason);
    } else if (migration.destination === node) {
      originHolds(turn, migration);
      leaveToLost(turn, migration.shard, node, migration.step.session);
      endFailed(turn, migration, reason);
    }
  }
}

/** A node is about to shut down: what can still go back goes back. What is past that point ends by the destination's answer. */
export function abortMigrationsOf(turn: Turn, node: string, reason: string): void {
  for (const migration of turn.state.migrations.values()) {
    if (migration.origin === node || migration.destination === node) abort(turn, migration, reason);
  }
}

/** A command of a migration failed on one of its nodes. */
export function migrationCommandFailed(turn: Turn, migration: MigrationState, node: string, message: string): void {
  const reason = `node ${node} said: ${message}`;
  if (migration.step.kind !== 'resuming') abort(turn, migration, reason);
  else if (node === migration.destination) destinationFailed(turn, migration, reason);
}

const WAITED_FOR = {
  closing: 'did not close its connection',
  preparing: 'was not ready to take it over',
  transferring: 'did not send its user data',
  resuming: 'did not start it',
} as const;

export function expireMigrations(turn: Turn): void {
  for (const migration of turn.state.migrations.values()) {
    if (migration.deadline > turn.now) continue;
    const { kind } = migration.step;
    const slow = kind === 'closing' || kind === 'transferring' ? migration.origin : migration.destination;
    const reason = `node ${slow} ${WAITED_FOR[kind]} within ${turn.settings.migrationStepTimeoutMs} ms`;
    if (kind === 'resuming') stopAtDestination(turn, migration, reason, null);
    else abort(turn, migration, reason);
  }
}
