/** What `beginPark` says at once, before anything is copied. What comes of it is in test/runtime/park.test.ts. */
import { describe, expect, test } from 'vitest';
import { beginShutdown } from '../../../src/domain/fleet/leave.js';
import { beginPark } from '../../../src/domain/migration/park.js';
import { Transaction } from '../../../src/domain/state/transaction.js';
import { scene } from './live-scenes.js';

const GIB = 1024 ** 3;

function begun(settings: Parameters<typeof scene>[0], shard = 0) {
  const { world } = scene({ parkHost: 'here', ...settings });
  const tx = new Transaction(world.state, world.now);
  return { result: beginPark(tx, shard, { by: 'a test' }), migrations: [...tx.state.migrations.values()] };
}

describe('a shard is to be parked', () => {
  test('begins a live migration to the orchestrator', () => {
    const { result, migrations } = begun({});
    expect(result).toEqual({ ok: true });
    expect(migrations).toMatchObject([{ shard: 0, origin: 'a', destination: '/park' }]);
  });

  test('is refused at once where there is no spool, or no room in it', () => {
    expect(begun({ parkHost: null }).result).toMatchObject({ ok: false, again: false });
    expect(begun({ parkTotalBytes: 0 }).result).toMatchObject({
      ok: false,
      again: false,
      reason: expect.stringContaining('park.maxTotal'),
    });
    expect(begun({ parkTotalBytes: GIB }).result).toEqual({ ok: true });
  });

  test('has to wait while its node moves as many shards as it may', () => {
    const { world } = scene({ parkHost: 'here', migrationsPerNode: 1 });
    const tx = new Transaction(world.state, world.now);
    expect(beginPark(tx, 0, { by: 'a test' })).toEqual({ ok: true });
    expect(beginPark(tx, 1, { by: 'a test' })).toMatchObject({ ok: false, again: true });
  });

  test('is refused for a shard that no node runs', () => {
    expect(begun({}, 99).result).toMatchObject({ ok: false, again: false });
  });

  // The node had stopped the shard and was about to say so. The move took the cursor in its answer for its own, and was
  // lost with the node: the shard was resumed from an old checkpoint, and user code got events again, unmarked.
  test('is refused while its node is told to shut down: the answer of the node has the cursor', () => {
    const { world } = scene({ parkHost: 'here' });
    const tx = new Transaction(world.state, world.now);
    beginShutdown(tx, 'a', null, false);
    expect(beginPark(tx, 0, { by: 'a test' })).toMatchObject({
      ok: false,
      reason: expect.stringContaining('shutting down'),
    });
  });
});
