/** The story: 40 peers began a frame of 16 MiB each and fell silent, and held 640 MB for as long as they liked. */
import { describe, expect, test } from 'vitest';
import { virtualClock } from '@dshard/testkit';
import { UnfinishedFrames } from '@dshard/transport';

function frames(maxBytes?: number) {
  const clock = virtualClock();
  const unfinished = new UnfinishedFrames(clock, maxBytes);
  const broken: string[] = [];
  const holder = (name: string) => ({ broken: ({ code }: { code: string }) => void broken.push(`${name} ${code}`) });
  return { clock, unfinished, broken, holder };
}

describe('a frame that has not ended', () => {
  test('breaks its connection half a minute after it began', () => {
    const { clock, unfinished, broken, holder } = frames();
    const silent = holder('silent');
    unfinished.hold(silent, 1_000, true);
    clock.advance(30_000);
    expect(broken).toEqual([]);
    unfinished.hold(silent, 1_001, false);
    clock.advance(5_000);
    expect(broken).toEqual(['silent DSO_FRAME_UNFINISHED']);
    expect(unfinished.bytes).toBe(0);
    expect(clock.pending()).toBe(0);
  });

  test('has more time for what has come, so that a slow link is no offence', () => {
    const { clock, unfinished, broken, holder } = frames();
    const slow = holder('slow');
    for (let seconds = 1; seconds <= 200; seconds++) {
      unfinished.hold(slow, seconds * 64 * 1024, seconds === 1);
      clock.advance(1_000);
    }
    expect(broken).toEqual([]);
    unfinished.release(slow);
    expect(clock.pending()).toBe(0);
  });

  test('begins anew when a whole one came between', () => {
    const { clock, unfinished, broken, holder } = frames();
    const busy = holder('busy');
    for (let turn = 0; turn < 100; turn++) {
      unfinished.hold(busy, 10, true);
      clock.advance(1_000);
    }
    expect(broken).toEqual([]);
  });

  test('shares one bound with all others, and who holds most goes first', () => {
    const { unfinished, broken, holder } = frames(1_000);
    const [small, large, last] = [holder('small'), holder('large'), holder('last')];
    unfinished.hold(small, 100, true);
    unfinished.hold(large, 800, true);
    unfinished.hold(last, 100, true);
    expect(broken).toEqual([]);
    unfinished.hold(small, 101, false);
    expect(broken).toEqual(['large DSO_FRAME_UNFINISHED']);
    expect(unfinished.bytes).toBe(201);
  });
});
