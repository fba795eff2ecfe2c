/**
 * A rollout to a version that died after 4 s replaced all nodes, said `Replaced 3 node(s).`, exit 0, and left 12 of 12
 * shards vacant: nobody looked at the new nodes, and the old ones had ended by the time that anybody could.
 */
import type { NodeSignals } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import type { OperatorCommand } from '../../../src/domain/state/commands.js';
import type { RolloutOptions } from '../../../src/domain/state/operations.js';
import { World, type WorldOptions } from '../world.js';
import { FRESH_SIGNALS } from '../signals.js';

const OPTIONS: RolloutOptions = {
  bake: 60_000,
  canary: null,
  surge: null,
  fast: false,
  manual: false,
  force: false,
  to: null,
  keepOld: 0,
};

function rollout(options: Partial<RolloutOptions> = {}): OperatorCommand {
  return { kind: 'startOperation', plan: { kind: 'rollout', ...OPTIONS, ...options }, answer: 'ended' };
}

/** Twelve shards on three launched nodes of v1; v2 is deployed. */
function fleet(options: WorldOptions = {}): World {
  const world = new World({
    canLaunch: true,
    nodes: 3,
    totalShards: 12,
    maxUnavailable: { percent: 25 },
    ...options,
  });
  world.version('v1');
  world.start();
  world.pass(60_000);
  expect(world.truth()).toEqual(BEFORE);
  for (const node of world.nodes.values()) node.identifies = [];
  world.version('v2');
  return world;
}

const BEFORE = { 'launched-1': [0, 1, 2, 3], 'launched-2': [4, 5, 6, 7], 'launched-3': [8, 9, 10, 11] };
const OLD = Object.keys(BEFORE);

function newShards(world: World): number[] {
  const shards = Object.entries(world.truth()).flatMap(([node, own]) => (OLD.includes(node) ? [] : own));
  return shards.toSorted((a, b) => a - b);
}

function identifies(world: World): number[] {
  return [...world.nodes.values()].flatMap((node) => node.identifies);
}

function aliveNodes(world: World): string[] {
  return [...world.nodes.values()].filter(({ alive }) => alive).map(({ id }) => id);
}

describe('a rollout that bakes', () => {
  test('moves a canary first, then a tenth, half, and all; nothing old ends before the last bake is over', () => {
    const world = fleet();
    const request = world.command(rollout());
    world.settle();
    const seen: number[] = [newShards(world).length];
    for (let second = 0; second < 240 && world.replies.get(request) === undefined; second += 1) {
      world.pass(1_000);
      const moved = newShards(world).length;
      if (moved !== seen.at(-1)) seen.push(moved);
      if (world.replies.get(request) === undefined && moved < 12) {
        expect(OLD.every((id) => world.nodes.get(id)?.alive)).toBe(true);
      }
    }
    expect(seen).toEqual([1, 2, 6, 12]);
    expect(world.replies.get(request)).toMatchObject({ ok: true, data: { nodes: 3, moved: 12 } });
    expect(aliveNodes(world)).toEqual(['launched-4', 'launched-5', 'launched-6']);
    expect(identifies(world)).toEqual([]);
    expect(world.state.rollouts.quarantined).toEqual([]);
  });

  test('never takes shard 0 as the canary', () => {
    const world = fleet();
    world.command(rollout());
    world.settle();
    expect(newShards(world)).toHaveLength(1);
    expect(newShards(world)).not.toContain(0);
  });

  test('replaces two nodes at a time where that is asked for, and each old pair ends when its own bake is over', () => {
    const world = fleet();
    const request = world.command(rollout({ surge: 2, bake: 10_000 }));
    world.pass(1_000);
    expect(aliveNodes(world)).toHaveLength(5);
    world.pass(120_000);
    expect(world.replies.get(request)).toMatchObject({ ok: true, data: { nodes: 3, moved: 12 } });
    expect(aliveNodes(world)).toHaveLength(3);
    expect(newShards(world)).toHaveLength(12);
  });

  test('keeps whole buckets together, in the canary as well', () => {
    const world = new World({ canLaunch: true, nodes: 2, totalShards: 8, bucketSize: 4 });
    world.version('v1');
    world.start();
    world.pass(60_000);
    world.version('v2');
    world.command(rollout());
    world.pass(1_000);
    const buckets = Object.values(world.truth()).map((shards) => shards.map((shard) => Math.floor(shard / 4)));
    expect(buckets.flat()).toHaveLength(8);
    for (const own of buckets) expect(new Set(own).size).toBeLessThanOrEqual(1);
  });

  test('gives a shard that is vacant meanwhile to an old node, and never to a new one', () => {
    const world = fleet();
    world.command(rollout());
    world.pass(1_000);
    const canary = newShards(world);
    world.kill(world.nodes.get('launched-2')!);
    world.pass(5_000);
    expect(newShards(world)).toEqual(canary);
    expect(Object.values(world.truth()).flat()).toHaveLength(12);
  });

  test('names the nodes of other launchers, and leaves them alone', () => {
    const world = new World({ canLaunch: true, totalShards: 4 });
    world.join('ours');
    world.join({ id: 'theirs', elsewhere: true });
    world.start();
    world.pass(25_000);
    world.ask({ kind: 'migrateShard', shard: 3, destination: 'theirs' });
    const before = world.truth()['theirs'];
    expect(before?.length).toBeGreaterThan(0);
    const request = world.command(rollout({ bake: 0 }));
    world.pass(60_000);
    expect(world.replies.get(request)).toMatchObject({ ok: true, message: expect.stringContaining('theirs') });
    expect(world.truth()['theirs']).toEqual(before);
    expect(world.nodes.get('ours')?.alive).toBe(false);
  });
});

describe('a rollout to a version that dies', () => {
  /** The node that has the canary. */
  function canaryNode(world: World) {
    const [id] = Object.keys(world.truth()).filter((node) => !OLD.includes(node));
    return world.nodes.get(id!)!;
  }

  test('goes back, keeps every shard on the old version, ends every new node, and fails', () => {
    const world = fleet();
    const request = world.command(rollout());
    world.pass(4_000);
    world.kill(canaryNode(world));
    world.pass(30_000);
    expect(world.replies.get(request)).toMatchObject({
      error: { code: 'DSO_OPERATION_FAILED', message: expect.stringMatching(/reverted: the new node .* ended/) },
    });
    expect(aliveNodes(world)).toEqual(OLD);
    expect(Object.values(world.truth()).flat()).toHaveLength(12);
    expect(identifies(world)).toEqual([]);
    expect(world.state.launches.size).toBe(0);
  });

  test('goes back also from its last bake, with all shards, though a third of them is down', () => {
    const world = fleet({ maxUnavailable: { count: 1 } });
    const request = world.command(rollout());
    world.pass(152_000);
    expect(newShards(world)).toHaveLength(12);
    expect(OLD.every((id) => world.nodes.get(id)?.alive)).toBe(true);
    world.kill(canaryNode(world));
    world.settle();
    world.pass(30_000);
    expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_OPERATION_FAILED' } });
    expect(Object.values(world.truth()).flat()).toHaveLength(12);
    expect(aliveNodes(world)).toEqual(OLD);
    expect(identifies(world)).toEqual([]);
  });

  test('is not begun again until somebody insists, and a second revert soon after freezes rollouts', () => {
    const world = fleet();
    world.command(rollout());
    world.pass(4_000);
    world.kill(canaryNode(world));
    world.pass(30_000);
    expect(world.ask(rollout())).toMatchObject({
      error: { code: 'DSO_VERSION_QUARANTINED', message: expect.stringContaining('--force') },
    });
    world.version('v3');
    const again = world.command(rollout());
    world.pass(4_000);
    world.kill(canaryNode(world));
    world.pass(30_000);
    expect(world.replies.get(again)).toMatchObject({ error: { code: 'DSO_OPERATION_FAILED' } });
    world.version('v4');
    expect(world.ask(rollout())).toMatchObject({ error: { code: 'DSO_ROLLOUTS_FROZEN' } });
    world.crash();
    for (const node of world.nodes.values()) if (node.alive) world.connect(node);
    world.version('v4');
    world.pass(30_000);
    expect(world.ask(rollout())).toMatchObject({ error: { code: 'DSO_ROLLOUTS_FROZEN' } });
    const forced = world.command(rollout({ force: true, bake: 0 }));
    world.pass(60_000);
    expect(world.replies.get(forced)).toMatchObject({ ok: true });
  });

  test('leaves no new node that would be given shards at the next death', () => {
    const world = fleet();
    world.command(rollout());
    world.pass(4_000);
    world.kill(canaryNode(world));
    world.pass(30_000);
    world.kill(world.nodes.get('launched-3')!);
    world.pass(120_000);
    expect(newShards(world)).toEqual([]);
    expect(Object.values(world.truth()).flat()).toHaveLength(12);
  });
});

describe('a rollout whose new nodes cannot serve', () => {
  test('goes back when Discord refuses the canary, and the canary is up on an old node again', () => {
    const world = fleet();
    const request = world.command(rollout());
    world.settle();
    const [canary] = newShards(world);
    const node = [...world.nodes.values()].find(({ id, running }) => !OLD.includes(id) && running.size > 0)!;
    node.phases.set(canary!, { phase: 'disconnected', refused: 4004, reason: 'Authentication failed.' });
    world.pass(30_000);
    expect(world.replies.get(request)).toMatchObject({
      error: { message: expect.stringMatching(/Discord refuses shard \d+ on its new node: Authentication failed/) },
    });
    expect(newShards(world)).toEqual([]);
    expect(Object.values(world.truth()).flat()).toHaveLength(12);
    expect(aliveNodes(world)).toEqual(OLD);
  });

  test('stops before any shard is moved when the moves fail twice, as with no way to Discord', () => {
    const world = fleet();
    const request = world.command(rollout());
    for (let moves = 0; world.state.migrations.size === 0 && moves < 500; moves += 1) world.deliver(() => 0);
    for (const node of world.nodes.values()) if (!OLD.includes(node.id)) node.fail.add('transferOpen');
    world.pass(60_000);
    expect(world.replies.get(request)).toMatchObject({
      error: { message: expect.stringContaining('could not be moved') },
    });
    expect(world.truth()).toEqual(BEFORE);
    expect(aliveNodes(world)).toEqual(OLD);
  });

  test.each(['fail', 'die', 'hang'] as const)('leaves nothing behind when they do not come up (%s)', (launches) => {
    const world = fleet();
    world.launches = launches;
    const request = world.command(rollout());
    world.pass(120_000);
    expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_OPERATION_FAILED' } });
    expect(world.truth()).toEqual(BEFORE);
    expect(world.state.operations.size).toBe(0);
    expect([...world.state.launches.values()].filter(({ operation }) => operation !== null)).toEqual([]);
  });

  test('waits with a bake for as long as shards of both versions are down: that is Discord’s outage', () => {
    const world = fleet();
    const request = world.command(rollout());
    world.settle();
    for (const node of world.nodes.values()) {
      for (const shard of node.running) node.phases.set(shard, { phase: 'disconnected', reason: 'no route' });
    }
    world.pass(300_000);
    expect(world.replies.get(request)).toBeUndefined();
    expect(newShards(world)).toHaveLength(1);
    for (const node of world.nodes.values()) node.phases.clear();
    world.pass(300_000);
    expect(world.replies.get(request)).toMatchObject({ ok: true });
  });
});

describe('a rollout whose new nodes are not well', () => {
  const well: NodeSignals = { ...FRESH_SIGNALS, eventLoopDelayMs: 1 };

  test.each<[what: string, signals: Partial<NodeSignals>, reason: RegExp]>([
    ['the bot says no', { health: { ok: false, reason: 'no database' } }, /not well: no database/],
    ['their RESUMEs are refused', { resumesRefused: 1 }, /refused 1 RESUME/],
    ['they do not take the state', { importsFailed: 1 }, /did not take the state of 1 shard/],
  ])('goes back when %s', (_, signals, reason) => {
    const world = fleet();
    const request = world.command(rollout());
    world.settle();
    for (const node of world.nodes.values()) {
      node.signals = OLD.includes(node.id) ? well : { ...well, ...signals };
    }
    world.pass(20_000);
    expect(world.replies.get(request)).toMatchObject({ error: { message: expect.stringMatching(reason) } });
    expect(world.truth()).toEqual(BEFORE);
    expect(aliveNodes(world)).toEqual(OLD);
    expect(identifies(world)).toEqual([]);
  });

  test('goes back when their memory grows and grows while they are watched', () => {
    const world = fleet();
    const request = world.command(rollout());
    world.settle();
    let megabytes = 200;
    for (let second = 0; second < 60 && world.replies.get(request) === undefined; second += 1) {
      megabytes += 5;
      for (const node of world.nodes.values()) {
        node.signals = { ...well, memoryBytes: (OLD.includes(node.id) ? 300 : megabytes) * 1e6 };
      }
      world.pass(1_000);
    }
    world.pass(10_000);
    expect(world.replies.get(request)).toMatchObject({ error: { message: expect.stringMatching(/memory of node/) } });
    expect(world.truth()).toEqual(BEFORE);
  });

  test('goes back when handlers fail that did not fail before, and a bake waits for some events', () => {
    const world = fleet();
    const request = world.command(rollout());
    for (let second = 0; second < 130 && world.replies.get(request) === undefined; second += 1) {
      for (const node of world.nodes.values()) {
        const isOld = OLD.includes(node.id);
        const events = (node.signals?.events ?? 0) + (isOld ? 10 : node.running.size * 3);
        node.signals = { ...well, events, handlerErrors: isOld ? 0 : events };
      }
      world.pass(1_000);
    }
    expect(world.replies.get(request)).toMatchObject({
      error: { message: expect.stringContaining('handlers fail for 100.0 % of the events') },
    });
    expect(world.truth()).toEqual(BEFORE);
  });
});

describe('an operator', () => {
  const steer = (action: 'pause' | 'resume' | 'undo'): OperatorCommand => ({ kind: 'steerRollout', action });

  test('pauses a rollout and lets it go on: nothing moves in between, and the bake begins anew', () => {
    const world = fleet();
    const request = world.command(rollout());
    world.pass(30_000);
    expect(world.ask(steer('pause'))).toMatchObject({ ok: true });
    expect(world.ask(steer('pause'))).toMatchObject({ error: { code: 'DSO_ROLLOUT_PHASE' } });
    world.pass(900_000);
    expect(newShards(world)).toHaveLength(1);
    expect(world.ask(steer('resume'))).toMatchObject({ ok: true });
    world.pass(59_000);
    expect(newShards(world)).toHaveLength(1);
    world.pass(300_000);
    expect(world.replies.get(request)).toMatchObject({ ok: true });
  });

  test('undoes a rollout: its shards go back, its nodes end, and the version is not quarantined', () => {
    const world = fleet();
    const request = world.command(rollout());
    world.pass(100_000);
    expect(newShards(world).length).toBeGreaterThan(1);
    expect(world.ask(steer('undo'))).toMatchObject({ ok: true });
    world.pass(30_000);
    expect(world.replies.get(request)).toMatchObject({ error: { message: expect.stringMatching(/undone by alice/) } });
    expect(world.truth()).toEqual(BEFORE);
    expect(aliveNodes(world)).toEqual(OLD);
    expect(world.state.rollouts).toMatchObject({ quarantined: [], reverts: [] });
  });

  /**
   * The connection of an old node was reset while nothing was on the node, and the rollout was undone a moment later:
   * the revert ended at once, for none of the old nodes was there, and all shards stayed on the new version.
   */
  test('undoes a rollout while the old nodes are out of reach for a moment: they are waited for', () => {
    const world = fleet();
    const request = world.command(rollout());
    world.pass(170_000);
    expect(newShards(world)).toHaveLength(12);
    for (const id of OLD) world.disconnect(world.nodes.get(id)!);
    world.ask(steer('undo'));
    world.pass(2_000);
    expect(world.replies.get(request)).toBeUndefined();
    for (const id of OLD) world.connect(world.nodes.get(id)!);
    world.pass(60_000);
    expect(newShards(world)).toEqual([]);
    expect(Object.values(world.truth()).flat()).toHaveLength(12);
    expect(identifies(world)).toEqual([]);
  });

  test('promotes each stage of a manual rollout', () => {
    const world = fleet();
    const request = world.command(rollout({ manual: true }));
    for (const moved of [1, 2, 6, 12]) {
      world.pass(600_000);
      expect(newShards(world)).toHaveLength(moved);
      expect(world.ask(steer('resume'))).toMatchObject({ ok: true });
    }
    world.pass(60_000);
    expect(world.replies.get(request)).toMatchObject({ ok: true });
  });

  test('is told when there is no rollout', () => {
    expect(fleet().ask(steer('pause'))).toMatchObject({ error: { code: 'DSO_NO_ROLLOUT' } });
  });
});

describe('a rollout and a restart of the orchestrator', () => {
  test.each([
    ['surging', 0],
    ['the canary bakes', 5_000],
    ['a tenth bakes', 70_000],
    ['half bakes', 140_000],
    ['all bakes', 170_000],
  ])('goes on to its end when it was at: %s', (_, ms) => {
    const world = fleet();
    world.command(rollout());
    world.pass(ms);
    world.crash();
    world.version('v2');
    for (const node of world.nodes.values()) if (node.alive) world.connect(node);
    world.pass(400_000);
    expect(world.state.endedOperations.at(-1)).toMatchObject({ kind: 'rollout', outcome: 'done' });
    expect(newShards(world)).toHaveLength(12);
    expect(aliveNodes(world)).toHaveLength(3);
    expect(identifies(world)).toEqual([]);
  });

  test('goes back when the new node ended while no orchestrator ran', () => {
    const world = fleet();
    world.command(rollout());
    world.pass(5_000);
    const node = [...world.nodes.values()].find(({ id, running }) => !OLD.includes(id) && running.size > 0)!;
    node.die();
    world.crash();
    world.version('v2');
    for (const each of world.nodes.values()) if (each.alive) world.connect(each);
    world.pass(120_000);
    expect(world.state.endedOperations.at(-1)).toMatchObject({ kind: 'rollout', outcome: 'failed' });
    expect(newShards(world)).toEqual([]);
    expect(Object.values(world.truth()).flat()).toHaveLength(12);
  });
});
