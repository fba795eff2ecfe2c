import { describe, expect, test } from 'vitest';
import { decide } from '../../src/domain/decide.js';
import { afterSuspension } from '../../src/domain/deadlines.js';
import { assertInvariants } from '../../src/domain/invariants.js';
import type { MessageKind } from '@dshard/protocol';
import { World } from './world.js';

/** A live migration that is stuck: `node` does not hear `command`. */
function stuck(node: 'a' | 'b', command: MessageKind): World {
  const world = new World().start();
  const nodes = { a: world.join('a'), b: null as ReturnType<World['join']> | null };
  world.pass(25_000);
  nodes.b = world.join('b');
  nodes[node]?.mute.add(command);
  world.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
  world.settle();
  return world;
}

describe('after the store was away, deadlines have moved by as long', () => {
  test.each([
    ['copying', 'a', 'transferCopy'],
    ['verifying', 'b', 'transferManifest'],
    ['releasing', 'a', 'transferRelease'],
  ] as const)('the deadline of a shard that is %s has moved', (step, node, command) => {
    const world = stuck(node, command);
    const [before] = world.state.migrations.values();
    expect(before?.step.kind).toBe(step);
    const [after] = afterSuspension(world.state, 60_000, world.now + 60_000).migrations.values();
    expect(after?.deadline).toBe((before?.deadline ?? 0) + 60_000);
  });

  // Found by the simulator (seed 1000): the store was away while an origin froze its shard. The origin unfroze it by
  // itself after its five seconds, and the orchestrator went on waiting for the manifest for as long as the store had
  // been away.
  test('the deadline of a shard that is being frozen has not moved: its origin did not stop counting', () => {
    const world = stuck('a', 'transferFreeze');
    const [before] = world.state.migrations.values();
    expect(before?.step.kind).toBe('freezing');
    world.now += 60_000;
    const resumed = afterSuspension(world.state, 60_000, world.now);
    expect(resumed.migrations.get(before?.id ?? '')?.deadline).toBe(before?.deadline);
    expect(() => assertInvariants(resumed)).not.toThrow();
    const { state } = decide(resumed, { kind: 'tick' }, world.now);
    expect(state.migrations.size).toBe(0);
    expect(state.shards[0]).toMatchObject({ kind: 'running', node: 'a' });
  });
});
