/** Discord's limits on what a bot may do in a time: payloads on a socket, IDENTIFYs in a window, starts in a day. */
import type { Ms } from '@dshard/transport';

/**
 * The send limit of one socket: 120 payloads in 60 s ("Gateway: Rate Limiting"), heartbeats included
 * (discord-api-docs#315), per socket and not per shard (#5844). The period begins with the first payload after the one
 * before ended (whether Discord's slides is not known).
 */
export type SendLimit = { readonly max: number; readonly periodMs: number; sent: number; endsAt: Ms };

export function createSendLimit(max: number, periodMs: number): SendLimit {
  return { max, periodMs, sent: 0, endsAt: 0 };
}

/** Counts one payload. False when it is one too many. */
export function countSend(limit: SendLimit, now: Ms): boolean {
  if (now >= limit.endsAt) {
    limit.sent = 0;
    limit.endsAt = now + limit.periodMs;
  }
  limit.sent += 1;
  return limit.sent <= limit.max;
}

/**
 * The identify limit ("Gateway: Rate Limiting", "Max Concurrency"; the key: discord-api-docs#1621): each key `shard_id
 * % max_concurrency` admits one IDENTIFY per window (5 s at Discord). One that comes too early is refused with op 9
 * (#1328), and does not move the window (our reading).
 */
export type IdentifyWindows = {
  readonly maxConcurrency: number;
  readonly windowMs: number;
  /** Per key: when the next IDENTIFY is welcome. */
  readonly opensAt: Map<number, Ms>;
};

export function createIdentifyWindows(maxConcurrency: number, windowMs: number): IdentifyWindows {
  return { maxConcurrency, windowMs, opensAt: new Map() };
}

/** Admits the IDENTIFY of `shard` and closes its window, or says how much too early it is. */
export function enterIdentifyWindow(
  windows: IdentifyWindows,
  shard: number,
  now: Ms,
): { admitted: true } | { admitted: false; earlyMs: number } {
  const key = shard % windows.maxConcurrency;
  const opensAt = windows.opensAt.get(key) ?? now;
  if (now < opensAt) return { admitted: false, earlyMs: opensAt - now };
  windows.opensAt.set(key, now + windows.windowMs);
  return { admitted: true };
}

/**
 * The session-start budget: so many IDENTIFYs a day over all shards (1000 at Discord; "Gateway: Identifying", "Session
 * Start Limit Object"), RESUME is free (discord-api-docs#1369). It starts anew when its period is over; a period begins
 * when the one before ended, used or not (our reading).
 */
export type SessionStartBudget = {
  readonly total: number;
  readonly periodMs: number;
  used: number;
  resetsAt: Ms;
};

export function createSessionStartBudget(total: number, periodMs: number, now: Ms): SessionStartBudget {
  return { total, periodMs, used: 0, resetsAt: now + periodMs };
}

/** What `/gateway/bot` says of the budget. */
export function readBudget(
  budget: SessionStartBudget,
  now: Ms,
): { total: number; remaining: number; resetAfterMs: number } {
  renew(budget, now);
  return { total: budget.total, remaining: budget.total - budget.used, resetAfterMs: budget.resetsAt - now };
}

/** Takes one session start. False when none is left. */
export function takeSessionStart(budget: SessionStartBudget, now: Ms): boolean {
  renew(budget, now);
  if (budget.used >= budget.total) return false;
  budget.used += 1;
  return true;
}

/** Gives back the whole budget, as a new day does. */
export function refillBudget(budget: SessionStartBudget, now: Ms): void {
  budget.used = 0;
  budget.resetsAt = now + budget.periodMs;
}

/** Leaves so many session starts of the period, at most all of them. */
export function leaveStarts(budget: SessionStartBudget, remaining: number, now: Ms): void {
  renew(budget, now);
  budget.used = Math.max(0, budget.total - remaining);
}

function renew(budget: SessionStartBudget, now: Ms): void {
  if (now < budget.resetsAt) return;
  const periodsOver = Math.floor((now - budget.resetsAt) / budget.periodMs) + 1;
  budget.used = 0;
  budget.resetsAt += periodsOver * budget.periodMs;
}
