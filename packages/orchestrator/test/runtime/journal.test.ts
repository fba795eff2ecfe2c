import { seededRandom, virtualClock } from '@dshard/testkit';
import { silentLogger } from '@dshard/transport';
import { expect, test } from 'vitest';
import { memoryDisk, memoryStore } from '../../src/adapters/memory/memory-store.js';
import type { StateStore } from '../../src/ports/state-store.js';
import { Journal } from '../../src/runtime/journal.js';
import { lead } from '../../src/runtime/leadership.js';

async function slowJournal(commitMs: number, more: Partial<StateStore> = {}) {
  const clock = virtualClock();
  const disk = memoryDisk();
  const store = memoryStore({ disk });
  const slow: StateStore = {
    ...store,
    async commit(commit) {
      await new Promise<void>((resolve) => void clock.after(commitMs, resolve));
      return store.commit(commit);
    },
    ...more,
  };
  const identity = { id: 'a', host: 'tower', pid: 1, process: null, boot: 'boot', since: 0 };
  const liveness = () => 'alive' as const;
  const leadership = await lead(slow, { identity, standby: false, clock, logger: silentLogger, liveness });
  const journal = new Journal({
    leadership,
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    correction: () => [],
    onSuspended: () => undefined,
    onResumed: () => undefined,
    onLost: () => undefined,
  });
  await journal.load();
  const entry = (id: number) => ({ id, at: id, value: {} });
  return { clock, disk, journal, entry };
}

// The store held the entries 1, 2, 4, 3, and said that 3 is the last: the next run gave the id 4 again.
test('what is noted while a commit waits for its turn goes into the store after what is in that commit', async () => {
  const { clock, disk, journal, entry } = await slowJournal(400);
  journal.note(entry(1));
  await clock.run(300);
  journal.note(entry(2));
  await clock.run(260);
  const write = { kind: 'shard', key: '1', value: { a: 1 } };
  const committed = journal.commit([write], [entry(3)]);
  journal.note(entry(4));
  await clock.run(2_000);
  expect(await committed).toBe(true);
  expect(disk.history.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
  expect(disk.lastHistoryId).toBe(4);
});

// A leader stood still while its commit was under way, and another one led. When it woke up it read that the commit was
// done, and told its nodes of what it had decided, under an epoch that was over.
test('a commit that is answered when our lease is over counts for nothing', async () => {
  const broken = { ok: false, reason: 'broken', message: 'The store is out of reach.' } as const;
  const { clock, disk, journal } = await slowJournal(9_000, { renew: () => broken });
  const committed = journal.commit([{ kind: 'shard', key: '1', value: { a: 1 } }], []);
  await clock.run(9_000);
  expect(disk.records.has('shard/1')).toBe(true);
  expect(await committed).toBe(false);
  expect(journal.status.state).toBe('suspended');
});
