/**
 * The bot processes of a run. They outlive the orchestrator; whoever launches them (our launcher, or a process manager
 * that restarts them under their own name) hears of their end a little later.
 */
import type { ProcessExit } from '@dshard/orchestrator';
import type { Draw } from '../random.js';
import { BotProcess, type BotProcessOptions } from './bot-process.js';

export type FleetOptions = {
  bot: Omit<BotProcessOptions, 'name' | 'baseLevel' | 'live' | 'onExit'>;
  random: Draw;
  /** Share of processes that speak the base level only. */
  baseLevelShare: number;
  /** Share of the others whose hosts move shards live. */
  liveShare: number;
  /** Restarts what ended, under its own name. */
  supervised: boolean;
};

const EXIT_NOTICED_MS = 20;
const RESTART_MIN_MS = 800;
const RESTART_MAX_MS = 3_000;

export class Fleet {
  readonly #options: FleetOptions;
  readonly #living = new Map<string, BotProcess>();
  readonly #twins = new Set<string>();
  readonly #exitListeners = new Set<(exit: ProcessExit) => void>();
  #incarnations = 0;
  #launched = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  get living(): readonly BotProcess[] {
    return [...this.#living.values()];
  }

  get(name: string): BotProcess | undefined {
    return this.#living.get(name);
  }

  nextName(): string {
    this.#launched += 1;
    return `node-${this.#launched}`;
  }

  spawn(name: string): BotProcess {
    const { bot, random, baseLevelShare, liveShare } = this.#options;
    this.#incarnations += 1;
    // A machine that went silent is replaced by another one of its name.
    bot.control.mend(name);
    bot.gateway.mend(name);
    const baseLevel = random.chance(baseLevelShare);
    const live = random.chance(liveShare);
    const onExit = (process: BotProcess, how: string): void => this.#exited(process, how);
    const process = new BotProcess({ ...bot, name, baseLevel, live, onExit }, this.#incarnations);
    this.#living.set(name, process);
    return process;
  }

  /** Another process with the node id of one that lives, nobody's to launch or to miss. null: there is one. */
  spawnTwin(name: string): BotProcess | null {
    if (this.#twins.has(name)) return null;
    this.#twins.add(name);
    this.#incarnations += 1;
    const onExit = (): void => void this.#twins.delete(name);
    const options = { ...this.#options.bot, name: `${name}~`, nodeId: name, baseLevel: false, live: true, onExit };
    return new BotProcess(options, this.#incarnations);
  }

  /** Returns the function that takes the listener off again. */
  onExit(listener: (exit: ProcessExit) => void): () => void {
    this.#exitListeners.add(listener);
    return () => this.#exitListeners.delete(listener);
  }

  #exited({ name }: BotProcess, description: string): void {
    const { bot, random, supervised } = this.#options;
    const clock = bot.world;
    this.#living.delete(name);
    if (supervised) clock.after(random.between(RESTART_MIN_MS, RESTART_MAX_MS), () => this.spawn(name));
    else clock.after(EXIT_NOTICED_MS, () => this.#tellExit({ node: name, description }));
  }

  #tellExit(exit: ProcessExit): void {
    for (const listener of this.#exitListeners) listener(exit);
  }
}
