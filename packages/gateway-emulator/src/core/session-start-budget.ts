/**
 * The session-start budget: so many IDENTIFYs a day over all shards (1000 at Discord; "Gateway: Identifying", "Session Start Limit Object"), RESUME is free
 * (discord-api-docs#1369). It starts anew when its period is over; a period begins when the one before ended, used or not (our reading).
 */
import type { Ms } from '@dshard/transport';

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
