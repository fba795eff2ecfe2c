/**
 * The event history holds by itself: what `dso verify-trace` checks for operators, over what the orchestrator recorded.
 *
 * How long something took is not judged here: simulated faults take as long as they like, and convergence has a bound of its own.
 */
import { TraceChecks } from '@dshard/api/trace';
import type { Checker, MakeChecker } from './checker.js';

/** Invariant 7 of the design: time without an owner. */
const DURATIONS = 7;

export const historyHolds: MakeChecker = ({ violated }): Checker => {
  const checks = new TraceChecks();
  return {
    see: (observation) => {
      if (observation.kind === 'recorded') checks.see(observation.entry);
    },
    finish: () => {
      for (const { invariant, text } of checks.finish().violations) {
        if (invariant !== DURATIONS) violated(`the event history shows invariant ${invariant} to hold`, text);
      }
    },
  };
};
