import { expect, test } from 'vitest';
import { FAULT_NAMES, schedule } from '../src/fault-kinds.js';

function first(count: number, seed: number): { name: string; draws: number[] }[] {
  const taken: { name: string; draws: number[] }[] = [];
  for (const { name, random } of schedule(seed, FAULT_NAMES)) {
    if (taken.length === count) break;
    taken.push({ name, draws: [random.next(), random.next()] });
  }
  return taken;
}

test('the same seed gives the same faults with the same draws, another one others', () => {
  expect(first(30, 7)).toEqual(first(30, 7));
  expect(first(30, 7)).not.toEqual(first(30, 8));
});

test('every fault comes once before one comes again', () => {
  const round = first(FAULT_NAMES.length, 3).map(({ name }) => name);
  expect(round.toSorted()).toEqual(FAULT_NAMES.toSorted());
});
