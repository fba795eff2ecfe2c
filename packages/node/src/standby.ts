/**
 * Standby: the last shard has left and the process stays, empty and warm, in case that it gets shards back. The bot is
 * told, so that its timers rest (`onStandby`), and when the first shard has come again (`onActive`). A process that has
 * had no shard yet is in no standby, and one that leaves is told by `onShutdown`.
 */
import { messageOf } from '@dshard/protocol';
import { withinDeadline } from './deadline.js';
import type { ResolvedOptions } from './options.js';
import { ruleOf } from './session/shard-states.js';
import type { NodeState } from './session/state.js';

export type StandbyHook = () => void | Promise<void>;

type StandbyOptions = Pick<ResolvedOptions, 'clock' | 'hostCallMs' | 'onActive' | 'onStandby'>;

type Word = 'standby' | 'active';

export class Standby {
  readonly #options: StandbyOptions;
  readonly #problem: (text: string) => void;
  readonly #hooks: Readonly<Record<Word, Set<{ hook: StandbyHook }>>> = { standby: new Set(), active: new Set() };
  #state: 'never' | Word = 'never';
  /** Hooks run one after the other: a bot that is woken again has gone to rest before. */
  #told: Promise<void> = Promise.resolve();

  constructor(options: StandbyOptions, problem: (text: string) => void) {
    this.#options = options;
    this.#problem = problem;
    const { onStandby, onActive } = options;
    if (onStandby !== null) this.add('standby', onStandby);
    if (onActive !== null) this.add('active', onActive);
  }

  /** Returns what takes it off again. */
  add(word: Word, hook: StandbyHook): () => void {
    const entry = { hook };
    this.#hooks[word].add(entry);
    return () => void this.#hooks[word].delete(entry);
  }

  /** Something about the shards has changed. */
  look({ lifecycle, shards }: NodeState): void {
    if (lifecycle.kind !== 'serving') return;
    const before = this.#state;
    const serves = [...shards.values()].some((shard) => ruleOf(shard).served === true);
    if (serves) this.#state = 'active';
    else if (before === 'active') this.#state = 'standby';
    if (this.#state === before || before === 'never') return;
    this.#tell(this.#state === 'active' ? 'active' : 'standby');
  }

  #tell(word: Word): void {
    const hooks = [...this.#hooks[word]];
    this.#told = this.#told.then(async () => {
      for (const { hook } of hooks) await this.#run(word, hook);
    });
  }

  async #run(word: Word, hook: StandbyHook): Promise<void> {
    const { clock, hostCallMs: ms } = this.#options;
    const what = word === 'standby' ? 'onStandby' : 'onActive';
    try {
      await withinDeadline(clock, (async () => hook())(), { what, ms, limit: 'limits.hostCallMs' });
    } catch (error) {
      this.#problem(`A hook of ${what} failed: ${messageOf(error)}`);
    }
  }
}
