/** A cell of the matrix: one thing that a bot may rely on, looked at while a run goes through its phases. */
import type { EmulatorOptions } from '@dshard/gateway-emulator';
import type { Rig } from './rig.js';

/** How far a run has to go for a cell. `launch`: until the orchestrator answers. */
export const phases = ['launch', 'start', 'rollout', 'kill', 'stop'] as const;
type Phase = (typeof phases)[number];

/** What a bot may do besides answering; `login`: it uses its user as soon as `login()` has resolved. */
type BotAction = 'login' | 'presence' | 'members' | 'lead';

/** What a cell does beside each phase. Each throws `CheckFailed` when something is not as it should be. */
export type CellRun = {
  /** The first processes begin. */
  launched?: () => Promise<void> | void;
  /** Every shard runs, and answers. */
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
  does?: readonly BotAction[];
  /** A bot of its own, below the fixture's folder, for a fleet of its own. It need not answer. */
  bot?: string;
  /** What Discord is like for it. */
  discord?: EmulatorOptions;
  /** The only framework that it is about. */
  only?: string;
  run: (rig: Rig) => CellRun;
};
