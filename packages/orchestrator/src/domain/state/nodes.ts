/** What can be said of a node from its own record. */
import type { Capability } from '@dshard/protocol';
import type { OperationState } from './operations.js';
import type { NodeState, OrchestratorState } from './state.js';

/** Established: it was told the total and may be given shards. */
export function isConnected(node: NodeState | undefined): node is NodeState {
  return node?.connection.kind === 'connected';
}

/** Whether there is an open connection, established or not. */
export function hasConnection(node: NodeState): boolean {
  return node.connection.kind !== 'disconnected';
}

/** Whether the capability is on for the node's connection. */
export function can(node: NodeState | undefined, capability: Capability): boolean {
  return (
    node !== undefined && node.connection.kind !== 'disconnected' && node.connection.capabilities.includes(capability)
  );
}

/** A Go node, say: it named no capability. */
export function isBaseLevel({ connection }: NodeState): boolean {
  return connection.kind !== 'disconnected' && connection.capabilities.length === 0;
}

export function isShuttingDown(node: NodeState): boolean {
  return node.intent.kind === 'shuttingDown';
}

/** It is to end, in a moment or when its shards have moved: it gets nothing new. */
export function isLeaving({ intent }: NodeState): boolean {
  return intent.kind === 'leaving' || intent.kind === 'shuttingDown';
}

/** Its shards are gone and it says so: it only ends what it is at, and then itself. */
export function hasSaidGoodbye({ intent }: NodeState): boolean {
  return intent.kind === 'shuttingDown' && intent.answered;
}

/** The operation that drains the node, if any. */
export function drainedBy({ operations }: OrchestratorState, node: string): OperationState | undefined {
  for (const operation of operations.values()) if (isAmong(node, operation.origins)) return operation;
  return undefined;
}

/** The operation that keeps the node for itself, if any. */
export function keptBy({ operations }: OrchestratorState, node: string): OperationState | undefined {
  for (const operation of operations.values()) if (isAmong(node, operation.destinations)) return operation;
  return undefined;
}

function isAmong(node: string, nodes: readonly string[]): boolean {
  return nodes.includes(node);
}
