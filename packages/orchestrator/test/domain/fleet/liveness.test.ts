import { CAPABILITIES } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import { World } from '../world.js';
import { FRESH_SIGNALS } from '../signals.js';

function twoNodes(): World {
  const world = new World({ totalShards: 2 }).start();
  world.join('a');
  world.settle();
  world.join('b');
  return world;
}

describe('heartbeats', () => {
  test('are stored and acknowledged, each with its sequence', () => {
    const world = twoNodes();
    world.beat();
    world.settle();
    expect(world.sentTo('a', 'heartbeatAck').at(-1)).toEqual({ kind: 'heartbeatAck', sequence: 1 });
    expect(world.state.nodes.get('a')).toMatchObject({
      process: { memoryBytes: 1 },
      shardReports: [{ shardId: 0 }, { shardId: 1 }],
    });
  });

  test('say how the node fares, and it is forgotten with the connection', () => {
    const world = twoNodes();
    const signals = { ...FRESH_SIGNALS, health: { ok: false, reason: 'no database' }, events: 7 };
    world.nodes.get('a')!.signals = signals;
    world.beat();
    world.settle();
    expect(world.state.nodes.get('a')?.signals).toEqual(signals);
    expect(world.state.nodes.get('b')?.signals).toBeNull();
    world.disconnect(world.nodes.get('a')!);
    world.settle();
    expect(world.state.nodes.get('a')?.signals).toBeNull();
  });

  test('of a node that did not name signals say nothing of that', () => {
    const world = new World({ totalShards: 2 }).start();
    world.join({ id: 'a', capabilities: CAPABILITIES.filter((each) => each !== 'signals') });
    world.settle();
    world.nodes.get('a')!.signals = FRESH_SIGNALS;
    world.beat();
    world.settle();
    expect(world.state.nodes.get('a')?.signals).toBeNull();
  });

  test('start a shard again that is missing twice, and not one that is missing once', () => {
    const world = twoNodes();
    const a = world.nodes.get('a')!;
    a.running.delete(1);
    world.beat();
    world.settle();
    expect(world.shard(1)).toMatchObject({ kind: 'running', node: 'a' });
    world.beat();
    world.settle();
    expect(world.recorded('shardVacant')[0]?.fields).toMatchObject({ node: 'a', shards: [1] });
    expect(world.placement()).toEqual({ a: [0], b: [1] });
  });

  test('stop a shard that another node has where it should not be', () => {
    const world = twoNodes();
    const b = world.nodes.get('b')!;
    b.running.add(0);
    world.beat();
    world.settle();
    expect(world.truth()).toEqual({ a: [0, 1] });
  });

  test('give a shard that nobody is known to have to the node that names it', () => {
    const world = twoNodes();
    world.ask({ kind: 'stopShard', shard: 0 });
    world.nodes.get('b')!.running.add(0);
    world.beat();
    world.settle();
    expect(world.placement()).toEqual({ a: [1], b: [0] });
  });
});

test('a base-level node may be silent for days: it has no heartbeat to send, and keeps its shards', () => {
  const world = new World({ totalShards: 2 }).start();
  world.join({ id: 'go', baseLevel: true });
  world.settle();
  world.pass(3 * 86_400_000);
  expect(world.closed).toEqual([]);
  expect(world.placement()).toEqual({ go: [0, 1] });
});

describe('a silent node', () => {
  test('is cut off after three intervals; its shards wait for it, then go elsewhere', () => {
    const world = twoNodes();
    const a = world.nodes.get('a')!;
    world.nodes.delete('a');
    const connection = a.connection;
    world.pass(14_999);
    expect(world.closed).toEqual([]);
    world.pass(1);
    expect(world.closed).toEqual([{ connection, code: 'DSO_NODE_SILENT' }]);
    expect(world.shard(0)).toMatchObject({ kind: 'unreachable', node: 'a' });
    world.pass(29_999);
    expect(world.shard(0).kind).toBe('unreachable');
    world.pass(1);
    expect(world.placement()).toEqual({ b: [0, 1] });
  });

  test('keeps its shards when it is back in time', () => {
    const world = twoNodes();
    const a = world.nodes.get('a')!;
    world.disconnect(a);
    world.pass(29_000);
    world.connect(a);
    world.pass(60_000);
    expect(world.truth()).toEqual({ a: [0, 1] });
    expect(world.placement()).toEqual(world.truth());
    expect(a.identifies).toEqual([0, 1]);
  });

  test('is told to stop its shards when it is back after they were started elsewhere', () => {
    const world = twoNodes();
    const a = world.nodes.get('a')!;
    world.disconnect(a);
    world.pass(35_000);
    world.connect(a);
    world.settle();
    expect(world.truth()).toEqual({ b: [0, 1] });
  });

  test('is none when it was the orchestrator that slept', () => {
    const world = twoNodes();
    world.now += 3_600_000;
    world.tick();
    expect(world.closed).toEqual([]);
    world.pass(5_000);
    expect(world.truth()).toEqual({ a: [0, 1] });
  });

  test('is listed for a while, then forgotten', () => {
    const world = twoNodes();
    world.disconnect(world.nodes.get('b')!);
    world.pass(599_999);
    expect(world.state.nodes.get('b')?.connection).toMatchObject({ kind: 'disconnected', gone: false });
    world.pass(1);
    expect(world.state.nodes.has('b')).toBe(false);
  });

  test('is listed for a moment only when it is known to be dead', () => {
    const world = twoNodes();
    world.kill(world.nodes.get('b')!);
    world.pass(29_999);
    expect(world.state.nodes.get('b')?.connection).toMatchObject({ kind: 'disconnected', gone: true });
    world.pass(1);
    expect(world.state.nodes.has('b')).toBe(false);
  });
});

describe('a dead process', () => {
  test('is known to be dead: its shards go elsewhere at once, also before its connection says so', () => {
    const world = twoNodes();
    const a = world.nodes.get('a')!;
    a.mute.add('shutdown');
    world.feed({ kind: 'processExited', node: 'a', description: 'exited with code 1' });
    a.die();
    world.settle();
    expect(world.placement()).toEqual({ b: [0, 1] });
    expect(world.recorded('nodeGone')[0]?.text).toContain('exited with code 1');
  });

  test.each([
    ['its exit is noticed first', true],
    ['its connection closes first', false],
  ])('is taken over from its last checkpoint, without an IDENTIFY, when %s', (_, exitFirst) => {
    const world = twoNodes();
    const [a, b] = [world.nodes.get('a')!, world.nodes.get('b')!];
    world.beat();
    world.settle();
    if (!exitFirst) {
      world.disconnect(a);
      expect(world.shard(0)).toMatchObject({ kind: 'unreachable', node: 'a' });
    }
    world.feed({ kind: 'processExited', node: 'a', description: 'was killed' });
    a.die();
    world.settle();
    expect(world.placement()).toEqual({ b: [0, 1] });
    expect(b.resumes).toEqual([0, 1]);
    expect(b.identifies).toEqual([]);
  });

  test('costs an IDENTIFY a shard when it never sent a checkpoint', () => {
    const world = new World({ totalShards: 2 }).start();
    const a = world.join({ id: 'a', capabilities: CAPABILITIES.filter((each) => each !== 'heartbeat') });
    world.settle();
    const b = world.join('b');
    world.feed({ kind: 'processExited', node: 'a', description: 'was killed' });
    a.die();
    world.settle();
    world.pass(10_000);
    expect(b.resumes).toEqual([]);
    expect(b.identifies).toEqual([0, 1]);
  });

  test('is taken over the same way when it is only silent, after its downtime', () => {
    const world = twoNodes();
    const [a, b] = [world.nodes.get('a')!, world.nodes.get('b')!];
    world.beat();
    world.settle();
    world.disconnect(a);
    world.pass(60_000);
    expect(world.placement()).toEqual({ b: [0, 1] });
    expect(b.resumes).toEqual([0, 1]);
    expect(b.identifies).toEqual([]);
  });
});

describe('a message that does not fit', () => {
  test.each([
    ['a message only an orchestrator sends', { kind: 'heartbeatAck', sequence: 1 }, 'warn'],
    ['a shard beyond the total', { kind: 'startShards', shardIds: [99] }, 'warn'],
    ['an end of a transfer that does not exist', { kind: 'allUserDataSent', numEvents: 1, shardId: 0 }, 'warn'],
    ['an answer nobody waits for', { kind: 'prepareMigration', origin: true, shardId: 0, session: null }, 'debug'],
    ['a failure of nothing', { kind: 'commandFailed', command: 'stopShard', shardId: 0, message: 'no' }, 'debug'],
  ] as const)('is recorded and does nothing when it is %s', (_, message, level) => {
    const world = twoNodes();
    const before = world.state.shards;
    world.nodes.get('a')?.send(message);
    world.settle();
    expect(world.recorded('protocolViolation')).toMatchObject([{ level }]);
    expect(world.state.shards).toBe(before);
  });

  test('is not heard when its connection was closed', () => {
    const world = twoNodes();
    const effects = world.feed({ kind: 'message', connection: 'c99', message: { kind: 'startShards', shardIds: [0] } });
    expect(effects).toEqual([]);
  });
});
