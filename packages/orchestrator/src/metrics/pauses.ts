/** The pauses of shards in this run, for those who have no Prometheus: the same histograms, in milliseconds. */
import { emptyHistogram, scaled, type Histogram, type Pauses } from '@dshard/api';
import type { Ledger } from './ledger.js';

const MS_PER_S = 1_000;

export function pausesOf(ledger: Ledger): Pauses {
  const inMs = (name: string, ...labels: string[]): Histogram =>
    scaled(ledger.histogram(name, labels) ?? emptyHistogram([]), MS_PER_S);
  const gap = (cause: keyof Pauses['gap']): Histogram => inMs('dso_shard_gap_seconds', cause);
  return {
    gap: { migration: gap('migration'), parked: gap('parked'), resume: gap('resume') },
    frozen: inMs('dso_migration_frozen_seconds'),
    replay: inMs('dso_migration_replay_seconds'),
  };
}
