/**
 * Which shards a decision assigned to whom, and under what epoch: one entry per node, before everything else the
 * decision leads to. Found by comparing the states, so that no assignment can be forgotten.
 */
import { counted } from '@dshard/protocol';
import { AUTOMATIC, type Decision, type Effect } from '../state/effects.js';
import { epochOf } from '../state/epochs.js';
import { isPark, PARK } from '../state/park.js';
import type { OrchestratorState } from '../state/state.js';

export function withAssignments(before: OrchestratorState, decision: Decision): Decision {
  const { state } = decision;
  if (state.assignments === before.assignments) return decision;
  const byNode = new Map<string, { shards: number[]; epochs: number[] }>();
  for (const [shard, assignment] of state.assignments.entries()) {
    if (assignment === undefined || assignment.epoch === epochOf(before, shard)) continue;
    const node = holderOf(state, shard, assignment.epoch);
    if (node === null) continue;
    const assigned = byNode.get(node) ?? { shards: [], epochs: [] };
    assigned.shards.push(shard);
    assigned.epochs.push(assignment.epoch);
    byNode.set(node, assigned);
  }
  return {
    state,
    effects: [...[...byNode].map(([node, assigned]) => assignedTo(node, assigned)), ...decision.effects],
  };
}

/** A migration has its destination's epoch from its beginning; the shard has it from when it is the destination's. */
function holderOf(state: OrchestratorState, shard: number, epoch: number): string | null {
  const found = state.shards[shard];
  if (found === undefined) return null;
  if (found.kind === 'parked') return PARK;
  if (found.kind !== 'migrating') return 'node' in found ? found.node : null;
  const migration = state.migrations.get(found.migration);
  if (migration === undefined) return null;
  return migration.epoch === epoch ? migration.destination : migration.origin;
}

function assignedTo(node: string, fields: { shards: readonly number[]; epochs: readonly number[] }): Effect {
  const shards = counted(fields.shards.length, 'shard');
  const text = isPark(node) ? `The orchestrator keeps ${shards}.` : `Node ${node} is assigned ${shards}.`;
  return {
    kind: 'record',
    entry: { name: 'shardsAssigned', level: 'debug', text, by: AUTOMATIC, fields: { node, ...fields } },
  };
}
