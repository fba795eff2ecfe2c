import { describe, expect, test } from 'vitest';
import { newestFirst, withRevert } from '../../../src/domain/operations/rollout-revert.js';
import { NO_ROLLOUTS, type RolloutMemory } from '../../../src/domain/state/versions.js';

const MINUTE = 60_000;
const nothing: RolloutMemory = NO_ROLLOUTS;

function revertOf(version: string, at: number, reported: string | null = null) {
  return { version, reported, reason: 'it died', at };
}

test('what moved last goes back first, and what nobody remembers last', () => {
  expect(newestFirst([1, 2, 3, 4], [2, 4, 1])).toEqual([1, 4, 2, 3]);
});

describe('reverts', () => {
  test.each([
    ['freeze rollouts when two come within 30 minutes', 29, true],
    ['leave rollouts as they are when they lie further apart', 31, false],
  ])('%s', (_, minutes, frozen) => {
    const first = withRevert(nothing, revertOf('v2', 0));
    expect(first.frozen).toBe(false);
    const second = withRevert(first, revertOf('v3', minutes * MINUTE));
    expect(second).toMatchObject({ frozen, quarantined: [{ version: 'v2' }, { version: 'v3' }] });
  });

  test('quarantine a version once, for its latest reason', () => {
    const twice = withRevert(withRevert(nothing, revertOf('v2', 0)), revertOf('v2', 60 * MINUTE));
    expect(twice.quarantined).toEqual([revertOf('v2', 60 * MINUTE)]);
  });

  test('quarantine nothing where versions have no names: it might be the one that serves', () => {
    expect(withRevert(nothing, revertOf('', 0))).toEqual({ ...NO_ROLLOUTS, reverts: [0] });
  });
});
