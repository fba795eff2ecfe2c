/** What `beginPark` says at once, before anything is copied. What comes of it is in test/runtime/park.test.ts. */
import { describe, expect, test } from 'vitest';
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
});
