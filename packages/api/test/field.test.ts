import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import {
  address,
  choice,
  countOrShare,
  duration,
  flag,
  orNull,
  shardList,
  text,
  textList,
  textMap,
  url,
  wholeNumber,
  type Field,
} from '../src/values/field.js';

const whole = wholeNumber({ min: 1, max: 100 });

/** field, what is written, what it is read as (undefined: refused) */
const readings: [name: string, field: Field<unknown>, written: unknown, read: unknown][] = [
  ['whole number', whole, 7, 7],
  ['whole number', whole, '7', 7],
  ['whole number', whole, 0, undefined],
  ['whole number', whole, 101, undefined],
  ['whole number', whole, '101', undefined],
  ['whole number', whole, 1.5, undefined],
  ['whole number', whole, '1.5', undefined],
  ['whole number', whole, '-1', undefined],
  ['whole number', whole, ' 7', undefined],
  ['whole number', whole, '', undefined],
  ['whole number', whole, Number.NaN, undefined],
  ['whole number', whole, Number.POSITIVE_INFINITY, undefined],
  ['whole number', whole, true, undefined],
  ['whole number', whole, null, undefined],
  ['whole number', whole, [7], undefined],
  ['count or share', countOrShare(), 3, { count: 3 }],
  ['count or share', countOrShare(), '3', { count: 3 }],
  ['count or share', countOrShare(), '25%', { percent: 25 }],
  ['count or share', countOrShare(), '100%', { percent: 100 }],
  ['count or share', countOrShare(), '101%', undefined],
  ['count or share', countOrShare(), '0%', undefined],
  ['count or share', countOrShare(), 0, undefined],
  ['count or share', countOrShare(), '0', undefined],
  ['count or share', countOrShare(), -1, undefined],
  ['count or share', countOrShare(), 0.5, undefined],
  ['count or share', countOrShare(), '2.5%', undefined],
  ['count or share', countOrShare(), '%', undefined],
  ['count or share', countOrShare(), { percent: 3 }, undefined],
  ['flag', flag(), true, true],
  ['flag', flag(), 'false', false],
  ['flag', flag(), 'yes', undefined],
  ['flag', flag(), 1, undefined],
  ['flag', flag(), null, undefined],
  ['duration', duration(), 250, 250],
  ['duration', duration(), '250ms', 250],
  ['duration', duration(), '250', 250],
  ['duration', duration(), '10s', 10_000],
  ['duration', duration(), '1.5s', 1500],
  ['duration', duration(), '2m', 120_000],
  ['duration', duration(), '1h', 3_600_000],
  ['duration', duration(), '20d', 1_728_000_000],
  ['duration', duration(), '0', 0],
  ['duration', duration({ min: 1 }), '0', undefined],
  ['duration', duration(), '30d', undefined],
  ['duration', duration(), '-1s', undefined],
  ['duration', duration(), '10 sec', undefined],
  ['duration', duration(), 's', undefined],
  ['duration', duration(), true, undefined],
  ['address', address(), '127.0.0.1:7447', '127.0.0.1:7447'],
  ['address', address(), '[::1]:0', '[::1]:0'],
  ['address', address(), 'dso.internal:80', 'dso.internal:80'],
  ['address', address(), '127.0.0.1', undefined],
  ['address', address(), '127.0.0.1:99999', undefined],
  ['address', address(), 7447, undefined],
  ['url', url(), 'https://discord.com/api/v10/', 'https://discord.com/api/v10'],
  ['url', url(), 'discord.com', undefined],
  ['url', url(), 'file:///etc/passwd', undefined],
  ['shards', shardList(), '0-3,7', [0, 1, 2, 3, 7]],
  ['shards', shardList(), '7, 0-1', [0, 1, 7]],
  ['shards', shardList(), [3, 1, 1], [1, 3]],
  ['shards', shardList(), ['0-1', 5], [0, 1, 5]],
  ['shards', shardList(), 4, [4]],
  ['shards', shardList(), '', undefined],
  ['shards', shardList(), '3-1', undefined],
  ['shards', shardList(), '0-99999999', undefined],
  ['shards', shardList(), '0-999999', undefined],
  ['shards', shardList(), [-1], undefined],
  ['shards', shardList(), [], undefined],
  ['shards', shardList(), [[1]], undefined],
  ['shards', shardList(), [1.5], undefined],
  ['shards', shardList(), ['0-1,2', '7'], [0, 1, 2, 7]],
  ['shards', shardList(), true, undefined],
  ['shards', shardList(), { 0: 1 }, undefined],
  ['shards', shardList(), '0-49999,0-50000', undefined],
  ['shards', shardList(), ['0-99999', 7], undefined],
  ['choice', choice('info', 'warn'), 'warn', 'warn'],
  ['choice', choice('info', 'warn'), 'Warn', undefined],
  ['text', text(), 'x', 'x'],
  ['text', text(), '', undefined],
  ['text', text(), 7, undefined],
  ['text list', textList('names'), 'a, b,', ['a', 'b']],
  ['text list', textList('names'), ['a', 'b'], ['a', 'b']],
  ['text list', textList('names'), [], undefined],
  ['text list', textList('names'), [1], undefined],
  ['text map', textMap('names'), { A: 'x', B: 2, C: true }, { A: 'x', B: '2', C: 'true' }],
  ['text map', textMap('names'), { A: null }, undefined],
  ['text map', textMap('names'), ['A'], undefined],
  ['number or auto', orNull(whole, 'auto'), 'auto', null],
  ['number or auto', orNull(whole, 'auto'), null, null],
  ['number or auto', orNull(whole, 'auto'), '8', 8],
  ['number or auto', orNull(whole, 'auto'), 'atuo', undefined],
];

describe('a field', () => {
  test.each(readings)('reads what it should when it is of kind %s (%#)', (_name, field, written, read) => {
    expect(field.read(written)).toEqual(read);
  });

  // `0-99999,0-99999,…` kept the whole orchestrator busy for a minute, and a list of 250,000 ids for seconds.
  test('refuses a list of shards that is too long without looking into it', () => {
    let looks = 0;
    const list = new Proxy(
      Array.from({ length: 250_000 }, () => 0),
      {
        get: (target, key) => {
          looks += 1;
          return Reflect.get(target, key) as unknown;
        },
      },
    );
    expect(orNull(shardList(), 'all').read(list)).toBeUndefined();
    expect(looks).toBeLessThan(20);
  });

  test('never throws, whatever is written', () => {
    const fields = readings.map(([, field]) => field);
    fc.assert(
      fc.property(fc.anything(), fc.constantFrom(...fields), (written, field) => {
        const read = field.read(written);
        expect(read === undefined || field.read(written) !== undefined).toBe(true);
      }),
    );
  });

  test('reads a list of shards back as it wrote it', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(5000), { minLength: 1, maxLength: 50 }), (shards) => {
        const sorted = shards.toSorted((a, b) => a - b);
        expect(shardList().read(shards.join(','))).toEqual(sorted);
        expect(shardList().read(shards)).toEqual(sorted);
      }),
    );
  });
});
