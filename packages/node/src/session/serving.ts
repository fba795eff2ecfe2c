/** What fleet calls need to know of the session: for which shards this node can speak, and by which connection. */
import type { Established, NodeState, ShardState, ShardStateKind } from './state.js';

/**
 * The shard's data is here and nowhere else is it served: up to the release by which it goes, from the resume by which it came. A shard
 * between the two is nobody's for that moment.
 */
const SERVED: ReadonlySet<ShardStateKind> = new Set([
  'running',
  'freezing',
  'frozen',
  'sending',
  'held',
  'announcing',
  'announced',
  'offered',
  'copying',
  'copied',
  'halting',
  'flushing',
  'sealed',
  'thawing',
  'releasing',
]);

export function servedShards(shards: ReadonlyMap<number, ShardState>): number[] {
  return [...shards].flatMap(([id, { kind }]) => (SERVED.has(kind) ? [id] : [])).toSorted((a, b) => a - b);
}

export function linkOf({ link }: NodeState): { connection: number; can: boolean } | null {
  return link.kind === 'established' ? { connection: link.connection, can: canCall(link) } : null;
}

function canCall({ capabilities }: Established): boolean {
  return capabilities.includes('calls');
}
