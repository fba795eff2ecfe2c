/**
 * Invariant 3: IDENTIFY: per key at most one per 5 s, per day at most the limit, counted before use, across every crash.
 *
 * Discord's model says when one came too early. A node of the base level asks nobody when its session is lost, so in fleets with such nodes
 * only the permits of the others are checked.
 */
import type { Checker, MakeChecker } from './checker.js';

const SENTENCE = 'IDENTIFY: per key at most one per 5 s, never beyond the budget, never without a permit';

export const identifyPace: MakeChecker = ({ plan, violated }): Checker => ({
  see: (observation) => {
    if (observation.kind === 'identify' && observation.permit === 'none') {
      violated(SENTENCE, `node ${observation.node} identified shard ${observation.shard} without a permit`);
    }
    if (observation.kind !== 'gateway' || observation.record.kind !== 'violation') return;
    const { kind, message } = observation.record.violation;
    if (kind === 'budget-exhausted') violated(SENTENCE, message);
    if (kind === 'early-identify' && !plan.faults.has('baseLevel')) violated(SENTENCE, message);
  },
});
