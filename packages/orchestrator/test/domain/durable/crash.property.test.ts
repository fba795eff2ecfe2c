/**
 * The orchestrator is killed at any time, also between making a decision durable and acting on it, while nodes come and
 * go and operators ask for things. At every moment the store holds exactly what is durable of the state; after every
 * restart the invariants hold, and a shard that a node runs is known at that node; and in the end the fleet converges,
 * with no shard on two nodes.
 */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { OperatorCommand } from '../../../src/domain/state/commands.js';
import { recordsOf } from '../../../src/domain/durable/writes.js';
import type { ModelNode } from '../model-node.js';
import { drain, rollout, World } from '../world.js';

const SHARDS = 6;
const IDS = ['a', 'b', 'c'];
const id = fc.constantFrom(...IDS);
const shard = fc.integer({ min: 0, max: SHARDS - 1 });

const command: fc.Arbitrary<OperatorCommand> = fc.oneof(
  fc.tuple(shard, id).map(([s, destination]): OperatorCommand => ({ kind: 'migrateShard', shard: s, destination })),
  fc
    .tuple(id, fc.option(id), fc.boolean(), fc.option(fc.integer({ min: 1, max: 5_000 })))
    .map(([origin, destination, shutdown, deadline]) => drain(origin, destination, { shutdown, deadline })),
  fc.uniqueArray(id, { minLength: 2, maxLength: 3 }).map((origins) => drain(origins, null)),
  shard.map((s): OperatorCommand => ({ kind: 'stopShard', shard: s })),
  id.map((node): OperatorCommand => ({ kind: 'cordonNode', node })),
  id.map((node): OperatorCommand => ({ kind: 'uncordonNode', node })),
  fc.constant(rollout),
  fc
    .tuple(fc.constantFrom('d', 'r'), fc.integer({ min: 1, max: 30 }))
    .map(([prefix, n]): OperatorCommand => ({ kind: 'cancelOperation', operation: `${prefix}${n}` })),
);

type Op =
  | { op: 'join' | 'disconnect' | 'reconnect' | 'kill'; id: string }
  | { op: 'deliver'; count: number; seed: number }
  | { op: 'pass'; ms: number }
  | { op: 'command'; command: OperatorCommand }
  | { op: 'crash'; last: OperatorCommand | null };

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.constantFrom('join', 'join', 'disconnect', 'reconnect', 'reconnect', 'kill'), id)
      .map(([o, i]): Op => ({ op: o, id: i })),
  },
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 30 }), fc.nat())
      .map(([count, seed]): Op => ({ op: 'deliver', count, seed })),
  },
  { weight: 3, arbitrary: fc.constantFrom(1, 1_000, 6_000, 40_000).map((ms): Op => ({ op: 'pass', ms })) },
  { weight: 5, arbitrary: command.map((c): Op => ({ op: 'command', command: c })) },
  { weight: 3, arbitrary: fc.option(command).map((last): Op => ({ op: 'crash', last })) },
);

function picker(seed: number): (choices: number) => number {
  let state = (seed % 2_147_483_646) + 1;
  return (choices) => {
    state = (state * 48_271) % 2_147_483_647;
    return choices === 0 ? 0 : state % choices;
  };
}

function apply(world: World, step: Op): void {
  const node = 'id' in step ? world.nodes.get(step.id) : undefined;
  switch (step.op) {
    case 'join':
      if (node === undefined || !node.alive) world.join({ id: step.id });
      break;
    case 'disconnect':
      if (node !== undefined) world.disconnect(node);
      break;
    case 'reconnect':
      if (node?.alive === true && !node.ended && node.connection === null) world.connect(node);
      break;
    case 'kill':
      if (node?.alive === true) world.kill(node);
      break;
    case 'deliver': {
      const pick = picker(step.seed);
      for (let i = 0; i < step.count && world.deliver(pick); i += 1);
      break;
    }
    case 'pass':
      world.pass(step.ms);
      break;
    case 'command':
      world.command(step.command);
      break;
    case 'crash': {
      const connected = [...world.nodes.values()].filter(({ connection }) => connection !== null);
      world.crash(
        step.last === null
          ? undefined
          : { kind: 'command', request: 'never answered', command: step.last, by: 'nobody' },
      );
      runsAreKnown(world, connected);
      break;
    }
  }
}

/**
 * What a living node runs was made durable before the node was told to run it. Of one that was away before, longer than
 * it may be, it is taken for granted that it runs nothing.
 */
function runsAreKnown(world: World, connected: readonly ModelNode[]): void {
  for (const node of connected) {
    if (!node.alive) continue;
    for (const running of node.running) {
      const state = world.shard(running);
      const others = [...world.nodes.values()].filter(
        (other) => other !== node && other.alive && other.running.has(running),
      );
      if (others.length > 0) continue;
      expect(state, `shard ${running}, which node ${node.id} runs`).toMatchObject({
        kind: 'unreachable',
        node: node.id,
      });
    }
  }
}

function storeIsWhole(world: World): void {
  const stored = [...world.records.values()].map(({ kind, key, value }) => [`${kind}/${key}`, value]);
  const wanted = recordsOf(world.state).map(({ kind, key, value }) => [
    `${kind}/${key}`,
    JSON.parse(JSON.stringify(value)),
  ]);
  expect(Object.fromEntries(stored)).toEqual({ ...Object.fromEntries(wanted), ...initial(world) });
}

/** What a fresh orchestrator has not written yet. */
function initial(world: World): Record<string, unknown> {
  return Object.fromEntries(
    ['fleet/ids', 'fleet/identifies'].filter((name) => !world.records.has(name)).map((name) => [name, undefined]),
  );
}

describe('an orchestrator that is killed again and again', () => {
  test('forgets nothing it needs, and the fleet converges', () => {
    fc.assert(
      fc.property(fc.array(op, { minLength: 5, maxLength: 50 }), (ops) => {
        const world = new World({ totalShards: SHARDS, expectedNodes: null }).start();
        for (const step of ops) {
          apply(world, step);
          storeIsWhole(world);
        }
        for (const node of world.nodes.values()) {
          if (node.alive && !node.ended && node.connection === null) world.connect(node);
        }
        world.pass(400_000);
        for (const node of world.nodes.values()) world.command({ kind: 'uncordonNode', node: node.id });
        if (![...world.nodes.values()].some((node) => node.connection !== null)) world.join('last-resort');
        world.pass(200_000);
        storeIsWhole(world);
        expect(world.state.shards.map(({ kind }) => kind)).toEqual(Array.from({ length: SHARDS }, () => 'running'));
        expect(world.truth()).toEqual(world.placement());
        expect(world.state.operations.size + world.state.migrations.size).toBe(0);
        expect(world.state.operations.size).toBe(0);
      }),
      { numRuns: 120 },
    );
  });
});
