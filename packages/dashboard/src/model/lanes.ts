/**
 * One operation's life as lanes: a lane for each shard that moved, a bar from its announcement to its end, the frozen
 * part within. Times in which nothing happened are folded to a narrow strip, so that an hour of waiting does not hide
 * the second that matters.
 */
import type { HistoryEntry } from '@dshard/api';
import { span } from './text.js';

export type Span = {
  readonly from: number;
  /** null: it goes on. */
  readonly to: number | null;
  /** How long of its end no event was handled. */
  readonly frozenMs: number;
  readonly outcome: 'moved' | 'failed' | 'moving';
  readonly text: string;
};

export type Lane = { readonly key: string; readonly title: string; readonly spans: readonly Span[] };

type Fold = { readonly from: number; readonly to: number; readonly label: string };

export type TimeScale = {
  /** A time as a place from 0 to 1. */
  place(this: void, at: number): number;
  readonly folds: readonly (Fold & { readonly start: number; readonly end: number })[];
  readonly from: number;
  readonly to: number;
};

/** The lanes of migrations, the first begun first. `belongs`: whether a migration is among those asked for. */
export function lanesOf(
  history: readonly HistoryEntry[],
  belongs: (started: HistoryEntry) => boolean,
): readonly Lane[] {
  const lanes = new Map<number, Span[]>();
  const open = new Map<string, { shard: number; from: number; text: string }>();
  for (const entry of history) {
    const { migration, shard } = entry.fields;
    if (typeof migration !== 'string' || typeof shard !== 'number') continue;
    if (entry.name === 'migrationStarted' && belongs(entry)) {
      open.set(migration, { shard, from: entry.at, text: entry.text });
    }
    const begun = open.get(migration);
    if (begun === undefined || (entry.name !== 'migrationCompleted' && entry.name !== 'migrationFailed')) continue;
    open.delete(migration);
    const frozen = entry.fields['frozenMs'];
    const outcome = entry.name === 'migrationCompleted' ? 'moved' : 'failed';
    const frozenMs = typeof frozen === 'number' ? frozen : 0;
    const spans = lanes.get(shard) ?? [];
    lanes.set(shard, [...spans, { from: begun.from, to: entry.at, frozenMs, outcome, text: entry.text }]);
  }
  for (const { shard, from, text } of open.values()) {
    const spans = lanes.get(shard) ?? [];
    lanes.set(shard, [...spans, { from, to: null, frozenMs: 0, outcome: 'moving', text }]);
  }
  return [...lanes]
    .map(([shard, spans]) => ({ key: `shard ${shard}`, title: `shard ${shard}`, spans }))
    .sort((a, b) => (a.spans[0]?.from ?? 0) - (b.spans[0]?.from ?? 0));
}

/** A folded time takes so much of the whole. */
const FOLD_SHARE = 0.04;
/** What is shorter than this part of the whole is not worth a fold. */
const WORTH_FOLDING = 0.12;

export function timeScale(lanes: readonly Lane[], { from, to }: { from: number; to: number }): TimeScale {
  const end = Math.max(to, from + 1);
  const busy = lanes
    .flatMap(({ spans }) => spans.map((each) => [Math.max(from, each.from), Math.min(end, each.to ?? end)] as const))
    .sort(([a], [b]) => a - b);
  const idle: Fold[] = [];
  let reached = from;
  for (const [start, stop] of [...busy, [end, end] as const]) {
    if (start - reached > (end - from) * WORTH_FOLDING)
      idle.push({ from: reached, to: start, label: span(start - reached) });
    reached = Math.max(reached, stop);
  }
  const folded = idle.reduce((sum, fold) => sum + fold.to - fold.from, 0);
  const shown = Math.max(1, end - from - folded);
  const share = Math.max(0.1, 1 - idle.length * FOLD_SHARE);
  const place = (at: number): number => {
    let before = Math.min(Math.max(at, from), end) - from;
    let strips = 0;
    for (const fold of idle) {
      if (at >= fold.to) {
        before -= fold.to - fold.from;
        strips += 1;
      } else if (at > fold.from) {
        before -= at - fold.from;
        strips += (at - fold.from) / (fold.to - fold.from);
      }
    }
    return (before / shown) * share + strips * FOLD_SHARE;
  };
  return {
    place,
    from,
    to: end,
    folds: idle.map((fold) => ({ ...fold, start: place(fold.from), end: place(fold.to) })),
  };
}
