/** Questions at a steady pace, for as long as something else goes on. */
import type { Cancel, Clock } from '@dshard/transport';
import type { Question } from './questions.js';

export class Steady {
  readonly questions: Question[] = [];
  readonly #cancel: Cancel;
  #turn = 0;

  /** `ask` is given 0, 1, 2, …; it may have nothing to ask. */
  constructor(clock: Clock, everyMs: number, ask: (turn: number) => Question | null) {
    this.#cancel = clock.every(everyMs, () => {
      const question = ask(this.#turn++);
      if (question !== null) this.questions.push(question);
    });
  }

  stop(): void {
    this.#cancel();
  }
}
