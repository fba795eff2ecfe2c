/**
 * The version of a thing that operators change: it differs when a decision about the thing could differ. What changes
 * by itself all the time (shards that come and go, progress) is not in it.
 */
import type { EditedThing } from '../state/access.js';
import { operationsOfKind } from '../state/operations.js';
import type { OrchestratorState } from '../state/state.js';

/** Of printable ASCII, without quotes. null: there is no such thing. */
export function editVersion(state: OrchestratorState, thing: EditedThing): string | null {
  if (thing.thing === 'node') return nodeVersion(state, thing.id);
  if (thing.thing === 'operation') return operationVersion(state, thing.id);
  const [rollout] = operationsOfKind(state.operations, 'rollout');
  return rollout === undefined ? null : operationVersion(state, rollout.id);
}

function nodeVersion(state: OrchestratorState, id: string): string | null {
  const node = state.nodes.get(id);
  if (node === undefined) return null;
  const { intent, connection, version, instance } = node;
  return encoded(intent.kind, connection.kind, version, instance ?? '');
}

function operationVersion(state: OrchestratorState, id: string): string | null {
  const operation = state.operations.get(id);
  const ended = state.endedOperations.find((each) => each.id === id);
  if (operation === undefined) return ended === undefined ? null : encoded(id, ended.outcome);
  const { cancelled, stopped } = operation;
  const common = [id, cancelled === null ? 'running' : 'cancelling', stopped ?? ''];
  if (operation.kind !== 'rollout') return encoded(...common);
  const { phase, stage, pausedBy, promoted } = operation;
  return encoded(...common, phase, String(stage), pausedBy ?? '', String(promoted));
}

/** JSON writes half a character as an escape, which `encodeURIComponent` alone would refuse. */
function encoded(...parts: readonly string[]): string {
  return encodeURIComponent(JSON.stringify(parts));
}
