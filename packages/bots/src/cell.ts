/** A cell of the matrix: one thing that a bot may rely on, looked at while a trial goes through its phases. */
import type { Trial } from './trial.js';

/** How far a trial has to go for a cell. */
export const phases = ['start', 'rollout', 'kill', 'stop'] as const;
type Phase = (typeof phases)[number];

/** What a bot may do besides answering; `login`: it uses its user as soon as `login()` has resolved. */
type BotDeed = 'login' | 'presence' | 'members' | 'lead';

/** What a cell does beside each phase. Each throws `CheckFailed` when something is not as it should be. */
export type CellRun = {
  /** Every shard answers. */
  started?: () => Promise<void> | void;
  beforeRollout?: () => Promise<void> | void;
  afterRollout?: () => Promise<void> | void;
  beforeKill?: () => Promise<void> | void;
  afterKill?: () => Promise<void> | void;
  /** No process should be left. */
  afterStop?: () => Promise<void> | void;
};

export type Cell = {
  name: string;
  /** What holds, as a sentence. */
  title: string;
  /** The last phase it needs. */
  phase: Phase;
  does: readonly BotDeed[];
  run: (trial: Trial) => CellRun;
};
