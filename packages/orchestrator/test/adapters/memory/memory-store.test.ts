import { memoryDisk, memoryStore } from '../../../src/adapters/memory/memory-store.js';
import { expect, test } from 'vitest';
import { leading, storeConformance } from '../store-conformance.js';

storeConformance('memory', true, () => {
  const disk = memoryDisk();
  return {
    open: (options = {}) => memoryStore({ disk, ...options }),
    fill: () => {
      disk.fault = { reason: 'full', message: 'The memory is full.' };
      return () => {
        disk.fault = null;
      };
    },
  };
});

test('a standby is woken when the leader releases, until it listens no more', async () => {
  const disk = memoryDisk();
  const [leader, standby] = [memoryStore({ disk }), memoryStore({ disk })];
  let woken = 0;
  const cancel = standby.onWake?.(() => (woken += 1));
  const first = await leading(leader);
  await leader.release(first.epoch);
  expect(woken).toBe(1);
  cancel?.();
  const second = await leading(leader);
  await leader.release(second.epoch);
  expect(woken).toBe(1);
  await standby.close();
});
