import { virtualClock } from '@dshard/testkit';
import { TransportError } from '@dshard/transport';
import { describe, expect, test } from 'vitest';
import { memoryDisk, memoryStore } from '../../src/adapters/memory/memory-store.js';
import { OrchestratorError } from '../../src/errors.js';
import { LEASE_MS, lead, type Liveness } from '../../src/runtime/leadership.js';
import { Succession } from '../../src/runtime/succession.js';
import { recordingLogger } from '../recording-logger.js';

const identity = (id: string, pid: number) =>
  ({ id, host: 'tower', pid, process: null, boot: 'boot', since: 1_767_225_600_000 }) as const;

/** An orchestrator that has succeeded one with process id 1, which stands still. */
async function successor(listener: { pid: number } | null = null, hasWaited = false) {
  const clock = virtualClock();
  const disk = memoryDisk();
  const logger = recordingLogger();
  const predecessor: { is: ReturnType<Liveness> } = { is: 'alive' };
  const common = { standby: true, clock, logger };
  await lead(memoryStore({ disk }), { ...common, identity: identity('a', 1), liveness: () => 'alive' });
  const leading = lead(memoryStore({ disk }), { ...common, identity: identity('b', 2), liveness: () => 'alive' });
  await clock.run(LEASE_MS + 1_000);
  const leadership = { ...(await leading), hasWaited };
  const liveness: Liveness = () => predecessor.is;
  const succession = new Succession({ leadership, clock, logger, liveness, listenerOn: () => listener });
  /** What somebody has until it is let go. */
  const held = { by: new TransportError('DSO_PORT_TAKEN', 'The port is taken.') as Error | null };
  const take = async (): Promise<string> => {
    if (held.by !== null) throw held.by;
    return 'taken';
  };
  return { clock, disk, logger, predecessor, succession, held, take, leadership };
}

// Two standbys of one host had one port: the one that did not win answered there, and the winner ended at once.
test('who has waited as a standby waits for another standby on its host to let the port go, a moment only', async () => {
  const { clock, succession, held, take } = await successor({ pid: 77 }, true);
  held.by = new TransportError('DSO_PORT_TAKEN', 'The port is taken.');
  const taking = succession.take(take, '127.0.0.1:7447');
  await clock.run(1_500);
  held.by = null;
  await clock.run(1_000);
  await expect(taking).resolves.toBe('taken');

  held.by = new TransportError('DSO_PORT_TAKEN', 'The port is taken.');
  const failing = expect(succession.take(take, '127.0.0.1:7447')).rejects.toMatchObject({ code: 'DSO_PORT_TAKEN' });
  await clock.run(6_000);
  await failing;
  expect(clock.pending()).toBe(0);
});

describe('what the leader before holds', () => {
  test.each([
    new TransportError('DSO_PORT_TAKEN', 'The port is taken.'),
    new OrchestratorError('DSO_ADDRESS_TAKEN', 'The address is taken.'),
    new OrchestratorError('DSO_DATA_DIR_LOCKED', 'The directory is locked.'),
  ])('is waited for while it lives: $code', async (error) => {
    const { clock, disk, logger, succession, held, take } = await successor();
    held.by = error;
    const taking = succession.take(take, '127.0.0.1:7447');
    await clock.run(2 * LEASE_MS);
    // Our own lease is kept meanwhile, and people are told who has to let go.
    expect(disk.leader!.leaseUntil).toBeGreaterThan(clock.monotonicMs());
    const told = logger.lines.filter(({ message }) => message.includes('kill -9 1'));
    expect(told).toHaveLength(1);
    expect(told[0]!.message).toMatch(/process id 1 on host tower.*stood still.*(taken|locked)/);
    held.by = null;
    await clock.run(1_000);
    await expect(taking).resolves.toBe('taken');
    expect(clock.pending()).toBe(0);
  });

  test('is tried once more when it has died, and then is somebody else’s', async () => {
    const { clock, predecessor, succession, take } = await successor();
    const taking = succession.take(take);
    const outcome = expect(taking).rejects.toMatchObject({ code: 'DSO_PORT_TAKEN' });
    await clock.run(2_000);
    predecessor.is = 'dead';
    await clock.run(1_000);
    await outcome;
  });

  test('is not waited for when a stranger listens there, or when it is another error', async () => {
    const { succession, take } = await successor({ pid: 77 });
    await expect(succession.take(take, '127.0.0.1:7447')).rejects.toMatchObject({ code: 'DSO_PORT_TAKEN' });
    const { succession: other, held, take: fail } = await successor();
    held.by = new Error('The cable is cut.');
    await expect(other.take(fail)).rejects.toThrow('The cable is cut.');
  });

  test('is given up when somebody else has succeeded us meanwhile', async () => {
    const { clock, disk, succession, take } = await successor();
    const outcome = expect(succession.take(take)).rejects.toMatchObject({ code: 'DSO_LEADERSHIP_LOST' });
    const terms = { now: clock.monotonicMs(), ttlMs: LEASE_MS, aheadMs: 0, isDead: () => true, isAlive: () => false };
    await memoryStore({ disk }).acquire(identity('c', 3), terms);
    await clock.run(1_000);
    await outcome;
  });
});
