/**
 * The counters and histograms of this run, counted from what is recorded. They begin at 0 with each run, as whoever
 * scrapes them expects.
 */
import { emptyHistogram, withValue, type Histogram } from '@dshard/api';
import { Facts } from '@dshard/api/trace';
import type { HistoryEntry } from '../domain/state/effects.js';
import type { CommitFigures, CountedFrom, CountedMetric, Look, Metric, RequestFigures, Sample } from './metric.js';

export type Metrics<Seen = Look> = Readonly<Record<string, Metric<Seen>>>;

/** What was counted under these labels. */
export type Series =
  | { readonly labels: readonly string[]; readonly total: number }
  | { readonly labels: readonly string[]; readonly histogram: Histogram };

type Counted = { metric: CountedMetric; series: Map<string, Series> };

/** Of one metric; what comes under further labels is counted as `other`. No metric of ours has so many. */
const MOST_SERIES = 1_000;
const OTHER = 'other';

export class Ledger {
  readonly #counted = new Map<string, Counted>();
  /** Which metrics are counted from what. */
  readonly #byCause = new Map<string, Counted[]>();

  constructor(metrics: Metrics<never>) {
    for (const [name, metric] of Object.entries(metrics)) {
      if (!('on' in metric)) continue;
      const counted = { metric, series: new Map<string, Series>() };
      this.#counted.set(name, counted);
      for (const cause of Object.keys(metric.on)) {
        this.#byCause.set(cause, [...(this.#byCause.get(cause) ?? []), counted]);
      }
      for (const labels of metric.zeros) counted.series.set(keyOf(labels), emptySeries(metric, labels));
    }
  }

  entry({ name, fields, level }: HistoryEntry): void {
    const facts = new Facts({ fields });
    this.#count(name, (on) => on[name]?.(facts, level));
  }

  commit(commit: CommitFigures): void {
    this.#count('commit', (on) => on.commit?.(commit));
  }

  request(request: RequestFigures): void {
    this.#count('request', (on) => on.request?.(request));
  }

  /** In the order in which their labels were first seen. */
  series(name: string): Iterable<Series> {
    return this.#counted.get(name)?.series.values() ?? [];
  }

  /** All measurements of a histogram, whatever their labels. null: there is no such histogram. */
  histogram(name: string, labels: readonly string[]): Histogram | null {
    const series = this.#counted.get(name)?.series.get(keyOf(labels));
    return series !== undefined && 'histogram' in series ? series.histogram : null;
  }

  #count(cause: string, samplesOf: (on: CountedFrom) => Iterable<Sample> | undefined): void {
    for (const counted of this.#byCause.get(cause) ?? []) {
      for (const [value, ...labels] of samplesOf(counted.metric.on) ?? []) {
        if (value !== null) add(counted, value, labels);
      }
    }
  }
}

function add({ metric, series }: Counted, value: number, labels: readonly string[]): void {
  const isNew = !series.has(keyOf(labels));
  const own = isNew && series.size >= MOST_SERIES ? labels.map(() => OTHER) : labels;
  const before = series.get(keyOf(own)) ?? emptySeries(metric, own);
  const after =
    'total' in before
      ? { ...before, total: before.total + value }
      : { ...before, histogram: withValue(before.histogram, value) };
  series.set(keyOf(own), after);
}

function emptySeries(metric: CountedMetric, labels: readonly string[]): Series {
  return metric.kind === 'histogram' ? { labels, histogram: emptyHistogram(metric.bounds) } : { labels, total: 0 };
}

function keyOf(labels: readonly string[]): string {
  return labels.join('\u0000');
}
