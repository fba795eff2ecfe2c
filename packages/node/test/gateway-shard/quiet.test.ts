/** When a quiet connection is doubted: a table of what comes, and when the session is resumed anew. */
import { describe, expect, test } from 'vitest';
import { look, watchQuiet } from '../../src/gateway-shard/loss.js';

const QUIET_MS = 30_000;
/** The latest moment of each look. */
const LATEST = 1;

/** Seconds at which it is doubted, when something comes at `eventsAt`. */
function doubts(eventsAt: readonly number[], seconds: number): number[] {
  const doubted: number[] = [];
  let from = 0;
  let quiet = watchQuiet(QUIET_MS, 0, LATEST);
  while (quiet.at <= seconds * 1_000) {
    const to = quiet.at;
    const since = from;
    const heard = eventsAt.some((at) => at * 1_000 > since && at * 1_000 <= to);
    const looked = look({ ...quiet, heard }, QUIET_MS, to, LATEST);
    if (looked.isDoubtful) doubted.push(to / 1_000);
    quiet = looked.quiet;
    from = to;
  }
  return doubted;
}

describe('a connection of a session that was at another node', () => {
  test.each<[string, number[], number, number[]]>([
    ['is left alone while events come', [1, 29, 31, 59, 61, 89], 119, []],
    ['is doubted when nothing comes, and ever more rarely', [], 30 + 60 + 120, [30, 90, 210]],
    ['is doubted soon again after something came', [40], 30 + 60 + 30, [30, 120]],
    ['is doubted every 10 minutes at the rarest', [], 3_000, [30, 90, 210, 450, 930, 1_530, 2_130, 2_730]],
  ])('the connection %s', (_, eventsAt, seconds, doubtedAt) => {
    expect(doubts(eventsAt, seconds)).toEqual(doubtedAt);
  });

  test('is not doubted together with all others at once', () => {
    const at = [0, 0.5, 0.9].map((drawn) => watchQuiet(QUIET_MS, 0, drawn).at / 1_000);
    expect(at).toEqual([22.5, 26.25, 29.25]);
  });
});
