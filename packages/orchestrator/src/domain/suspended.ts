/**
 * While nothing can be made durable, nothing is decided: no message goes out whose reason could be forgotten. What goes
 * on is what has no consequences: heartbeats are heard and answered, and the state of a shard on its way is passed on.
 * An answer renews the lease of a node, so none is given when another orchestrator may lead by now. What comes of all
 * that when the store is back is in `deadlines.ts`.
 */
import type { Decision } from './state/effects.js';
import type { DomainEvent } from './state/events.js';
import { forwardUserEvent, isRelayed, relayFromPark, relayTransfer } from './migration/relay.js';
import type { NodeState, OrchestratorState } from './state/state.js';

/** null: this event has consequences, and was not taken. @param mayLead whether nobody else can lead yet. */
export function whileSuspended(
  state: OrchestratorState,
  event: DomainEvent,
  now: number,
  mayLead: boolean = true,
): Decision | null {
  if (event.kind === 'parkSaid' && isRelayed(event.message)) return relayFromPark(state, event.message, now);
  if (event.kind !== 'message') return null;
  const { connection, message } = event;
  if (message.kind === 'userEvent') {
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
    signals: message.signals ?? null,
  };
  return {
    state: { ...state, nodes: new Map(state.nodes).set(node.id, heard) },
    effects: mayLead
      ? [{ kind: 'send', connection, message: { kind: 'heartbeatAck', sequence: message.sequence } }]
      : [],
  };
}
