/**
 * How many shards there are, decided once: by a node that runs with a count already, else by the configuration, else by
 * Discord's recommendation. The last two wait for the start-up grace to be over, so that nodes that ran on through a
 * restart of the orchestrator are heard first. Also here: the grace itself, and asking `GET /gateway/bot` (for the
 * recommendation, and for max_concurrency).
 */
import { counted, MAX_SHARDS } from '@dshard/protocol';
import { NEVER_ASSIGNED } from '../state/epochs.js';
import type { DomainEvent } from '../state/events.js';
import { beforeAnswer } from '../shards/identify-budget.js';
import { setConcurrency } from '../shards/identify-permits.js';
import type { IdentifyBudget, OrchestratorState, ShardState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** An answer that takes longer than this is not waited for any more. */
const ANSWER_TIMEOUT_MS = 30_000;
const REFRESH_MS = 60 * 60 * 1_000;

export function decideTotal(tx: Transaction, total: number, why: string): void {
  if (tx.state.totalShards !== null) return;
  const vacant: ShardState = { kind: 'vacant', since: tx.now, notBefore: tx.now, known: null };
  tx.patch({
    totalShards: total,
    shards: Array.from({ length: total }, () => vacant),
    assignments: Array.from({ length: total }, () => NEVER_ASSIGNED),
  });
  const configured = tx.settings.totalShards;
  const isOther = configured !== null && configured !== total;
  const but = isOther ? ` The configuration says ${configured}; it counts after all nodes were restarted.` : '';
  tx.record('totalShardsDecided', isOther ? 'warn' : 'info', `The total is ${counted(total, 'shard')}: ${why}.${but}`, {
    totalShards: total,
  });
}

/** A node that was running before is back, or known not to run any more. */
export function noteHeard(tx: Transaction, node: string): void {
  const { awaitedNodes } = tx.state;
  if (awaitedNodes === null || !awaitedNodes.includes(node)) return;
  tx.patch({ awaitedNodes: awaitedNodes.filter((other) => other !== node) });
}

export function endGrace(tx: Transaction): void {
  const { graceUntil, awaitedNodes, settings } = tx.state;
  if (graceUntil === null) return;
  const likely = likelyTotal(tx.state);
  const isOver =
    graceUntil <= tx.now ||
    awaitedNodes?.length === 0 ||
    (likely !== null && likely <= settings.skipStartupGraceMaxShards);
  if (isOver) tx.patch({ graceUntil: null });
}

function likelyTotal({ totalShards, settings, gateway }: OrchestratorState): number | null {
  return totalShards ?? settings.totalShards ?? (gateway.kind === 'known' ? gateway.recommendedShards : null);
}

export function settleTotal(tx: Transaction): void {
  const { totalShards, graceUntil, settings, gateway } = tx.state;
  if (totalShards !== null || graceUntil !== null) return;
  if (settings.totalShards !== null) decideTotal(tx, settings.totalShards, 'it is configured so');
  else if (gateway.kind === 'known') decideTotal(tx, gateway.recommendedShards, 'Discord recommends it');
}

/** Asks Discord at the start, again after failures, every hour, and when the day of its session starts is over. */
export function askGateway(tx: Transaction): void {
  const { gateway, identifies } = tx.state;
  switch (gateway.kind) {
    case 'notAsked':
      ask(tx, 0);
      break;
    case 'asking':
      if (gateway.since + ANSWER_TIMEOUT_MS <= tx.now) {
        onGatewayInfoFailed(tx, `no answer within ${ANSWER_TIMEOUT_MS} ms`);
      }
      break;
    case 'failed':
      if (gateway.retryAt <= tx.now) ask(tx, gateway.failures);
      break;
    case 'known':
      if (refreshAt(gateway.at, identifies.budget) <= tx.now) ask(tx, 0);
      break;
  }
}

function ask(tx: Transaction, failures: number): void {
  tx.patch({
    gateway: { kind: 'asking', since: tx.now, failures },
    identifies: beforeAnswer(tx.state.identifies),
  });
  tx.effect({ kind: 'fetchGatewayInfo' });
}

/** When `askGateway` has something to do next; null: when an event says so. */
export function gatewayDue({ gateway, identifies }: OrchestratorState): number | null {
  if (gateway.kind === 'asking') return gateway.since + ANSWER_TIMEOUT_MS;
  if (gateway.kind === 'failed') return gateway.retryAt;
  return gateway.kind === 'known' ? refreshAt(gateway.at, identifies.budget) : null;
}

/** max_concurrency grows with the bot, and others may spend session starts: an answer is good for an hour. */
function refreshAt(at: number, budget: IdentifyBudget['budget']): number {
  const resetAt = budget === null || budget.resetAt <= at ? Number.POSITIVE_INFINITY : budget.resetAt;
  return Math.min(at + REFRESH_MS, resetAt);
}

export function onGatewayInfo(tx: Transaction, info: Extract<DomainEvent, { kind: 'gatewayInfo' }>): void {
  const { recommendedShards, maxConcurrency, identifiesTotal, identifiesRemaining, resetAfterMs } = info;
  const isSane = (value: number, from: number): boolean =>
    Number.isSafeInteger(value) && value >= from && value <= MAX_SHARDS;
  if (!isSane(recommendedShards, 1) || !isSane(maxConcurrency, 1)) {
    const said = `${recommendedShards} shards, max_concurrency ${maxConcurrency}`;
    onGatewayInfoFailed(tx, `the answer cannot be right (${said})`);
    return;
  }
  tx.patch({ gateway: { kind: 'known', at: tx.now, recommendedShards } });
  setConcurrency(tx, maxConcurrency, {
    total: Math.max(1, identifiesTotal),
    remaining: Math.max(0, identifiesRemaining),
    resetAt: tx.now + Math.max(0, resetAfterMs),
  });
}

/** Asked again, with a pause that doubles. Only without a total is it a problem. */
export function onGatewayInfoFailed(tx: Transaction, reason: string): void {
  const { gateway, totalShards, settings, identifies } = tx.state;
  const before = gateway.kind === 'asking' || gateway.kind === 'failed' ? gateway.failures : 0;
  const pauseMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(before, 10));
  const failures = before + 1;
  tx.patch({ gateway: { kind: 'failed', at: tx.now, retryAt: tx.now + pauseMs, failures, reason } });
  const isNeeded = totalShards === null && settings.totalShards === null;
  const consequence = isNeeded
    ? 'Without it the total shard count is not known.'
    : identifies.budget === null
      ? 'Until it is known, one shard identifies at a time.'
      : 'What it said last goes on to count.';
  tx.record(
    'gatewayInfoFailed',
    isNeeded ? 'warn' : 'info',
    `GET /gateway/bot failed: ${reason}. ${consequence} Asked again in ${pauseMs / 1000} s.`,
    { reason, failures, retryMs: pauseMs },
  );
}
