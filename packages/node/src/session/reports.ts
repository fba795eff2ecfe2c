/**
 * What the session says of the shards: in heartbeats, and to fleet calls.
 *
 * The session knows which shards are this node's, the host how they are: the orchestrator takes a shard that is not
 * named for lost, so one that the host does not report (yet, or at all) is named all the same, and one that is only
 * being handed to this node, or that another one has taken over, is not.
 */
import type { Capability, ShardPhase, ShardReport } from '@dshard/protocol';
import { isTaken, ruleOf } from './shard-states.js';
import type { NodeState, ShardState } from './state.js';

/**
 * @param epochs null: the orchestrator does not know them. @param unreported the phase of a shard that the host does
 * not speak of.
 */
export function shardReports(
  shards: ReadonlyMap<number, ShardState>,
  fromHost: readonly ShardReport[],
  epochs: ReadonlyMap<number, number> | null = null,
  unreported: ShardPhase = 'connecting',
): readonly ShardReport[] {
  const known = new Map(fromHost.map((report) => [report.shardId, report]));
  return [...shards].flatMap(([shardId, shard]) => {
    const phase = ruleOf(shard).phase;
    if (phase === null || isTaken(shard)) {
      return [];
    }
    const report = known.get(shardId) ?? {
      shardId,
      phase: unreported,
      pingMs: -1,
      guilds: -1,
      events: 0,
      session: null,
    };
    const told = phase === 'host' ? report : { ...report, phase };
    return [epochs === null ? told : { ...told, epoch: epochs.get(shardId) ?? 0 }];
  });
}

/** The shards that this node can speak for. */
export function servedShards(shards: ReadonlyMap<number, ShardState>): number[] {
  return [...shards].flatMap(([id, shard]) => (ruleOf(shard).served === true ? [id] : [])).toSorted((a, b) => a - b);
}

/** Whether what runs once per fleet may run here, as far as the session knows. */
export function servesLeadShard({ lifecycle, leadShard, shards }: NodeState): boolean {
  const isServing = lifecycle.kind === 'serving' || lifecycle.kind === 'draining';
  return isServing && ruleOf(shards.get(leadShard) ?? null).leads === true;
}

/** The connection by which the orchestrator can be asked, and whether it knows that kind of question. */
export function linkOf({ link }: NodeState, capability: Capability): { connection: number; can: boolean } | null {
  return link.kind === 'established'
    ? { connection: link.connection, can: link.capabilities.includes(capability) }
    : null;
}
