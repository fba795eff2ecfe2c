import { describe, expect, test } from 'vitest';
import { afterSuspension } from '../../../src/domain/deadlines.js';
import { statusV1 } from '../../../src/http/v1-status.js';
import { Ledger } from '../../../src/metrics/ledger.js';
import { METRICS } from '../../../src/metrics/metrics.js';
import { drain, rollout, World } from '../world.js';
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
    expect(world.ask({ kind: 'shutdownNode', node: 'a', now: true })).toMatchObject({ ok: true });
    expect(world.sentTo('a', 'shutdown')).toEqual([{ kind: 'shutdown', final: false, sessions: [] }]);
    expect(world.truth()).toEqual({ b: [0, 1, 2, 3] });
    expect(world.placement()).toEqual(world.truth());
    expect([b.resumes, b.identifies]).toEqual([[0, 1, 2, 3], []]);
    expect(world.state.nodes.get('a')?.connection).toMatchObject({ kind: 'disconnected', gone: true });
  });

  test('ends with its connection at the base level, with or without an answer', () => {
    const world = twoNodes({ baseLevel: true });
    world.nodes.get('a')?.mute.add('shutdown');
    const request = world.command({ kind: 'shutdownNode', node: 'a', now: true });
    world.kill(world.nodes.get('a')!, { noticed: false });
    world.settle();
    expect(world.replies.get(request)).toMatchObject({ ok: true });
    expect(world.truth()).toEqual({ b: [0, 1, 2, 3] });
  });

  test('is known to be done when its process exited, though it never answered', () => {
    const world = twoNodes();
    world.nodes.get('a')?.mute.add('shutdown');
    const first = world.command({ kind: 'shutdownNode', node: 'a', now: true });
    const second = world.command({ kind: 'shutdownNode', node: 'a', now: true });
    world.kill(world.nodes.get('a')!);
    world.settle();
    expect([first, second].map((request) => world.replies.get(request)?.ok)).toEqual([true, true]);
    expect(world.sentTo('a', 'shutdown')).toHaveLength(1);
  });

  test('cuts the node off when it does not answer, and tells it again when it is back', () => {
    const world = twoNodes();
    const a = world.nodes.get('a')!;
    a.mute.add('shutdown');
    const request = world.command({ kind: 'shutdownNode', node: 'a', now: true });
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

  test('is done also when the node answered, but does not close', () => {
    const world = twoNodes();
    const a = world.nodes.get('a')!;
    a.mute.add('shutdown');
    const request = world.command({ kind: 'shutdownNode', node: 'a', now: true });
    world.settle();
    a.running.clear();
    a.send({ kind: 'shutdown', final: false, sessions: [] });
    world.settle();
    expect(world.shard(0)).toMatchObject({ node: 'b' });
    world.pass(15_000);
    expect(world.replies.get(request)).toMatchObject({ ok: true });
  });

  test('is refused when the node is unknown or away', () => {
    const world = twoNodes();
    expect(world.ask({ kind: 'shutdownNode', node: 'z', now: true })).toMatchObject({
      error: { code: 'DSO_UNKNOWN_NODE' },
    });
    world.disconnect(world.nodes.get('b')!);
    expect(world.ask({ kind: 'shutdownNode', node: 'b', now: true })).toMatchObject({
      error: { code: 'DSO_NODE_NOT_CONNECTED' },
    });
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
    const launches = world.recorded('nodeLaunching').length;
    world.pass(120_000);
    expect(world.truth()).toEqual({});
    expect(world.recorded('nodeLaunching')).toHaveLength(launches);
    expect(world.ask(rollout)).toMatchObject({
      error: { code: 'DSO_FLEET_ENDING' },
    });
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

  test('ends also a node that connects late, and answers whoever waited for something else', () => {
    const world = twoNodes({ canLaunch: true, launches: 'hang' });
    const start = world.command({ kind: 'startNode' });
    world.nodes.get('a')?.mute.add('shutdown');
    world.ask({ kind: 'shutdownFleet' });
    expect(world.replies.get(start)).toMatchObject({ error: { code: 'DSO_FLEET_ENDING' } });
    const late = world.join('late');
    world.settle();
    expect(late.alive).toBe(false);
  });

  test('is done at once when there are no nodes', () => {
    expect(new World().start().ask({ kind: 'shutdownFleet' })).toMatchObject({ ok: true });
  });
});

describe('a node that lingers', () => {
  const bounds = { lingerMs: 15_000, patienceMs: 0, readyMs: 0, handlersMs: 0 };

  /** `a`, which has said goodbye, and has a command in flight. */
  function lingering(options: WorldOptions = {}) {
    const world = new World(options).start();
    const a = world.join('a', { bounds });
    world.pass(25_000);
    world.join('b');
    a.lingers = true;
    return { world, a };
  }

  test('has no shards any more, takes none, and is shown', () => {
    const { world } = lingering();
    const request = world.command({ kind: 'shutdownNode', node: 'a', now: true });
    world.pass(5_000);
    expect(world.truth()).toEqual({ b: [0, 1, 2, 3] });
    expect(world.replies.has(request)).toBe(false);
    const about = { version: '', now: world.now, alarms: [], ledger: new Ledger(METRICS) };
    const status = statusV1(world.state, { ...about, store: { kind: 'none' } as never });
    expect(status.nodes.map(({ id, intent }) => [id, intent])).toEqual([
      ['a', 'lingering'],
      ['b', 'serving'],
    ]);
    expect(world.endedProcesses).toEqual([]);
  });

  test('is gone when it hangs up, and what is left of its process is ended, with time for what nobody knows of', () => {
    const { world, a } = lingering();
    const request = world.command({ kind: 'shutdownNode', node: 'a', now: true });
    world.settle();
    const effects = world.hangUp(a);
    expect(world.replies.get(request)).toMatchObject({ ok: true });
    expect(effects).toContainEqual({ kind: 'endProcess', node: 'a', graceMs: 20_000 });
  });

  test('is cut off when it takes longer than it said, and a command’s time', () => {
    const { world } = lingering({ commandTimeoutMs: 10_000 });
    world.command({ kind: 'shutdownNode', node: 'a', now: true });
    world.pass(24_999);
    expect(world.endedProcesses).toEqual([]);
    world.pass(1);
    expect(world.closed.map(({ code }) => code)).toEqual(['DSO_NODE_ENDED']);
    expect(world.endedProcesses).toEqual(['a']);
  });

  test('holds up neither a drain nor a rollout', () => {
    const { world } = lingering();
    const draining = drain('a', 'b', { shutdown: true });
    expect(world.ask(draining)).toMatchObject({ ok: true, data: { moved: 4, shutdown: true } });
    expect(world.state.nodes.get('a')?.connection.kind).toBe('connected');
  });

  test('is waited for when the fleet ends, beyond the time that the others have', () => {
    const { world, a } = lingering({ commandTimeoutMs: 10_000 });
    const request = world.command({ kind: 'shutdownFleet' });
    world.pass(14_000);
    expect(world.replies.has(request)).toBe(false);
    world.hangUp(a);
    expect(world.replies.get(request)).toMatchObject({ ok: true });
  });
});

describe('a process whose node left by itself', () => {
  function left() {
    const world = twoNodes();
    const a = world.nodes.get('a')!;
    a.running.clear();
    a.send({ kind: 'shutdown', final: false, sessions: [] });
    world.settle();
    world.hangUp(a);
    return { world, a };
  }

  // A timer kept five of them alive, each with the memory of a whole bot.
  test('is ended when it is not back in a while', () => {
    const { world } = left();
    world.pass(9_999);
    expect(world.endedProcesses).toEqual([]);
    world.pass(1);
    expect(world.endedProcesses).toEqual(['a']);
    world.pass(60_000);
    expect(world.endedProcesses).toEqual(['a']);
  });

  // The store was away for longer than the bot may be: nobody could log in meanwhile, and the process was ended as soon
  // as it was back.
  test('is not ended for the time in which nobody could log in', () => {
    const { world } = left();
    world.now += 60_000;
    world.state = afterSuspension(world.state, 60_000, world.now);
    world.pass(5_000);
    world.join('a');
    world.pass(60_000);
    expect(world.endedProcesses).toEqual([]);
  });

  test('is left alone when it has logged in again', () => {
    const { world } = left();
    world.pass(5_000);
    world.join('a');
    world.pass(60_000);
    expect(world.endedProcesses).toEqual([]);
  });
});
