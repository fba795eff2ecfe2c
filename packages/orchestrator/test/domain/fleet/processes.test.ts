import { expect, test } from 'vitest';
import { drain, World } from '../world.js';
import type { WorldOptions } from '../world.js';

function fleet(options: WorldOptions = {}): World {
  return new World({
    canLaunch: true,
    nodes: 2,
    launchRetryMs: 1_000,
    launchTimeoutMs: 20_000,
    maxNodeDowntimeMs: 10_000,
    totalShards: 6,
    ...options,
  }).start();
}

const processes = (world: World): string[] => [...world.state.processes.keys()];

/** It is stopped (SIGSTOP): it says nothing any more, and does not end. */
function hang(world: World, id: string): void {
  world.disconnect(world.nodes.get(id)!);
}

// Each hung process stayed, and another was launched in its place: five hung ones filled a host.
test('five processes that hang do not pile up: each is ended when another has had the time to take its place', () => {
  const world = fleet();
  world.pass(60_000);
  for (let n = 1; n <= 5; n += 1) {
    hang(world, `launched-${n}`);
    world.pass(29_000);
    expect(world.endedProcesses).not.toContain(`launched-${n}`);
    world.pass(1_000);
    expect(world.endedProcesses).toContain(`launched-${n}`);
    world.pass(30_000);
    expect(processes(world)).toHaveLength(2);
  }
  expect(world.recorded('processEnded')).toHaveLength(5);
  expect(world.recorded('processEnded')[0]?.text).toContain('was away for too long, and others have its place');
  // They were ended; they did not crash.
  expect(world.state.crashLoops.size).toBe(0);
  expect(world.state.shards.every(({ kind }) => kind === 'running')).toBe(true);
});

test('a node that is back in time keeps its process', () => {
  const world = fleet();
  world.pass(60_000);
  hang(world, 'launched-1');
  world.pass(25_000);
  world.connect(world.nodes.get('launched-1')!);
  world.pass(120_000);
  expect(world.endedProcesses).toEqual([]);
});

test('while most nodes are silent no process is ended: it may be the orchestrator that is cut off', () => {
  const world = fleet({ nodes: 3 });
  world.pass(60_000);
  for (const id of ['launched-1', 'launched-2']) hang(world, id);
  world.pass(600_000);
  expect(world.state.alarm).not.toBeNull();
  expect(world.endedProcesses).toEqual([]);
});

test('a node that an operator says to be dead has its process ended at once', () => {
  const world = fleet();
  world.pass(60_000);
  hang(world, 'launched-1');
  expect(world.ask({ kind: 'takeOverNode', node: 'launched-1' })).toMatchObject({ ok: true });
  expect(world.endedProcesses).toEqual(['launched-1']);
  expect(processes(world)).not.toContain('launched-1');
});

test('a process of an earlier run that does not connect is ended, and one that does is not', () => {
  const world = fleet({ nodes: 0 });
  world.feed({ kind: 'processAdopted', node: 'old-1', pid: 71 });
  world.feed({ kind: 'processAdopted', node: 'old-2', pid: 72 });
  world.join('old-1');
  world.pass(19_999);
  expect(world.endedProcesses).toEqual([]);
  world.pass(1);
  expect(world.endedProcesses).toEqual(['old-2']);
  world.pass(600_000);
  expect(world.endedProcesses).toEqual(['old-2']);
});

test('a process that ends by itself is a crash, also when its bot says goodbye first', () => {
  const world = fleet();
  world.pass(60_000);
  const node = world.nodes.get('launched-1')!;
  node.send({ kind: 'shutdown', final: false, sessions: [] });
  world.settle();
  world.kill(node);
  expect([...world.state.crashLoops.values()]).toMatchObject([{ inARow: 1 }]);
});

// It stayed, empty and broken, and was given the shards of the next node that died.
test('what was launched for a replacement that failed is shut down again while it is empty', () => {
  const world = fleet();
  world.pass(60_000);
  world.ask({ kind: 'startNode' });
  const drained = world.command(drain('launched-1', 'launched-3'));
  world.settle();
  expect(world.replies.get(drained)).toMatchObject({ ok: true });
  const busy = world.nodes.get('launched-2')!;
  const rollout = world.command({ kind: 'startOperation', plan: { kind: 'rollout' }, answer: 'ended' });
  for (let moves = 0; world.replies.get(rollout) === undefined && moves < 100; moves += 1) {
    // The next one to be replaced is lost as soon as its successor is launched.
    const waiting = [...world.state.operations.values()].some(({ kind }) => kind === 'drain');
    if (waiting && busy.alive) world.kill(busy);
    world.pass(1_000);
  }
  const empty = [...world.nodes.values()].filter(({ alive, running, ended }) => alive && !ended && running.size === 0);
  expect(empty.filter(({ id }) => world.state.nodes.get(id)?.intent.kind === 'serving').length).toBeLessThanOrEqual(1);
});
