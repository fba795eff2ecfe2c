/**
 * Whether a connection still has its session, when nothing comes. Discord gives a session to one connection only; whether it closes the one
 * that had it before, or leaves it open and silent with its heartbeats acknowledged, is not known. So a session that has been at
 * another node is resumed anew when it has been quiet for a while. RESUME is free: where the session was ours nothing is replayed, and where
 * it was not, everything is that came meanwhile.
 *
 * Each time that nothing had come the next look is twice as far away, so that a bot without events does not reconnect all day.
 */
import type { Cancel, Clock, Random } from '@dshard/transport';

const LONGEST_MS = 600_000;

export class QuietWatch {
  readonly #given: { clock: Clock; random: Random; quietMs: number; probe: () => void };
  #cancel: Cancel = () => undefined;
  #heard = false;
  #quiet = 0;

  constructor(given: { clock: Clock; random: Random; quietMs: number; probe: () => void }) {
    this.#given = given;
  }

  /** From here on the session is one that somebody else may take. */
  begin(): void {
    this.stop();
    const { clock, random, quietMs } = this.#given;
    const full = Math.min(LONGEST_MS, quietMs * 2 ** Math.min(this.#quiet, 10));
    this.#cancel = clock.after(full * (0.75 + random.next() / 4), () => this.#look());
  }

  heard(): void {
    this.#heard = true;
  }

  stop(): void {
    this.#cancel();
  }

  #look(): void {
    this.#quiet = this.#heard ? 0 : this.#quiet + 1;
    if (!this.#heard) this.#given.probe();
    this.#heard = false;
    this.begin();
  }
}
