/** What a snapshot says of the fleet as a whole. */
import {
  LIVE_CONDITIONS,
  type LiveFleet,
  type LiveIdentifies,
  type LiveRollout,
  type LiveShards,
} from '@dshard/api/live';
import type { LiveOperation } from '@dshard/api/live';
import type { StatusV1 } from '@dshard/api';
import { disruptionOf } from '../../domain/migration/limits.js';
import { gateOf } from '../../domain/operations/rollout-status.js';
import { budgetLastsMs, sessionStarts } from '../../domain/shards/identify-budget.js';
import { operationsOfKind } from '../../domain/state/operations.js';
import type { OrchestratorState } from '../../domain/state/state.js';
import type { OrchestratorHandle } from '../../runtime/contract.js';
import { operationsOf } from '../operation-status.js';
import { missingOf } from '../probes.js';
import { gatewayProblemOf, rolloutStatus } from '../v1-status.js';
import { versionsOf } from '../versions.js';
import { shiftedBy } from '../wall-time.js';

export type About = {
  readonly version: string;
  readonly leader: LiveFleet['leader'];
};

export function fleetOf(
  { state, store }: Pick<OrchestratorHandle, 'state' | 'store'>,
  about: About,
  shards: LiveShards,
  { now, aheadMs }: { now: number; aheadMs: number },
): LiveFleet {
  const { deployed, running, quarantined, frozen } = versionsOf(state, now, about.version);
  const missing = missingOf({ state, store });
  const fleet: LiveFleet = {
    version: about.version,
    startedAt: state.startedAt,
    epoch: store.epoch,
    leader: about.leader,
    store,
    readiness: { ready: missing.length === 0, missing },
    totalShards: state.totalShards,
    conditionCounts: countsOf(state, shards),
    disruption: disruptionOf(state),
    gatewayProblem: gatewayProblemOf(state),
    cutOff: state.alarm,
    ending: state.ending !== null,
    launches: state.launches.size,
    waitingMigrations: state.waitingMigrations.length,
    heartbeatIntervalMs: state.settings.heartbeatIntervalMs,
    versions: { deployed, running, quarantined, frozen },
    identifies: identifiesOf(state, now),
  };
  return shiftedBy(fleet, aheadMs);
}

/** Of the shards that this orchestrator cares for. */
function countsOf({ settings }: OrchestratorState, { condition }: LiveShards): StatusV1['conditionCounts'] {
  const counts = LIVE_CONDITIONS.map(() => 0);
  const count = (place: number | undefined): void => {
    if (place !== undefined) counts[place] = (counts[place] ?? 0) + 1;
  };
  if (settings.responsibleForShards === null) for (const place of condition) count(place);
  else for (const shard of settings.responsibleForShards) count(condition[shard]);
  const entries = LIVE_CONDITIONS.map((kind, place) => [kind, counts[place] ?? 0]);
  return Object.fromEntries(entries) as StatusV1['conditionCounts'];
}

function identifiesOf(state: OrchestratorState, now: number): LiveIdentifies {
  const { maxConcurrency, shortSince, waiting } = state.identifies;
  const windowMs = state.settings.identifyWindowMs;
  const budget = sessionStarts(state, now);
  const lastsMs = budgetLastsMs(state, now);
  const lastsUntil = lastsMs === null ? null : wholeMinute(now + lastsMs);
  const endsFirst = lastsUntil !== null && budget.resetAt !== null && lastsUntil >= budget.resetAt;
  const rounds = Math.ceil(waiting.length / Math.max(1, maxConcurrency));
  const isKnown = waiting.length > 0 && shortSince === null;
  return {
    maxConcurrency,
    windowMs,
    budget,
    shortSince,
    waiting: waiting.length,
    waitingUntil: isKnown ? wholeSecond(now + rounds * windowMs) : null,
    lastsUntil: endsFirst ? null : lastsUntil,
  };
}

/** A forecast that changed with every look would be news with every look. */
function wholeMinute(time: number): number {
  return Math.round(time / 60_000) * 60_000;
}

function wholeSecond(time: number): number {
  return Math.round(time / 1_000) * 1_000;
}

/** By id, with their shards counted. */
export function liveOperationsOf(state: OrchestratorState, now: number, aheadMs: number): readonly LiveOperation[] {
  const operations = operationsOf(state, now).map((operation): LiveOperation => {
    const { shards, etaMs } = operation;
    return {
      ...operation,
      etaMs: etaMs === null ? null : Math.ceil(etaMs / 1_000) * 1_000,
      shards: shards && { ...shards, waiting: shards.waiting.length },
    };
  });
  return shiftedBy(operations, aheadMs).toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

export function liveRolloutOf(state: OrchestratorState, now: number, aheadMs: number): LiveRollout | null {
  const status = rolloutStatus(state);
  const [rollout] = operationsOfKind(state.operations, 'rollout');
  if (status === null || rollout === undefined) return null;
  return shiftedBy({ ...status, since: rollout.since, gate: gateOf(state, rollout, now) }, aheadMs);
}
