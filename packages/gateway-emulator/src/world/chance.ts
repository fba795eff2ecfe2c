/** Seeds of the parts of a world, and choices by chance. */
import type { Random } from '@dshard/transport';

/**
 * The seed of a part of the world that has numbers of its own, such as guild 17: any part can be made without those
 * before it, and is the same each time.
 */
export function seedOf(seed: number, ...numbers: readonly number[]): number {
  let mixed = seed >>> 0;
  for (const number of numbers) {
    mixed = Math.imul(mixed ^ (number + 0x9e37_79b9), 0x85eb_ca6b) >>> 0;
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35) >>> 0;
    mixed = (mixed ^ (mixed >>> 16)) >>> 0;
  }
  return mixed;
}

/** One of `items`, which may not be empty. */
export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[Math.floor(random.next() * items.length)];
  if (item === undefined) throw new RangeError('There is nothing to pick from.');
  return item;
}
