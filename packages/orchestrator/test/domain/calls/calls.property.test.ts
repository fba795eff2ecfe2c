/**
 * Calls while shards move in every way there is: whatever the order in which questions, answers and moves are
 * delivered, a shard is in at most one answer, a value is about exactly the shards that its answer speaks for, and once
 * the fleet is at rest none is missing.
 */
import * as fc from 'fast-check';
import type { CallEach, CallEnded } from '@dshard/protocol';
import { expect, test } from 'vitest';
import { World } from '../world.js';

const SHARDS = 6;

type Step =
  | { do: 'deliver'; picks: readonly number[] }
  | { do: 'move'; shard: number; to: string }
  | { do: 'call'; each: CallEach }
  | { do: 'pass'; ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('deliver' as const), picks: fc.array(fc.nat(1000), { maxLength: 12 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('move' as const),
      shard: fc.nat(SHARDS - 1),
      to: fc.constantFrom('a', 'b', 'c'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      each: fc.constantFrom('node' as const, 'shard' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 400 }) }) },
);

test('no shard is counted twice or missed, however it moves', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const world = new World({
        totalShards: SHARDS,
        maxShardsPerNode: 3,
        gateway: { shards: SHARDS, maxConcurrency: 16 },
      }).start();
      const a = world.join('a');
      world.join('b');
      world.join('c');
      world.pass(10_000);
      let calls = 0;
      for (const one of steps) {
        if (one.do === 'deliver')
          for (const pick of one.picks) world.deliver((choices) => (choices === 0 ? -1 : pick % choices));
        else if (one.do === 'move') world.command({ kind: 'migrateShard', shard: one.shard, destination: one.to });
        else if (one.do === 'pass') world.pass(one.ms);
        else {
          const args = new TextEncoder().encode('null');
          a.send({
            kind: 'callStart',
            callId: `${++calls}`,
            name: 'count',
            args,
            each: one.each,
            shards: [],
            timeoutMs: 60_000,
          });
        }
      }
      world.pass(70_000);
      const ended = world.sentTo('a', 'callEnded') as CallEnded[];
      expect(ended).toHaveLength(calls);
      for (const { answers, missing } of ended) {
        const spoken = answers.flatMap(({ shards }) => shards).toSorted((x, y) => x - y);
        expect(spoken).toEqual(Array.from({ length: SHARDS }, (_, shard) => shard));
        expect(missing).toEqual([]);
        for (const { shards, value } of answers) {
          expect(JSON.parse(new TextDecoder().decode(value))).toEqual([...shards].toSorted((x, y) => x - y));
        }
      }
    }),
    { numRuns: 150 },
  );
});
