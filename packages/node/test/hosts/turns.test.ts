/** Whose turn it is when some shards are frozen. */
import { virtualClock } from '@dshard/transport/virtual-clock';
import { describe, expect, test } from 'vitest';
import { Turns } from '../../src/hosts/turns.js';

type Step = ['frozen' | 'over', number] | ['pass', number];

describe('others give way', () => {
  test.each<[string, Step[], number[], number[]]>([
    ['nobody is frozen', [], [1, 2], []],
    ['one is frozen', [['frozen', 1]], [1], [2, 3]],
    [
      'two are: neither waits for the other',
      [
        ['frozen', 1],
        ['frozen', 2],
      ],
      [1, 2],
      [3],
    ],
    [
      'it is over',
      [
        ['frozen', 1],
        ['over', 1],
      ],
      [1, 2],
      [],
    ],
    [
      'one of two is over',
      [
        ['frozen', 1],
        ['frozen', 2],
        ['over', 1],
      ],
      [2],
      [1, 3],
    ],
    [
      'it is told twice',
      [
        ['frozen', 1],
        ['frozen', 1],
        ['over', 1],
      ],
      [1, 2],
      [],
    ],
    ['over, and never frozen', [['over', 1]], [1, 2], []],
    [
      'frozen for too long',
      [
        ['frozen', 1],
        ['pass', 1_000],
      ],
      [1, 2],
      [],
    ],
    [
      'frozen for long, and told so again',
      [
        ['frozen', 1],
        ['pass', 900],
        ['frozen', 1],
        ['pass', 900],
      ],
      [1],
      [2],
    ],
  ])('copies wait while other shards are frozen, and no longer: %s', async (_, steps, atWork, waiting) => {
    const clock = virtualClock();
    const turns = new Turns(clock);
    for (const [what, value] of steps) {
      await (what === 'pass' ? clock.run(value) : turns[what](value));
    }
    const working = new Set<number>();
    const all = [...atWork, ...waiting];
    const begun = all.map((shardId) => turns.giveWay(shardId).then(() => working.add(shardId)));
    await clock.run(0);
    expect([...working]).toEqual(atWork);
    await clock.run(1_000);
    await Promise.all(begun);
    expect(working).toEqual(new Set(all));
  });
});
