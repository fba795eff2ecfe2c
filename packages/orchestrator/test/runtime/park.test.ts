/** Parking through the whole orchestrator: hand-written nodes over the memory network, a spool whose disk can fail. */
import { memoryNetwork, seededRandom, virtualClock, type VirtualClock } from '@dshard/testkit';
import { describe, expect, test } from 'vitest';
import { memoryDisk, memoryStore } from '../../src/adapters/memory/memory-store.js';
import { memorySpool, spoolDisk } from '../../src/adapters/memory/memory-spool.js';
import type { Settings } from '../../src/domain/state/settings.js';
import type { Orchestrator } from '../../src/runtime/contract.js';
import { lead } from '../../src/runtime/leadership.js';
import { createOrchestrator } from '../../src/runtime/orchestrator.js';
import { alone } from './alone.js';
import { inOrder, liveNode, numbered, type LiveNode, type LiveNodeOptions } from './live-node.js';
import { settings } from './settings.js';

const STATE = { events: 60, body: numbered(40) };

/** Each piece of a file is a few turns of the loop, which take no time here. */
async function pass(clock: VirtualClock, ms: number): Promise<void> {
  for (let step = 0; step < 100; step += 1) await clock.run(ms / 100);
}

/** A fleet with one disk for store and spool, on which orchestrators follow one another. */
function ground(more: Partial<Settings> = {}) {
  const clock = virtualClock();
  const network = memoryNetwork({ clock });
  const [disk, spool] = [memoryDisk(), spoolDisk()];
  let runs = 0;
  const start = async (): Promise<Orchestrator> => {
    runs += 1;
    const options = { ...alone(), clock, random: seededRandom(runs), transport: network };
    const identity = { id: `run-${runs}`, host: 'here', pid: runs, process: null, boot: 'boot', since: 0 };
    const leadership = await lead(memoryStore({ disk }), {
      identity,
      standby: false,
      clock,
      logger: options.logger,
      liveness: () => 'dead',
    });
    const orchestrator = createOrchestrator({
      ...options,
      leadership,
      spool: memorySpool(spool),
      listen: '127.0.0.1:7447',
      settings: settings({ canLaunch: false, totalShards: 1, ...more }),
    });
    await orchestrator.start();
    return orchestrator;
  };
  const node = async (nodeId: string, options: Partial<LiveNodeOptions> = {}): Promise<LiveNode> => {
    const connecting = liveNode(nodeId, { transport: network, clock, address: '127.0.0.1:7447', ...options });
    await clock.run(0);
    const connected = await connecting;
    await clock.run(100);
    return connected;
  };
  return { clock, spool, start, node };
}

async function parked(more: Partial<Settings> = {}) {
  const fleet = ground(more);
  const orchestrator = await fleet.start();
  const a = await fleet.node('a', { runningShards: [0], totalShards: 1, state: STATE });
  const parking = orchestrator.command({ kind: 'parkShard', shard: 0 });
  await pass(fleet.clock, 500);
  return { ...fleet, orchestrator, a, result: await parking };
}

const LEAVE = { kind: 'leave', withinMs: 8_000, intent: 'auto', successor: '' } as const;

const leave = (node: LiveNode): void =>
  node.connection.destroy({ code: 'DSO_CONNECTION_CLOSED', message: 'The node ends.' });

const lostStates = (orchestrator: Orchestrator): string[] =>
  orchestrator.history().flatMap(({ name, text }) => (name === 'parkedStateLost' ? [text] : []));

describe('a shard is parked', () => {
  test('its node hands it over as to any node, and the state lies in one file', async () => {
    const { orchestrator, a, result, spool } = await parked();
    expect(result).toMatchObject({ ok: true, data: { userEvents: 60, bytes: 2_400 } });
    const steps = a.heard.filter((kind) => kind.startsWith('transfer'));
    expect(steps).toEqual(['transferOpen', 'transferCopy', 'transferFreeze', 'transferRelease', 'transferDone']);
    expect(orchestrator.state.shards[0]).toMatchObject({
      kind: 'parked',
      parked: { origin: 'a', state: { bytes: 2_400 } },
    });
    expect([...spool.files.values()].map(({ byteLength }) => byteLength)).toEqual([2_400 + 60 * 8]);
  });

  test('the next node that comes gets it at once with its whole state, and the file is removed', async () => {
    const { orchestrator, node, spool, clock } = await parked();
    const b = await node('b');
    await pass(clock, 500);
    expect([b.came.get(0), b.isBroken, [...b.shards]]).toEqual([inOrder(60), false, [0]]);
    expect(b.heard).toContain('transferActivate');
    expect([orchestrator.state.shards[0]?.kind, spool.files.size]).toEqual(['running', 0]);
  });

  test('a node that was there before gets it only when nobody has come within park.waitFor', async () => {
    const { clock, orchestrator, a } = await parked({ parkWaitForMs: 20_000 });
    await clock.run(19_000);
    expect(orchestrator.state.shards[0]?.kind).toBe('parked');
    await pass(clock, 2_000);
    expect([orchestrator.state.shards[0], [...a.shards], a.came.get(0)]).toMatchObject([
      { kind: 'running', node: 'a' },
      [0],
      inOrder(60),
    ]);
  });

  test('an orchestrator that starts anew has it still, exactly as it was left', async () => {
    const { orchestrator, a, start, node, clock, spool } = await parked();
    leave(a);
    const closing = orchestrator.close('leave');
    await pass(clock, 4_000);
    await closing;
    const next = await start();
    expect([next.state.shards[0]?.kind, spool.files.size]).toEqual(['parked', 1]);
    const b = await node('b');
    await pass(clock, 500);
    expect([b.came.get(0), [...b.shards], spool.files.size]).toEqual([inOrder(60), [0], 0]);
    expect(lostStates(next)).toEqual([]);
  });

  test('a whole fleet ends keeping its sessions, is started again, and has every shard with its whole state', async () => {
    const { start, node, clock, spool } = ground({ totalShards: 4, rebalance: 'off' });
    const first = await start();
    const a = await node('a', { runningShards: [0, 1, 2, 3], state: STATE });
    const closing = first.close('keepSessions');
    await pass(clock, 10_000);
    await closing;
    expect([a.heard.at(-1), spool.files.size]).toEqual(['shutdown', 4]);
    const next = await start();
    expect(next.state.shards.map(({ kind }) => kind)).toEqual(Array(4).fill('parked'));
    const [c, d] = [await node('c'), await node('d')];
    await pass(clock, 5_000);
    expect([...c.came, ...d.came].map(([, came]) => came)).toEqual(Array(4).fill(inOrder(60)));
    expect([next.state.shards.map(({ kind }) => kind), spool.files.size]).toEqual([Array(4).fill('running'), 0]);
  });

  test('after park.ttl its state is dropped and said to be lost; the session is still resumed', async () => {
    const { orchestrator, a, clock, spool, node } = await parked({ parkTtlMs: 30_000 });
    leave(a);
    await clock.run(31_000);
    expect([orchestrator.state.shards[0], spool.files.size]).toMatchObject([
      { kind: 'vacant', known: { session: { sessionId: 'session-0' } } },
      0,
    ]);
    expect(lostStates(orchestrator)).toEqual([expect.stringContaining('no node took it within 30 s')]);
    const b = await node('b');
    await pass(clock, 500);
    expect(b.heard).toContain('resumeShards');
  });
});

// Those copied first were frozen first, and nobody served them while the others were copied: with 8 shards of 14 MB the
// first were without a session for three seconds more than the last.
describe('the shards of a node that is alone are parked together', () => {
  async function alone(options: Partial<LiveNodeOptions> = {}, more: Partial<Settings> = {}) {
    const fleet = ground({
      totalShards: 4,
      migrationsPerNode: 1,
      rebalance: 'off',
      ensureAllShardsRunning: false,
      ...more,
    });
    const orchestrator = await fleet.start();
    const a = await fleet.node('a', { runningShards: [0, 1, 2], state: STATE, ...options });
    const steps = (): readonly string[] => a.heard.filter((kind) => /Copy|Freeze|Release/.test(kind));
    const states = (): readonly string[] => orchestrator.state.shards.slice(0, 3).map(({ kind }) => kind);
    return { ...fleet, orchestrator, a, steps, states };
  }

  test('all are copied before the first is frozen, and each one is parked with its state', async () => {
    const { a, clock, steps, states } = await alone();
    a.connection.send(LEAVE);
    await pass(clock, 3_000);
    expect(steps().slice(0, 4)).toEqual(['transferCopy', 'transferCopy', 'transferCopy', 'transferFreeze']);
    expect(states()).toEqual(['parked', 'parked', 'parked']);
  });

  test('one that is not copied in time keeps none of the others: they are frozen before the moves end', async () => {
    const { a, clock, steps, states } = await alone({ stuck: 0 }, { migrationsPerNode: 3 });
    a.connection.send(LEAVE);
    await pass(clock, 4_900);
    expect(steps()).toEqual(Array(3).fill('transferCopy'));
    await pass(clock, 100);
    expect(states()).toEqual(['migrating', 'parked', 'parked']);
  });

  test('one that is copied waits no longer than 20 s, for what changes meanwhile is sent once more', async () => {
    const { a, clock, states } = await alone({ stuck: 0 }, { migrationsPerNode: 3, migrationStepTimeoutMs: 60_000 });
    a.connection.send({ ...LEAVE, withinMs: 300_000 });
    await pass(clock, 19_000);
    expect(states()).toEqual(Array(3).fill('migrating'));
    await pass(clock, 2_000);
    expect(states()).toEqual(['migrating', 'parked', 'parked']);
  });

  test('the whole fleet is parked so, when it ends for a while', async () => {
    const { orchestrator, node, clock, steps } = await alone({ totalShards: 6 }, { totalShards: 6 });
    const b = await node('b', { totalShards: 6, runningShards: [3, 4, 5], state: STATE });
    const closing = orchestrator.close('keepSessions');
    await pass(clock, 5_000);
    await closing;
    expect(steps().slice(0, 4)).toEqual(['transferCopy', 'transferCopy', 'transferCopy', 'transferFreeze']);
    expect(b.heard.filter((kind) => kind === 'transferRelease')).toHaveLength(3);
  });

  // Four at a time went to the node, which handles all of them in one thread: the first was up when the fourth was.
  test('the node that comes gets them one after the other, the next one while one is handled', async () => {
    const { orchestrator, a, node, clock } = await alone({ runningShards: [0, 1, 2, 3] }, { migrationsPerNode: 4 });
    a.connection.send(LEAVE);
    await pass(clock, 3_000);
    leave(a);
    const b = await node('b', { windowBytes: 40, slow: { everyBytes: 40, pauseMs: 10 } });
    await pass(clock, 100);
    expect(b.heard.filter((kind) => kind === 'transferOpen')).toHaveLength(2);
    await pass(clock, 4_000);
    expect([b.shards.size, lostStates(orchestrator)]).toEqual([4, []]);
  });
});

// The first node that was back after a restart got every parked shard, and half of them moved on a moment later.
describe('a fleet of two nodes that nobody launches is parked as a whole', () => {
  async function restarted() {
    const fleet = ground({ totalShards: 8, rebalance: 'off', ensureAllShardsRunning: false });
    const first = await fleet.start();
    const options = { totalShards: 8, state: STATE };
    await fleet.node('a', { ...options, runningShards: [0, 1, 2, 3] });
    await fleet.node('b', { ...options, runningShards: [4, 5, 6, 7] });
    const closing = first.close('keepSessions');
    await pass(fleet.clock, 10_000);
    await closing;
    const next = await fleet.start();
    const c = await fleet.node('c', { totalShards: 8 });
    await pass(fleet.clock, 2_000);
    return { ...fleet, next, c };
  }

  test('and each node that comes back gets its share at once, under whatever name', async () => {
    const { c, node, clock } = await restarted();
    expect(c.shards.size).toBe(4);
    const d = await node('d', { totalShards: 8 });
    await pass(clock, 2_000);
    expect([c.shards.size, d.shards.size]).toEqual([4, 4]);
    expect([...c.came, ...d.came].map(([, came]) => came)).toEqual(Array(8).fill(inOrder(60)));
  });

  test('and the one that comes back alone gets all, after a few seconds', async () => {
    const { c, clock, next } = await restarted();
    await pass(clock, 2_000);
    expect(c.shards.size).toBe(4);
    await pass(clock, 3_000);
    expect([c.shards.size, lostStates(next)]).toEqual([8, []]);
  });
});

// Two of three nodes had left for good, and their shards were at the third. When that one was restarted, half of its
// shards waited for ten seconds for those that were not to come.
test('a node that had all shards alone gets all of them back at once, whoever left before', async () => {
  const { start, node, clock } = ground({
    totalShards: 4,
    rebalance: 'off',
    ensureAllShardsRunning: false,
  });
  await start();
  const a = await node('a', { runningShards: [0, 1], state: STATE });
  const b = await node('b', { runningShards: [2, 3], state: STATE });
  a.connection.send(LEAVE);
  await pass(clock, 1_000);
  leave(a);
  expect(b.shards.size).toBe(4);
  b.connection.send(LEAVE);
  await pass(clock, 1_000);
  leave(b);
  const c = await node('c');
  await pass(clock, 1_000);
  expect(c.shards.size).toBe(4);
});

describe('what was parked is damaged, or does not fit', () => {
  test('a damaged file is never given to a node: the state is lost, said so, and the session resumed', async () => {
    const { orchestrator, a, node, clock, spool } = await parked();
    leave(a);
    for (const content of spool.files.values()) content[content.byteLength - 1]! ^= 1;
    const b = await node('b');
    await pass(clock, 500);
    expect([b.came.get(0), b.heard.includes('transferActivate')]).toEqual([undefined, false]);
    expect(b.heard).toContain('resumeShards');
    expect(lostStates(orchestrator)).toEqual([expect.stringContaining('not what was parked')]);
    expect(spool.files.size).toBe(0);
  });

  test('a file that another host has is lost state, and not a node that hangs', async () => {
    const { orchestrator, a, node, clock, spool } = await parked();
    leave(a);
    spool.files.clear();
    const b = await node('b');
    await pass(clock, 500);
    expect(b.heard).toContain('resumeShards');
    expect(lostStates(orchestrator)).toHaveLength(1);
  });

  test('a state larger than park.maxShard is not parked, and its node goes on with the shard', async () => {
    const { orchestrator, a, result, spool } = await parked({ parkShardBytes: 1_000 });
    expect(result).toMatchObject({ ok: false, error: { message: expect.stringContaining('park.maxShard') } });
    expect([orchestrator.state.shards[0], [...a.shards], spool.files.size]).toMatchObject([
      { kind: 'running', node: 'a' },
      [0],
      0,
    ]);
  });

  test('where the disk has no room nothing is copied at all', async () => {
    const fleet = ground();
    fleet.spool.freeBytes = 0;
    const orchestrator = await fleet.start();
    const a = await fleet.node('a', { runningShards: [0], totalShards: 1, state: STATE });
    const parking = orchestrator.command({ kind: 'parkShard', shard: 0 });
    await pass(fleet.clock, 500);
    expect(await parking).toMatchObject({ ok: false, error: { message: expect.stringContaining('half of the disk') } });
    expect(a.heard).not.toContain('transferCopy');
  });

  test('a disk that is full in the middle aborts it, and its node goes on with the shard', async () => {
    const fleet = ground();
    const orchestrator = await fleet.start();
    const a = await fleet.node('a', { runningShards: [0], totalShards: 1, state: STATE });
    fleet.spool.isFull = true;
    const parking = orchestrator.command({ kind: 'parkShard', shard: 0 });
    await pass(fleet.clock, 500);
    expect(await parking).toMatchObject({ ok: false, error: { message: expect.stringContaining('no space is left') } });
    expect([[...a.shards], orchestrator.state.shards[0]?.kind, fleet.spool.files.size]).toEqual([[0], 'running', 0]);
  });

  test('a node whose host cannot take the state is named, and after three the session is resumed without', async () => {
    const { orchestrator, a, node, clock } = await parked();
    leave(a);
    const b = await node('b', { refuses: 'its formats are [2], and the state is of format 1' });
    await pass(clock, 5_000);
    expect(lostStates(orchestrator)).toEqual([expect.stringContaining('its formats are [2]')]);
    expect(b.heard).toContain('resumeShards');
  });
});

// Parked shards of an orchestrator without a store were forgotten with its end, and nobody was told.
test('what was parked is said to be lost where nothing is stored that says whose it is', async () => {
  const fleet = ground();
  fleet.spool.files.set('m0-1', new Uint8Array(10));
  const orchestrator = await fleet.start();
  expect(lostStates(orchestrator)).toEqual([
    expect.stringContaining('up to 1 shard (10 bytes), parked by an earlier run'),
  ]);
});

test('what an earlier run left in the spool and nobody names is removed at the start', async () => {
  const fleet = ground();
  fleet.spool.files.set('m0-1', new Uint8Array(10));
  await fleet.start();
  await fleet.clock.run(10);
  expect(fleet.spool.files.size).toBe(0);
});
