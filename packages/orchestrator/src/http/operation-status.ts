/**
 * `GET /v1/operations`: what operators began and what takes its time, how far it is, and how the last ones ended. The ids are those that
 * `POST /v1/operations/:id/cancel` takes.
 */
import type { OperationStatus } from '@dshard/api';
import { disruptionOf } from '../domain/migration/disruption.js';
import type { DrainState, EndedOperation, OrchestratorState, RolloutState } from '../domain/state/state.js';
import { shardsByNode } from './shards-by-node.js';

/** Those under way first, then the last ones that ended, the newest first. */
export function operationsOf(state: OrchestratorState): readonly OperationStatus[] {
  const rollout = state.rollout === null ? [] : [rolloutOperation(state, state.rollout)];
  const drains = [...state.drains.values()]
    .filter((drain) => !drain.rollout)
    .map((drain) => drainOperation(state, drain));
  const ended = state.endedOperations.map(endedOperation).reverse();
  return [...rollout, ...drains, ...ended];
}

/** A drain that is a step of the rollout has an id of its own, too. */
export function operationOf(state: OrchestratorState, id: string): OperationStatus | undefined {
  const drain = state.drains.get(id);
  if (drain !== undefined) return drainOperation(state, drain);
  return operationsOf(state).find((operation) => operation.id === id);
}

function drainOperation(state: OrchestratorState, drain: DrainState): OperationStatus {
  const { id, origin, destination, phase, by, cancelled, startedAt } = drain;
  const moved = phase.kind === 'awaitingDestination' ? 0 : phase.moved.length;
  const failed = phase.kind === 'moving' ? phase.failed : [];
  const moving = movingFrom(state, origin);
  const failedShards = new Set(failed.map(({ shard }) => shard));
  const waiting = (shardsByNode(state).get(origin) ?? []).filter(
    (shard) => !moving.includes(shard) && !failedShards.has(shard),
  );
  const total = moved + failed.length + moving.length + waiting.length;
  return {
    id,
    kind: 'drain',
    state: cancelled === null ? 'running' : 'cancelling',
    text: `${drainText(drain, moved, total)}${heldText(state, drain)}`,
    by,
    cancelledBy: cancelled?.by ?? null,
    origin,
    destination,
    shards: { moved, total, moving, waiting },
    failed,
    nodes: null,
    startedAt,
    endedAt: null,
  };
}

function drainText({ origin, destination, phase, cancelled }: DrainState, moved: number, total: number): string {
  if (cancelled !== null) return `Cancelled by ${cancelled.by}; waiting for the moves under way.`;
  switch (phase.kind) {
    case 'awaitingDestination':
      return `Waiting for a node to take the shards of ${origin}.`;
    case 'moving':
      return `Moving the shards of ${origin} to ${destination ?? 'a new node'}: ${moved} of ${total} moved.`;
    case 'shuttingDown':
      return `All ${moved} shard(s) of ${origin} are moved; it is shutting down.`;
  }
}

function heldText(state: OrchestratorState, { phase, cancelled }: DrainState): string {
  if (phase.kind !== 'moving' || phase.heldSince === null || cancelled !== null) return '';
  if (state.alarm !== null) return ' It waits: most nodes are silent.';
  const { moving, down, limit } = disruptionOf(state);
  return ` It waits: ${moving} shard(s) are moving and ${down} are down, and maxUnavailable allows ${limit}.`;
}

function rolloutOperation(state: OrchestratorState, rollout: RolloutState): OperationStatus {
  const { id, waiting, done, failed, moved, by, cancelled, startedAt } = rollout;
  const current = rollout.drain === null ? undefined : state.drains.get(rollout.drain);
  const step = current === undefined ? null : drainOperation(state, current);
  const owned = shardsByNode(state);
  const later = waiting.flatMap((node) => owned.get(node) ?? []);
  const total = done.length + failed.length + waiting.length + (current === undefined ? 0 : 1);
  const head = `${done.length} of ${total} node(s) replaced.`;
  return {
    id,
    kind: 'rollout',
    state: cancelled === null ? 'running' : 'cancelling',
    text: step === null ? head : `${head} ${step.text}`,
    by,
    cancelledBy: cancelled?.by ?? null,
    origin: step?.origin ?? null,
    destination: step?.destination ?? null,
    shards: {
      moved: moved + (step?.shards?.moved ?? 0),
      total: moved + (step?.shards?.total ?? 0) + later.length,
      moving: step?.shards?.moving ?? [],
      waiting: [...(step?.shards?.waiting ?? []), ...later],
    },
    failed: step?.failed ?? [],
    nodes: { done: done.length, total },
    startedAt,
    endedAt: null,
  };
}

function endedOperation({ id, kind, outcome, text, by, startedAt, endedAt }: EndedOperation): OperationStatus {
  const over = { cancelledBy: null, origin: null, destination: null, shards: null, failed: [], nodes: null };
  return { id, kind, state: outcome, text, by, ...over, startedAt, endedAt };
}

function movingFrom(state: OrchestratorState, origin: string): number[] {
  return [...state.migrations.values()].flatMap((migration) => (migration.origin === origin ? [migration.shard] : []));
}
