import { describe, expect, test } from 'vitest';
import { drawPicture, formatMs, stepLine, type Picture } from '../src/picture.js';

test.each([
  [12.4, '12 ms'],
  [1234, '1.23 s'],
])('%d ms read as %s', (ms, text) => {
  expect(formatMs(ms)).toBe(text);
});

describe('the picture', () => {
  const picture: Picture = {
    elapsedMs: 1500,
    steps: [
      { text: 'starting 8 shards', state: 'done', tookMs: 640 },
      { text: 'moving shard 0', state: 'running', tookMs: null },
    ],
    nodes: [{ id: 'web-1', version: 'v1', state: 'connected', shards: [0, 1, 2], moving: [0], handled: 12_345 }],
    emitted: 12_350,
    handled: 12_345,
    identifies: 8,
    shards: 8,
    log: ['a line'],
  };

  test('names the nodes, their shards and what is on its way', () => {
    const text = drawPicture(picture, 200).join('\n');
    expect(text).toContain('✔ starting 8 shards (640 ms)');
    expect(text).toContain('… moving shard 0');
    expect(text).toMatch(/web-1.*v1.*connected.*0-2.*0.*12,345/);
    expect(text).toContain('(5 on their way) · IDENTIFYs 8 for 8 shards');
  });

  test('is never wider than the terminal', () => {
    for (const line of drawPicture(picture, 40)) expect(line.length).toBeLessThanOrEqual(40);
  });

  test('says when a step failed', () => {
    expect(stepLine({ text: 'moving shard 0', state: 'failed', tookMs: 3 })).toBe('✘ moving shard 0 (3 ms)');
  });
});
