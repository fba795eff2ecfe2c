import type { Fault } from '../bad-rollout-figures.js';

/** The versions of scenario `bad-rollout` that have a fault. */
export const FAULTY: Readonly<Record<Fault, string>> = {
  dies: 'v2-dies-after-4-s',
  login: 'v2-cannot-log-in',
  unwell: 'v2-is-unwell',
  import: 'v2-throws-in-importShard',
};

export const DIES_AFTER_MS = 4_000;
/** After its first shard came: it gets as far as that. */
export const UNWELL_AFTER_MS = 1_000;
export const UNWELL_BECAUSE = 'the database is read-only';
