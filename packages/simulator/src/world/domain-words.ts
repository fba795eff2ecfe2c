/** Events and effects of the domain in a few words each, for the trace. */
import type { DomainEvent, Effect, OrchestratorState } from '@dshard/orchestrator/domain';
import type { Message } from '@dshard/protocol';

export function wordsOfEvent(event: DomainEvent, state: OrchestratorState): string {
  if (event.kind === 'message') return `${nodeOf(state, event.connection)}: ${wordsOfMessage(event.message)}`;
  if (event.kind === 'identify') {
    const { nodeId, runningShards, heldSessions } = event.message;
    const held = heldSessions.map(({ shardId }) => shardId);
    return `${nodeId}: identify, runs [${runningShards.join(' ')}], holds [${held.join(' ')}]`;
  }
  if (event.kind === 'connectionClosed') {
    return `connection of ${nodeOf(state, event.connection)} closed: ${event.reason}`;
  }
  if (event.kind === 'command') return `operator: ${JSON.stringify(event.command)}`;
  if (event.kind === 'nodeLaunched') return `launched ${event.node}`;
  if (event.kind === 'launchFailed') return `launch failed: ${event.reason}`;
  if (event.kind === 'processExited') return `process of ${event.node} ${event.description}`;
  return event.kind;
}

/** null: not worth a line. */
export function wordsOfEffect(effect: Effect, state: OrchestratorState): string | null {
  if (effect.kind === 'send') {
    const { message, connection } = effect;
    return message.kind === 'heartbeatAck' ? null : `⟶ ${nodeOf(state, connection)}: ${wordsOfMessage(message)}`;
  }
  if (effect.kind === 'close') return `closes the connection of ${nodeOf(state, effect.connection)}: ${effect.message}`;
  if (effect.kind === 'record') return `! ${effect.entry.text}`;
  if (effect.kind === 'reply')
    return `answers: ${effect.result.ok ? effect.result.message : effect.result.error.message}`;
  return effect.kind === 'accept' || effect.kind === 'wakeAt' ? null : effect.kind;
}

function nodeOf(state: OrchestratorState, connection: string): string {
  return state.connections.get(connection) ?? `(${connection.split('.')[1] ?? 'unknown'})`;
}

function wordsOfMessage(message: Message): string {
  if (message.kind === 'startShards') return `startShards ${message.shardIds.join(' ')}`;
  if (message.kind === 'resumeShards') {
    return `resumeShards ${message.shards.map(({ shardId, sequence }) => `${shardId} at ${sequence}`).join(', ')}`;
  }
  if (message.kind === 'heartbeat') {
    return `heartbeat ${message.shards.map(({ shardId, phase }) => `${shardId}:${phase}`).join(' ')}`;
  }
  const session = 'session' in message && message.session !== null ? ` at ${message.session.sequence}` : '';
  if (message.kind === 'prepareMigration') {
    return `prepareMigration ${message.shardId} ${message.origin ? 'origin' : 'destination'}${session}`;
  }
  if (message.kind === 'commandFailed') {
    return `commandFailed ${message.command} ${message.shardId}: ${message.message}`;
  }
  return 'shardId' in message ? `${message.kind} ${message.shardId ?? ''}${session}` : message.kind;
}
