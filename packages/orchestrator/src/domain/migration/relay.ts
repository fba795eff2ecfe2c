/**
 * The state of a shard that moves live, on its way from origin to destination, and the credit that comes back:
 * thousands of messages a second, so they take no transaction and, but for one thing, leave no trace in the state. What
 * was passed on needs no count here, because the destination checks order, number and digest itself. The one thing is
 * that data is progress: at most once per PROGRESS_RESOLUTION_MS it moves the deadline of `copying`. (The manifest is
 * one message per migration and takes a transaction.)
 *
 * Never mixed up: a message is passed on only if its id names a migration that is under way, it comes from the right
 * end of it, and it is of the step; everything else is dropped and counted, because after an abort a whole window of
 * data may be on its way.
 *
 * Memory: an origin sends within the credit that the destination gave, so of one migration at most one window (the node
 * setting `transferWindowBytes`, 1 MiB by default) plus one event that is larger than that is between the two, and the
 * orchestrator holds for a destination at most the sum of the windows of the migrations to it, of which there are at
 * most migrationsPerNode, and for all destinations together at most migrationsTotal windows; over sockets twice that,
 * because the system lets go of a piece when all of it is written. Frame headers come on top: some 100 bytes per event.
 * Origins are not held back for it, so their heartbeats are read while a destination is slow. An origin that ignores
 * its credit is stopped by `runtime/connections.ts`.
 */
import type { Message, MessageOf } from '@dshard/protocol';
import type { Decision, Effect } from '../state/effects.js';
import { isConnected } from '../state/nodes.js';
import { isPark, PARK, toPark } from '../state/park.js';
import type { BaseMigration, LiveMigration, MigrationState, OrchestratorState } from '../state/state.js';
import { isBase, isLive } from '../state/migrations.js';

const PROGRESS_RESOLUTION_MS = 500;

type Relayed = MessageOf<'transferData' | 'transferCredit'>;

export function isRelayed(message: Message): message is Relayed {
  return message.kind === 'transferData' || message.kind === 'transferCredit';
}

export function relayTransfer(state: OrchestratorState, connection: string, message: Relayed, now: number): Decision {
  const sender = state.connections.get(connection);
  if (sender === undefined) return { state, effects: [] };
  return passOn(withHeard(state, sender, now), sender, message, now);
}

/** The same from the orchestrator's own end of a migration, and to it. */
export function relayFromPark(state: OrchestratorState, message: Relayed, now: number): Decision {
  return passOn(state, PARK, message, now);
}

function passOn(state: OrchestratorState, sender: string, message: Relayed, now: number): Decision {
  const migration = state.migrations.get(message.migrationId);
  const receiver = receiverOf(migration, sender, message);
  if (migration !== undefined && isLive(migration) && receiver !== undefined && isPark(receiver)) {
    const next = message.kind === 'transferData' ? withProgress(state, migration, now) : state;
    const effect = toPark(migration, message);
    return { state: next, effects: effect === null ? [] : [effect] };
  }
  const node = receiver === undefined ? undefined : state.nodes.get(receiver);
  if (!isConnected(node) || node.connection.kind !== 'connected' || migration === undefined || !isLive(migration)) {
    return { state: { ...state, staleTransfers: state.staleTransfers + 1 }, effects: [] };
  }
  const next = message.kind === 'transferData' ? withProgress(state, migration, now) : state;
  return { state: next, effects: [{ kind: 'send', connection: node.connection.connection, message }] };
}

/** Data flows until the manifest; credit also while what came is being handled. */
function receiverOf(migration: MigrationState | undefined, sender: string, message: Relayed): string | undefined {
  if (migration?.shard !== message.shardId) return undefined;
  const { kind } = migration.step;
  const flows = kind === 'copying' || kind === 'freezing';
  if (message.kind === 'transferData') {
    return flows && sender === migration.origin ? migration.destination : undefined;
  }
  return (flows || kind === 'warming' || kind === 'verifying') && sender === migration.destination
    ? migration.origin
    : undefined;
}

function withProgress(state: OrchestratorState, migration: LiveMigration, now: number): OrchestratorState {
  if (migration.step.kind !== 'copying') return state;
  const bound = state.settings.migrationStepTimeoutMs;
  const resolution = Math.min(PROGRESS_RESOLUTION_MS, bound / 4);
  if (migration.deadline - bound + resolution > now) return state;
  const moved = { ...migration, deadline: now + bound };
  return { ...state, migrations: new Map(state.migrations).set(migration.id, moved) };
}

/** How stale `lastHeardAt` may become while only such messages come in; renewing it costs a copy of the nodes. */
const HEARD_RESOLUTION_MS = 500;

/** A node was heard of, on the paths that take no transaction. */
function withHeard(state: OrchestratorState, id: string, now: number): OrchestratorState {
  const node = state.nodes.get(id);
  if (node === undefined || node.connection.kind === 'disconnected') return state;
  if (now - node.connection.lastHeardAt < HEARD_RESOLUTION_MS) return state;
  const heard = { ...node, connection: { ...node.connection, lastHeardAt: now } };
  return { ...state, nodes: new Map(state.nodes).set(id, heard) };
}

/**
 * User events on their way from the origin to the destination. The only path that has to be fast (tens of thousands a
 * second), so it does not take a transaction: of the state only the migration's own record is renewed, which counts the
 * event and, as long as events flow, moves the deadline of the step. Order is kept because every event is answered by
 * its one `send` at once.
 *
 * User events that belong to no transfer are dropped without a word: after an abort there may be thousands on their
 * way.
 */

export function forwardUserEvent(
  state: OrchestratorState,
  connection: string,
  message: MessageOf<'userEvent'>,
  now: number,
): Decision {
  const node = state.connections.get(connection);
  if (node === undefined) return { state, effects: [] };
  const heard = withHeard(state, node, now);
  const migration = transferOf(state, node);
  if (migration?.step.kind !== 'transferring') {
    return { state: heard, effects: [] };
  }
  const destination = state.nodes.get(migration.destination);
  if (destination?.connection.kind !== 'connected') {
    return { state: heard, effects: [] };
  }
  const forwarded: Effect = { kind: 'send', connection: destination.connection.connection, message };
  const next: MigrationState = {
    ...migration,
    step: { ...migration.step, userEvents: migration.step.userEvents + 1 },
    deadline: now + state.settings.migrationStepTimeoutMs,
  };
  return {
    state: { ...heard, migrations: new Map(state.migrations).set(migration.id, next) },
    effects: [forwarded],
  };
}

/** User events and allUserDataSent name no shard: they belong to the one transfer whose origin their sender is. */
export function transferOf(state: OrchestratorState, node: string): BaseMigration | undefined {
  let found: BaseMigration | undefined;
  for (const migration of state.migrations.values()) {
    if (migration.origin !== node || !isBase(migration) || migration.step.kind !== 'transferring') continue;
    if (found !== undefined) return undefined;
    found = migration;
  }
  return found;
}
