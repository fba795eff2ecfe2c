/** The close codes of the gateway that mean something here: those we send, and what those of Discord say. */
import type { LossCause } from '../tenancy.js';

/** Any code from 4000 that is not in Discord's table keeps the session. */
export const KEEP_SESSION_CODE = 4200;
export const END_SESSION_CODE = 1000;

/** The connection ended without a close frame. */
export const ABNORMAL_CODE = 1006;

/** Another connection has resumed the session. Not in Discord's table any more; seen where one session was resumed twice. */
const DISPLACED_CODE = 4006;
/** The sequence of a RESUME was invalid. */
const INVALID_SEQUENCE_CODE = 4007;
const SESSION_TIMED_OUT_CODE = 4009;

/** What to do about those after which Discord does not want the shard back. */
const REFUSALS: Readonly<Record<number, string>> = {
  4004: 'the bot token is wrong; correct it and restart the bot',
  4010: 'the shard id or the shard count is wrong; correct the total shard count',
  4011: 'the shard would hold too many guilds; raise the total shard count',
  4012: 'the API version is wrong; update the Discord library',
  4013: 'the intents are wrong; correct them',
  4014: "intents are used that the bot was not given; enable them in Discord's developer portal",
};

/** After these there is no point in connecting again. */
export function isRefusal(code: number): boolean {
  return code in REFUSALS;
}

export function remedyFor(code: number): string {
  return REFUSALS[code] ?? 'see its documentation';
}

/**
 * Whether Discord says by this code that the session is gone. All others keep it, 1000 and 1001 too: whether a session lives is for the next
 * RESUME to find out. 4009 says so only in answer to a RESUME.
 */
export function endsSession(code: number, inAnswerToResume: boolean): boolean {
  return code === INVALID_SEQUENCE_CODE || (code === SESSION_TIMED_OUT_CODE && inAnswerToResume);
}

/** Discord's own close codes come on the connection that has the session. */
export function causeOf(code: number): LossCause {
  if (code === DISPLACED_CODE) return 'displaced';
  return code >= 4_000 ? 'attached' : 'unproven';
}
