/**
 * When a gateway shard may try again. Each way back counts (op 7, op 9, a refused connection, a refused RESUME, close codes) until READY or
 * RESUMED has held for a while; waits grow with the count, and are drawn, so that shards do not come back all at once.
 *
 * Whatever the reason, no shard sends more than `resumesPerMinute`: Discord resets the token of bots that reconnect in a circle.
 */
import type { Rules } from './state.js';

export type Retries = {
  /** Connections that ended since the shard was last up for a while. */
  readonly failures: number;
  /** How often Discord said since then that the session is invalid (op 9). */
  readonly invalidated: number;
  /** When RESUME was sent in the last minute, oldest first. */
  readonly resumes: readonly number[];
};

export const NO_RETRIES: Retries = { failures: 0, invalidated: 0, resumes: [] };

const MINUTE_MS = 60_000;

export function withFailure(retries: Retries, isInvalidated: boolean): Retries {
  const { failures, invalidated, resumes } = retries;
  return { failures: failures + 1, invalidated: invalidated + (isInvalidated ? 1 : 0), resumes };
}

export function withResume(retries: Retries, now: number): Retries {
  return { ...retries, resumes: [...retries.resumes.filter((at) => at > now - MINUTE_MS), now] };
}

/** It was up for a while. RESUMEs are counted on. */
export function calmed({ resumes }: Retries): Retries {
  return { ...NO_RETRIES, resumes };
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
export function nextResumeAt({ resumes }: Retries, { resumesPerMinute }: Rules): number {
  const decisive = resumes.at(-resumesPerMinute);
  return decisive === undefined ? 0 : decisive + MINUTE_MS;
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
