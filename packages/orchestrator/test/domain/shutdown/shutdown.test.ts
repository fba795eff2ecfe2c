import { describe, expect, test } from 'vitest';
import { World } from '../world.js';
import type { WorldOptions } from '../world.js';

/** Shards on `a`; `b` is empty. */
function twoNodes(options: WorldOptions & { baseLevel?: boolean } = {}): World {
  const { baseLevel = false, ...settings } = options;
  const world = new World(settings).start();
  world.join({ id: 'a', baseLevel });
  world.pass(25_000);
  world.join('b');
  return world;
}

describe('shutting down a node', () => {
  test('is answered when it is gone; its shards are resumed elsewhere with the sessions it gave', () => {
    const world = twoNodes();
    const b = world.nodes.get('b')!;
    expect(world.ask({ kind: 'shutdownNode', node: 'a' })).toMatchObject({ ok: true });
    expect(world.sentTo('a', 'shutdown')).toEqual([{ kind: 'shutdown', final: false, sessions: [] }]);
    expect(world.truth()).toEqual({ b: [0, 1, 2, 3] });
    expect(world.placement()).toEqual(world.truth());
    expect([b.resumes, b.identifies]).toEqual([[0, 1, 2, 3], []]);
    expect(world.state.nodes.get('a')?.connection).toMatchObject({ kind: 'disconnected', gone: true });
  });

  test('of the base level ends with its connection, with or without an answer', () => {
    const world = twoNodes({ baseLevel: true });
    world.nodes.get('a')?.mute.add('shutdown');
    const request = world.command({ kind: 'shutdownNode', node: 'a' });
    world.kill(world.nodes.get('a')!, { noticed: false });
    world.settle();
    expect(world.replies.get(request)).toMatchObject({ ok: true });
    expect(world.truth()).toEqual({ b: [0, 1, 2, 3] });
  });

  test('is known to be done when its process exited, though it never answered', () => {
    const world = twoNodes();
    world.nodes.get('a')?.mute.add('shutdown');
    const first = world.command({ kind: 'shutdownNode', node: 'a' });
    const second = world.command({ kind: 'shutdownNode', node: 'a' });
    world.kill(world.nodes.get('a')!);
    world.settle();
    expect([first, second].map((request) => world.replies.get(request)?.ok)).toEqual([true, true]);
    expect(world.sentTo('a', 'shutdown')).toHaveLength(1);
  });

  test('that does not answer is cut off, and told again when it is back', () => {
    const world = twoNodes();
    const a = world.nodes.get('a')!;
    a.mute.add('shutdown');
    const request = world.command({ kind: 'shutdownNode', node: 'a' });
    world.pass(15_000);
    expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_NODE_TIMEOUT' } });
    expect(world.closed.map(({ code }) => code)).toEqual(['DSO_NODE_ENDED']);
    expect(world.shard(0)).toMatchObject({ kind: 'unreachable', node: 'a' });
    a.mute.clear();
    world.connect(a);
    world.settle();
    expect(a.alive).toBe(false);
    expect(world.truth()).toEqual({ b: [0, 1, 2, 3] });
  });

  test('that answered, but does not close, is gone all the same', () => {
    const world = twoNodes();
    const a = world.nodes.get('a')!;
    a.mute.add('shutdown');
    const request = world.command({ kind: 'shutdownNode', node: 'a' });
    world.settle();
    a.running.clear();
    a.send({ kind: 'shutdown', final: false, sessions: [] });
    world.settle();
    expect(world.shard(0)).toMatchObject({ node: 'b' });
    world.pass(15_000);
    expect(world.replies.get(request)).toMatchObject({ ok: true });
  });

  test('that is unknown or away is refused', () => {
    const world = twoNodes();
    expect(world.ask({ kind: 'shutdownNode', node: 'z' })).toMatchObject({ error: { code: 'DSO_UNKNOWN_NODE' } });
    world.disconnect(world.nodes.get('b')!);
    expect(world.ask({ kind: 'shutdownNode', node: 'b' })).toMatchObject({ error: { code: 'DSO_NODE_NOT_CONNECTED' } });
  });
});

test('a node that leaves by itself hands its shards over at once', () => {
  const world = twoNodes();
  const a = world.nodes.get('a')!;
  a.receive({ kind: 'shutdown', final: false, sessions: [] });
  world.settle();
  expect(world.truth()).toEqual({ b: [0, 1, 2, 3] });
  expect(world.nodes.get('b')?.identifies).toEqual([]);
});

describe('the end of the fleet', () => {
  test('is final for every node, answered when all are gone, and nothing is started after it', () => {
    const world = twoNodes({ canLaunch: true, nodes: 2 });
    expect(world.ask({ kind: 'shutdownFleet' })).toMatchObject({ ok: true });
    for (const node of ['a', 'b']) expect(world.sentTo(node, 'shutdown')).toMatchObject([{ final: true }]);
    const launches = world.happened('nodeLaunching').length;
    world.pass(120_000);
    expect(world.truth()).toEqual({});
    expect(world.happened('nodeLaunching')).toHaveLength(launches);
    expect(world.ask({ kind: 'rollout' })).toMatchObject({ error: { code: 'DSO_FLEET_ENDING' } });
  });

  test('names those that did not say so in time', () => {
    const world = twoNodes();
    world.nodes.get('a')?.mute.add('shutdown');
    const request = world.command({ kind: 'shutdownFleet' });
    world.pass(15_000);
    const result = world.replies.get(request);
    expect(result).toMatchObject({ ok: false, error: { code: 'DSO_NODE_TIMEOUT' } });
    expect(JSON.stringify(result)).toMatch(/shut down: a\./);
  });

  test('also ends a node that connects late, and answers whoever waited for something else', () => {
    const world = twoNodes({ canLaunch: true, launches: 'hang' });
    const start = world.command({ kind: 'startNode' });
    world.nodes.get('a')?.mute.add('shutdown');
    world.ask({ kind: 'shutdownFleet' });
    expect(world.replies.get(start)).toMatchObject({ error: { code: 'DSO_FLEET_ENDING' } });
    const late = world.join('late');
    world.settle();
    expect(late.alive).toBe(false);
  });

  test('without nodes is done at once', () => {
    expect(new World().start().ask({ kind: 'shutdownFleet' })).toMatchObject({ ok: true });
  });
});
