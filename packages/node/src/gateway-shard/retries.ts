/**
 * When a gateway shard may try again. Each way back counts (op 7, op 9, a refused connection, a refused RESUME, close
 * codes) until READY or RESUMED has held for a while; waits grow with the count, and are drawn, so that shards do not
 * come back all at once.
 *
 * Whatever the reason, a few RESUMEs may follow each other soon, then one each `resumeEveryMs`: no more than a handful
 * a minute, for Discord resets the token of bots that reconnect in a circle. And no pause is so long that the session
 * would expire in it: a handful at once, and nothing for the rest of the minute, cost sessions in the simulator.
 */
import type { Rules } from './state.js';

export type Retries = {
  /** Connections that ended since the shard was last up for a while. */
  readonly failures: number;
  /** How often Discord said since then that the session is invalid (op 9). */
  readonly invalidated: number;
  /** As if each RESUME took `resumeEveryMs`: when the last of them is over. */
  readonly resumesUntil: number;
};

export const NO_RETRIES: Retries = { failures: 0, invalidated: 0, resumesUntil: 0 };

export function withFailure(retries: Retries, isInvalidated: boolean): Retries {
  const { failures, invalidated } = retries;
  return { ...retries, failures: failures + 1, invalidated: invalidated + (isInvalidated ? 1 : 0) };
}

export function withResume(retries: Retries, { resumeEveryMs }: Rules, now: number): Retries {
  return { ...retries, resumesUntil: Math.max(retries.resumesUntil, now) + resumeEveryMs };
}

/** It was up for a while. RESUMEs are counted on. */
export function calmed({ resumesUntil }: Retries): Retries {
  return { ...NO_RETRIES, resumesUntil };
}

/** The earliest moment of the next attempt. `draw`: from 0 to 1. */
export function nextAttemptAt(
  retries: Retries,
  rules: Rules,
  now: number,
  draw: number,
  isInvalidated: boolean,
): number {
  const wait = isInvalidated ? invalidWaitMs(retries, rules, draw) : waitMs(retries, rules, draw);
  return now + wait;
}

/** The earliest moment at which another RESUME may be sent. */
export function nextResumeAt({ resumesUntil }: Retries, { resumeBurst, resumeEveryMs }: Rules): number {
  return resumesUntil - (resumeBurst - 1) * resumeEveryMs;
}

/** The first attempt comes within the shortest wait, each further one after twice the time. */
function waitMs({ failures }: Retries, { backoffMinMs, backoffMaxMs }: Rules, draw: number): number {
  if (failures <= 1) return backoffMinMs * draw;
  const full = Math.min(backoffMaxMs, backoffMinMs * 2 ** Math.min(failures - 2, 20));
  return full / 2 + (full / 2) * draw;
}

/** Discord asks for 1 to 5 s. */
function invalidWaitMs({ invalidated }: Retries, rules: Rules, draw: number): number {
  const { invalidMinMs, invalidMaxMs, backoffMaxMs } = rules;
  const drawn = invalidMinMs + (invalidMaxMs - invalidMinMs) * draw;
  return Math.min(Math.max(backoffMaxMs, invalidMaxMs), drawn * 2 ** Math.min(Math.max(0, invalidated - 1), 10));
}
