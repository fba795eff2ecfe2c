/** What of a node's answer to a call is taken in. */
import { expect, test } from 'vitest';
import { withAnswers } from '../../../src/domain/calls/call.js';
import type { CallState } from '../../../src/domain/state/state.js';

const nothing = new Uint8Array(0);

function callOf(each: CallState['each']): CallState {
  const caller = { kind: 'operator', request: 'r' } as const;
  const when = { startedAt: 0, deadline: 1_000 };
  const call = { id: 'c1', caller, name: 'h', args: nothing, each, targets: [0, 1, 2], ...when };
  return { ...call, open: new Map(), answers: [], asked: new Map() };
}

// A frame has room for a quarter of a million answers, and each of them was held against all before.
test.each(['node', 'shard'] as const)(
  'a node that was asked about two shards is read no more than two answers: each %s',
  (each) => {
    let reads = 0;
    const entry = (shard: number) => ({
      get shards(): number[] {
        reads += 1;
        return [shard];
      },
      value: nothing,
      error: null,
    });
    const entries = Array.from({ length: 1_000 }, (_, index) => entry(index % 3));
    const kept = withAnswers(callOf(each), 'a', [0, 1], entries, () => 'a');
    expect(kept.map(({ shards }) => shards)).toEqual([[0], [1]]);
    expect(reads).toBe(2);
  },
);
