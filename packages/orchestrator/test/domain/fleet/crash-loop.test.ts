import { describe, expect, test } from 'vitest';
import { healthyAt, pauseMs, withCrash } from '../../../src/domain/fleet/crash-loop.js';
import type { CrashLoop } from '../../../src/domain/state/processes.js';
import { World } from '../world.js';
import type { WorldOptions } from '../world.js';

const PACE = { launchRetryMs: 1_000, launchRetryMaxMs: 300_000, healthyAfterMs: 600_000 };

describe('the pause before the next launch', () => {
  test.each([
    [1, 1_000],
    [2, 2_000],
    [3, 4_000],
    [8, 128_000],
    [9, 256_000],
    [10, 300_000],
    [1_000, 300_000],
  ])('after %i crashes in a row is %i ms', (inARow, ms) => {
    expect(pauseMs(inARow, PACE)).toBe(ms);
  });

  test('is never shorter than the first one, whatever the longest is set to', () => {
    expect(pauseMs(3, { ...PACE, launchRetryMaxMs: 10 })).toBe(1_000);
  });
});

describe('crashes in a row', () => {
  const crash = (bornAt: number) => ({ version: '1', reported: null, wasUp: true, bornAt, reason: 'it died' });
  const after = (...crashes: readonly [bornAt: number, at: number][]): CrashLoop | undefined =>
    crashes.reduce<CrashLoop | undefined>((loop, [born, at]) => withCrash(loop, crash(born), at, PACE), undefined);

  test('are those of processes of which each was launched after the one before had died', () => {
    expect(after([0, 10], [11, 20], [21, 30])).toMatchObject({ inARow: 3, total: 3, since: 10, notBefore: 4_030 });
  });

  test('are one when ten nodes end with their host', () => {
    const ten = Array.from({ length: 10 }, (_, n): [number, number] => [n, 1_000 + n]);
    expect(after(...ten)).toMatchObject({ inARow: 1, total: 10, notBefore: 2_009 });
  });

  test('begin anew when the version was healthy for the configured time', () => {
    const loop = after([0, 10], [11, 20]);
    expect(loop && healthyAt(loop, PACE)).toBe(602_020);
    const healthy = { ...loop!, inARow: 0 };
    expect(healthyAt(healthy, PACE)).toBeNull();
    expect(withCrash(healthy, crash(21), 700_000, PACE)).toMatchObject({ inARow: 1, total: 3, notBefore: 701_000 });
  });
});

/** One launched node that runs what there is. */
function fleet(options: WorldOptions = {}): World {
  const world = new World({ canLaunch: true, nodes: 1, launchRetryMs: 1_000, totalShards: 12, ...options });
  world.version('v1');
  return world.start();
}

const living = (world: World) => [...world.nodes.values()].filter(({ alive }) => alive);
const launches = (world: World): number => world.recorded('nodeLaunching').length;

/** Every node dies so long after it connected. */
function dieAfter(world: World, ms: number, during: number): void {
  const born = new Map<string, number>();
  const end = world.now + during;
  while (world.now < end) {
    for (const node of living(world)) {
      const at = born.get(node.id) ?? world.now;
      born.set(node.id, at);
      if (world.now - at >= ms) world.kill(node);
    }
    world.pass(250);
  }
}

describe('a bot that dies 12 s after it is ready, every time', () => {
  // It was launched anew at once, and took all its shards each time: 100 IDENTIFYs in 155 s.
  test('is launched ever more slowly, and costs one IDENTIFY for each attempt', () => {
    const world = fleet({ gateway: { shards: 12, maxConcurrency: 16 } });
    dieAfter(world, 12_000, 155_000);
    const used = world.state.identifies.ledger.used;
    expect(launches(world)).toBeLessThanOrEqual(8);
    expect(used).toBeLessThanOrEqual(40);
    const before = { launches: launches(world), used };
    dieAfter(world, 12_000, 3_600_000);
    expect(launches(world) - before.launches).toBeLessThanOrEqual(16);
    expect(world.state.identifies.ledger.used - before.used).toBeLessThanOrEqual(16);
  });

  test('is told once as a crash loop, with what the last one died of, and the shards are not blamed', () => {
    const world = fleet();
    dieAfter(world, 12_000, 600_000);
    const told = world.recorded('crashLoop');
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ level: 'error', fields: { inARow: 3 } });
    expect(told[0]?.text).toMatch(/dies again and again: 3 processes.*was killed/u);
    const quarantined = [...world.state.crashRecords.values()].filter(({ quarantinedAt }) => quarantinedAt !== null);
    expect(quarantined.length).toBeLessThanOrEqual(1);
    expect([...world.state.crashLoops.values()]).toMatchObject([{ inARow: expect.any(Number), wasUp: true }]);
  });

  test('comes back by itself when it was repaired, with all its shards', () => {
    const world = fleet();
    dieAfter(world, 12_000, 600_000);
    // The longest pause, the probation, and the shards that are started one at a time.
    world.pass(300_000 + 30_000 + 12 * 15_000);
    expect(world.state.shards.every(({ kind }) => kind === 'running')).toBe(true);
    world.pass(600_000);
    expect(world.recorded('crashLoopOver')).toHaveLength(1);
    expect([...world.state.crashLoops.values()]).toMatchObject([{ inARow: 0 }]);
    expect(world.state.crashRecords.size).toBe(0);
  });

  test('is launched at once when a new version is deployed, which is on no probation', () => {
    const world = fleet();
    dieAfter(world, 12_000, 600_000);
    for (const node of living(world)) world.kill(node);
    world.settle();
    expect(living(world)).toEqual([]);
    world.version('v2');
    world.settle();
    expect(living(world)).toHaveLength(1);
    world.pass(15_000);
    expect(living(world)[0]!.running.size).toBeGreaterThan(1);
  });
});

// The pause began anew with each restart of the orchestrator: a unit that restarts it burned an IDENTIFY a second.
test('a restart of the orchestrator shortens no pause, and forgets no count', () => {
  const world = fleet();
  dieAfter(world, 12_000, 600_000);
  for (const node of living(world)) world.kill(node);
  world.settle();
  const [before] = world.state.crashLoops.values();
  const due = before!.notBefore;
  expect(due - world.now).toBeGreaterThan(10_000);
  for (let times = 0; times < 3; times += 1) {
    world.crash();
    world.pass(1_000);
    expect(living(world)).toEqual([]);
  }
  expect([...world.state.crashLoops.values()]).toMatchObject([{ inARow: before!.inARow, notBefore: due }]);
  world.pass(due - world.now + 1_000);
  expect(living(world)).toHaveLength(1);
});

test('whoever ended the fleet and starts it again begins with the first pause', () => {
  const world = fleet();
  dieAfter(world, 12_000, 600_000);
  world.ask({ kind: 'shutdownFleet' });
  world.crash();
  expect(world.state.crashLoops.size).toBe(0);
});

test('a node that an operator shuts down, and one that the fleet ends, are no crashes', () => {
  const world = fleet({ nodes: 2 });
  world.pass(60_000);
  world.ask({ kind: 'shutdownNode', node: 'launched-1', now: true });
  world.pass(60_000);
  expect(world.state.crashLoops.size).toBe(0);
  world.ask({ kind: 'shutdownFleet' });
  expect(world.state.crashLoops.size).toBe(0);
});

test('one crash after months costs a pause of a second, and the shards that have to identify wait for its successor', () => {
  const world = fleet({ nodes: 2 });
  world.pass(120_000);
  world.kill(world.nodes.get('launched-1')!);
  world.settle();
  expect(launches(world)).toBe(2);
  world.pass(1_000);
  expect(launches(world)).toBe(3);
});

test('an operator starts a node at once, whatever is held back', () => {
  const world = fleet({ nodes: 0 });
  dieAfter(world, 5_000, 60_000);
  const before = launches(world);
  expect(world.ask({ kind: 'startNode' })).toMatchObject({ ok: true });
  expect(launches(world)).toBe(before + 1);
});

test('without a version at the launch, a node that names another one is a repaired bot', () => {
  const world = new World({ canLaunch: true, nodes: 1, launchRetryMs: 1_000 }).start();
  dieAfter(world, 2_000, 60_000);
  expect(world.recorded('crashLoop')).toHaveLength(1);
  world.launchedVersion = '2.0';
  world.pass(300_000);
  expect(world.recorded('crashLoopOver')[0]?.text).toContain('version 2.0 is another one');
});
