/**
 * What every `StateStore` must do, whatever it is made of. An implementation runs it with a way to open the same store
 * again and again, and to make its writes fail.
 */
import { describe, expect, onTestFinished, test } from 'vitest';
import type {
  AcquireResult,
  Acquired,
  StoredEntry,
  LeaderIdentity,
  StateStore,
  StoredRecord,
} from '../../src/ports/state-store.js';

export type StoreUnderTest = {
  /** Another connection to the same store. */
  open(options?: { maxHistory?: number }): StateStore;
  /** From here on nothing more fits, until what it returns is called. Open connections notice. */
  fill?(): Promise<() => void> | (() => void);
  /** Lets so much time pass for a store that has a clock of its own. */
  pass?(ms: number): Promise<void>;
};

const TERMS = { now: 1_000, ttlMs: 10_000, aheadMs: 500, isDead: (): boolean => false, isAlive: (): boolean => false };

const identity = (id: string, boot: string | null = 'boot'): LeaderIdentity => ({
  id,
  host: 'host-1',
  pid: 42,
  process: null,
  boot,
  since: 1_767_225_600_000,
});

export async function leading(store: StateStore, now = TERMS.now): Promise<Acquired> {
  const acquired: AcquireResult = await store.acquire(identity('a'), { ...TERMS, now });
  if (!acquired.ok) throw new Error(`Could not lead: ${JSON.stringify(acquired)}`);
  return acquired;
}

const record = (key: string, value: StoredRecord['value']): StoredRecord => ({ kind: 'shard', key, value });
const entry = (id: number): StoredEntry => ({ id, at: 1_000 + id, value: { text: `event ${id}` } });

/** @param canFill whether `create` gives a `fill`. */
export function storeConformance(name: string, canFill: boolean, create: () => StoreUnderTest): void {
  const opened = (options?: { maxHistory?: number }): { store: StateStore; under: StoreUnderTest } => {
    const under = create();
    const store = under.open(options);
    onTestFinished(async () => store.close());
    return { store, under };
  };
  const again = (under: StoreUnderTest, options?: { maxHistory?: number }): StateStore => {
    const store = under.open(options);
    onTestFinished(async () => store.close());
    return store;
  };
  const recordsIn = async (store: StateStore): Promise<readonly StoredRecord[]> => {
    const loaded = await store.load();
    if (!loaded.ok) throw new Error(loaded.message);
    return loaded.records.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  };

  describe(`${name}: records`, () => {
    test('a new store is empty, at version 0 and epoch 0', async () => {
      const { store } = opened();
      expect(await store.load()).toEqual({ ok: true, epoch: 0, version: 0, records: [], lastHistoryId: 0 });
    });

    test('a commit replaces and deletes, raises the version, and is there for whoever opens the store', async () => {
      const { store, under } = opened();
      const { epoch } = await leading(store);
      const value = { node: 'web-ü', known: { sequence: 12, list: [1, null, 'x'] } };
      const first = {
        epoch,
        expectedVersion: 0,
        writes: [record('1', value), record('2', { a: 1 })],
        history: [entry(1)],
      };
      expect(await store.commit(first)).toEqual({ ok: true, version: 1 });
      const writes = [record('2', null), record('3', { a: 3 })];
      expect(await store.commit({ epoch, expectedVersion: 1, writes, history: [entry(7)] })).toEqual({
        ok: true,
        version: 2,
      });
      for (const reader of [store, again(under)]) {
        expect(await reader.load()).toMatchObject({ ok: true, epoch, version: 2, lastHistoryId: 7 });
        expect(await recordsIn(reader)).toEqual([record('1', value), record('3', { a: 3 })]);
      }
    });

    test('nobody shares an object with the store', async () => {
      const { store } = opened();
      const { epoch } = await leading(store);
      const value = { list: [1] };
      await store.commit({ epoch, expectedVersion: 0, writes: [record('1', value)], history: [] });
      value.list.push(2);
      expect(await recordsIn(store)).toEqual([record('1', { list: [1] })]);
    });

    test('a commit on another version than it expects changes nothing', async () => {
      const { store } = opened();
      const { epoch } = await leading(store);
      const commit = { epoch, expectedVersion: 0, writes: [record('1', { a: 1 })], history: [entry(1)] };
      await store.commit(commit);
      const again = await store.commit({ ...commit, writes: [record('1', { a: 2 })], history: [entry(2)] });
      expect(again).toMatchObject({ ok: false, reason: 'versionConflict' });
      expect(await store.load()).toMatchObject({ version: 1, lastHistoryId: 1, records: [record('1', { a: 1 })] });
    });
  });

  describe(`${name}: leadership`, () => {
    test('the second is refused and told who leads; dead, released or out of lease it is succeeded, each time with a higher epoch', async () => {
      const { store, under } = opened();
      expect(await leading(store)).toMatchObject({ epoch: 1, before: 'none' });
      const other = again(under);
      const refused = await other.acquire(identity('b'), { ...TERMS, now: 10_999 });
      const leaseUntil = store.hasOwnClock === true ? expect.any(Number) : 11_000;
      expect(refused).toEqual({ ok: false, reason: 'led', leader: { ...identity('a'), leaseUntil }, isOver: false });
      const dead = await other.acquire(identity('b'), { ...TERMS, now: 2_000, isDead: ({ id }) => id === 'a' });
      expect(dead).toMatchObject({ ok: true, epoch: 2, before: 'crashed', predecessor: { id: 'a' } });
      expect(await other.release(2)).toEqual({ ok: true });
      expect(await store.acquire(identity('c'), TERMS)).toMatchObject({
        epoch: 3,
        before: 'released',
        predecessor: null,
      });
      await under.pass?.(10_000);
      expect(await other.acquire(identity('d'), { ...TERMS, now: 11_000 })).toMatchObject({
        ok: true,
        epoch: 4,
        before: 'crashed',
        predecessor: { id: 'c' },
      });
    });

    test('a lease of another boot, or of one that is not known, is not over by its times: whoever asks has to know; unless the store has a clock of its own', async () => {
      for (const boots of [
        ['boot', 'later boot'],
        ['boot', null],
        [null, null],
      ] as const) {
        const { store, under } = opened();
        await store.acquire(identity('a', boots[0]), TERMS);
        const other = again(under);
        const late = { ...TERMS, now: 1_000_000 };
        expect(await other.acquire(identity('b', boots[1]), late)).toMatchObject({ ok: false, reason: 'led' });
        if (under.pass !== undefined) {
          await under.pass(10_000);
          expect(await other.acquire(identity('b', boots[1]), late)).toMatchObject({ epoch: 2, before: 'crashed' });
          continue;
        }
        expect(await other.acquire(identity('b', boots[1]), { ...late, isDead: () => true })).toMatchObject({
          epoch: 2,
        });
      }
    });

    test('a lease that is over does not do where its process is known to live, unless that stands still', async () => {
      const { store, under } = opened();
      await leading(store);
      const other = again(under);
      await under.pass?.(60_000);
      const alive = { ...TERMS, now: 60_000, isAlive: () => true };
      expect(await other.acquire(identity('b'), alive)).toMatchObject({ ok: false, reason: 'led', isOver: true });
      expect(await other.acquire(identity('b'), { ...alive, isDead: () => true })).toMatchObject({ epoch: 2 });
    });

    // The -wal was deleted: two read the same old copy, and both led under epoch 2.
    test('of two with the same epoch only the one that is named may write', async () => {
      const { store, under } = opened();
      const { epoch } = await leading(store);
      const other = again(under);
      await other.acquire(identity('b'), { ...TERMS, isDead: () => true });
      for (const result of [
        await store.renew(epoch + 1, { now: 2_000, ttlMs: 1 }),
        await store.commit({ epoch: epoch + 1, expectedVersion: 0, writes: [], history: [] }),
      ]) {
        expect(result).toMatchObject({ ok: false, reason: 'staleLeader' });
      }
      expect(await other.renew(epoch + 1, { now: 2_000, ttlMs: 1 })).toEqual({ ok: true });
    });

    test('the next leader of a boot goes on with the line of time of the one before, unless that is a day off; that of another boot begins anew, or goes on by the clock of the store', async () => {
      const { store, under } = opened();
      const { store: another } = opened();
      const lead = async (boot: string | null, aheadMs: number, on = store): Promise<number | undefined> => {
        const acquired = await on.acquire(identity('a', boot), { ...TERMS, aheadMs, isDead: () => true });
        if (!acquired.ok) throw new Error('led');
        await on.release(acquired.epoch);
        return acquired.aheadMs;
      };
      expect([await lead('boot', 500), await lead('boot', 9_000), await lead('boot', -9_000)]).toEqual([500, 500, 500]);
      if (under.pass === undefined) {
        const others = [await lead('later boot', 700), await lead('later boot', 1), await lead(null, 3)];
        expect(others).toEqual([700, 700, 3]);
      } else {
        // Its monotonic time, which is `TERMS.now` again, stood still for an hour of the database's clock.
        const hourMs = 60 * 60 * 1_000;
        await under.pass(hourMs);
        for (const boot of ['later boot', null]) {
          const continued = (await lead(boot, 700)) ?? 0;
          expect(continued).toBeGreaterThanOrEqual(500 + hourMs);
          expect(continued).toBeLessThan(500 + 2 * hourMs);
        }
      }
      const dayMs = 24 * 60 * 60 * 1_000;
      const apart = [0, dayMs, dayMs + 1].map((aheadMs) => () => lead('boot', aheadMs, another));
      const given: unknown[] = [];
      for (const next of apart) given.push(await next());
      expect(given).toEqual([0, 0, dayMs + 1]);
    });

    test('a renewed lease keeps others off for longer', async () => {
      const { store, under } = opened();
      const { epoch } = await leading(store);
      await under.pass?.(9_000);
      expect(await store.renew(epoch, { now: 9_000, ttlMs: 10_000 })).toEqual({ ok: true });
      await under.pass?.(9_000);
      const refused = await again(under).acquire(identity('b'), { ...TERMS, now: 18_999 });
      expect(refused).toMatchObject({ ok: false, isOver: false });
      if (under.pass === undefined) expect(refused).toMatchObject({ leader: { leaseUntil: 19_000 } });
      await under.pass?.(1_000);
      expect(await again(under).acquire(identity('b'), { ...TERMS, now: 19_000 })).toMatchObject({ ok: true });
    });

    test('a leader that was succeeded can do nothing any more', async () => {
      const { store, under } = opened();
      const { epoch } = await leading(store);
      const successor = again(under);
      await under.pass?.(60_000);
      await successor.acquire(identity('b'), { ...TERMS, now: 60_000 });
      const commit = { epoch, expectedVersion: 0, writes: [record('1', { a: 1 })], history: [entry(1)] };
      for (const result of [
        await store.commit(commit),
        await store.renew(epoch, { now: 60_000, ttlMs: 1 }),
        await store.release(epoch),
      ]) {
        expect(result).toMatchObject({ ok: false, reason: 'staleLeader', message: expect.stringContaining('epoch') });
      }
      expect(await successor.load()).toMatchObject({ epoch: 2, version: 0, records: [] });
      expect(await successor.renew(2, { now: 60_000, ttlMs: 1 })).toEqual({ ok: true });
    });
  });

  describe(`${name}: history`, () => {
    const filled = async (maxHistory?: number): Promise<StateStore> => {
      const { store } = opened(maxHistory === undefined ? {} : { maxHistory });
      const { epoch } = await leading(store);
      for (let i = 0; i < 5; i += 1) {
        const history = [entry(2 * i + 1), entry(2 * i + 2)];
        expect(await store.commit({ epoch, expectedVersion: i, writes: [], history })).toMatchObject({ ok: true });
      }
      return store;
    };
    const ids = async (store: StateStore, after: number | null, limit: number): Promise<number[]> => {
      const result = await store.history({ after, limit });
      if (!result.ok) throw new Error(result.message);
      return result.entries.map(({ id }) => id);
    };

    test('is read from an id on, or from its end, oldest first and never more than asked for', async () => {
      const store = await filled();
      expect(await ids(store, 0, 3)).toEqual([1, 2, 3]);
      expect(await ids(store, 7, 100)).toEqual([8, 9, 10]);
      expect(await ids(store, 10, 100)).toEqual([]);
      expect(await ids(store, null, 4)).toEqual([7, 8, 9, 10]);
      expect(await store.history({ after: 9, limit: 1 })).toEqual({ ok: true, entries: [entry(10)] });
    });

    test('is bounded: the oldest entries go first', async () => {
      const store = await filled(4);
      expect(await ids(store, 0, 100)).toEqual([7, 8, 9, 10]);
      expect(await store.load()).toMatchObject({ lastHistoryId: 10 });
    });

    test('keeps what somebody asked for beyond its bound, and of that a tenth of the bound', async () => {
      const { store } = opened({ maxHistory: 20 });
      const { epoch } = await leading(store);
      for (let id = 1; id <= 60; id += 1) {
        const value = { by: id <= 4 ? 'alice' : 'automatic' };
        await store.commit({ epoch, expectedVersion: id - 1, writes: [], history: [{ ...entry(id), value }] });
      }
      expect(await ids(store, 0, 100)).toEqual([3, 4, ...Array.from({ length: 20 }, (_, index) => 41 + index)]);
    });
  });

  describe(`${name}: full`, () => {
    test.skipIf(!canFill)(
      'a commit that does not fit says so and leaves nothing behind; reading works on, and later it fits',
      async () => {
        const { store, under } = opened();
        const { epoch } = await leading(store);
        await store.commit({ epoch, expectedVersion: 0, writes: [record('1', { a: 1 })], history: [entry(1)] });
        const empty = await under.fill!();
        const large = { a: 'x'.repeat(300_000) };
        const commit = {
          epoch,
          expectedVersion: 1,
          writes: [record('1', large), record('2', large)],
          history: [entry(2)],
        };
        const refused = await store.commit(commit);
        expect(refused).toMatchObject({
          ok: false,
          reason: 'full',
          message: expect.stringMatching(/full/),
        });
        expect(await recordsIn(store)).toEqual([record('1', { a: 1 })]);
        expect(await store.history({ after: 0, limit: 9 })).toMatchObject({ entries: [entry(1)] });
        empty();
        expect(await store.commit(commit)).toEqual({ ok: true, version: 2 });
        expect(await recordsIn(store)).toEqual([record('1', large), record('2', large)]);
      },
    );
  });
}
