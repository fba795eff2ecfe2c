/** Carries out the tour step by step, timing each and telling the screen. */
import type { Clock } from '@dshard/transport';
import type { StepRow } from './picture.js';
import type { Screen } from './screen.js';

export class Steps {
  readonly rows: StepRow[] = [];
  readonly #clock: Clock;
  readonly #screen: Screen;

  constructor(clock: Clock, screen: Screen) {
    this.#clock = clock;
    this.#screen = screen;
  }

  /** Runs `work`; its failure is shown and thrown on. Resolves with how long it took, in milliseconds. */
  async run(text: string, work: () => Promise<unknown>): Promise<number> {
    const index = this.rows.length;
    const startedMs = this.#clock.monotonicMs();
    const show = (state: StepRow['state'], tookMs: number | null): void => {
      const row = { text, state, tookMs };
      this.rows[index] = row;
      this.#screen.step(row);
    };
    show('running', null);
    try {
      await work();
    } catch (error) {
      show('failed', this.#clock.monotonicMs() - startedMs);
      throw error;
    }
    const tookMs = this.#clock.monotonicMs() - startedMs;
    show('done', tookMs);
    return tookMs;
  }
}
