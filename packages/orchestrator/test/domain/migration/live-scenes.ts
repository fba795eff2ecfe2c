/** A live migration of shard 0 from node `a` to node `b`, and how it gets stuck in each of its steps. */
import type { MessageKind } from '@dshard/protocol';
import { expect } from 'vitest';
import type { LiveStep } from '../../../src/domain/state/state.js';
import { World } from '../world.js';
import type { WorldOptions } from '../world.js';
import { stuckMigration } from './stuck-migration.js';
import type { Scene } from './stuck-migration.js';

export type Step = LiveStep['kind'];

/** Whose silence about what keeps a migration in a step. */
export const SILENT_IN: Record<Step, [node: 'a' | 'b', command: MessageKind]> = {
  announcing: ['a', 'shardLeaving'],
  openingOrigin: ['a', 'transferOpen'],
  openingDestination: ['b', 'transferOpen'],
  copying: ['a', 'transferCopy'],
  warming: ['b', 'transferWarmUp'],
  freezing: ['a', 'transferFreeze'],
  verifying: ['b', 'transferManifest'],
  releasing: ['a', 'transferRelease'],
  activating: ['b', 'transferActivate'],
};

export const ALL_STEPS = Object.keys(SILENT_IN) as Step[];
export const BEFORE_RELEASE: Step[] = ALL_STEPS.slice(0, ALL_STEPS.indexOf('releasing'));
export const everythingOnA = { a: [0, 1, 2, 3] };
export const shard0OnB = { a: [1, 2, 3], b: [0] };

/** Shards 0–3 on `a`; `b` is empty, and cordoned so that nothing is placed on it by itself. */
export function scene(options: WorldOptions = {}): Scene {
  const world = new World(options).start();
  const a = world.join('a');
  world.pass(25_000);
  const b = world.join('b');
  world.ask({ kind: 'cordonNode', node: 'b' });
  a.identifies = [];
  return { world, a, b };
}

export type Stuck = Scene & { request: string; migrationId: string };

/** With the migration of shard 0 from `a` to `b` stuck in a step. */
export function stuckIn(step: Step, options: WorldOptions = {}): Stuck {
  return stuckMigration(scene(options), step, SILENT_IN[step]);
}

/** How far a destination came that was stopped while it resumed. */
export const LATER = { sessionId: 'session-0', sequence: 12, resumeGatewayUrl: '' };
export const HALFWAY = { ...LATER, redelivers: true };

/** The connection of the origin breaks, and is there again. */
export function reconnect({ world, a }: Scene): void {
  world.disconnect(a);
  world.connect(a);
}

/** The command that was lost, delivered after all. */
export function answerNow({ world, a, b }: Scene, step: Step): void {
  const [name, kind] = SILENT_IN[step];
  const lost = world.sentTo(name, kind).at(-1);
  if (lost !== undefined) ({ a, b })[name].receive(lost);
  world.settle();
}

export function expectOver({ world, a, b }: Scene): void {
  expect(world.state.migrations.size).toBe(0);
  expect(world.placement()).toEqual(world.truth());
  expect([a.transfers.offers.size, a.transfers.frozen.size, b.transfers.staging.size]).toEqual([0, 0, 0]);
}
