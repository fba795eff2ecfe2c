/**
 * Who may IDENTIFY when. Discord allows one IDENTIFY per key (`shard % maxConcurrency`) and window, and a number of
 * them a day.
 *
 * One queue, in the order of asking. A node with the identify-permits capability asks for itself and is answered
 * `identifyGranted`; for a base-level node, which cannot ask, starting a shard *is* the identify, so its startShards
 * stands in the same queue. Always true: per key there is at most one holder, and nobody is granted a key before
 * `freeAt`. A key is free again one window after its holder said that it is finished, or, if it never does, when the
 * permit times out.
 */
import { assign } from './epochs.js';
import { can, isConnected } from '../state/nodes.js';
import type { IdentifyBudget } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { afterAnswer, hasSessionStart, sessionStarts, spendSessionStart, type ToldBudget } from './identify-budget.js';

type KeyState = IdentifyBudget['keys'][number];
type Waiting = IdentifyBudget['waiting'][number];

/** How long permits wait at start for Discord's max_concurrency before they go by 1. */
const GATEWAY_WAIT_MS = 5_000;

export function enqueueIdentify(tx: Transaction, node: string, shard: number): void {
  const { identifies } = tx.state;
  if (identifies.waiting.some((other) => other.shard === shard && other.node === node)) return;
  tx.patch({
    identifies: { ...identifies, waiting: [...identifies.waiting, { node, shard, since: tx.now }] },
  });
}

/** The node does not want to identify this shard any more (or never asked). */
export function dequeueIdentify(tx: Transaction, node: string, shard: number): void {
  const { identifies } = tx.state;
  const waiting = identifies.waiting.filter((other) => other.shard !== shard || other.node !== node);
  if (waiting.length < identifies.waiting.length) tx.patch({ identifies: { ...identifies, waiting } });
}

/** The holder is done: the window starts. */
export function finishIdentify(tx: Transaction, node: string, shard: number): void {
  dequeueIdentify(tx, node, shard);
  const { keys, maxConcurrency } = tx.state.identifies;
  const key = shard % maxConcurrency;
  const holder = keys[key]?.holder;
  if (holder?.node === node && holder.shard === shard) freeKey(tx, key);
}

/** The node is away: what it asked for is dropped, and what it held may have been used just now. */
export function dropIdentifies(tx: Transaction, node: string): void {
  const { identifies } = tx.state;
  const waiting = identifies.waiting.filter((other) => other.node !== node);
  if (waiting.length < identifies.waiting.length) tx.patch({ identifies: { ...identifies, waiting } });
  for (const [key, entry] of Object.entries(identifies.keys)) {
    if (entry.holder?.node === node) freeKey(tx, Number(key));
  }
}

/** Its window starts. */
function freeKey(tx: Transaction, key: number): void {
  const { identifies } = tx.state;
  const freed = { holder: null, freeAt: tx.now + tx.settings.identifyWindowMs };
  tx.patch({ identifies: { ...identifies, keys: { ...identifies.keys, [key]: freed } } });
}

/** Discord's answer. Windows that run are kept: which of the new keys they belong to is not known, so all wait. */
export function setConcurrency(tx: Transaction, maxConcurrency: number, told: ToldBudget): void {
  tx.patch({ identifies: afterAnswer(tx.state.identifies, told, tx.now) });
  const { identifies } = tx.state;
  if (maxConcurrency === identifies.maxConcurrency) return;
  const keys: Record<number, KeyState> = {};
  const entries = Object.values(identifies.keys);
  const windowEnd = Math.max(0, ...entries.map((entry) => (entry.holder === null ? entry.freeAt : 0)));
  if (windowEnd > tx.now) {
    for (let key = 0; key < maxConcurrency; key += 1) keys[key] = { holder: null, freeAt: windowEnd };
  }
  for (const entry of entries) if (entry.holder !== null) keys[entry.holder.shard % maxConcurrency] = entry;
  tx.patch({ identifies: { ...identifies, maxConcurrency, keys } });
}

/** READY came on a permit of the run before, or on one that was given up. Its window starts now. */
export function onIdentifiedWithoutPermit(tx: Transaction, shard: number): void {
  const { identifies, settings } = tx.state;
  const key = shard % identifies.maxConcurrency;
  const entry = identifies.keys[key];
  const freeAt = tx.now + settings.identifyWindowMs;
  if (entry !== undefined && (entry.holder !== null || entry.freeAt >= freeAt)) return;
  tx.patch({ identifies: { ...identifies, keys: { ...identifies.keys, [key]: { holder: null, freeAt } } } });
}

export function holdsPermit(tx: Transaction, node: string, shard: number): boolean {
  const { keys, maxConcurrency } = tx.state.identifies;
  const holder = keys[shard % maxConcurrency]?.holder;
  return holder?.node === node && holder.shard === shard;
}

/** Until when permits are held back altogether; null: they are not. */
export function permitsBlockedUntil({ state, now }: Pick<Transaction, 'state' | 'now'>): number | null {
  const { gateway, startedAt, identifies, settings } = state;
  // Nodes of an earlier run may live, and it may have let one of them identify just before it ended: every window may
  // be running.
  const windowsOver = startedAt + settings.identifyWindowMs;
  if (settings.expectedNodes?.length !== 0 && now < windowsOver) return windowsOver;
  const firstAnswerDue = startedAt + GATEWAY_WAIT_MS;
  const isFirst = gateway.kind === 'notAsked' || (gateway.kind === 'asking' && gateway.failures === 0);
  if (isFirst && identifies.budget === null && now < firstAnswerDue) return firstAnswerDue;
  return hasSessionStart(state, now) ? null : sessionStarts(state, now).resetAt;
}

/** Grants what can be granted now. */
export function grantIdentifies(tx: Transaction): void {
  expirePermits(tx);
  if (tx.state.identifies.waiting.length === 0 || permitsBlockedUntil(tx) !== null) return;
  for (const permit of takePermits(tx)) give(tx, permit);
}

/**
 * Counted first: a permit is sent when the count is durable. Keys and queue are copied once for all permits, because
 * with a large max_concurrency both may have thousands of entries, and as many permits are due at once.
 */
function takePermits(tx: Transaction): readonly Waiting[] {
  const { settings, now } = tx;
  const { maxConcurrency } = tx.state.identifies;
  const taken = new Map<number, KeyState>();
  const permits: Waiting[] = [];
  const waiting = tx.state.identifies.waiting.filter((asked) => {
    const { node, shard } = asked;
    if (!hasSessionStart(tx.state, now)) return true;
    const key = shard % maxConcurrency;
    const entry = taken.get(key) ?? tx.state.identifies.keys[key];
    const isFree = entry === undefined || (entry.holder === null && entry.freeAt <= now);
    if (!isFree || !isConnected(tx.node(node))) return true;
    tx.patch({ identifies: spendSessionStart(tx.state, now) });
    taken.set(
      key,
      asksForPermits(tx, node)
        ? { holder: { node, shard }, freeAt: now + settings.identifyTimeoutMs }
        : { holder: null, freeAt: now + settings.identifyWindowMs },
    );
    permits.push(asked);
    return false;
  });
  if (permits.length === 0) return [];
  const { identifies } = tx.state;
  tx.patch({ identifies: { ...identifies, keys: { ...identifies.keys, ...Object.fromEntries(taken) }, waiting } });
  return permits;
}

function give(tx: Transaction, { node, shard }: Waiting): void {
  const { maxConcurrency, budget } = tx.state.identifies;
  tx.record('identifyGranted', 'debug', `Node ${node} may IDENTIFY shard ${shard}.`, {
    node,
    shard,
    maxConcurrency,
    windowMs: tx.settings.identifyWindowMs,
    total: budget?.total ?? null,
    // Windows are measured by this line of time; the entry's own is the machine's clock, which somebody may set.
    grantedAt: tx.now,
  });
  if (!asksForPermits(tx, node)) return startQueued(tx, node, shard);
  const state = tx.shard(shard);
  const isResuming = state?.kind === 'starting' && state.node === node && state.known !== null;
  if (isResuming) tx.setShard(shard, { ...state, sessionLost: true });
  tx.send(node, { kind: 'identifyGranted', shardId: shard });
}

function asksForPermits(tx: Transaction, node: string): boolean {
  return can(tx.node(node), 'identify-permits');
}

function startQueued(tx: Transaction, node: string, shard: number): void {
  const state = tx.shard(shard);
  if (state?.kind !== 'starting' || state.node !== node || state.step !== 'queued') return;
  assign(tx, shard);
  tx.setShard(shard, { ...state, step: 'start', known: null, deadline: tx.now + tx.settings.commandTimeoutMs });
  tx.send(node, { kind: 'startShards', shardIds: [shard] });
}

function expirePermits(tx: Transaction): void {
  if (keyTimes(tx.state.identifies.keys).earliestHeld > tx.now) return;
  for (const [key, entry] of Object.entries(tx.state.identifies.keys)) {
    if (entry.holder === null || entry.freeAt > tx.now) continue;
    const { identifies } = tx.state;
    const freed = { holder: null, freeAt: tx.now };
    tx.patch({ identifies: { ...identifies, keys: { ...identifies.keys, [key]: freed } } });
  }
}

type KeyTimes = {
  /** When the first permit times out; Infinity: none is out. */
  readonly earliestHeld: number;
  /** From then on every key is free, or its permit has timed out. */
  readonly latest: number;
};

const timesOf = new WeakMap<IdentifyBudget['keys'], KeyTimes>();

/** Remembered for as long as the keys stay the same: with a large max_concurrency there are thousands of them. */
export function keyTimes(keys: IdentifyBudget['keys']): KeyTimes {
  const known = timesOf.get(keys);
  if (known !== undefined) return known;
  let earliestHeld = Infinity;
  let latest = -Infinity;
  for (const { holder, freeAt } of Object.values(keys)) {
    if (holder !== null) earliestHeld = Math.min(earliestHeld, freeAt);
    latest = Math.max(latest, freeAt);
  }
  const times = { earliestHeld, latest };
  timesOf.set(keys, times);
  return times;
}
