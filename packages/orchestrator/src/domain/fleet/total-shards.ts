/**
 * How many shards there are, decided once: by a node that runs with a count already, else by the configuration, else by Discord's
 * recommendation. The last two wait for the start-up grace to be over, so that nodes that ran on through a restart of the orchestrator
 * are heard first. Also here: the grace itself, and asking `GET /gateway/bot` (for the recommendation, and for max_concurrency).
 */
import { NEVER_HELD } from '../state/epochs.js';
import type { DomainEvent } from '../state/events.js';
import { beforeAnswer } from '../shards/identify-budget.js';
import { setConcurrency } from '../shards/identify-permits.js';
import type { IdentifyBudget, OrchestratorState, ShardState } from '../state/state.js';
import type { Turn } from '../state/transaction.js';
import { MAX_TOTAL_SHARDS } from '../state/settings.js';

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** An answer that takes longer than this is not waited for any more. */
const ANSWER_TIMEOUT_MS = 30_000;
const REFRESH_MS = 60 * 60 * 1_000;

export function decideTotal(turn: Turn, total: number, why: string): void {
  if (turn.state.totalShards !== null) return;
  const vacant: ShardState = { kind: 'vacant', since: turn.now, notBefore: turn.now, known: null };
  turn.patch({
    totalShards: total,
    shards: Array.from({ length: total }, () => vacant),
    tenures: Array.from({ length: total }, () => NEVER_HELD),
  });
  const configured = turn.settings.totalShards;
  const isOther = configured !== null && configured !== total;
  const but = isOther ? ` The configuration says ${configured}; it counts after all nodes were restarted.` : '';
  turn.happened('totalShardsDecided', isOther ? 'warn' : 'info', `The total is ${total} shards: ${why}.${but}`, {
    totalShards: total,
  });
}

/** A node that was running before is back, or known not to run any more. */
export function heardOf(turn: Turn, node: string): void {
  const { awaitedNodes } = turn.state;
  if (awaitedNodes === null || !awaitedNodes.includes(node)) return;
  turn.patch({ awaitedNodes: awaitedNodes.filter((other) => other !== node) });
}

export function endGrace(turn: Turn): void {
  const { graceUntil, awaitedNodes, settings } = turn.state;
  if (graceUntil === null) return;
  const likely = likelyTotal(turn.state);
  const isOver =
    graceUntil <= turn.now ||
    awaitedNodes?.length === 0 ||
    (likely !== null && likely <= settings.skipStartupGraceMaxShards);
  if (isOver) turn.patch({ graceUntil: null });
}

function likelyTotal({ totalShards, settings, gateway }: OrchestratorState): number | null {
  return totalShards ?? settings.totalShards ?? (gateway.kind === 'known' ? gateway.recommendedShards : null);
}

export function settleTotal(turn: Turn): void {
  const { totalShards, graceUntil, settings, gateway } = turn.state;
  if (totalShards !== null || graceUntil !== null) return;
  if (settings.totalShards !== null) decideTotal(turn, settings.totalShards, 'it is configured so');
  else if (gateway.kind === 'known') decideTotal(turn, gateway.recommendedShards, 'Discord recommends it');
}

/** Asks Discord at the start, again after failures, every hour, and when the day of its session starts is over. */
export function askGateway(turn: Turn): void {
  const { gateway, identifies } = turn.state;
  switch (gateway.kind) {
    case 'unasked':
      ask(turn, 0);
      break;
    case 'asking':
      if (gateway.since + ANSWER_TIMEOUT_MS <= turn.now) {
        onGatewayInfoFailed(turn, `no answer within ${ANSWER_TIMEOUT_MS} ms`);
      }
      break;
    case 'failed':
      if (gateway.retryAt <= turn.now) ask(turn, gateway.failures);
      break;
    case 'known':
      if (refreshAt(gateway.at, identifies.budget) <= turn.now) ask(turn, 0);
      break;
  }
}

function ask(turn: Turn, failures: number): void {
  turn.patch({
    gateway: { kind: 'asking', since: turn.now, failures },
    identifies: beforeAnswer(turn.state.identifies),
  });
  turn.effect({ kind: 'fetchGatewayInfo' });
}

/** When `askGateway` has something to do next; null: when an event says so. */
export function gatewayDue({ gateway, identifies }: OrchestratorState): number | null {
  if (gateway.kind === 'asking') return gateway.since + ANSWER_TIMEOUT_MS;
  if (gateway.kind === 'failed') return gateway.retryAt;
  return gateway.kind === 'known' ? refreshAt(gateway.at, identifies.budget) : null;
}

/** max_concurrency grows with the bot, and session starts may be spent by others than us: an answer is good for an hour, or for its day. */
function refreshAt(at: number, budget: IdentifyBudget['budget']): number {
  const resetAt = budget === null || budget.resetAt <= at ? Number.POSITIVE_INFINITY : budget.resetAt;
  return Math.min(at + REFRESH_MS, resetAt);
}

export function onGatewayInfo(turn: Turn, info: Extract<DomainEvent, { kind: 'gatewayInfo' }>): void {
  const { recommendedShards, maxConcurrency, identifiesTotal, identifiesRemaining, resetAfterMs } = info;
  const isSane = (value: number, from: number): boolean =>
    Number.isSafeInteger(value) && value >= from && value <= MAX_TOTAL_SHARDS;
  if (!isSane(recommendedShards, 1) || !isSane(maxConcurrency, 1)) {
    const said = `${recommendedShards} shards, max_concurrency ${maxConcurrency}`;
    onGatewayInfoFailed(turn, `the answer cannot be right (${said})`);
    return;
  }
  turn.patch({ gateway: { kind: 'known', at: turn.now, recommendedShards } });
  setConcurrency(turn, maxConcurrency, {
    total: Math.max(1, identifiesTotal),
    remaining: Math.max(0, identifiesRemaining),
    resetAt: turn.now + Math.max(0, resetAfterMs),
  });
}

/** Asked again, with a pause that doubles. Only without a total is it a problem. */
export function onGatewayInfoFailed(turn: Turn, reason: string): void {
  const { gateway, totalShards, settings, identifies } = turn.state;
  const before = gateway.kind === 'asking' || gateway.kind === 'failed' ? gateway.failures : 0;
  const pauseMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(before, 10));
  const failures = before + 1;
  turn.patch({ gateway: { kind: 'failed', at: turn.now, retryAt: turn.now + pauseMs, failures, reason } });
  const isNeeded = totalShards === null && settings.totalShards === null;
  const consequence = isNeeded
    ? 'Without it the total shard count is not known.'
    : identifies.budget === null
      ? 'Until it is known, one shard identifies at a time.'
      : 'What it said last goes on to count.';
  turn.happened(
    'gatewayInfoFailed',
    isNeeded ? 'warn' : 'info',
    `GET /gateway/bot failed: ${reason}. ${consequence} Asked again in ${pauseMs / 1000} s.`,
    { reason, failures, retryMs: pauseMs },
  );
}
