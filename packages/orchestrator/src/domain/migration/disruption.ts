/**
 * The disruption budget: how many shards may be moving or down at once. Losses nobody planned count against it, so planned moves wait
 * while it is used up; what brings shards back up never does.
 *
 * Down are the shards that are to run here and do not: being started or stopped, on a node that is away, or vacant. Not counted is what is
 * down because somebody wants it so: quarantined shards (a rollout may be what heals them) and, without ensureAllShardsRunning, vacant ones.
 */
import type { OrchestratorState } from '../state/state.js';
import { takesRoom } from '../state/migrations.js';
import { survey } from '../state/survey.js';
import type { Transaction } from '../state/transaction.js';

export type Disruption = { moving: number; down: number; limit: number };

export function disruptionOf(state: OrchestratorState): Disruption {
  const { vacant, starting, stopping, unreachable } = survey(state.shards);
  const down = vacantCount(state, vacant) + starting.length + stopping.length + unreachable.length;
  const moving = [...state.migrations.values()].filter(takesRoom).length;
  return { moving, down, limit: limitOf(state) };
}

/** At least one, or nothing could ever be moved. */
function limitOf({ settings, totalShards }: OrchestratorState): number {
  const { maxUnavailable, responsibleForShards } = settings;
  if ('count' in maxUnavailable) return Math.max(1, maxUnavailable.count);
  const total = responsibleForShards?.length ?? totalShards ?? 0;
  return Math.max(1, Math.ceil((total * maxUnavailable.percent) / 100));
}

function vacantCount(state: OrchestratorState, vacant: readonly number[]): number {
  const { ensureAllShardsRunning, responsibleForShards } = state.settings;
  if (!ensureAllShardsRunning) return 0;
  if (responsibleForShards === null && state.crashRecords.size === 0) return vacant.length;
  const ours = responsibleForShards === null ? null : new Set(responsibleForShards);
  const isWanted = (shard: number): boolean => (state.crashRecords.get(shard)?.quarantinedAt ?? null) === null;
  return vacant.filter((shard) => (ours?.has(shard) ?? true) && isWanted(shard)).length;
}

/** Whether one more shard may be moved now. */
export function budgetAllowsMove(tx: Transaction): boolean {
  if (tx.state.alarm !== null) return false;
  const { moving, down, limit } = disruptionOf(tx.state);
  return moving + down < limit;
}

/** Why not, as part of a sentence. */
export function budgetReason(state: OrchestratorState): string {
  if (state.alarm !== null) return 'most nodes are silent, so nothing is moved';
  const { moving, down, limit } = disruptionOf(state);
  return `${moving} shard(s) are moving and ${down} are down, and maxUnavailable allows ${limit}`;
}
