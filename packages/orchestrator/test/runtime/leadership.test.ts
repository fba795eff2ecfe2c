import { virtualClock } from '@dshard/testkit';
import { describe, expect, test } from 'vitest';
import { memoryDisk, memoryStore, type MemoryDisk } from '../../src/adapters/memory/memory-store.js';
import { LEASE_MS, lead } from '../../src/runtime/leadership.js';
import type { LeadOptions, Leadership } from '../../src/runtime/leadership.js';
import { recordingLogger } from '../recording-logger.js';

function host() {
  const clock = virtualClock();
  const disk = memoryDisk();
  const logger = recordingLogger();
  const start = (id: string, more: Partial<LeadOptions> = {}): Promise<Leadership> =>
    lead(memoryStore({ disk }), {
      identity: { id, host: 'tower', pid: 4_711, process: null, boot: 'boot', since: 1_767_225_600_000 },
      standby: false,
      clock,
      logger,
      liveness: () => 'alive',
      ...more,
    });
  return { clock, disk, logger, start };
}

describe('who leads', () => {
  test('the first orchestrator leads at once; another one is refused in a sentence that names the first and the ways out', async () => {
    const { start } = host();
    expect(await start('a')).toMatchObject({ epoch: 1, before: 'none' });
    await expect(start('b')).rejects.toMatchObject({
      code: 'DSO_STORE_LED',
      message: expect.stringMatching(
        /process id 4711 on host tower, started 2026-01-01T.*Stop it.*store\.path.*standby/,
      ),
    });
  });

  test('the successor of one that is known dead leads at once, though its lease is not over', async () => {
    const { start } = host();
    await start('a');
    expect(await start('b', { liveness: () => 'dead' })).toMatchObject({ epoch: 2, before: 'crashed' });
  });

  test('the successor of one of which nothing is known leads after its lease, unless that is renewed', async () => {
    const { start, clock, disk } = host();
    const { store, epoch } = await start('a');
    const refused = start('b', { liveness: () => 'unknown' });
    const outcome = expect(refused).rejects.toMatchObject({ code: 'DSO_STORE_LED' });
    await clock.run(2_500);
    await store.renew(epoch, { now: clock.monotonicMs(), ttlMs: LEASE_MS });
    await clock.run(1_000);
    await outcome;

    const waiting = start('c', { liveness: () => 'unknown' });
    await clock.run(LEASE_MS);
    expect(await waiting).toMatchObject({ epoch: 2, before: 'crashed' });
    expect(disk.leader?.id).toBe('c');
    expect(clock.pending()).toBe(0);
  });

  test('a standby waits for as long as it takes, says for whom, and leads as soon as the leader releases', async () => {
    const { start, clock, logger } = host();
    const { store, epoch } = await start('a');
    let led: Leadership | null = null;
    void start('b', { standby: true }).then((leadership) => (led = leadership));
    for (let i = 0; i < 20; i += 1) {
      await store.renew(epoch, { now: clock.monotonicMs(), ttlMs: LEASE_MS });
      await clock.run(5_000);
    }
    expect(led).toBeNull();
    expect(logger.lines.filter(({ message }) => /process id 4711.*standby/.test(message))).toHaveLength(1);
    await store.release(epoch);
    await clock.run(0);
    expect(led).toMatchObject({ epoch: 2, before: 'released' });
    expect(clock.pending()).toBe(0);
  });

  // Its lease was by the machine's clock: an hour forward, and the standby led beside it; an hour back, and nobody did.
  test.each([3_600_000, -3_600_000])(
    'a clock that is set by %i ms makes nobody the successor of a leader that lives, and delays nobody',
    async (ms) => {
      const { start, clock } = host();
      const { store, epoch } = await start('a');
      let led: Leadership | null = null;
      void start('b', { standby: true, liveness: () => 'unknown' }).then((leadership) => (led = leadership));
      await clock.run(1_000);
      clock.stepWallClock(ms);
      for (let i = 0; i < 10; i += 1) {
        await store.renew(epoch, { now: clock.monotonicMs(), ttlMs: LEASE_MS });
        await clock.run(2_000);
      }
      expect(led).toBeNull();
      await clock.run(LEASE_MS);
      expect(led).toMatchObject({ epoch: 2, before: 'crashed', predecessor: { id: 'a' } });
    },
  );

  test('a leader whose process lives and stands still is succeeded when its lease was seen to stand still for its whole length', async () => {
    const { start, clock } = host();
    const { store, epoch } = await start('a');
    await store.renew(epoch, { now: clock.monotonicMs() - 10 * LEASE_MS, ttlMs: LEASE_MS });
    let led: Leadership | null = null;
    void start('b').then((leadership) => (led = leadership));
    await clock.run(LEASE_MS - 1);
    expect(led).toBeNull();
    await clock.run(1_000);
    expect(led).toMatchObject({ epoch: 2, predecessor: { id: 'a' } });
  });

  test('a standby goes on waiting while the store cannot be read', async () => {
    const { start, clock, disk, logger } = host();
    const { store, epoch } = await start('a');
    let led: Leadership | null = null;
    void start('b', { standby: true }).then((leadership) => (led = leadership));
    await clock.run(1_000);
    disk.fault = { reason: 'broken', message: 'The store is locked.' };
    await clock.run(5_000);
    expect(
      logger.lines.filter(({ message }) => message === 'The store is locked. This standby looks again every second.'),
    ).toHaveLength(1);
    disk.fault = null;
    await store.release(epoch);
    await clock.run(1_000);
    expect(led).toMatchObject({ epoch: 2, before: 'released' });
  });

  test('a standby can be told to stop waiting', async () => {
    const { start, clock } = host();
    await start('a');
    const going = new AbortController();
    const waiting = start('b', { standby: true, signal: going.signal });
    const outcome = expect(waiting).rejects.toBe('enough');
    await clock.run(3_000);
    going.abort('enough');
    await outcome;
    expect(clock.pending()).toBe(0);
  });

  test('nobody leads on a store that does not work', async () => {
    const { start, disk } = host();
    disk.fault = { reason: 'full', message: 'The store is full.' };
    await expect(start('a')).rejects.toMatchObject({ code: 'DSO_STORE_UNUSABLE', message: 'The store is full.' });
  });
});

describe('on a store with a clock of its own', () => {
  const onDatabase = (disk: MemoryDisk) => ({ ...memoryStore({ disk }), hasOwnClock: true });

  function fleet() {
    const clock = virtualClock();
    const disk = memoryDisk();
    const logger = recordingLogger();
    const start = (id: string, standby = false): Promise<Leadership> =>
      lead(onDatabase(disk), {
        identity: { id, host: id, pid: 1, process: null, boot: 'boot', since: 0 },
        standby,
        leaseMs: 5_000,
        clock,
        logger,
        liveness: () => 'unknown',
      });
    return { clock, disk, start };
  }

  // The clock of the database was set an hour forward: the lease seemed to be over, and the standby led too.
  test('a lease that seems to be over is not, while it is renewed', async () => {
    const { clock, disk, start } = fleet();
    const { store, epoch } = await start('a');
    let led: Leadership | null = null;
    void start('b', true).then((leadership) => (led = leadership));
    for (let i = 0; i < 20; i += 1) {
      await store.renew(epoch, { now: clock.monotonicMs() - 3_600_000, ttlMs: 5_000 });
      expect(disk.leader?.leaseUntil).toBeLessThan(clock.monotonicMs());
      await clock.run(1_000);
    }
    expect(led).toBeNull();
  });

  test('a leader that is gone from another host is succeeded when its lease is over', async () => {
    const { clock, start } = fleet();
    await start('a');
    let led: Leadership | null = null;
    void start('b', true).then((leadership) => (led = leadership));
    await clock.run(4_900);
    expect(led).toBeNull();
    await clock.run(1_100);
    expect(led).toMatchObject({ epoch: 2, before: 'crashed', leaseMs: 5_000 });
  });

  test('a leader that crashed long ago is succeeded after two renewals that did not come', async () => {
    const { clock, start } = fleet();
    await start('a');
    await clock.run(60_000);
    let led: Leadership | null = null;
    void start('b').then((leadership) => (led = leadership));
    await clock.run(1_900);
    expect(led).toBeNull();
    await clock.run(1_100);
    expect(led).toMatchObject({ epoch: 2, before: 'crashed' });
  });
});
