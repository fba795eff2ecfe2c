/**
 * A migration of shard 0 from node `a` to node `b` that goes no further, because the command that would end its step is
 * lost for good.
 */
import type { MessageKind } from '@dshard/protocol';
import { expect } from 'vitest';
import type { ModelNode } from '../model-node.js';
import type { World } from '../world.js';

export type Scene = { world: World; a: ModelNode; b: ModelNode };

/** `by`: whose silence about what keeps it in the step. */
export function stuckMigration<S extends Scene>(
  scene: S,
  step: string,
  by: [node: 'a' | 'b', command: MessageKind],
): S & { request: string; migrationId: string } {
  const [node, command] = by;
  const { world, [node]: silent } = scene;
  silent.mute.add(command);
  const request = world.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
  world.settle();
  const [migration] = world.state.migrations.values();
  expect(migration?.step.kind).toBe(step);
  silent.mute.clear();
  return { ...scene, request, migrationId: migration?.id ?? '' };
}
