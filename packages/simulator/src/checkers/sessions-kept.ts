/** Invariant 8: no session is closed with 1000/1001 except when an operator ends it or the whole bot shuts down for good. */
import type { Checker, MakeChecker } from './checker.js';

const SENTENCE = 'no session is closed with 1000 or 1001 except when the whole bot shuts down for good';

export const sessionsKept: MakeChecker = ({ violated }): Checker => {
  let isEnding = false;
  return {
    see: (observation) => {
      if (observation.kind === 'ending') isEnding = true;
      if (isEnding || observation.kind !== 'gateway' || observation.record.kind !== 'violation') return;
      const { kind, message } = observation.record.violation;
      if (kind === 'session-closed-for-good') violated(SENTENCE, message);
    },
  };
};
