/** The close codes of the gateway that mean something here: those we send, and what those of Discord say. */
import { NodeError } from '../errors.js';
import type { LossCause } from '../ownership-lease.js';

/** Any code from 4000 that is not in Discord's table keeps the session. */
export const KEEP_SESSION_CODE = 4200;
export const END_SESSION_CODE = 1000;

/** The connection ended without a close frame. */
export const ABNORMAL_CODE = 1006;

/** Another connection has resumed the session. Not in Discord's table any more; seen where it was resumed twice. */
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
 * Whether Discord says by this code that the session is gone. All others keep it, 1000 and 1001 too: whether a session
 * lives is for the next RESUME to find out. 4009 says so only in answer to a RESUME.
 */
export function endsSession(code: number, inAnswerToResume: boolean): boolean {
  return code === INVALID_SEQUENCE_CODE || (code === SESSION_TIMED_OUT_CODE && inAnswerToResume);
}

/** Discord's own close codes come on the connection that has the session. */
export function causeOf(code: number): LossCause {
  if (code === DISPLACED_CODE) return 'displaced';
  return code >= 4_000 ? 'attached' : 'unproven';
}

/** What goes wrong with one gateway shard, in sentences. */
const NOT_MOVABLE = {
  noSession: 'has no gateway session yet; it can be moved when it is ready',
  replaying: 'was taken over and is still replaying; it can be moved when its replay has been handled',
  loading: 'is still being loaded; it can be moved when its guilds are there',
} as const;

export function notMovable(shardId: number, why: keyof typeof NOT_MOVABLE): NodeError {
  return new NodeError('DSO_SHARD_NO_SESSION', `Shard ${shardId} ${NOT_MOVABLE[why]}.`);
}

export function notHosted(shardId: number): NodeError {
  return new NodeError('DSO_SHARD_NOT_HOSTED', `Shard ${shardId} does not run in this process.`);
}

export function stopped(shardId: number): NodeError {
  return new NodeError('DSO_SHARD_STOPPED', `Shard ${shardId} was stopped on this node.`);
}

/** Discord closed with a code after which connecting again is of no use. */
export function refusedByDiscord(shardId: number, code: number): NodeError {
  return new NodeError(
    'DSO_SHARD_REFUSED',
    `Discord refuses shard ${shardId} (close code ${code}): ${remedyFor(code)}.`,
  );
}

export function preconnectFailed(shardId: number, reason: string): NodeError {
  return new NodeError('DSO_GATEWAY_UNREACHABLE', `Shard ${shardId} could not connect to the gateway: ${reason}.`);
}
