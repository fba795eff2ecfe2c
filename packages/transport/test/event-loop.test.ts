import { describe, expect, test } from 'vitest';
import { EventLoop } from '../src/event-loop.js';
import type { EventLoopOptions } from '../src/event-loop.js';

type Options = EventLoopOptions<string, string>;

function loopOf(step: Options['step'], options: Partial<Options> = {}) {
  const failures: string[] = [];
  const loop = new EventLoop<string, string>({
    step,
    stepFailed: (event, error) => failures.push(`${event}: ${String(error)}`),
    effectFailed: (effect, error) => failures.push(`${effect}: ${String(error)}`),
    capacity: 100,
    overflow: () => true,
    ...options,
  });
  return { loop, failures };
}

describe('the event loop', () => {
  test('keeps what comes before it is open, and handles the first event first', () => {
    const seen: string[] = [];
    const { loop } = loopOf((event) => void seen.push(event));
    loop.push('early');
    expect(seen).toEqual([]);
    loop.open('started');
    loop.push('late');
    expect(seen).toEqual(['started', 'early', 'late']);
  });

  test('lets an event that arrives while another is handled wait its turn', () => {
    const seen: string[] = [];
    const { loop } = loopOf((event) => {
      seen.push(`${event} begins`);
      if (event === 'a') for (const next of ['b', 'c']) loop.push(next);
      seen.push(`${event} ends`);
    });
    loop.open('a');
    expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  test('handles nothing after close, not even what was queued', () => {
    const seen: string[] = [];
    const { loop } = loopOf((event) => {
      seen.push(event);
      loop.push('queued');
      loop.close();
    });
    loop.open('a');
    loop.push('b');
    loop.open('c');
    expect(seen).toEqual(['a']);
  });

  // A logger whose worker had ended threw, in the report of an effect that had failed. The loop stood in the middle of
  // that event for ever.
  test('goes on after a step that throws or rejects, even when the report of it throws', async () => {
    const seen: string[] = [];
    const { loop } = loopOf(
      (event) => {
        seen.push(event);
        if (event === 'throws') throw new Error('no');
        return event === 'rejects' ? Promise.reject(new Error('no')) : undefined;
      },
      {
        stepFailed: () => {
          throw new Error('the worker has exited');
        },
      },
    );
    loop.open('throws');
    loop.push('rejects');
    loop.push('next');
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    expect(seen).toEqual(['throws', 'rejects', 'next']);
  });

  test('executes the effects that follow one that throws', () => {
    const done: string[] = [];
    const { loop, failures } = loopOf(() =>
      loop.execute(['a', 'b', 'c'], (effect) => {
        if (effect === 'b') throw new Error('no');
        done.push(effect);
      }),
    );
    loop.open('event');
    expect(done).toEqual(['a', 'c']);
    expect(failures).toEqual(['b: Error: no']);
  });

  test('asks above its capacity what has to be kept, and keeps nothing else', async () => {
    const seen: string[] = [];
    let goOn = (): void => undefined;
    const { loop } = loopOf(
      (event) => {
        seen.push(event);
        return event === 'slow' ? new Promise((resolve) => (goOn = resolve)) : undefined;
      },
      { capacity: 2, overflow: (event) => event === 'vital' },
    );
    loop.open('slow');
    for (const event of ['a', 'b', 'chatter', 'vital']) loop.push(event);
    goOn();
    await Promise.resolve();
    await Promise.resolve();
    expect(seen).toEqual(['slow', 'a', 'b', 'vital']);
  });
});
