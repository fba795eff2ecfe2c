/**
 * User events on their way from the origin to the destination. The only path that has to be fast (tens of thousands a second), so it
 * does not take a transaction: of the state only the migration's own record is renewed, which counts the event and, as long as events
 * flow, moves the deadline of the step. Order is kept because every event is answered by its one `send` at once.
 *
 * User events that belong to no transfer are dropped without a word: after an abort there may be thousands on their way.
 */
import type { MessageOf } from '@dshard/protocol';
import type { Decision } from '../state/decision.js';
import { can } from '../state/nodes.js';
import type { MigrationState, OrchestratorState } from '../state/state.js';
import type { Effect } from '../state/effects.js';
import { withHeard } from './heard.js';
import { isBase } from '../state/migrations.js';

type AnyUserEvent = MessageOf<'userEvent'> | MessageOf<'shardUserEvent'>;

export function forwardUserEvent(
  state: OrchestratorState,
  connection: string,
  message: AnyUserEvent,
  now: number,
): Decision {
  const node = state.connections.get(connection);
  if (node === undefined) return { state, effects: [] };
  const heard = withHeard(state, node, now);
  const migration = message.kind === 'shardUserEvent' ? byShard(state, node, message.shardId) : only(state, node);
  if (migration === undefined || !isBase(migration) || migration.step.kind !== 'transferring') {
    return { state: heard, effects: [] };
  }
  const destination = state.nodes.get(migration.destination);
  if (destination?.connection.kind !== 'connected') {
    return { state: heard, effects: [] };
  }
  const { eventId, body } = message;
  const forwarded: Effect = {
    kind: 'send',
    connection: destination.connection.connection,
    message: can(destination, 'parallel-migrations')
      ? { kind: 'shardUserEvent', shardId: migration.shard, eventId, body }
      : { kind: 'userEvent', eventId, body },
  };
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

function byShard(state: OrchestratorState, node: string, shard: number): MigrationState | undefined {
  const known = state.shards[shard];
  const migration = known?.kind === 'migrating' ? state.migrations.get(known.migration) : undefined;
  return migration?.origin === node ? migration : undefined;
}

/** A user event without a shard belongs to the one transfer its sender is the origin of. */
function only(state: OrchestratorState, node: string): MigrationState | undefined {
  let found: MigrationState | undefined;
  for (const migration of state.migrations.values()) {
    if (migration.origin !== node || migration.step.kind !== 'transferring') continue;
    if (found !== undefined) return undefined;
    found = migration;
  }
  return found;
}
