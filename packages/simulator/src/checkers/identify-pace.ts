/**
 * Invariant 3: IDENTIFY: per key at most one per 5 s, per day at most the limit, counted before use, across every crash.
 *
 * Discord's model says when one came too early. Two exceptions of today's design:
 * - A node of the base level asks nobody when its session is lost, so in fleets with such nodes only the permits of the others are checked.
 * - A permit has no end that the node knows of. One that was granted to a node which was then lost (paused, cut off) counts as used when
 *   the node was lost, and the node may use it later; what comes within that window is excused.
 */
import type { OrchestratorState } from '@dshard/orchestrator/domain';
import type { Checker, MakeChecker } from './checker.js';

const SENTENCE = 'IDENTIFY: per key at most one per 5 s, never beyond the budget, never without a permit';

export const identifyPace: MakeChecker = ({ plan, violated }): Checker => {
  const { maxConcurrency, identifyWindowMs } = plan.rules;
  let state: OrchestratorState | null = null;
  /** Without a store a new run knows of no window; when all nodes died with the last one, nobody tells it. */
  let forgotUntil = 0;
  /** By key: until when a late use of a permit excuses the next one. */
  const excusedUntil = new Map<number, number>();
  const isHeld = (node: string, shard: number): boolean =>
    Object.values(state?.identifies.keys ?? {}).some(({ holder }) => holder?.node === node && holder.shard === shard);
  return {
    see: (observation, at) => {
      if (observation.kind === 'processEnded' && observation.name === 'orchestrator' && !plan.durable) {
        forgotUntil = at + 2 * identifyWindowMs;
      }
      if (observation.kind === 'decided') state = observation.state;
      if (observation.kind === 'identify') {
        const { node, shard, permit } = observation;
        if (permit === 'none') violated(SENTENCE, `node ${node} identified shard ${shard} without a permit`);
        const isLate = permit === 'granted' && !isHeld(node, shard);
        if (isLate && !plan.gentle) excusedUntil.set(shard % maxConcurrency, at + 2 * identifyWindowMs);
      }
      if (observation.kind !== 'gateway' || observation.record.kind !== 'violation') return;
      const { kind, message, shard } = observation.record.violation;
      if (kind === 'budget-exhausted') violated(SENTENCE, message);
      const isForgotten = at < forgotUntil;
      const isExcused =
        plan.faults.has('baseLevel') || isForgotten || at < (excusedUntil.get((shard ?? 0) % maxConcurrency) ?? 0);
      if (kind === 'early-identify' && !isExcused) violated(SENTENCE, message);
    },
  };
};
