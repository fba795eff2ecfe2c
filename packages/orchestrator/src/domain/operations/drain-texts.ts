/** What is said of a drain. */
import { counted } from '@dshard/protocol';
import type { OperationState } from '../state/operations.js';
import type { Transaction } from '../state/transaction.js';
import type { Started } from './operation.js';

type Drain = OperationState<'drain'>;

export const NOBODY_NAMED = 'Name a node, or a host (`--host`).';

export function nobodyOn(host: string): Started {
  return { ok: true, operation: null, message: `No node of host ${host} is connected: it has no shards.` };
}

export function named(nodes: readonly string[]): string {
  return `${nodes.length === 1 ? 'node' : 'nodes'} ${nodes.join(', ')}`;
}

/** As the beginning of a sentence. */
export function namedFirst(nodes: readonly string[]): string {
  return `${nodes.length === 1 ? 'Node' : 'Nodes'} ${nodes.join(', ')}`;
}

/** Where the shards go. */
export function to({ destination, launch }: { destination: string | null; launch: boolean }): string {
  if (destination !== null) return `node ${destination}`;
  return launch ? 'a new node' : 'the other nodes';
}

export function textOf({ origins, destinations, launched, phase, cancelled, moved }: Drain, total: number): string {
  if (cancelled !== null) return `Cancelled by ${cancelled.by}; waiting for the migrations under way.`;
  const names = origins.join(', ');
  const where = destinations[0] ?? to({ destination: null, launch: launched });
  switch (phase) {
    case 'awaitingDestination':
      return `Waiting for a node to take the shards of ${names}.`;
    case 'moving':
      return `Moving the shards of ${names} to ${where}: ${moved.length} of ${total} moved.`;
    case 'shuttingDown':
      return origins.length === 1
        ? `${names} has given up ${counted(moved.length, 'shard')}, and is shutting down.`
        : `${names} have given up ${counted(moved.length, 'shard')}, and are shutting down.`;
  }
}

/** What the origins still have when a drain ends before all is moved. */
export function kept(tx: Transaction, origins: Drain['origins']): string {
  return origins
    .map((origin) => ({ origin, length: tx.shardsOf(origin).length }))
    .map(({ origin, length }) => (length === 0 ? '' : ` Node ${origin} keeps ${counted(length, 'shard')}.`))
    .join('');
}
