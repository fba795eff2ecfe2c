import type { CallReport } from '@dshard/api';
import { expect, test } from 'vitest';
import { findingsOf } from '../src/fleet-calls.js';

type Answers = CallReport['answers'];

test.each<[string, Answers, CallReport['failures'], RegExp[]]>([
  ['every shard once', [answer('a', [0, 1]), answer('b', [2])], [], []],
  ['a shard in two answers', [answer('a', [0, 1]), answer('b', [1, 2])], [], [/a and b both spoke for shard 1/]],
  ['a shard in none', [answer('a', [0, 1])], [], [/2 of 3 shards/]],
  ['a reason', [answer('a', [0, 1])], [{ node: 'b', shards: [2], reason: 'gone' }], [/shard\(s\) 2 of b: gone/]],
  ['another value', [{ ...answer('a', [0, 1, 2]), value: [0, 1] }], [], [/spoke for 0, 1, 2 and answered \[0,1\]/]],
])('finds what is wrong with %s', (_, answers, failures, expected) => {
  const findings = findingsOf({ Message: '', Error: false, answers, failures }, 3);
  expect(findings).toEqual(expected.map((what) => expect.stringMatching(what)));
});

function answer(node: string, shards: number[]): Answers[number] {
  return { node, shards, value: shards };
}
