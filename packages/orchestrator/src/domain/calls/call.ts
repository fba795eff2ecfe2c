/**
 * A fleet call under way: a question to every node that has shards, answered for each shard exactly once, while shards
 * move.
 *
 * An answer names the shards that it speaks for, and only the node can know them: those it served while the answer was
 * made. The orchestrator knows whose a shard is. So an answer is kept as long as no shard of it is spoken for by
 * another; of two that collide, the one stands whose node has the shard now, and the other node is asked again, for
 * what is left of it. A shard nobody spoke for is asked of the node that has it now: it may have been on its way.
 * Between two questions to one node there is a pause that grows.
 *
 * `each: 'node'`: an answer is about all the shards of its node together and stands or falls as a whole. `each:
 * 'shard'`: every shard is answered for by itself, and one that was is never asked again.
 */
import type { CallAnswerEntry, CallEnded } from '@dshard/protocol';
import type { CallState, KeptAnswer } from '../state/state.js';

export type CallResult = Pick<CallEnded, 'answers' | 'missing' | 'error'>;

/** Calls under way at once: of one caller, and of all. */
export const MAX_CALLS_PER_CALLER = 64;
export const MAX_CALLS = 512;

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1_000;

export function pauseAfter(times: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(times - 1, 10));
}

/** What nobody has spoken for yet. */
export function unanswered({ targets, answers }: CallState): readonly number[] {
  const spokenFor = new Set(answers.flatMap(({ shards }) => shards));
  return targets.filter((shard) => !spokenFor.has(shard));
}

/**
 * Takes in what one node answered: no more answers than it was asked shards, which is all that an honest one has.
 * `ownerOf` says whose a shard is now.
 * @returns the answers that stand then.
 */
export function withAnswers(
  call: CallState,
  nodeId: string,
  asked: readonly number[],
  entries: readonly CallAnswerEntry[],
  ownerOf: (shard: number) => string | null,
): readonly KeptAnswer[] {
  const wanted = new Set(call.each === 'node' ? call.targets : asked);
  // Asked about all its shards, a node speaks anew: what it said before is replaced.
  let kept = call.each === 'node' ? call.answers.filter((answer) => answer.nodeId !== nodeId) : call.answers;
  for (const { shards, value, error } of entries.slice(0, Math.max(1, asked.length))) {
    const spokenFor = [...new Set(shards)].filter((shard) => wanted.has(shard));
    const answer = { nodeId, shards: spokenFor, value, error };
    if (spokenFor.length > 0)
      kept = call.each === 'node' ? arbitrate(kept, answer, ownerOf) : firstCounts(kept, answer);
  }
  return kept;
}

function arbitrate(
  kept: readonly KeptAnswer[],
  answer: KeptAnswer,
  ownerOf: (shard: number) => string | null,
): readonly KeptAnswer[] {
  const own = new Set(answer.shards);
  const colliding = kept.filter(({ shards }) => shards.some((shard) => own.has(shard)));
  const contested = new Set(colliding.flatMap(({ shards }) => shards.filter((shard) => own.has(shard))));
  const isRight = [...contested].every((shard) => ownerOf(shard) === answer.nodeId);
  return isRight ? [...kept.filter((other) => !colliding.includes(other)), answer] : kept;
}

function firstCounts(kept: readonly KeptAnswer[], answer: KeptAnswer): readonly KeptAnswer[] {
  const taken = new Set(kept.flatMap(({ shards }) => shards));
  const shards = answer.shards.filter((shard) => !taken.has(shard));
  return shards.length === 0 ? kept : [...kept, { ...answer, shards }];
}
