/** The heartbeats of one gateway connection: the first at a random moment, and the end of the connection where two were not answered. */
import type { Cancel, Clock } from '@dshard/transport';
import type { Draw } from '../random.js';

export class SimHeart {
  readonly #given: { clock: Clock; random: Draw; send: () => void; dead: () => void };
  #timers: Cancel[] = [];
  #unacknowledged = 0;

  constructor(given: { clock: Clock; random: Draw; send: () => void; dead: () => void }) {
    this.#given = given;
  }

  start(intervalMs: number): void {
    const { clock, random } = this.#given;
    this.#unacknowledged = 0;
    this.#timers.push(
      clock.after(intervalMs * random.next(), () => {
        this.beat();
        this.#timers.push(clock.every(intervalMs, () => this.beat()));
      }),
    );
  }

  beat(): void {
    if (this.#unacknowledged > 1) {
      this.#given.dead();
      return;
    }
    this.#unacknowledged += 1;
    this.#given.send();
  }

  acknowledged(): void {
    this.#unacknowledged = 0;
  }

  stop(): void {
    for (const cancel of this.#timers.splice(0)) cancel();
  }
}
