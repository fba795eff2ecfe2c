/**
 * What a shard weighs beside the others: from the events that its node reports, as a rate with a half-life of 10 min;
 * where nobody reports events, from its guilds. Quantised: what has up to twice the usual rate weighs 1, up to four
 * times 2, and so on, and less than half 0.5, down to a quarter. A weight changes only when the rate has left its step
 * by half as much again, so noise changes nothing.
 */
import type { ShardReport } from '@dshard/protocol';
import type { ShardLoad } from '../state/balance.js';
import type { Transaction } from '../state/transaction.js';

const HALF_LIFE_MS = 600_000;
const SAMPLE_MS = 60_000;
const LEAST_LEVEL = -2;
const MOST_LEVEL = 6;
const HYSTERESIS = 1.5;
/** Below that the usual rate says nothing: all shards weigh the same. */
const LEAST_RATE = 0.05;

/** A node told how its shards are. */
export function noteLoads(tx: Transaction, reports: readonly ShardReport[]): void {
  const { loads } = tx.state.balance;
  const due = reports.filter(({ shardId }) => {
    const known = loads.get(shardId);
    return known === undefined || tx.now - known.at >= SAMPLE_MS;
  });
  if (due.length === 0) return;
  const next = new Map(loads);
  for (const report of due) next.set(report.shardId, withReport(loads.get(report.shardId), report, tx.now));
  tx.patch({ balance: { ...tx.state.balance, loads: next } });
}

export function withReport(
  known: ShardLoad | undefined,
  { events, guilds }: Pick<ShardReport, 'events' | 'guilds'>,
  now: number,
): ShardLoad {
  const size = guilds < 0 ? null : guilds;
  if (events < 0 || known === undefined)
    return { at: now, events, rate: known?.rate ?? null, guilds: size, level: known?.level ?? 0 };
  const ms = now - known.at;
  // A shard that moved is counted from 0 again.
  const seen = known.events < 0 || events < known.events ? null : ((events - known.events) * 1_000) / Math.max(1, ms);
  const share = known.rate === null ? 1 : 1 - 2 ** (-ms / HALF_LIFE_MS);
  const rate = seen === null ? known.rate : (known.rate ?? 0) * (1 - share) + seen * share;
  return { at: now, events, rate, guilds: size, level: known.level };
}

/** The same loads, each with the level that follows from all of them. */
export function withLevels(loads: ReadonlyMap<number, ShardLoad>): ReadonlyMap<number, ShardLoad> {
  const signal = signalOf([...loads.values()]);
  let changed: Map<number, ShardLoad> | null = null;
  for (const [shard, load] of loads) {
    const level = signal === null ? 0 : nextLevel(load.level, signal.of(load) / signal.usual);
    if (level === load.level) continue;
    changed ??= new Map(loads);
    changed.set(shard, { ...load, level });
  }
  return changed ?? loads;
}

type Signal = { usual: number; of: (load: ShardLoad) => number };

/** null: not enough is known to tell one shard from another. */
function signalOf(loads: readonly ShardLoad[]): Signal | null {
  const rates = loads.flatMap(({ rate }) => rate ?? []);
  if (rates.length === loads.length) {
    const usual = medianOf(rates);
    return usual < LEAST_RATE ? null : { usual, of: ({ rate }) => rate ?? usual };
  }
  const sizes = loads.flatMap(({ guilds }) => guilds ?? []);
  if (rates.length > 0 || sizes.length < loads.length) return null;
  const usual = medianOf(sizes);
  return usual < 1 ? null : { usual, of: ({ guilds }) => guilds ?? usual };
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** @param ratio of the usual. Level 0 reaches from a half to twice of that, level 1 from there to four times. */
function nextLevel(level: number, ratio: number): number {
  if (ratio > upperBound(level) * HYSTERESIS || ratio < lowerBound(level) / HYSTERESIS) return levelOf(ratio);
  return level;
}

function levelOf(ratio: number): number {
  if (ratio <= 0) return LEAST_LEVEL;
  const steps = Math.log2(ratio);
  const level = steps >= 0 ? Math.floor(steps) : Math.ceil(steps);
  return Math.min(MOST_LEVEL, Math.max(LEAST_LEVEL, level));
}

function upperBound(level: number): number {
  if (level === MOST_LEVEL) return Infinity;
  return level >= 0 ? 2 ** (level + 1) : 2 ** level;
}

function lowerBound(level: number): number {
  if (level === LEAST_LEVEL) return 0;
  return level > 0 ? 2 ** level : 2 ** (level - 1);
}

export function weightOf(loads: ReadonlyMap<number, ShardLoad>, shard: number): number {
  return 2 ** (loads.get(shard)?.level ?? 0);
}
