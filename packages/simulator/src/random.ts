/** Draws from a seeded source, in the words of the simulator. */
import { seededRandom } from '@dshard/testkit';
import type { Random } from '@dshard/transport';

export class Draw implements Random {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  next(): number {
    return this.#random.next();
  }

  bytes(length: number): Uint8Array {
    return this.#random.bytes(length);
  }

  /** True in `share` of all draws. */
  chance(share: number): boolean {
    return this.#random.next() < share;
  }

  /** From `min` up to, not including, `max`. */
  between(min: number, max: number): number {
    return min + (max - min) * this.#random.next();
  }

  /** A whole number from `min` to `max`, both included. */
  whole(min: number, max: number): number {
    return Math.floor(this.between(min, max + 1));
  }

  /** Undefined only when there is nothing to pick from. */
  pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#random.next() * items.length)];
  }
}

/** A source of its own for each purpose, so that one more draw in one place does not change all others. */
export function drawFor(seed: number, purpose: string): Draw {
  let mixed = seed >>> 0;
  for (const letter of purpose) mixed = Math.imul(mixed ^ (letter.codePointAt(0) ?? 0), 0x0100_0193) >>> 0;
  const draw = new Draw(seededRandom(mixed));
  draw.next();
  return draw;
}
