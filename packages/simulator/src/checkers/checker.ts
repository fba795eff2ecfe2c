/**
 * A checker watches one invariant of the design (`docs`: moving a shard) for the whole run. It sees observations only; what it
 * finds is a violation of the sentence it is named after.
 */
import type { Observation } from '../observation.js';
import type { Plan } from '../plan.js';

export type Checker = {
  see(observation: Observation, at: number): void;
  /** The run is over, traffic has stopped, everything had its time. */
  finish?(at: number): void;
};

type CheckerSurroundings = {
  plan: Plan;
  /** `what` completes the invariant's sentence: what was seen instead. */
  violated: (invariant: string, what: string) => void;
};

export type MakeChecker = (surroundings: CheckerSurroundings) => Checker;
