/** What a tour is made of: steps, each timed and shown on the screen, and waiting for a condition. */
import { type Clock, delay } from '@dshard/transport';
import type { StepRow } from './picture.js';
import type { Screen } from './screen.js';

/** Carries out the tour step by step, timing each and telling the screen. */
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

/** Asks `condition` every 25 ms until it holds; after `timeoutMs` throws an error that says what was waited for. */
export async function waitFor(
  clock: Clock,
  what: string,
  timeoutMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = clock.monotonicMs() + timeoutMs;
  while (!(await condition())) {
    if (clock.monotonicMs() > deadline) throw new Error(`Waited ${timeoutMs / 1000} s for ${what}, in vain.`);
    await delay(clock, 25);
  }
}
