/**
 * Which faults come in which order, from the seed: all of them, shuffled, then all of them again. Each has randomness of its own, so that what
 * one draws does not depend on how those before it went.
 */
import { seededRandom } from '@dshard/testkit';
import type { Random } from '@dshard/transport';
import type { FaultName } from './fault-kinds.js';

export type ScheduledFault = { name: FaultName; random: Random };

export function* schedule(seed: number, faults: readonly FaultName[]): Iterable<ScheduledFault> {
  const random = seededRandom(seed);
  for (;;) {
    for (const name of shuffled(faults, random)) {
      yield { name, random: seededRandom(Math.floor(random.next() * 2 ** 32)) };
    }
  }
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  const keyed = values.map((value) => ({ value, key: random.next() }));
  return keyed.toSorted((a, b) => a.key - b.key).map(({ value }) => value);
}

/** Throws when there is nothing to pick from. */
export function pick<T>(values: readonly T[], random: Random, what: string): T {
  const value = values[Math.floor(random.next() * values.length)];
  if (value === undefined) throw new Error(`There is no ${what} to pick from.`);
  return value;
}
