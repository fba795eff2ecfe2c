import { describe, expect, test } from 'vitest';
import { ownerOf } from '../../../src/domain/state/migrations.js';
import * as live from '../migration/live-scenes.js';
import * as older from '../migration/older-scenes.js';
import type { World } from '../world.js';

/** Whose the shard is by the state, and by the record that survives a crash. */
function ownersOf({ state, records }: World): { state: string | undefined; record: unknown } {
  const [migration] = state.migrations.values();
  return { state: migration && ownerOf(migration), record: records.get('shard/0')?.value };
}

describe('the owner of a shard that migrates is one, in the state and in the store', () => {
  // They contradicted each other in `resuming`: the store said the destination, which may resume the shard then, and
  // the state said the origin.
  test.each(older.ALL_STEPS)(
    'the state and the store name one owner in %s, where nodes know no live migration',
    (step) => {
      const owners = ownersOf(older.stuckIn(step).world);
      const expected = step === 'resuming' ? 'b' : 'a';
      expect(owners).toMatchObject({ state: expected, record: { node: expected } });
    },
  );

  test.each(live.ALL_STEPS)('the state and the store name one owner in %s of a live migration', (step) => {
    const owners = ownersOf(live.stuckIn(step).world);
    const expected = step === 'releasing' || step === 'activating' ? 'b' : 'a';
    expect(owners).toMatchObject({ state: expected, record: { node: expected } });
  });
});

// It was taken for the owner, so nobody told it to let go, and both served the shard as soon as the destination had
// resumed it.
test('an origin that is back, and runs a shard that its destination was told to resume, is told to let go', () => {
  const { world, a, b } = older.stuckIn('resuming');
  world.disconnect(a);
  a.running.add(0);
  const sent = world.sent.length;
  world.connect(a);
  world.settle();
  const told = world.sent.slice(sent).map(({ message }) => message.kind);
  expect(told.filter((kind) => kind === 'stopShard' || kind === 'shardTakenOver')).toHaveLength(1);
  b.heartbeat(1);
  world.settle();
  expect(a.running.has(0)).toBe(false);
});
