/**
 * Stopping, draining, replacing or losing a node that takes part in a migration is safe at every step: a table of every
 * flow, every step, every operation and either end of the migration. In the end each shard runs on exactly one node,
 * nobody identified, nothing is left over, and everybody who asked was answered.
 */
import type { MessageKind } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import { OLDER_CAPABILITIES } from '../model-node.js';
import type { ModelNodeOptions } from '../model-node.js';
import { drain, rollout, World } from '../world.js';

type Role = 'origin' | 'destination';
type Flow = {
  name: string;
  node: Omit<ModelNodeOptions, 'id'>;
  steps: [step: string, heldBy: Role, command: MessageKind][];
};

const BASE_STEPS: Flow['steps'] = [
  ['closing', 'origin', 'prepareMigration'],
  ['preparing', 'destination', 'prepareMigration'],
  ['transferring', 'origin', 'startMigration'],
  ['resuming', 'destination', 'allUserDataSent'],
];

const FLOWS: Flow[] = [
  {
    name: 'live',
    node: {},
    steps: [
      ['openingOrigin', 'origin', 'transferOpen'],
      ['openingDestination', 'destination', 'transferOpen'],
      ['copying', 'origin', 'transferCopy'],
      ['freezing', 'origin', 'transferFreeze'],
      ['verifying', 'destination', 'transferManifest'],
      ['releasing', 'origin', 'transferRelease'],
      ['activating', 'destination', 'transferActivate'],
    ],
  },
  { name: 'close first', node: { capabilities: OLDER_CAPABILITIES }, steps: BASE_STEPS },
  { name: 'base level', node: { baseLevel: true }, steps: BASE_STEPS },
];

const NODE_OF: Record<Role, string> = { origin: 'a', destination: 'b' };

type Operation = {
  name: string;
  begin(world: World, node: string): void;
  /** What is to become of the node. */
  leaves: 'dead' | 'empty' | 'as it is';
  /** A base-level node gives nobody its sessions when it ends. */
  keepsSessions: boolean;
};

const OPERATIONS: Operation[] = [
  {
    name: 'shutting down',
    begin: (world, node) => world.command({ kind: 'shutdownNode', node, now: true }),
    leaves: 'dead',
    keepsSessions: false,
  },
  {
    name: 'draining and shutting down',
    begin: (world, node) => world.command(drain(node, 'c', { shutdown: true })),
    leaves: 'dead',
    keepsSessions: true,
  },
  {
    name: 'draining',
    begin: (world, node) => world.command(drain(node, 'c')),
    leaves: 'empty',
    keepsSessions: true,
  },
  {
    name: 'draining, which is cancelled at once,',
    begin(world, node) {
      world.command(drain(node, 'c', { shutdown: true }));
      world.command({ kind: 'cancelOperation', operation: [...world.state.operations.keys()][0]! });
    },
    leaves: 'as it is',
    keepsSessions: true,
  },
  {
    name: 'replacing',
    begin: (world) => world.command(rollout),
    leaves: 'as it is',
    keepsSessions: true,
  },
  { name: 'losing', begin: (world, node) => world.kill(world.nodes.get(node)!), leaves: 'dead', keepsSessions: false },
  {
    name: 'losing sight for a moment of',
    begin(world, node) {
      world.disconnect(world.nodes.get(node)!);
      world.pass(2_000);
      world.connect(world.nodes.get(node)!);
    },
    leaves: 'as it is',
    keepsSessions: true,
  },
  {
    name: 'crashing the orchestrator in the middle of draining',
    begin(world, node) {
      world.command(drain(node, 'c'));
      world.crash();
      for (const each of world.nodes.values()) world.connect(each);
    },
    leaves: 'empty',
    keepsSessions: true,
  },
];

/** Shards 0–3 on `a`, `b` and `c` empty, and the migration of shard 0 from `a` to `b` stuck in a step for good. */
function stuckIn(flow: Flow, [step, role, command]: Flow['steps'][number]): World {
  const world = new World({ canLaunch: true, expectedNodes: ['a'] });
  world.join({ id: 'a', ...flow.node });
  world.start();
  world.pass(31_000);
  for (const id of ['b', 'c']) world.join({ id, ...flow.node });
  world.pass(6_000);
  for (const node of world.nodes.values()) node.identifies = [];
  const silent = world.nodes.get(NODE_OF[role])!;
  silent.mute.add(command);
  world.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
  world.settle();
  const [migration] = world.state.migrations.values();
  expect(migration?.step.kind).toBe(step);
  silent.mute.clear();
  return world;
}

function expectInOrder(world: World, operation: Operation, node: string): void {
  expect(world.state.shards.map(({ kind }) => kind)).toEqual(['running', 'running', 'running', 'running']);
  expect(world.truth()).toEqual(world.placement());
  expect(
    Object.values(world.truth())
      .flat()
      .toSorted((a, b) => a - b),
  ).toEqual([0, 1, 2, 3]);
  expect([world.state.migrations.size, world.state.operations.size]).toEqual([0, 0]);
  for (const { alive, transfers } of world.nodes.values()) {
    if (alive) expect([transfers.offers.size, transfers.frozen.size, transfers.staging.size]).toEqual([0, 0, 0]);
  }
  const isLeft = world.truth()[node] === undefined;
  if (operation.leaves !== 'as it is') expect(isLeft, `node ${node} has no shard`).toBe(true);
  if (operation.leaves === 'dead') expect(world.nodes.get(node)!.alive).toBe(false);
}

describe.each(FLOWS)('$name:', (flow) => {
  const cases = flow.steps.flatMap((stuckAt) =>
    OPERATIONS.flatMap((operation) =>
      (['origin', 'destination'] as const).map((role) => ({
        name: operation.name,
        step: stuckAt[0],
        role,
        stuckAt,
        operation,
      })),
    ),
  );

  test.each(cases)('$name the $role in $step leaves the fleet in order', ({ stuckAt, role, operation }) => {
    const world = stuckIn(flow, stuckAt);
    operation.begin(world, NODE_OF[role]);
    world.pass(120_000);
    expectInOrder(world, operation, NODE_OF[role]);
    const identified = [...world.nodes.values()].flatMap(({ identifies }) => identifies);
    if (flow.name !== 'base level') expect(identified).toEqual([]);
    // The shard that moved, if nobody handed its state over: a Go node gets a session with the state, or not at all.
    else if (operation.keepsSessions) expect([[], [0]]).toContainEqual(identified);
    if (!operation.name.startsWith('crashing')) {
      expect([...world.asked].filter((request) => !world.replies.has(request))).toEqual([]);
    }
  });
});
