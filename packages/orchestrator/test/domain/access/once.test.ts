/** Requests that must not be done twice, or not any more: idempotency keys and `If-Match`. */
import { describe, expect, test } from 'vitest';
import { editVersion } from '../../../src/domain/access/edit-version.js';
import type { Expected } from '../../../src/domain/state/access.js';
import type { OperatorCommand } from '../../../src/domain/state/commands.js';
import { World } from '../world.js';

const DAY_MS = 86_400_000;

/** All shards on `a`, which can be drained to `b`. */
function fleet(): World {
  const world = new World().start();
  world.join('a');
  world.pass(25_000);
  world.join('b');
  return world;
}

function draining(once: { key: string; fingerprint: string }, origin = 'a', destination = 'b'): OperatorCommand {
  const plan = { kind: 'drain', origins: [origin], destination, shutdown: false, deadline: null } as const;
  return { kind: 'startOperation', plan, answer: 'begun', once };
}

describe('the same idempotency key again', () => {
  test('begins nothing, and is told of the operation that began, also when it is over and the next run is asked', () => {
    const world = fleet();
    const first = world.ask(draining({ key: 'k', fingerprint: 'f' }));
    expect(first).toMatchObject({ ok: true, data: { operation: expect.any(String) } });
    expect(world.truth()).toEqual({ b: [0, 1, 2, 3] });
    expect(world.ask(draining({ key: 'k', fingerprint: 'f' }))).toEqual(first);
    world.crash();
    expect(world.ask(draining({ key: 'k', fingerprint: 'f' }))).toEqual(first);
    expect([world.state.operations.size, world.state.endedOperations.length]).toEqual([0, 1]);
  });

  test('is refused for another request', () => {
    const world = fleet();
    world.ask(draining({ key: 'k', fingerprint: 'f' }));
    expect(world.ask(draining({ key: 'k', fingerprint: 'g' }, 'b', 'a'))).toMatchObject({
      ok: false,
      error: { code: 'DSO_IDEMPOTENCY_KEY_USED' },
    });
    expect(world.truth()).toEqual({ b: [0, 1, 2, 3] });
  });

  test('is a new one after a request that was refused, which began nothing', () => {
    const world = fleet();
    expect(world.ask(draining({ key: 'k', fingerprint: 'f' }, 'nobody'))).toMatchObject({ ok: false });
    expect(world.ask(draining({ key: 'k', fingerprint: 'g' }))).toMatchObject({ ok: true });
  });

  test('is a new one after a day', () => {
    const world = fleet();
    const once = { key: 'k', fingerprint: 'f' };
    const first = world.ask(draining(once));
    world.now += DAY_MS - 1;
    expect(world.ask(draining(once))).toEqual(first);
    world.now += 1;
    // It is looked at for itself: nobody has heard of the nodes for a day.
    expect(world.ask(draining({ key: 'k', fingerprint: 'g' }))).toMatchObject({
      error: { code: 'DSO_NODE_NOT_CONNECTED' },
    });
  });
});

describe('a command about what an operator saw', () => {
  const cordon = { kind: 'cordonNode', node: 'a' } as const;
  const ask = (world: World, expected: Expected) => {
    const request = `expecting-${world.asked.size}`;
    world.asked.add(request);
    world.feed({ kind: 'command', request, command: cordon, by: 'alice', availableBytes: null, expected });
    return world.replies.get(request);
  };

  test('is done while the thing still is so, whatever its shards did meanwhile, and refused afterwards', () => {
    const world = fleet();
    const of = { thing: 'node', id: 'a' } as const;
    const seen = { of, version: editVersion(world.state, of)! };
    world.ask({ kind: 'migrateShard', shard: 0, destination: 'b' });
    expect(ask(world, seen)).toMatchObject({ ok: true });
    expect(ask(world, seen)).toMatchObject({ ok: false, error: { code: 'DSO_CHANGED_MEANWHILE' } });
    expect(ask(world, { of, version: editVersion(world.state, of)! })?.ok).toBe(true);
  });

  test('is refused where there is no such thing any more', () => {
    const of = { thing: 'rollout' } as const;
    expect(ask(fleet(), { of, version: 'x' })).toMatchObject({ error: { code: 'DSO_CHANGED_MEANWHILE' } });
  });
});
