import { virtualClock } from '@dshard/testkit';
import { silentLogger } from '@dshard/transport';
import { expect, test } from 'vitest';
import { History } from '../../src/runtime/history.js';
import { Violations } from '../../src/runtime/violations.js';

test('all violations are counted, one of a code is told each second, and the line says how many were not', () => {
  const clock = virtualClock();
  const history = new History(clock, silentLogger);
  const violations = new Violations(clock, history);
  const garbage = { code: 'DSO_GARBAGE', message: 'Garbage came.' };
  for (let i = 0; i < 5; i++) violations.add('10.0.0.1:5', garbage);
  violations.add('10.0.0.1:6', { code: 'DSO_OTHER', message: 'Something else.' });
  clock.advance(1_000);
  violations.add('10.0.0.1:7', garbage);
  expect(violations.counts()).toEqual({ DSO_GARBAGE: 6, DSO_OTHER: 1 });
  expect(history.all().map(({ text }) => text)).toEqual([
    'The connection from 10.0.0.1:5 was closed: Garbage came.',
    'The connection from 10.0.0.1:6 was closed: Something else.',
    'The connection from 10.0.0.1:7 was closed: Garbage came. (and 4 more of this kind before)',
  ]);
});
