/**
 * No rule of Discord's is broken that a correct client never breaks: payloads that cannot be read, too many of them, bad IDENTIFYs. And what is
 * meant for Discord, the bot's token first of all, goes to nobody else.
 */
import type { Checker, MakeChecker } from './checker.js';

const SENTENCE = 'no rule of Discord’s gateway is broken';
const NO_STRANGER = 'a RESUME goes only to hosts that Discord can have named';
const NEVER: ReadonlySet<string> = new Set(['bad-payload', 'send-rate', 'bad-identify', 'slow-reader']);

export const goodManners: MakeChecker = ({ plan, violated }): Checker => ({
  see: (observation) => {
    if (observation.kind === 'stranger') violated(NO_STRANGER, 'a connection was made to a host that is not Discord’s');
    if (observation.kind !== 'gateway' || observation.record.kind !== 'violation') return;
    const { kind, message } = observation.record.violation;
    if (NEVER.has(kind) || (kind === 'bad-resume' && plan.gentle)) violated(SENTENCE, message);
  },
});
