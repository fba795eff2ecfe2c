/**
 * The state of a shard that moves live, on its way from origin to destination, and the credit that comes back: thousands of messages a
 * second, so they take no transaction and, but for one thing, leave no trace in the state. What was passed on needs no count here, because the
 * destination checks order, number and digest itself. The one thing is that data is progress: at most once per
 * PROGRESS_RESOLUTION_MS it moves the deadline of `copying`. (The manifest is one message per migration and takes a transaction.)
 *
 * Never mixed up: a message is passed on only if its id names a migration that is under way, it comes from the right end of it, and it is
 * of the step; everything else is dropped and counted, because after an abort a whole window of data may be on its way.
 *
 * Memory: an origin sends within the credit that the destination gave, so of one migration at most one window (the node setting
 * `transferWindowBytes`, 1 MiB by default) plus one event that is larger than that is between the two, and the orchestrator holds for
 * a destination at most the sum of the windows of the migrations to it, of which there are at most migrationsPerNode, and
 * for all destinations together at most migrationsTotal windows; over sockets twice that, because the system lets go of a piece when all of
 * it is written. Frame headers come on top: some 100 bytes per event. Origins are not
 * held back for it, so their heartbeats are read while a destination is slow. An origin that ignores its credit is stopped by
 * `runtime/connections.ts`.
 */
import type { Message, MessageOf } from '@dshard/protocol';
import type { Decision } from '../state/decision.js';
import { isConnected } from '../state/nodes.js';
import type { LiveMigration, MigrationState, OrchestratorState } from '../state/state.js';
import { withHeard } from './heard.js';
import { isLive } from '../state/migrations.js';

const PROGRESS_RESOLUTION_MS = 500;

type Relayed = MessageOf<'transferData' | 'transferCredit'>;

export function isRelayed(message: Message): message is Relayed {
  return message.kind === 'transferData' || message.kind === 'transferCredit';
}

export function relayTransfer(state: OrchestratorState, connection: string, message: Relayed, now: number): Decision {
  const sender = state.connections.get(connection);
  if (sender === undefined) return { state, effects: [] };
  const heard = withHeard(state, sender, now);
  const migration = state.migrations.get(message.migrationId);
  const receiver = receiverOf(migration, sender, message);
  const node = receiver === undefined ? undefined : state.nodes.get(receiver);
  if (!isConnected(node) || node.connection.kind !== 'connected' || migration === undefined || !isLive(migration)) {
    return { state: { ...heard, staleTransfers: heard.staleTransfers + 1 }, effects: [] };
  }
  const next = message.kind === 'transferData' ? withProgress(heard, migration, now) : heard;
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
