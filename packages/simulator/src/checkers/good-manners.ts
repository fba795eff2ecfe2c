/** No rule of Discord's is broken that a correct client never breaks: payloads that cannot be read, too many of them, bad IDENTIFYs. */
import type { Checker, MakeChecker } from './checker.js';

const SENTENCE = 'no rule of Discord’s gateway is broken';
const NEVER: ReadonlySet<string> = new Set(['bad-payload', 'send-rate', 'bad-identify', 'slow-reader']);

export const goodManners: MakeChecker = ({ plan, violated }): Checker => ({
  see: (observation) => {
    if (observation.kind !== 'gateway' || observation.record.kind !== 'violation') return;
    const { kind, message } = observation.record.violation;
    if (NEVER.has(kind) || (kind === 'bad-resume' && plan.gentle)) violated(SENTENCE, message);
  },
});
