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
/** A wrong token does not become right by asking: it is asked rarely, and ever more rarely. */
const FIRST_REFUSED_RETRY_MS = 5 * 60_000;
const LONGEST_REFUSED_RETRY_MS = 6 * 60 * 60_000;
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
      ask(tx, 0, null);
      break;
    case 'asking':
      if (gateway.since + ANSWER_TIMEOUT_MS <= tx.now) {
        onGatewayInfoFailed(tx, { reason: `no answer within ${ANSWER_TIMEOUT_MS} ms` });
      }
      break;
    case 'failed':
      if (gateway.retryAt <= tx.now) ask(tx, gateway.failures, gateway.refused);
      break;
    case 'known':
      if (refreshAt(gateway.at, identifies.budget) <= tx.now) ask(tx, 0, null);
      break;
  }
}

function ask(tx: Transaction, failures: number, refused: string | null): void {
  tx.patch({
    gateway: { kind: 'asking', since: tx.now, failures, refused },
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
    onGatewayInfoFailed(tx, { reason: `the answer cannot be right (${said})` });
    return;
  }
  tx.patch({ gateway: { kind: 'known', at: tx.now, recommendedShards } });
  setConcurrency(tx, maxConcurrency, {
    total: Math.max(1, identifiesTotal),
    remaining: Math.max(0, identifiesRemaining),
    resetAt: tx.now + Math.max(0, resetAfterMs),
  });
}

type Failure = Pick<Extract<DomainEvent, { kind: 'gatewayInfoFailed' }>, 'reason' | 'isRefused' | 'retryAfterMs'>;

/**
 * Asked again, with a pause that doubles, and not before Discord wants to be asked. Only without a total is it a
 * problem. That the token is wrong is told once, and stays in the status.
 */
export function onGatewayInfoFailed(tx: Transaction, failure: Failure): void {
  const { gateway, totalShards, settings, identifies } = tx.state;
  const { reason, isRefused = false } = failure;
  const before = gateway.kind === 'asking' || gateway.kind === 'failed' ? gateway : { failures: 0, refused: null };
  const wasRefused = before.refused !== null;
  const failures = isRefused === wasRefused ? before.failures + 1 : 1;
  const pauseMs = retryPauseMs(failures, failure);
  const refused = isRefused ? reason : null;
  tx.patch({ gateway: { kind: 'failed', at: tx.now, retryAt: tx.now + pauseMs, failures, reason, refused } });
  if (isRefused && before.refused === reason) return;
  const isNeeded = totalShards === null && settings.totalShards === null;
  const consequence = isNeeded
    ? 'Without it the total shard count is not known.'
    : identifies.budget === null
      ? 'Until it is known, one shard identifies at a time.'
      : 'What it said last goes on to count.';
  const again = isRefused
    ? 'The orchestrator has to be restarted with the right one (DISCORD_TOKEN); until then Discord is asked ever more rarely'
    : 'Asked again';
  tx.record(
    'gatewayInfoFailed',
    isRefused ? 'error' : isNeeded ? 'warn' : 'info',
    `GET /gateway/bot failed: ${reason}. ${consequence} ${again}${isRefused ? ', next' : ''} in ${pauseMs / 1000} s.`,
    { reason, failures, retryMs: pauseMs },
  );
}

/** @param failures in a row, this one included. */
function retryPauseMs(failures: number, { isRefused, retryAfterMs }: Omit<Failure, 'reason'>): number {
  const doubled = 2 ** Math.min(failures - 1, 10);
  const ownMs = isRefused
    ? Math.min(LONGEST_REFUSED_RETRY_MS, FIRST_REFUSED_RETRY_MS * doubled)
    : Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * doubled);
  return Math.max(ownMs, retryAfterMs ?? 0);
}
