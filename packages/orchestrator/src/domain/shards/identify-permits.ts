/**
 * Who may IDENTIFY when. Discord allows one IDENTIFY per key (`shard % maxConcurrency`) and window, and a number of them a
 * day.
 *
 * One queue, in the order of asking. A node with the identify-permits capability asks for itself and is answered
 * `identifyGranted`; for a base-level node, which cannot ask, starting a shard *is* the identify, so its startShards
 * stands in the same queue. Always true: per key there is at most one holder, and nobody is granted a key before
 * `freeAt`. A key is free again one window after its holder said that it is finished, or, if it never does, when the permit times out.
 */
import { assign } from './epochs.js';
import { can, isConnected } from '../state/nodes.js';
import type { IdentifyBudget } from '../state/state.js';
import type { Turn } from '../state/transaction.js';
import { afterAnswer, hasSessionStart, sessionStarts, spendSessionStart, type ToldBudget } from './identify-budget.js';

/** How long permits wait at start for Discord's max_concurrency before they go by 1. */
const GATEWAY_WAIT_MS = 5_000;

export function enqueueIdentify(turn: Turn, node: string, shard: number): void {
  const { identifies } = turn.state;
  if (identifies.waiting.some((other) => other.shard === shard && other.node === node)) return;
  turn.patch({
    identifies: { ...identifies, waiting: [...identifies.waiting, { node, shard, since: turn.now }] },
  });
}

/** The node does not want to identify this shard any more (or never asked). */
export function withdrawIdentify(turn: Turn, node: string, shard: number): void {
  const { identifies } = turn.state;
  const waiting = identifies.waiting.filter((other) => other.shard !== shard || other.node !== node);
  if (waiting.length < identifies.waiting.length) turn.patch({ identifies: { ...identifies, waiting } });
}

/** The holder is done: the window starts. */
export function finishIdentify(turn: Turn, node: string, shard: number): void {
  withdrawIdentify(turn, node, shard);
  releaseKeys(turn, (holder) => holder.node === node && holder.shard === shard);
}

/** The node is away: what it asked for is dropped, and what it held may have been used just now. */
export function dropIdentifies(turn: Turn, node: string): void {
  const { identifies } = turn.state;
  const waiting = identifies.waiting.filter((other) => other.node !== node);
  if (waiting.length < identifies.waiting.length) turn.patch({ identifies: { ...identifies, waiting } });
  releaseKeys(turn, (holder) => holder.node === node);
}

function releaseKeys(turn: Turn, isMeant: (holder: { node: string; shard: number }) => boolean): void {
  const { identifies } = turn.state;
  for (const [key, entry] of Object.entries(identifies.keys)) {
    if (entry.holder === null || !isMeant(entry.holder)) continue;
    const freed = { holder: null, freeAt: turn.now + turn.settings.identifyWindowMs };
    turn.patch({ identifies: { ...turn.state.identifies, keys: { ...turn.state.identifies.keys, [key]: freed } } });
  }
}

/** Discord's answer. Windows that run are kept: under the new keys it is not known which one they belong to, so all wait. */
export function setConcurrency(turn: Turn, maxConcurrency: number, told: ToldBudget): void {
  turn.patch({ identifies: afterAnswer(turn.state.identifies, told, turn.now) });
  const { identifies } = turn.state;
  if (maxConcurrency === identifies.maxConcurrency) return;
  const keys: Record<number, IdentifyBudget['keys'][number]> = {};
  const entries = Object.values(identifies.keys);
  const windowEnd = Math.max(0, ...entries.map((entry) => (entry.holder === null ? entry.freeAt : 0)));
  if (windowEnd > turn.now) {
    for (let key = 0; key < maxConcurrency; key += 1) keys[key] = { holder: null, freeAt: windowEnd };
  }
  for (const entry of entries) if (entry.holder !== null) keys[entry.holder.shard % maxConcurrency] = entry;
  turn.patch({ identifies: { ...identifies, maxConcurrency, keys } });
}

/**
 * READY came on a permit that this run did not give: one of the run before, or one that was given up. Its window starts now.
 */
export function identifiedUnasked(turn: Turn, shard: number): void {
  const { identifies, settings } = turn.state;
  const key = shard % identifies.maxConcurrency;
  const entry = identifies.keys[key];
  const freeAt = turn.now + settings.identifyWindowMs;
  if (entry !== undefined && (entry.holder !== null || entry.freeAt >= freeAt)) return;
  turn.patch({ identifies: { ...identifies, keys: { ...identifies.keys, [key]: { holder: null, freeAt } } } });
}

export function holdsPermit(turn: Turn, node: string, shard: number): boolean {
  return Object.values(turn.state.identifies.keys).some(
    ({ holder }) => holder?.node === node && holder.shard === shard,
  );
}

/** Until when permits are held back altogether; null: they are not. */
export function permitsHeldUntil(turn: Turn): number | null {
  const { gateway, startedAt, identifies, settings } = turn.state;
  // Nodes of an earlier run may live, and it may have let one of them identify just before it ended: every window may be running.
  const windowsOver = startedAt + settings.identifyWindowMs;
  if (settings.expectedNodes?.length !== 0 && turn.now < windowsOver) return windowsOver;
  const firstAnswerDue = startedAt + GATEWAY_WAIT_MS;
  const isFirst = gateway.kind === 'unasked' || (gateway.kind === 'asking' && gateway.failures === 0);
  if (isFirst && identifies.budget === null && turn.now < firstAnswerDue) return firstAnswerDue;
  return hasSessionStart(turn.state, turn.now) ? null : sessionStarts(turn.state, turn.now).resetAt;
}

/** Grants what can be granted now. */
export function grantIdentifies(turn: Turn): void {
  expirePermits(turn);
  if (turn.state.identifies.waiting.length === 0 || permitsHeldUntil(turn) !== null) return;
  for (const { node, shard } of turn.state.identifies.waiting) {
    if (!hasSessionStart(turn.state, turn.now)) break;
    const { maxConcurrency, keys } = turn.state.identifies;
    const entry = keys[shard % maxConcurrency];
    const isFree = entry === undefined || (entry.holder === null && entry.freeAt <= turn.now);
    if (isFree && isConnected(turn.node(node))) grant(turn, node, shard);
  }
}

/** Counted first: the permit is sent when the count is durable. */
function grant(turn: Turn, node: string, shard: number): void {
  const { settings, now } = turn;
  const asks = can(turn.node(node), 'identify-permits');
  const entry = asks
    ? { holder: { node, shard }, freeAt: now + settings.identifyTimeoutMs }
    : { holder: null, freeAt: now + settings.identifyWindowMs };
  const spent = spendSessionStart(turn.state, now);
  turn.patch({
    identifies: {
      ...spent,
      keys: { ...spent.keys, [shard % spent.maxConcurrency]: entry },
      waiting: spent.waiting.filter((other) => other.shard !== shard || other.node !== node),
    },
  });
  const { maxConcurrency } = spent;
  turn.happened('identifyGranted', 'debug', `Node ${node} may IDENTIFY shard ${shard}.`, {
    node,
    shard,
    maxConcurrency,
    windowMs: settings.identifyWindowMs,
    total: spent.budget?.total ?? null,
  });
  if (asks) turn.send(node, { kind: 'identifyGranted', shardId: shard });
  else startQueued(turn, node, shard);
}

function startQueued(turn: Turn, node: string, shard: number): void {
  const state = turn.shard(shard);
  if (state?.kind !== 'starting' || state.node !== node || state.step !== 'queued') return;
  assign(turn, shard);
  turn.setShard(shard, { ...state, step: 'start', deadline: turn.now + turn.settings.commandTimeoutMs });
  turn.send(node, { kind: 'startShards', shardIds: [shard] });
}

function expirePermits(turn: Turn): void {
  for (const [key, entry] of Object.entries(turn.state.identifies.keys)) {
    if (entry.holder === null || entry.freeAt > turn.now) continue;
    const { identifies } = turn.state;
    const freed = { holder: null, freeAt: turn.now };
    turn.patch({ identifies: { ...identifies, keys: { ...identifies.keys, [key]: freed } } });
  }
}
