/**
 * What probes and watchers ask: how each shard is, which alarms stand, and whether the orchestrator can do its work. It
 * is ready when it leads, can write its store and has caught up with its nodes. A shard that is down leaves it ready:
 * a scheduler that restarts the orchestrator for that would help nobody.
 */
import type { Health, Readiness } from '@dshard/api';
import type { OrchestratorHandle } from '../runtime/contract.js';
import { notUpOf } from './v1-status.js';

export function healthOf(orchestrator: OrchestratorHandle, now: number): Health {
  const standing = orchestrator.alarms();
  const { state } = orchestrator;
  const { totalShards } = state;
  const cared = state.settings.responsibleForShards?.length ?? totalShards ?? 0;
  const ok = standing.every(({ level }) => level !== 'error');
  return { ok, now, totalShards, up: cared - notUpOf(state, now).length, alarms: standing };
}

export function readinessOf({ state, store }: OrchestratorHandle, now: number): Required<Readiness> {
  const missing = missingOf({ state, store });
  return { ready: missing.length === 0, missing, notUp: notUpOf(state, now) };
}

/** What it is not ready for, in clauses. */
export function missingOf({ state, store }: Pick<OrchestratorHandle, 'state' | 'store'>): readonly string[] {
  return [
    ...(store.state === 'open' ? [] : [storeProblem(store.state, store.problem)]),
    ...(state.graceUntil === null ? [] : ['running nodes are waited for after the start of the orchestrator']),
    ...(state.totalShards === null ? ['the total shard count is not decided yet'] : []),
    ...(state.ending === null ? [] : ['the fleet is being shut down']),
  ];
}

function storeProblem(state: string, problem: string | null): string {
  const what = state === 'lost' ? 'another orchestrator leads on the store' : 'the store cannot be written';
  return problem === null ? what : `${what}: ${problem}`;
}
