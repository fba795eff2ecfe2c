import { expect, test } from 'vitest';
import { until } from '@dshard/testkit';

test('returns what the condition returned as soon as it is truthy', async () => {
  let asked = 0;
  const found = await until(() => (++asked === 3 ? 'found' : null), { what: 'the third time' });
  expect([found, asked]).toEqual(['found', 3]);
});

test('says what it waited for, in vain, and keeps the last error', async () => {
  const cause = new Error('not there');
  const waiting = until(
    async () => {
      throw cause;
    },
    { timeoutMs: 10, what: 'the bus' },
  );
  await expect(waiting).rejects.toMatchObject({ message: 'Waited 10 ms for the bus, in vain.', cause });
});
