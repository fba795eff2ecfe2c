/** What fleet calls need to know of the session: for which shards this node can speak, and by which connection. */
import type { Capability } from '@dshard/protocol';
import type { NodeState, ShardState, ShardStateKind } from './state.js';

/**
 * The shard's data is here and nowhere else is it served: up to the release by which it goes, from the resume by which it came. A shard
 * between the two is nobody's for that moment.
 */
const SERVED: ReadonlySet<ShardStateKind> = new Set([
  'running',
  'closing',
  'closed',
  'sending',
  'sent',
  'announcing',
  'announced',
  'offered',
  'copying',
  'copied',
  'freezing',
  'sendingDelta',
  'frozen',
  'unfreezing',
  'releasing',
]);

export function servedShards(shards: ReadonlyMap<number, ShardState>): number[] {
  return [...shards].flatMap(([id, { kind }]) => (SERVED.has(kind) ? [id] : [])).toSorted((a, b) => a - b);
}

/** The shard is this node's, and is not about to leave. */
const LEADS: ReadonlySet<ShardStateKind> = new Set(['running', 'offered', 'copying', 'copied']);

/** Whether what runs once per fleet may run here, as far as the session knows. */
export function servesLeadShard({ lifecycle, leadShard, shards }: NodeState): boolean {
  return lifecycle.kind === 'serving' && LEADS.has(shards.get(leadShard)?.kind ?? 'absent');
}

/** The connection by which the orchestrator can be asked, and whether it knows that kind of question. */
export function linkOf({ link }: NodeState, capability: Capability): { connection: number; can: boolean } | null {
  return link.kind === 'established'
    ? { connection: link.connection, can: link.capabilities.includes(capability) }
    : null;
}
