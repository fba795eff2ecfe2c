/**
 * While nothing can be made durable, nothing is decided: no message goes out whose reason could be forgotten. What goes on is what has
 * no consequences: heartbeats are heard and answered, and the state of a shard on its way is passed on.
 *
 * Time in which we could not act counts against nobody. When the store is back, every deadline has moved by as much; but for that of a
 * shard that is frozen: its origin counts too, and unfreezes it when its time is over.
 */
import type { Decision } from './state/decision.js';
import type { DomainEvent } from './state/events.js';
import { isRelayed, relayTransfer } from './migration/relay.js';
import { forwardUserEvent } from './migration/user-events.js';
import type { OperationState } from './state/operations.js';
import type { MigrationState, NodeState, OrchestratorState, ShardState } from './state/state.js';

/** null: this event has consequences, and was not taken. */
export function whileSuspended(state: OrchestratorState, event: DomainEvent, now: number): Decision | null {
  if (event.kind !== 'message') return null;
  const { connection, message } = event;
  if (message.kind === 'userEvent' || message.kind === 'shardUserEvent') {
    return forwardUserEvent(state, connection, message, now);
  }
  if (isRelayed(message)) return relayTransfer(state, connection, message, now);
  const node = state.nodes.get(state.connections.get(connection) ?? '');
  if (message.kind !== 'heartbeat' || node?.connection.kind !== 'connected') return null;
  const heard: NodeState = {
    ...node,
    connection: { ...node.connection, lastHeardAt: now },
    shardReports: message.shards,
    process: message.process,
  };
  return {
    state: { ...state, nodes: new Map(state.nodes).set(node.id, heard) },
    effects: [{ kind: 'send', connection, message: { kind: 'heartbeatAck', sequence: message.sequence } }],
  };
}

/** @param ms how long nothing was decided. */
export function afterSuspension(state: OrchestratorState, ms: number, now: number): OrchestratorState {
  const later = <T extends { deadline: number }>(thing: T): T => ({ ...thing, deadline: thing.deadline + ms });
  const laterMap = <T extends { deadline: number }>(things: ReadonlyMap<string, T>): ReadonlyMap<string, T> =>
    new Map([...things].map(([id, thing]) => [id, later(thing)]));
  return {
    ...state,
    graceUntil: state.graceUntil === null ? null : state.graceUntil + ms,
    shards: state.shards.map((shard) => laterShard(shard, ms)),
    nodes: new Map([...state.nodes].map(([id, node]) => [id, laterNode(node, ms, now)])),
    migrations: new Map([...state.migrations].map(([id, migration]) => [id, laterMigration(migration, ms)])),
    waitingMigrations: state.waitingMigrations.map(later),
    launches: laterMap(state.launches),
    operations: new Map([...state.operations].map(([id, operation]) => [id, laterOperation(operation, ms)])),
    ending: state.ending === null ? null : later(state.ending),
  };
}

function laterMigration(migration: MigrationState, ms: number): MigrationState {
  return migration.step.kind === 'freezing' ? migration : { ...migration, deadline: migration.deadline + ms };
}

function laterShard(shard: ShardState, ms: number): ShardState {
  switch (shard.kind) {
    case 'starting':
    case 'stopping':
      return { ...shard, deadline: shard.deadline + ms };
    case 'unreachable':
      return { ...shard, since: shard.since + ms };
    case 'vacant':
    case 'running':
    case 'migrating':
      return shard;
  }
}

function laterNode(node: NodeState, ms: number, now: number): NodeState {
  const { connection, intent } = node;
  return {
    ...node,
    connection:
      connection.kind === 'disconnected'
        ? { ...connection, since: connection.since + ms }
        : { ...connection, lastHeardAt: now },
    intent: intent.kind === 'shuttingDown' ? { ...intent, deadline: intent.deadline + ms } : intent,
  };
}

function laterOperation(operation: OperationState, ms: number): OperationState {
  return operation.deadline === null ? operation : { ...operation, deadline: operation.deadline + ms };
}
