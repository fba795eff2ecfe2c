import { describe, expect, test } from 'vitest';
import { EventLoop } from '../../src/runtime/event-loop.js';

describe('the event loop', () => {
  test('what comes before it is open waits, and the first event is first', () => {
    const seen: string[] = [];
    const loop = new EventLoop<string>((event) => void seen.push(event));
    loop.push('early');
    expect(seen).toEqual([]);
    loop.open('started');
    loop.push('late');
    expect(seen).toEqual(['started', 'early', 'late']);
  });

  test('an event that arrives while another is handled waits its turn', () => {
    const seen: string[] = [];
    const loop = new EventLoop<string>((event) => {
      seen.push(`${event} begins`);
      if (event === 'a') for (const next of ['b', 'c']) loop.push(next);
      seen.push(`${event} ends`);
    });
    loop.open('a');
    expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  test('after close nothing is handled, not even what was queued', () => {
    const seen: string[] = [];
    const loop = new EventLoop<string>((event) => {
      seen.push(event);
      loop.push('queued');
      loop.close();
    });
    loop.open('a');
    loop.push('b');
    loop.open('c');
    expect(seen).toEqual(['a']);
  });
});
