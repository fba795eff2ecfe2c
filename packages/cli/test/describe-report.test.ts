import { expect, test } from 'vitest';
import { describeReport } from '../src/commands/call.js';

test('dso call shows who answered what, and who did not', () => {
  const text = describeReport({
    Message: '3 shards answered, 2 did not.',
    Error: true,
    answers: [{ node: 'web-1', shards: [0, 1, 2], value: { guilds: 7 } }],
    failures: [
      { node: 'web-2', shards: [3], reason: 'it threw' },
      { node: null, shards: [4], reason: 'nobody runs them' },
    ],
  });
  expect(text).toBe(
    [
      'web-1  shard 0 - 2: {"guilds":7}',
      'web-2  shard 3: no answer: it threw',
      '(nobody)  shard 4: no answer: nobody runs them',
      '3 shards answered, 2 did not.',
    ].join('\n'),
  );
});
