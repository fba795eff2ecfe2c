/**
 * What the node that has a shard last said of the shard's gateway connection. *Up* is READY or RESUMED, and nothing
 * else: a node that has registered a shard has not connected it yet.
 */
import type { ShardPhase, ShardReport } from '@dshard/protocol';
import { can } from './nodes.js';
import type { OrchestratorState, ShardState } from './state.js';

export type ShardLink = {
  /** Who says so. */
  node: string;
  phase: ShardPhase;
  /** Since when the shard is up, disconnected, refused or on its way up, as far as this orchestrator knows. */
  since: number;
  /** The close code by which Discord refused the shard for good. */
  refused: number | null;
  /** Why the shard is not connected. */
  reason: string | null;
  /** It is connected, and nothing has come for so long, against its own usual rate. Absent: all is well. */
  silentMs?: number;
};

/** A RESUME or an IDENTIFY succeeded: the node says so in another way than by a heartbeat. */
export function upLink(node: string, now: number): ShardLink {
  return { node, phase: 'ready', since: now, refused: null, reason: null };
}

/** What a heartbeat says, after what was known. The same object: nothing has changed. */
export function reportedLink(node: string, report: ShardReport, known: ShardLink | undefined, now: number): ShardLink {
  const { phase, silentMs } = report;
  const told: ShardLink = {
    node,
    phase,
    refused: report.refused ?? null,
    reason: report.reason ?? null,
    since: now,
    ...(silentMs !== undefined && { silentMs }),
  };
  if (known === undefined || known.node !== node || troubleOf(known) !== troubleOf(told)) return told;
  const isSame =
    known.phase === phase &&
    known.refused === told.refused &&
    known.reason === told.reason &&
    known.silentMs === silentMs;
  return isSame ? known : { ...told, since: known.since };
}

/** A connection that is tried again and again is in one trouble, however often its phase changes. */
export function troubleOf({
  phase,
  refused,
  reason,
}: Pick<ShardLink, 'phase' | 'refused' | 'reason'>):
  'up' | 'refused' | 'waiting' | 'disconnected' | 'starting' | 'frozen' {
  if (phase === 'ready') return 'up';
  if (refused !== null) return 'refused';
  if (phase === 'waiting' || phase === 'frozen') return phase;
  return reason !== null || phase === 'disconnected' ? 'disconnected' : 'starting';
}

/** What is known stays known as long as the shard is with the node that said so; while it moves, the origin's word. */
export function withKnownLink(before: ShardState, next: ShardState): ShardState {
  if (!('link' in before) || before.link === undefined || 'link' in next) return next;
  switch (next.kind) {
    case 'starting':
    case 'running':
      return before.link.node === next.node ? { ...next, link: before.link } : next;
    case 'migrating':
      return { ...next, link: before.link };
    case 'vacant':
    case 'parked':
    case 'stopping':
    case 'unreachable':
      return next;
  }
}

/** Whether the node says how its shards are. One of the base level cannot: its word that a shard runs is taken. */
export function reportsLinks({ nodes, settings }: OrchestratorState, node: string): boolean {
  return settings.heartbeatIntervalMs > 0 && can(nodes.get(node), 'heartbeat');
}

/** A running shard whose node says that it is up, or cannot say. */
export function isRunningUp(state: OrchestratorState, shard: ShardState): boolean {
  if (shard.kind !== 'running') return false;
  return hasReadyLink(shard) || !reportsLinks(state, shard.node);
}

/** As far as the shard alone tells. */
export function hasReadyLink({ node, link }: Extract<ShardState, { kind: 'running' }>): boolean {
  return link?.phase === 'ready' && link.node === node;
}
