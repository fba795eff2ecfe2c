import { describe, expect, test } from 'vitest';
import { operationOf, operationsOf } from '../../../src/http/operation-status.js';
import { drain, rollout, World } from '../world.js';
import type { WorldOptions } from '../world.js';

const draining = drain('a', 'b', { shutdown: true });

/** Shards 0–3 on `a`; `b` is empty. */
function twoNodes(options: WorldOptions & { baseLevel?: boolean } = {}): World {
  const { baseLevel = false, ...settings } = options;
  const world = new World({ migrationsPerNode: 1, ...settings }).start();
  world.join({ id: 'a', baseLevel });
  world.pass(25_000);
  world.join({ id: 'b', baseLevel });
  return world;
}

/** What `b` is asked first when a shard is to come. */
function hold(world: World): void {
  world.nodes.get('b')!.mute.add('transferOpen').add('prepareMigration');
}

function letGo(world: World): void {
  const b = world.nodes.get('b')!;
  b.mute.clear();
  const unanswered = b.received.filter(({ kind }) => kind === 'transferOpen' || kind === 'prepareMigration');
  for (const message of unanswered) b.receive(message);
  world.settle();
}

describe('a drain that is cancelled', () => {
  test.each([
    ['between nodes that move live', false],
    ['between base-level nodes', true],
  ])('finishes the migration under way, begins no other, and says so to everybody who waits: %s', (_, baseLevel) => {
    const world = twoNodes({ baseLevel });
    hold(world);
    const asked = world.command(draining);
    world.settle();
    const [id] = world.state.operations.keys();
    expect(operationOf(world.state, id!, world.now)).toMatchObject({
      kind: 'drain',
      state: 'running',
      by: 'alice',
      origin: 'a',
      destination: 'b',
      shards: { moved: 0, total: 4, moving: [0], waiting: [1, 2, 3] },
    });
    const cancel = world.command({ kind: 'cancelOperation', operation: id! });
    const again = world.command({ kind: 'cancelOperation', operation: id! });
    world.settle();
    expect(operationOf(world.state, id!, world.now)).toMatchObject({ state: 'cancelling', cancelledBy: 'alice' });
    expect(world.replies.has(asked)).toBe(false);

    letGo(world);
    const text = /stopped after 1 shard: it was cancelled by alice\. Node a keeps 3 shards/;
    expect(world.replies.get(asked)).toMatchObject({
      error: { code: 'DSO_OPERATION_CANCELLED', fault: 'conflict', message: expect.stringMatching(text) },
    });
    for (const request of [cancel, again]) {
      expect(world.replies.get(request)).toMatchObject({ ok: true, message: expect.stringMatching(text) });
    }
    expect(world.truth()).toEqual({ a: [1, 2, 3], b: [0] });
    expect(world.nodes.get('a')?.alive).toBe(true);
    expect(operationsOf(world.state, world.now)).toMatchObject([{ id, state: 'cancelled', by: 'alice' }]);
    world.pass(60_000);
    expect(world.truth()).toEqual({ a: [1, 2, 3], b: [0] });
  });

  test('stays cancelled when the orchestrator crashes', () => {
    const world = twoNodes();
    hold(world);
    world.command(draining);
    world.settle();
    const [id] = world.state.operations.keys();
    world.command({ kind: 'cancelOperation', operation: id! });
    world.crash();
    expect(operationOf(world.state, id!, world.now)).toMatchObject({
      state: 'cancelling',
      cancelledBy: 'alice',
      by: 'alice',
    });
    for (const node of world.nodes.values()) {
      node.mute.clear();
      world.connect(node);
    }
    world.pass(60_000);
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect(operationsOf(world.state, world.now)).toMatchObject([{ id, state: 'cancelled' }]);
  });

  test('is over already when its shards are moved and the node shuts down', () => {
    const world = twoNodes();
    world.nodes.get('a')!.mute.add('shutdown');
    world.command(draining);
    world.settle();
    const [id] = world.state.operations.keys();
    expect(world.ask({ kind: 'cancelOperation', operation: id! })).toMatchObject({
      error: { code: 'DSO_OPERATION_OVER', message: expect.stringContaining('nothing left to cancel') },
    });
  });
});

describe('a rollout that is cancelled', () => {
  /** Shards 0 and 2 on `a`, 1 and 3 on `b`. */
  function fleet(options: WorldOptions): World {
    const world = new World({ canLaunch: true, migrationsPerNode: 1, ...options });
    world.join('a');
    world.join('b');
    world.start();
    world.pass(25_000);
    world.ask(drain('a', 'b'));
    for (const shard of [0, 2]) world.ask({ kind: 'migrateShard', shard, destination: 'a' });
    expect(world.truth()).toEqual({ a: [0, 2], b: [1, 3] });
    return world;
  }

  test('shuts a node that is launched for it down when that node comes', () => {
    const world = fleet({ launches: 'hang' });
    const before = world.truth();
    const asked = world.command(rollout);
    world.settle();
    const [id] = world.state.operations.keys();
    expect(operationOf(world.state, id!, world.now)).toMatchObject({ kind: 'rollout', nodes: { done: 0, total: 2 } });
    const reply = world.ask({ kind: 'cancelOperation', operation: id! });
    expect(reply).toMatchObject({ ok: true, message: expect.stringContaining('cancelled by alice') });
    expect(world.replies.get(asked)).toMatchObject({ error: { code: 'DSO_OPERATION_CANCELLED' } });
    const launched = world.join('launched-1');
    world.settle();
    expect(launched.alive).toBe(false);
    expect(world.truth()).toEqual(before);
  });

  test('shuts its new node down again while that is still empty', () => {
    const world = fleet({});
    const before = world.truth();
    for (const id of ['a', 'b']) world.nodes.get(id)!.mute.add('transferOpen');
    const asked = world.command(rollout);
    world.settle();
    const [id] = world.state.operations.keys();
    world.command({ kind: 'cancelOperation', operation: id! });
    world.pass(60_000);
    expect(world.replies.get(asked)).toMatchObject({
      error: {
        message: expect.stringMatching(/cancelled by alice.*Replaced before that: 0/),
      },
    });
    expect(world.nodes.get('launched-1')?.alive).toBe(false);
    expect(world.truth()).toEqual(before);
  });

  test('moves back what it had moved of the node that is half replaced', () => {
    const world = fleet({});
    const before = world.truth();
    const completed = (): number => world.recorded('migrationCompleted').length;
    const already = completed();
    const asked = world.command(rollout);
    while (completed() === already && world.deliver(() => 0));
    const [id] = world.state.operations.keys();
    const reply = world.ask({ kind: 'cancelOperation', operation: id! });
    expect(reply).toMatchObject({ ok: true });
    expect(world.replies.get(asked)).toMatchObject({ error: { code: 'DSO_OPERATION_CANCELLED' } });
    expect(world.truth()).toEqual(before);
    expect(world.nodes.get('launched-1')?.alive).toBe(false);
    expect(world.state.rollouts.quarantined).toEqual([]);
    expect(world.state.operations.size).toBe(0);
  });

  // The migration was then of an operation that is over, and the orchestrator stopped at its own invariant.
  test('lets a shard arrive that was past the point of no return when all old nodes were gone', () => {
    const world = fleet({});
    const asked = world.command(rollout);
    while (world.truth()['launched-1'] === undefined && world.deliver(() => 0));
    const launched = world.nodes.get('launched-1')!;
    launched.mute.add('transferActivate');
    world.settle();
    const steps = (): readonly string[] => [...world.state.migrations.values()].map(({ step }) => step.kind);
    expect(steps()).toEqual(['activating']);
    world.command({ kind: 'cancelOperation', operation: [...world.state.operations.keys()][0]! });
    for (const old of ['a', 'b']) world.kill(world.nodes.get(old)!);
    expect(world.replies.get(asked)).toMatchObject({ error: { code: 'DSO_OPERATION_CANCELLED' } });
    expect(steps()).toEqual(['activating']);
    launched.mute.clear();
    for (const message of world.sentTo('launched-1', 'transferActivate').slice(-1)) launched.receive(message);
    world.pass(60_000);
    expect(Object.values(world.truth()).flat()).toHaveLength(4);
  });

  test('keeps a launched node that is needed by then', () => {
    const world = fleet({ nodes: 2, launches: 'hang' });
    world.command(rollout);
    world.settle();
    world.ask({ kind: 'cancelOperation', operation: [...world.state.operations.keys()][0]! });
    world.kill(world.nodes.get('b')!);
    const launched = world.join('launched-1');
    world.settle();
    expect(launched.alive).toBe(true);
  });

  test('stays cancelled when the orchestrator crashes', () => {
    const world = fleet({});
    for (const id of ['a', 'b']) world.nodes.get(id)!.mute.add('transferOpen');
    world.command(rollout);
    world.settle();
    const before = world.truth();
    const [id] = world.state.operations.keys();
    world.crash({ kind: 'command', request: 'r', command: { kind: 'cancelOperation', operation: id! }, by: 'bob' });
    for (const node of world.nodes.values()) {
      node.mute.clear();
      if (node.alive) world.connect(node);
    }
    world.pass(60_000);
    expect(world.truth()).toEqual(before);
    expect(operationOf(world.state, id!, world.now)).toMatchObject({ state: 'cancelled', by: 'alice' });
  });
});

describe('an operation that cannot be cancelled', () => {
  test.each([
    ['nonsense', 'DSO_UNKNOWN_OPERATION', /None is under way/],
    ['', 'DSO_UNKNOWN_OPERATION', /None is under way/],
  ])('is refused when its id is "%s"', (operation, code, message) => {
    expect(twoNodes().ask({ kind: 'cancelOperation', operation })).toMatchObject({
      error: { code, message: expect.stringMatching(message) },
    });
  });

  test('is told how it ended when it is over', () => {
    const world = twoNodes();
    world.ask(drain('a', 'b'));
    const [{ id } = { id: '' }] = world.state.endedOperations;
    expect(world.ask({ kind: 'cancelOperation', operation: id })).toMatchObject({
      error: { code: 'DSO_OPERATION_OVER', message: expect.stringContaining('Moved 4 shards') },
    });
  });
});

test('only the last operations are kept in the state', () => {
  const world = twoNodes();
  for (let round = 0; round < 12; round += 1) {
    world.ask(drain('a', 'b'));
    world.ask(drain('b', 'a'));
  }
  expect(world.state.endedOperations).toHaveLength(20);
  world.crash();
  expect(world.state.endedOperations).toHaveLength(20);
});

test('every entry of the history says who asked for it', () => {
  const world = twoNodes();
  world.ask(drain('a', 'b'));
  world.ask({ kind: 'cordonNode', node: 'a' });
  const by = (name: Parameters<World['recorded']>[0]): string[] => world.recorded(name).map((each) => each.by);
  expect(by('operationStarted')).toEqual(['alice']);
  expect(by('migrationStarted')).toEqual(Array.from({ length: 4 }, () => 'alice'));
  expect(by('migrationCompleted')).toEqual(Array.from({ length: 4 }, () => 'alice'));
  expect(by('nodeCordoned')).toEqual(['alice']);
  expect(by('nodeJoined')).toEqual(['automatic', 'automatic']);
});
