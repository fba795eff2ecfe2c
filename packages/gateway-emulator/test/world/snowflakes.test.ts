import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { routeOf, snowflake, snowflakeSource } from '../../src/world/snowflakes.js';

test('ids ascend whatever the clock does', () => {
  const times = fc.array(fc.integer({ min: 1_420_070_400_000, max: 1_900_000_000_000 }), { maxLength: 50 });
  fc.assert(
    fc.property(times, (nows) => {
      const next = snowflakeSource();
      const ids = nows.map((now) => BigInt(next(now)));
      expect(ids.every((id, index) => index === 0 || id > (ids[index - 1] ?? 0n))).toBe(true);
    }),
  );
});

test('an id carries its millisecond, which decides the shard', () => {
  // The example of Discord's documentation.
  expect(routeOf('175928847299117063')).toBe(1_462_015_105_796 - 1_420_070_400_000);
  expect(snowflake(1_462_015_105_796, Number(175928847299117063n & 0x3fffffn))).toBe('175928847299117063');
});
