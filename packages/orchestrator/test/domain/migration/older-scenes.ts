/**
 * The migration of shard 0 from node `a` to node `b` where one of them knows no live one, and how it gets stuck in each
 * of its steps.
 */
import type { MessageKind } from '@dshard/protocol';
import { OLDER_CAPABILITIES } from '../model-node.js';
import type { ModelNodeOptions } from '../model-node.js';
import { World } from '../world.js';
import type { WorldOptions } from '../world.js';
import { stuckMigration } from './stuck-migration.js';
import type { Scene } from './stuck-migration.js';

export type Step = 'closing' | 'preparing' | 'transferring' | 'resuming';

/** Whose silence about what keeps a migration in a step. */
const SILENT_IN: Record<Step, [node: 'a' | 'b', command: MessageKind]> = {
  closing: ['a', 'prepareMigration'],
  preparing: ['b', 'prepareMigration'],
  transferring: ['a', 'startMigration'],
  resuming: ['b', 'allUserDataSent'],
};

function node(id: string, baseLevel: boolean): ModelNodeOptions {
  return baseLevel ? { id, baseLevel } : { id, capabilities: OLDER_CAPABILITIES };
}

/** Shards 0–3 on `a`; `b` is empty, and cordoned so that nothing is placed on it by itself. */
export function scene(options: WorldOptions & { baseLevel?: boolean } = {}): Scene {
  const { baseLevel = false, ...settings } = options;
  const world = new World(settings).start();
  const a = world.join(node('a', baseLevel));
  world.pass(25_000);
  const b = world.join(node('b', baseLevel));
  world.ask({ kind: 'cordonNode', node: 'b' });
  return { world, a, b };
}

/** With the migration of shard 0 from `a` to `b` stuck in a step. */
export function stuckIn(step: Step, options: WorldOptions & { baseLevel?: boolean } = {}): Scene & { request: string } {
  return stuckMigration(scene(options), step, SILENT_IN[step]);
}

export const ALL_STEPS: Step[] = ['closing', 'preparing', 'transferring', 'resuming'];
export const BEFORE_RESUME: Step[] = ['closing', 'preparing', 'transferring'];
