/** How long shards stood still in migrations that ended, as a histogram. */
import type { HistoryEntry } from '@dshard/api';

export type Histogram = {
  readonly bars: readonly { readonly upTo: number | null; readonly label: string; readonly count: number }[];
  readonly count: number;
  readonly median: number | null;
  readonly longest: number | null;
};

const BOUNDS = [10, 25, 50, 100, 250, 500, 1_000, 2_500] as const;

export type Move = { readonly id: number; readonly at: number; readonly shard: number; readonly frozenMs: number };

/** Migrations that ended well. */
export function movesIn(history: readonly HistoryEntry[]): readonly Move[] {
  return history.flatMap(({ id, at, name, fields: { shard, frozenMs } }) =>
    name === 'migrationCompleted' && typeof shard === 'number' && typeof frozenMs === 'number'
      ? [{ id, at, shard, frozenMs }]
      : [],
  );
}

export function histogramOf(moves: readonly Move[]): Histogram {
  const sorted = moves.map(({ frozenMs }) => frozenMs).sort((a, b) => a - b);
  const upper: readonly (number | null)[] = [...BOUNDS, null];
  const bars = upper.map((upTo, at) => {
    const from = at === 0 ? -1 : (BOUNDS[at - 1] ?? 0);
    return {
      upTo,
      label: upTo === null ? `> ${labelOf(from)}` : `≤ ${labelOf(upTo)}`,
      count: sorted.filter((ms) => ms > from && (upTo === null || ms <= upTo)).length,
    };
  });
  return {
    bars,
    count: sorted.length,
    median: sorted.length === 0 ? null : (sorted[Math.floor((sorted.length - 1) / 2)] ?? null),
    longest: sorted.at(-1) ?? null,
  };
}

function labelOf(ms: number): string {
  return ms >= 1_000 ? `${ms / 1_000} s` : `${ms} ms`;
}
