/**
 * Epochs: numbers that only grow, so that of two who think that they have a shard the later one is known.
 *
 * Each assignment of a shard to a node has its own epoch, from one counter for the whole fleet. It is in the shard's
 * record before the message that says so is sent. The epoch of a shard is the one of its last assignment, also after
 * its node is gone: whoever says later that it has the shard under a lower one was superseded, and lets go
 * (`fleet/claims.ts`). A migration has the destination's epoch from its beginning; it becomes the shard's at the point
 * of no return.
 *
 * The orchestrator's own epoch is from the same counter, one at each start, so that a node obeys only the newest. Where
 * nothing is remembered (no store, or a lost one) the counter starts at the clock, in milliseconds: it grows slower
 * than that.
 *
 * Here is what can be read of them; they are given in `shards/epochs.ts`.
 */
import { highestFromNode, type Message } from '@dshard/protocol';
import { can } from './nodes.js';
import type { OrchestratorState, Assignment } from './state.js';

export const NEVER_ASSIGNED: Assignment = { epoch: 0, checkpoint: null, before: null };

/** Where the counter of a run starts. @param remembered the store's, if there is one. */
export function firstEpoch(now: number, remembered = 0): number {
  return Math.max(1, remembered, Math.floor(now));
}

export function assignmentOf(state: OrchestratorState, shard: number): Assignment {
  return state.assignments[shard] ?? NEVER_ASSIGNED;
}

export function epochOf(state: OrchestratorState, shard: number): number {
  return assignmentOf(state, shard).epoch;
}

/** Whether the node is the origin of a migration that stopped short of telling the destination to run the shard. */
export function mayHaveKept(state: OrchestratorState, shard: number, node: string, epoch: number): boolean {
  const { before } = assignmentOf(state, shard);
  return before?.mayRun === true && before.node === node && before.epoch === epoch;
}

/** Whether a node can have been given it. One that is not believed would use up the numbers there are. */
export function isPossibleEpoch(state: OrchestratorState, epoch: number, now: number): boolean {
  return epoch < state.nextEpoch || epoch <= highestFromNode(now);
}

/**
 * What is said to a node about a shard carries the epoch it is meant for. Put on at the one way out
 * (`Transaction.send`), so that no sender can forget it. Nodes without the capability get the message as it is.
 */
export function withEpoch(state: OrchestratorState, node: string, message: Message): Message {
  if (!can(state.nodes.get(node), 'epochs')) return message;
  if (message.kind === 'startShards') {
    return { ...message, epochs: message.shardIds.map((shard) => epochOf(state, shard)) };
  }
  if (message.kind === 'resumeShards') {
    return { ...message, shards: message.shards.map((each) => ({ ...each, epoch: epochOf(state, each.shardId) })) };
  }
  if (message.kind === 'stopShard') return { ...message, epoch: epochOf(state, message.shardId) };
  if (message.kind === 'prepareMigration' || message.kind === 'transferOpen') {
    return { ...message, epoch: epochFor(state, node, message.shardId) };
  }
  return message;
}

/** A destination has the epoch of its migration, which is not the shard's yet. */
function epochFor(state: OrchestratorState, node: string, shard: number): number {
  const known = state.shards[shard];
  const migration = known?.kind === 'migrating' ? state.migrations.get(known.migration) : undefined;
  return migration?.destination === node ? migration.epoch : epochOf(state, shard);
}
