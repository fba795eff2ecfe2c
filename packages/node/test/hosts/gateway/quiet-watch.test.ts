/** When a quiet connection is doubted: a table of what comes, and when the session is resumed anew. */
import { virtualClock } from '@dshard/testkit';
import { describe, expect, test } from 'vitest';
import { QuietWatch } from '../../../src/hosts/gateway/quiet-watch.js';

const QUIET_MS = 30_000;
/** The latest moment of each look. */
const latest = { next: () => 1 - Number.EPSILON };

describe('a connection of a session that was at another node', () => {
  test.each<[string, number[], number, number[]]>([
    ['is left alone while events come', [1, 29, 31, 59, 61, 89], 120, [120]],
    ['is doubted when nothing comes, and ever more rarely', [], 30 + 60 + 120, [30, 90, 210]],
    ['is doubted soon again after something came', [40], 30 + 60 + 30, [30, 120]],
    ['is doubted every 10 minutes at the rarest', [], 3_000, [30, 90, 210, 450, 930, 1_530, 2_130, 2_730]],
  ])('%s', async (_, eventsAt, seconds, doubtedAt) => {
    const clock = virtualClock();
    const doubted: number[] = [];
    const probe = (): void => void doubted.push(Math.round(clock.monotonicMs() / 1_000));
    const watch = new QuietWatch({ clock, random: latest, quietMs: QUIET_MS, probe });
    for (const at of eventsAt) clock.after(at * 1_000, () => watch.heard());
    watch.begin();
    await clock.run(seconds * 1_000 + 1);
    watch.stop();
    expect(doubted).toEqual(doubtedAt);
    await clock.run(3_600_000);
    expect(doubted).toEqual(doubtedAt);
  });

  test('not all are doubted at once', async () => {
    const clock = virtualClock();
    const at: number[] = [];
    const watches = [0, 0.5, 0.9].map((drawn) => {
      const probe = (): void => void at.push(clock.monotonicMs() / 1_000);
      return new QuietWatch({ clock, random: { next: () => drawn }, quietMs: QUIET_MS, probe });
    });
    watches.forEach((watch) => watch.begin());
    await clock.run(QUIET_MS);
    watches.forEach((watch) => watch.stop());
    expect(at).toEqual([22.5, 26.25, 29.25]);
  });
});
