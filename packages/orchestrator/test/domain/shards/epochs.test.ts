/** Two nodes think that they have a shard: the one with the later assignment does, and the other hears of it. */
import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../../../src/domain/durable/records.js';
import { World, nearby } from '../world.js';

function fleet(): World {
  const world = new World({ totalShards: 2, expectedNodes: null }).start();
  world.join('a');
  world.pass(12_000);
  world.join('b');
  world.pass(6_000);
  return world;
}

const DAY_MS = 86_400_000;
const epochsOf = (world: World): number[] => world.state.assignments.map(({ epoch }) => epoch);
const recordOf = (world: World, shard: number): JsonValue | undefined => world.records.get(`shard/${shard}`)?.value;

describe('an orchestrator', () => {
  test('has a higher epoch than any before, with a store and without, however the clock went', () => {
    const world = fleet();
    const epochs = [world.state.epoch];
    for (const step of [0, 5_000, -900_000]) {
      world.now += step;
      world.crash();
      epochs.push(world.state.epoch);
    }
    expect(epochs).toEqual(epochs.toSorted((a, b) => a - b));
    expect(new Set(epochs).size).toBe(epochs.length);
    expect(new World().state.epoch).toBeGreaterThanOrEqual(new World().now);
  });

  test('tells its epoch and the lease', () => {
    const world = fleet();
    const [hello] = world.sentTo('a', 'identified');
    expect(hello).toMatchObject({ orchestratorEpoch: world.state.epoch, leaseMs: 24_000 });
  });

  // A stranger at the port of the orchestrator, for a moment, had named an epoch a year ahead; from then on the nodes
  // and the real orchestrator refused each other for good.
  test.each([
    ['a little later', 1],
    ['a year ahead of the clock', 365 * DAY_MS],
  ])('counts on from the epoch that a node has obeyed: %s', (_, ahead) => {
    const world = fleet();
    const obeyed = world.state.epoch + ahead;
    world.join('c', { orchestratorEpoch: obeyed }, nearby);
    world.settle();
    const { epoch } = world.state;
    expect(epoch).toBeGreaterThan(obeyed);
    expect(world.sentTo('c', 'identified')).toEqual([expect.objectContaining({ orchestratorEpoch: epoch })]);
    const stored = [...world.records.values()].find(({ kind, key }) => `${kind}${key}`.includes('ids'));
    expect(stored?.value).toMatchObject({ nextEpoch: epoch + 1 });
    expect(world.recorded('epochRaised')[0]?.text).toContain(`epoch ${obeyed}`);
    world.crash();
    expect(world.state.epoch).toBeGreaterThan(epoch);
  });

  test.each([
    ['the end of the numbers', Number.MAX_SAFE_INTEGER],
    ['more than a year ahead of the clock', 403 * DAY_MS],
  ])('does not count on from what nobody can have counted: %s', (_, ahead) => {
    const world = fleet();
    const before = world.state.epoch;
    const c = world.join('c', { orchestratorEpoch: Math.min(Number.MAX_SAFE_INTEGER, world.now + ahead) }, nearby);
    expect(c.connection).toBeNull();
    expect(world.closed.at(-1)?.code).toBe('DSO_ORCHESTRATOR_STALE');
    expect(world.state.epoch).toBe(before);
  });

  test('says nothing of epochs to a node that does not know them', () => {
    const world = new World().start();
    world.join({ id: 'old', baseLevel: true });
    world.pass(30_000);
    for (const { message } of world.sent) {
      expect(Object.keys(message).filter((key) => /epoch|lease|takeover/iu.test(key))).toEqual([]);
    }
    expect(world.placement()).toEqual({ old: [0, 1, 2, 3] });
    expect(Math.min(...epochsOf(world))).toBeGreaterThan(0);
  });
});

describe('an assignment', () => {
  test('has an epoch of its own, durable before it is said', () => {
    const world = fleet();
    const before = epochsOf(world);
    for (const { message } of world.sent.filter(({ node }) => node === 'a')) {
      if (message.kind === 'startShards')
        expect(message.epochs).toEqual(message.shardIds.map((shard) => before[shard]));
    }
    expect(recordOf(world, 0)).toMatchObject({ node: 'a', epoch: before[0] });
    expect(world.ask({ kind: 'migrateShard', shard: 0, destination: 'b' })).toMatchObject({ ok: true });
    expect(epochsOf(world)[0]).toBeGreaterThan(before[0]!);
    expect(recordOf(world, 0)).toMatchObject({ node: 'b', epoch: epochsOf(world)[0] });
  });

  test('outlives a restart of the orchestrator', () => {
    const world = fleet();
    const before = epochsOf(world);
    world.crash();
    expect(epochsOf(world)).toEqual(before);
    expect(world.state.nextEpoch).toBeGreaterThan(Math.max(...before));
  });
});

describe('a node that is back after its shards were taken over', () => {
  test('is told so by epoch, lets go, and nobody identified', () => {
    const world = fleet();
    const [a, b] = [world.nodes.get('a')!, world.nodes.get('b')!];
    a.heartbeat(1);
    world.settle();
    world.disconnect(a);
    world.pass(35_000);
    expect(world.placement()).toEqual({ b: [0, 1] });
    // One message, and no second round trip.
    expect(world.sentTo('b', 'resumeShards')).toHaveLength(1);
    expect(world.toldToResume('b')).toMatchObject([
      { takeover: 'checkpoint', sessionId: 'session-0', epoch: epochsOf(world)[0] },
      { takeover: 'checkpoint', sessionId: 'session-1', epoch: epochsOf(world)[1] },
    ]);
    world.connect(a);
    world.settle();
    expect(world.sentTo('a', 'shardTakenOver')).toEqual(
      epochsOf(world).map((epoch, shardId) => ({ kind: 'shardTakenOver', shardId, epoch })),
    );
    expect(world.sentTo('a', 'stopShard')).toEqual([]);
    expect(world.truth()).toEqual({ b: [0, 1] });
    expect([b.resumes, b.identifies]).toEqual([[0, 1], []]);
  });

  test('lets go also when its successor does not have them any more', () => {
    const world = fleet();
    const [a, b] = [world.nodes.get('a')!, world.nodes.get('b')!];
    world.disconnect(a);
    world.pass(35_000);
    world.disconnect(b);
    world.connect(a);
    world.settle();
    expect(world.truth()).toEqual({ b: [0, 1] });
    world.connect(b);
    world.pass(10_000);
    expect(world.placement()).toEqual({ b: [0, 1] });
    expect(world.truth()).toEqual({ b: [0, 1] });
  });
});

describe('an epoch that nobody can have given', () => {
  const DAY_MS = 86_400_000;

  // It was taken over as it stood: the next one was no number that a message can carry, and no shard could be started
  // any more.
  test.each([
    ['the highest number', () => 2 ** 53 - 1],
    ['far ahead of the clock', (world: World) => world.now + 401 * DAY_MS],
  ])('is not believed in a heartbeat, and shards go on being started: %s', (_, of) => {
    const world = fleet();
    const [a, b] = [world.nodes.get('a')!, world.nodes.get('b')!];
    const before = { placement: world.placement(), epochs: epochsOf(world) };
    b.epochs.set(0, of(world));
    b.running.add(0);
    b.heartbeat(1);
    world.settle();
    expect({ placement: world.placement(), epochs: epochsOf(world) }).toEqual(before);
    expect(world.recorded('protocolViolation').at(-1)?.text).toMatch(/shard\(s\) 0 under epochs/u);
    b.running.delete(0);
    b.epochs.delete(0);
    a.die();
    world.pass(60_000);
    expect(world.placement()).toEqual({ b: [0, 1] });
    expect(world.state.nextEpoch).toBeLessThan(world.now + DAY_MS);
  });

  test('is not one that was given before the clock was set back', () => {
    const world = fleet();
    world.state = { ...world.state, nextEpoch: world.now + 10_000 * DAY_MS };
    world.ask({ kind: 'migrateShard', shard: 0, destination: 'b' });
    const [a, b] = [world.nodes.get('a')!, world.nodes.get('b')!];
    world.disconnect(b);
    world.connect(b);
    for (const node of [a, b]) node.heartbeat(1);
    world.settle();
    expect(world.placement()).toEqual({ a: [1], b: [0] });
    expect(world.recorded('protocolViolation').filter(({ text }) => /epochs/u.test(text))).toEqual([]);
  });
});

describe('a lost store', () => {
  function forgetful(): World {
    const world = fleet();
    const a = world.nodes.get('a')!;
    world.disconnect(a);
    world.pass(35_000);
    // Node b has both shards now, under later epochs, and a has not heard of it.
    world.records.clear();
    world.crash();
    expect(world.state.totalShards).toBeNull();
    return world;
  }

  test.each([
    ['the successor is back first', 'b', 'a'],
    ['the superseded is back first', 'a', 'b'],
  ])('is made up for by the epochs that nodes know: %s', (_, first, second) => {
    const world = forgetful();
    for (const id of [first, second]) {
      world.connect(world.nodes.get(id)!);
      world.settle();
    }
    expect(world.truth()).toEqual({ b: [0, 1] });
    expect(world.placement()).toEqual({ b: [0, 1] });
    expect(world.state.nextEpoch).toBeGreaterThan(Math.max(...epochsOf(world)));
  });

  test('a node whose clock is not of this world cannot use up the epochs', () => {
    const world = forgetful();
    const c = world.join('c', { totalShards: 2, runningShards: [0], runningEpochs: [2 ** 53 - 1] });
    expect(c.connection).toBeNull();
    expect(world.closed.at(-1)?.code).toBe('DSO_IDENTIFY_INVALID');
  });
});

describe('cursors of running shards', () => {
  const cursorsOf = (world: World): unknown[] =>
    [0, 1].map((shard) => {
      const record = recordOf(world, shard);
      return record !== null && typeof record === 'object' && 'checkpoint' in record ? record['checkpoint'] : undefined;
    });

  test('are durable: node and orchestrator die together, and nobody identifies', () => {
    const world = fleet();
    const [a, b] = [world.nodes.get('a')!, world.nodes.get('b')!];
    expect(cursorsOf(world)).toMatchObject([{ sessionId: 'session-0' }, { sessionId: 'session-1' }]);
    a.die();
    world.crash();
    world.connect(b);
    world.pass(1_000);
    expect(world.placement()).toEqual({ b: [0, 1] });
    expect([b.resumes, b.identifies]).toEqual([[0, 1], []]);
    expect(world.toldToResume('b')).toMatchObject([{ takeover: 'checkpoint' }, { takeover: 'checkpoint' }]);
  });

  test('are written every few seconds, not with each heartbeat; a new session at once', () => {
    const world = fleet();
    const a = world.nodes.get('a')!;
    let [sessionId, sequence, commits] = ['session-0', 100, 0];
    a.session = () => ({ sessionId, sequence: sequence++, resumeGatewayUrl: '' });
    const beat = (): void => {
      const before = JSON.stringify(cursorsOf(world));
      a.heartbeat(sequence);
      world.settle();
      if (JSON.stringify(cursorsOf(world)) !== before) commits += 1;
    };
    beat();
    commits = 0;
    for (let ms = 0; ms < 20_000; ms += 500) {
      beat();
      world.now += 500;
    }
    expect(commits).toBeLessThanOrEqual(4);
    expect(commits).toBeGreaterThanOrEqual(3);
    commits = 0;
    sessionId = 'another';
    beat();
    beat();
    expect(commits).toBe(1);
  });
});
