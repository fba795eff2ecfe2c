/**
 * Anything may happen, in any order: nodes join, answer, fail to answer, break off, die; operators ask for everything;
 * time jumps. After every event the invariants hold. When faults stop, the fleet converges: nobody migrates, every
 * shard runs on exactly one node, and every request was answered exactly once.
 */
import type { Message } from '@dshard/protocol';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { OperatorCommand } from '../../src/domain/state/commands.js';
import { OLDER_CAPABILITIES } from './model-node.js';
import type { ModelNode, ModelNodeOptions } from './model-node.js';
import { drain, rollout, World } from './world.js';

const SHARDS = 6;
const IDS = ['a', 'b', 'c', 'd'];

/** What a node knows: live migration, the flow before it, or the base level. */
type Level = 'live' | 'older' | 'base';

const TROUBLED = [
  'prepareMigration',
  'allUserDataSent',
  'startShards',
  'stopShard',
  'startMigration',
  'shutdown',
  'transferOpen',
  'transferCopy',
  'transferFreeze',
  'transferManifest',
  'transferRelease',
  'transferActivate',
  'transferAbort',
  'transferDone',
] as const;
type Troubled = (typeof TROUBLED)[number];

function modelNode(id: string, level: Level): ModelNodeOptions {
  if (level === 'base') return { id, baseLevel: true };
  return level === 'older' ? { id, capabilities: OLDER_CAPABILITIES } : { id };
}

type Op =
  | { op: 'join'; id: string; level: Level }
  | { op: 'disconnect' | 'reconnect' | 'kill' | 'killSilently'; id: string }
  | { op: 'deliver'; count: number; seed: number }
  | { op: 'pass'; ms: number }
  | { op: 'jump'; ms: number }
  | {
      op: 'mute' | 'fail';
      id: string;
      kind: Troubled;
    }
  /** A frozen shard's time is up. */
  | { op: 'unfreeze'; id: string }
  | { op: 'wellAgain'; id: string }
  | { op: 'say'; id: string; message: Message }
  | { op: 'command'; command: OperatorCommand }
  /** Whatever operation is under way. */
  | { op: 'cancel' };

const id = fc.constantFrom(...IDS);
const shard = fc.integer({ min: 0, max: SHARDS });
const kind = fc.constantFrom(...TROUBLED);
const level = fc.constantFrom<Level>('live', 'live', 'older', 'base');
const session = fc.constant({ sessionId: 'made-up', sequence: 3, resumeGatewayUrl: '' });

const message: fc.Arbitrary<Message> = fc.oneof(
  shard.map((shardId): Message => ({ kind: 'startShards', shardIds: [shardId] })),
  shard.map((shardId): Message => ({ kind: 'stopShard', shardId, session: null })),
  fc
    .tuple(shard, fc.boolean(), fc.option(session))
    .map(([shardId, origin, known]): Message => ({ kind: 'prepareMigration', origin, shardId, session: known })),
  fc.integer({ min: 0, max: 3 }).map((numEvents): Message => ({ kind: 'allUserDataSent', numEvents })),
  fc.constant<Message>({ kind: 'userEvent', eventId: 100, body: new Uint8Array() }),
  shard.map((shardId): Message => ({ kind: 'identifyRequest', shardId })),
  fc
    .tuple(shard, kind)
    .map(([shardId, command]): Message => ({ kind: 'commandFailed', command, shardId, message: 'no' })),
  shard.map((shardId): Message => ({ kind: 'transferReleased', migrationId: 'm0-1', shardId })),
  shard.map((shardId): Message => ({ kind: 'transferFailed', migrationId: 'm0-1', shardId, step: 'x', reason: 'no' })),
  shard.map((shardId): Message => ({
    kind: 'transferData',
    migrationId: 'm0-1',
    shardId,
    index: 0,
    eventId: 100,
    body: new Uint8Array(),
  })),
);

const command: fc.Arbitrary<OperatorCommand> = fc.oneof(
  fc.tuple(shard, id).map(([s, destination]): OperatorCommand => ({ kind: 'migrateShard', shard: s, destination })),
  fc
    .tuple(id, fc.option(id), fc.boolean(), fc.option(fc.integer({ min: 1, max: 5_000 })))
    .map(([origin, destination, shutdown, deadline]) => drain(origin, destination, { shutdown, deadline })),
  fc.uniqueArray(id, { minLength: 2, maxLength: 3 }).map((origins) => drain(origins, null)),
  shard.map((s): OperatorCommand => ({ kind: 'stopShard', shard: s })),
  fc.tuple(id, shard).map(([node, s]): OperatorCommand => ({ kind: 'startShards', node, shards: [s] })),
  id.map((node): OperatorCommand => ({ kind: 'shutdownNode', node, now: true })),
  id.map((node): OperatorCommand => ({ kind: 'cordonNode', node })),
  id.map((node): OperatorCommand => ({ kind: 'uncordonNode', node })),
  id.map((node): OperatorCommand => ({ kind: 'takeOverNode', node })),
  fc.constant<OperatorCommand>({ kind: 'startNode' }),
  fc.constant(rollout),
);

const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(id, level).map(([i, l]): Op => ({ op: 'join', id: i, level: l })) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('disconnect', 'reconnect', 'reconnect', 'kill', 'killSilently'), id)
      .map(([o, i]): Op => ({ op: o, id: i })),
  },
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 40 }), fc.nat())
      .map(([count, seed]): Op => ({ op: 'deliver', count, seed })),
  },
  { weight: 3, arbitrary: fc.constantFrom(1, 1_000, 6_000, 16_000, 40_000).map((ms): Op => ({ op: 'pass', ms })) },
  { weight: 1, arbitrary: fc.constantFrom(4_000, 25_000, 100_000).map((ms): Op => ({ op: 'jump', ms })) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom('mute', 'fail'), id, kind).map(([o, i, k]): Op => ({ op: o, id: i, kind: k })),
  },
  { weight: 2, arbitrary: id.map((i): Op => ({ op: 'wellAgain', id: i })) },
  { weight: 1, arbitrary: id.map((i): Op => ({ op: 'unfreeze', id: i })) },
  { weight: 1, arbitrary: fc.tuple(id, message).map(([i, m]): Op => ({ op: 'say', id: i, message: m })) },
  { weight: 1, arbitrary: fc.constant<Op>({ op: 'cancel' }) },
  { weight: 6, arbitrary: command.map((c): Op => ({ op: 'command', command: c })) },
);

/** Small and seeded; only its being different every time matters. */
function picker(seed: number): (choices: number) => number {
  let state = (seed % 2_147_483_646) + 1;
  return (choices) => {
    state = (state * 48_271) % 2_147_483_647;
    return choices === 0 ? 0 : state % choices;
  };
}

function apply(world: World, step: Op, asked: string[]): void {
  const node: ModelNode | undefined = 'id' in step ? world.nodes.get(step.id) : undefined;
  switch (step.op) {
    case 'join':
      if (node === undefined || !node.alive) world.join(modelNode(step.id, step.level));
      break;
    case 'disconnect':
      if (node !== undefined) world.disconnect(node);
      break;
    case 'reconnect':
      // Also while the older connection still seems open: that is what a half-open connection looks like.
      if (node?.alive === true && !node.ended) world.connect(node);
      break;
    case 'kill':
    case 'killSilently':
      if (node?.alive === true) world.kill(node, { noticed: step.op === 'kill' });
      break;
    case 'deliver': {
      const pick = picker(step.seed);
      for (let i = 0; i < step.count && world.deliver(pick); i += 1);
      break;
    }
    case 'pass':
      world.pass(step.ms);
      break;
    case 'jump':
      world.now += step.ms;
      world.tick();
      break;
    case 'mute':
      node?.mute.add(step.kind);
      break;
    case 'fail':
      node?.fail.add(step.kind);
      break;
    case 'unfreeze':
      for (const shardId of node?.transfers.frozen.keys() ?? []) node?.transfers.unfreeze(shardId);
      break;
    case 'wellAgain':
      node?.mute.clear();
      node?.fail.clear();
      break;
    case 'say':
      // A base-level node sends no heartbeats: what it says it runs is all there is, so a lie of it cannot come out.
      if (node?.baseLevel === false || !isAboutRunning(step.message)) node?.send(step.message);
      break;
    case 'command':
      asked.push(world.command(step.command));
      break;
    case 'cancel': {
      const [operation] = world.state.operations.keys();
      if (operation !== undefined) asked.push(world.command({ kind: 'cancelOperation', operation }));
      break;
    }
  }
}

function isAboutRunning({ kind }: Message): boolean {
  return kind === 'startShards' || kind === 'stopShard' || kind === 'prepareMigration';
}

/** Faults stop: whoever lives is well, and connected; there is at least one node. */
function heal(world: World): void {
  for (const node of world.nodes.values()) {
    node.mute.clear();
    node.fail.clear();
  }
  for (const node of world.nodes.values())
    if (node.alive && !node.ended && node.connection === null) world.connect(node);
  world.settle();
  for (const node of world.nodes.values()) {
    // Somebody looks after the machines that are silent, and says so.
    if (!node.alive) world.command({ kind: 'takeOverNode', node: node.id });
    if (world.state.nodes.get(node.id)?.intent.kind === 'cordoned')
      world.command({ kind: 'uncordonNode', node: node.id });
  }
}

/**
 * The suite always tests the same cases; `DSO_FUZZ_RUNS=5000` tests that many new ones, and names the seed of one that
 * fails.
 */
const fuzzRuns = process.env['DSO_FUZZ_RUNS'];
const settings = fuzzRuns === undefined ? { numRuns: 150, seed: 7447 } : { numRuns: Number(fuzzRuns) };

describe('whatever happens', () => {
  test.each([
    { name: 'without a launcher', canLaunch: false, nodes: 0, bucketSize: 1, maxUnavailable: { count: 2 } },
    { name: 'with a launcher', canLaunch: true, nodes: 2, bucketSize: 1, maxUnavailable: { percent: 50 } },
    { name: 'with buckets', canLaunch: false, nodes: 0, bucketSize: 2, maxUnavailable: { percent: 100 } },
  ])(
    'the invariants hold, and the fleet converges when faults stop: $name',
    ({ canLaunch, nodes, bucketSize, maxUnavailable }) => {
      fc.assert(
        fc.property(fc.array(op, { minLength: 5, maxLength: 60 }), (ops) => {
          const world = new World({ totalShards: SHARDS, canLaunch, nodes, bucketSize, maxUnavailable }).start();
          const asked: string[] = [];
          for (const step of ops) apply(world, step, asked);
          heal(world);
          // Long enough for everything that may be under way: downtimes, timeouts of a rollout of four nodes, retries.
          world.pass(400_000);
          heal(world);
          if (![...world.nodes.values()].some((node) => node.connection !== null)) world.join('last-resort');
          world.pass(200_000);
          expect(world.state.shards.map(({ kind }) => kind)).toEqual(Array.from({ length: SHARDS }, () => 'running'));
          expect([...world.state.migrations.keys()]).toEqual([]);
          expect(world.state.waitingMigrations).toEqual([]);
          expect([...world.state.operations.keys()]).toEqual([]);
          expect(world.state.operations.size).toBe(0);
          expect([...world.state.startRequests.keys()]).toEqual([]);
          expect(world.truth()).toEqual(world.placement());
          for (const { transfers } of world.nodes.values()) {
            expect([transfers.offers.size, transfers.frozen.size, transfers.staging.size]).toEqual([0, 0, 0]);
          }
          expect(asked.filter((request) => !world.replies.has(request))).toEqual([]);
        }),
        settings,
      );
    },
  );
});
