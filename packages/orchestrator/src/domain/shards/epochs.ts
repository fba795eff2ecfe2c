/**
 * Epochs: numbers that only grow, so that of two who think that they have a shard the later one is known.
 *
 * Each assignment of a shard to a node has its own epoch, from one counter for the whole fleet. It is in the shard's record before
 * the message that says so is sent. The epoch of a shard is the one of its last assignment, also after its node is gone: whoever
 * says later that it has the shard under a lower one was succeeded, and lets go (`handshake/claims.ts`). A hand-over has the
 * destination's epoch from its beginning; it becomes the shard's at the point of no return.
 *
 * The orchestrator's own epoch is from the same counter, one at each start, so that a node obeys only the newest. Where nothing is
 * remembered (no store, or a lost one) the counter starts at the clock, in milliseconds: it grows slower than that.
 */
import { highestFromNode } from '@dshard/protocol';
import type { KnownSession } from '../state/commands.js';
import type { OrchestratorState, Tenure } from '../state/state.js';
import type { Turn } from '../state/transaction.js';

export const NEVER_HELD: Tenure = { epoch: 0, checkpoint: null, before: null };

/** Where the counter of a run starts. @param remembered the store's, if there is one. */
export function firstEpoch(now: number, remembered = 0): number {
  return Math.max(1, remembered, Math.floor(now));
}

export function tenureOf(state: OrchestratorState, shard: number): Tenure {
  return state.tenures[shard] ?? NEVER_HELD;
}

export function epochOf(state: OrchestratorState, shard: number): number {
  return tenureOf(state, shard).epoch;
}

/** The next epoch, for an assignment that is not made yet. */
export function newEpoch(turn: Turn): number {
  const epoch = turn.state.nextEpoch;
  turn.patch({ nextEpoch: epoch + 1 });
  return epoch;
}

/** The shard is assigned: anew, or under the epoch that its hand-over has had from its beginning. */
export function assign(turn: Turn, shard: number, epoch: number = newEpoch(turn)): void {
  turn.setTenure(shard, { epoch, checkpoint: null, before: null });
}

/** COMMIT: the shard is the destination's, and its origin is yet to let go. */
export function assignFrom(turn: Turn, shard: number, origin: string, epoch: number): void {
  turn.setTenure(shard, {
    epoch,
    checkpoint: null,
    before: { node: origin, epoch: epochOf(turn.state, shard), mayRun: true },
  });
}

/** The destination is told to run the shard: whatever the origin says, it does not. Its state is still there. */
export function originIsOut(turn: Turn, shard: number): void {
  const tenure = tenureOf(turn.state, shard);
  turn.setTenure(shard, { ...tenure, before: tenure.before === null ? null : { ...tenure.before, mayRun: false } });
}

/** The hand-over is done: there is no state left at the origin. */
export function originIsDone(turn: Turn, shard: number): void {
  turn.setTenure(shard, { ...tenureOf(turn.state, shard), before: null });
}

/** Whether the node is the origin of a hand-over that stopped short of telling the destination to run the shard. */
export function mayHaveKept(state: OrchestratorState, shard: number, node: string, epoch: number): boolean {
  const { before } = tenureOf(state, shard);
  return before?.mayRun === true && before.node === node && before.epoch === epoch;
}

/** Whether a node can have been given it. One that is not believed would use up the numbers there are. */
export function isPossibleEpoch(state: OrchestratorState, epoch: number, now: number): boolean {
  return epoch < state.nextEpoch || epoch <= highestFromNode(now);
}

/** A node has the shard under an epoch that we know nothing of: what gave it was forgotten, and is made up for. */
export function adoptEpoch(turn: Turn, shard: number, epoch: number): void {
  assign(turn, shard, epoch);
  if (epoch >= turn.state.nextEpoch) turn.patch({ nextEpoch: epoch + 1 });
}

/** Where to resume from, should everybody be gone who knows more; null: the session is gone. */
export function noteCheckpoint(turn: Turn, shard: number, checkpoint: KnownSession | null): void {
  turn.setTenure(shard, { ...tenureOf(turn.state, shard), checkpoint });
}
