/**
 * How many IDENTIFYs the day has left. Discord says so (`session_start_limit` of `GET /gateway/bot`); a bot that goes
 * beyond it has its token reset, so we count ourselves as well, durably and before use:
 *
 * - `budget` is Discord's last answer, less every permit since. An answer may have been made before permits of ours
 *   were used: those that were out when we asked, and those given since, are taken off it.
 * - `ledger` is our own count of the day. Within a day an answer never gives more than the total less what we counted:
 *   one that comes from a cache, or is simply wrong, cannot make us spend twice. A day ends when Discord first said
 *   that it ends.
 * - The reserve is not granted. It is for the operator (`dso allowidentifies`), who may want to save the shards that
 *   matter.
 *
 * Who gets a permit is decided in `identify-permits.ts`.
 */
import { counted } from '@dshard/protocol';
import { DAY_MS } from '../state/settings.js';
import { inWords } from '../state/spans.js';
import type { IdentifyBudget, OrchestratorState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';

/** What every bot has a day, until Discord says something else. */
const USUAL_TOTAL = 1_000;
/** Of the total, where no reserve is configured. */
const USUAL_RESERVE = 0.05;

/** What can be shown of it, and what decides. */
export type SessionStarts = {
  total: number;
  /** By Discord's answer and our own count, whichever is less. */
  remaining: number;
  reserve: number;
  /** Counted by us since the day began. */
  used: number;
  /** How many more the operator has let go beyond the reserve. */
  allowed: number;
  /** When more will be there; null when nothing was spent and nothing is known. */
  resetAt: number | null;
};

export type ToldBudget = { total: number; remaining: number; resetAt: number };

export function sessionStarts({ identifies, settings }: OrchestratorState, now: number): SessionStarts {
  const { budget, ledger, allowed } = identifies;
  const total = budget?.total ?? USUAL_TOTAL;
  const used = ledger.until > now ? ledger.used : 0;
  const told = budget !== null && budget.resetAt > now ? budget.remaining : total;
  const ends = [ledger.until, budget?.resetAt ?? 0].filter((end) => end > now);
  return {
    total,
    remaining: Math.max(0, Math.min(told, total - used)),
    reserve: Math.min(total, settings.identifyReserve ?? Math.ceil(total * USUAL_RESERVE)),
    used,
    allowed,
    resetAt: ends.length === 0 ? null : Math.min(...ends),
  };
}

/** The pace of the day so far, by our own count. null: nothing was spent in it. */
export function paceOf(
  { identifies: { ledger } }: Pick<OrchestratorState, 'identifies'>,
  now: number,
): { used: number; goneMs: number; leftMs: number } | null {
  const leftMs = ledger.until - now;
  const goneMs = DAY_MS - leftMs;
  return ledger.used === 0 || leftMs <= 0 || goneMs <= 0 ? null : { used: ledger.used, goneMs, leftMs };
}

/** How long what is left beyond the reserve lasts at that pace. */
export function budgetLastsMs(state: OrchestratorState, now: number): number | null {
  const pace = paceOf(state, now);
  const { remaining, reserve } = sessionStarts(state, now);
  return pace === null ? null : (Math.max(0, remaining - reserve) * pace.goneMs) / pace.used;
}

/** Whether one more IDENTIFY may be granted. What Discord itself refuses, no operator can allow. */
export function hasSessionStart(state: OrchestratorState, now: number): boolean {
  const { remaining, reserve, allowed } = sessionStarts(state, now);
  if (remaining > reserve) return true;
  const { budget } = state.identifies;
  const isUsedUp = budget !== null && budget.resetAt > now && budget.remaining <= 0;
  return allowed > 0 && !isUsedUp;
}

/** Counts one, which must be durable before it is used. */
export function spendSessionStart(state: OrchestratorState, now: number): IdentifyBudget {
  const { identifies } = state;
  const { budget, ledger, unsure } = identifies;
  const { remaining, reserve, allowed } = sessionStarts(state, now);
  const day = ledger.until > now ? ledger : newDay(identifies, now);
  return {
    ...identifies,
    budget: budget && { ...budget, remaining: Math.max(0, budget.remaining - 1) },
    ledger: { ...day, used: day.used + 1 },
    allowed: remaining > reserve ? allowed : allowed - 1,
    unsure: unsure + 1,
  };
}

/** Permits that are out may be used only now: they count for this day too. */
function newDay(identifies: IdentifyBudget, now: number): IdentifyBudget['ledger'] {
  const { budget } = identifies;
  const until = budget !== null && budget.resetAt > now ? budget.resetAt : now + DAY_MS;
  return { used: permitsOut(identifies), until };
}

function permitsOut({ keys }: IdentifyBudget): number {
  return Object.values(keys).filter(({ holder }) => holder !== null).length;
}

/** Discord is being asked: from now on it is not known which permits its answer knows of. */
export function beforeAnswer(identifies: IdentifyBudget): IdentifyBudget {
  return { ...identifies, unsure: permitsOut(identifies) };
}

export function afterAnswer(identifies: IdentifyBudget, told: ToldBudget, now: number): IdentifyBudget {
  const { ledger, unsure } = identifies;
  const until = ledger.until > now ? Math.min(ledger.until, told.resetAt) : ledger.until;
  return {
    ...identifies,
    budget: { ...told, remaining: Math.max(0, told.remaining - unsure) },
    ledger: { ...ledger, until },
  };
}

/** Says once that shards wait for want of session starts, and once that it is over. */
export function watchBudget(tx: Transaction): void {
  const { identifies } = tx.state;
  const waiting = identifies.waiting.length;
  const isShort = waiting > 0 && !hasSessionStart(tx.state, tx.now);
  if (isShort === (identifies.shortSince !== null)) return;
  tx.patch({ identifies: { ...identifies, shortSince: isShort ? tx.now : null } });
  const { total, remaining, reserve, used, resetAt } = sessionStarts(tx.state, tx.now);
  const fields = { waiting, remaining, total, reserve, used, resetAt };
  if (!isShort) {
    tx.record('identifyBudgetRestored', 'info', 'No shard waits for want of session starts any more.', fields);
    return;
  }
  const until = resetAt === null ? '' : ` for another ${inWords(resetAt - tx.now)}`;
  const text =
    `Shards wait to IDENTIFY and may not${until}: ${remaining} of Discord's ${total} session starts are left, and ${reserve} are kept in reserve. ` +
    'Shards that run, resume and move as before. To let some of the waiting ones start: dso allowidentifies <count>.';
  tx.record('identifyBudgetLow', 'error', text, fields);
}

/** An operator's word: so many may go beyond the reserve. It replaces what was allowed before. */
export function allowIdentifies(tx: Transaction, request: string, count: number): void {
  tx.patch({ identifies: { ...tx.state.identifies, allowed: count } });
  const { remaining, total, reserve } = sessionStarts(tx.state, tx.now);
  const text =
    count === 0
      ? 'No IDENTIFY may go beyond the reserve any more.'
      : `${counted(count, 'IDENTIFY')} may go beyond the reserve of ${reserve}; ${remaining} of ${total} session starts are left.`;
  tx.record('identifiesAllowed', 'warn', text, { count, remaining, total, reserve });
  tx.done(request, text, { count, remaining, total, reserve });
}
