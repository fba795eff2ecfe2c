/**
 * The whole orchestrator on a store, with hand-written nodes over the memory network: what it survives, and what it
 * does without.
 */
import { memoryNetwork, seededRandom, virtualClock } from '@dshard/testkit';
import type { VirtualClock } from '@dshard/testkit';
import { describe, expect, test } from 'vitest';
import { memoryDisk, memoryStore } from '../../src/adapters/memory/memory-store.js';
import type { StateStore } from '../../src/ports/state-store.js';
import { LEASE_MS, lead } from '../../src/runtime/leadership.js';
import { createOrchestrator } from '../../src/runtime/orchestrator.js';
import type { Orchestrator } from '../../src/runtime/contract.js';
import { recordingLogger } from '../recording-logger.js';
import { scriptedNode } from './scripted-node.js';
import type { ScriptedNode, ScriptedNodeOptions } from './scripted-node.js';
import { settings } from './settings.js';

function world() {
  const clock = virtualClock();
  const disk = memoryDisk();
  const logger = recordingLogger();
  let runs = 0;

  /**
   * Another run on the same disk; every run has a network of its own, so that a crashed one is simply not heard of any
   * more.
   */
  const run = async (
    more: { liveness?: 'alive' | 'dead' | 'unknown'; wrap?: (store: StateStore) => StateStore } = {},
  ) => {
    runs += 1;
    const network = memoryNetwork({ clock });
    const store = (more.wrap ?? ((same) => same))(memoryStore({ disk }));
    const leadership = await lead(store, {
      identity: { id: `run-${runs}`, host: 'tower', pid: runs, process: null, boot: 'boot', since: 1_767_225_600_000 },
      standby: false,
      clock,
      logger,
      liveness: () => more.liveness ?? 'alive',
    });
    const orchestrator = createOrchestrator({
      listen: '127.0.0.1:7447',
      token: null,
      settings: settings({ skipStartupGraceMaxShards: 0, totalShards: 2, canLaunch: false }),
      stopGraceMs: 1_000,
      clock,
      random: seededRandom(runs),
      transport: network,
      launcher: null,
      versionSource: null,
      gatewayInfo: null,
      logger,
      leadership,
    });
    await orchestrator.start();
    const node = async (nodeId: string, options: Partial<ScriptedNodeOptions> = {}): Promise<ScriptedNode> => {
      const connecting = scriptedNode(nodeId, { transport: network, address: orchestrator.address, ...options });
      await clock.run(0);
      const connected = await connecting;
      await clock.run(100);
      return connected;
    };
    return { orchestrator, node };
  };
  return { clock, disk, logger, run };
}

const full = { reason: 'full', message: 'The disk is full.' } as const;

function shardsOf({ state }: Orchestrator): string[] {
  return state.shards.map((shard) => ('node' in shard ? `${shard.kind} on ${shard.node}` : shard.kind));
}

async function settled(clock: VirtualClock, { orchestrator }: { orchestrator: Orchestrator }): Promise<void> {
  await clock.run(40_000);
  expect(orchestrator.state.shards.every(({ kind }) => kind === 'running')).toBe(true);
}

describe('a decision', () => {
  test('is in the store before a node hears of it, with what happened', async () => {
    const { clock, disk, run } = world();
    const heard: number[] = [];
    const commits: { writes: readonly { kind: string; key: string }[]; at: number }[] = [];
    const first = await run({
      wrap: (store) => ({
        ...store,
        commit: (commit) => {
          commits.push({ writes: commit.writes, at: heard.length });
          return store.commit(commit);
        },
      }),
    });
    const a = await first.node('a');
    await settled(clock, first);
    heard.push(...a.received.map((_, i) => i));
    const written = commits.flatMap(({ writes }) => writes.map(({ kind, key }) => `${kind}/${key}`));
    expect(written).toEqual(expect.arrayContaining(['fleet/total', 'node/a', 'shard/0', 'shard/1']));
    expect([...disk.records.keys()]).toEqual(expect.arrayContaining(['shard/0', 'shard/1']));
    const names = disk.history.map(({ json }) => (JSON.parse(json) as { name: string }).name);
    expect(names).toEqual(expect.arrayContaining(['totalShardsDecided', 'nodeJoined', 'shardsStarting']));
    // Heartbeats and their like write nothing.
    const before = commits.length;
    await clock.run(60_000);
    expect(commits.slice(before).filter(({ writes }) => writes.length > 0)).toEqual([]);
  });

  test('waits for a store that takes its time, and nothing overtakes it', async () => {
    const { clock, run } = world();
    let committing = 0;
    const wrap = (store: StateStore): StateStore => ({
      ...store,
      commit: async (commit) => {
        committing += 1;
        expect(committing).toBe(1);
        await new Promise<void>((resolve) => {
          clock.after(50, resolve);
        });
        committing -= 1;
        return store.commit(commit);
      },
    });
    const starting = run({ wrap });
    await clock.run(100);
    const first = await starting;
    const a = await first.node('a');
    const b = await first.node('b');
    await settled(clock, first);
    const moved = first.orchestrator.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
    await clock.run(1_000);
    const other = first.orchestrator.command({ kind: 'migrateShard', shard: 0, destination: 'a' });
    await clock.run(1_000);
    expect(await moved).toMatchObject({ ok: true });
    expect(await other).toMatchObject({ ok: true });
    expect(new Set([...a.shards, ...b.shards])).toEqual(new Set([0, 1]));
    expect(a.shards.size + b.shards.size).toBe(2);
    expect(first.orchestrator.history().map(({ id }) => id)).toEqual(first.orchestrator.history().map((_, i) => i + 1));
  });
});

describe('after a crash', () => {
  test('the next run waits for the nodes that had shards, and leaves them alone', async () => {
    const { clock, run } = world();
    const first = await run();
    await first.node('a');
    await settled(clock, first);

    const second = await run({ liveness: 'dead' });
    expect(shardsOf(second.orchestrator)).toEqual(['unreachable on a', 'unreachable on a']);
    expect(second.orchestrator.state.awaitedNodes).toEqual(['a']);
    const a = await second.node('a', { runningShards: [0, 1], totalShards: 2 });
    expect(shardsOf(second.orchestrator)).toEqual(['running on a', 'running on a']);
    expect(second.orchestrator.state.graceUntil).toBeNull();
    expect(a.received.map(({ kind }) => kind)).toEqual(['identified']);
  });

  test('the history is that of all runs, its ids grow, and it is read page by page', async () => {
    const { clock, run } = world();
    const first = await run();
    await first.node('a');
    await settled(clock, first);
    const before = first.orchestrator.history();
    const closing = first.orchestrator.close('leave');
    await clock.run(5_000);
    await closing;

    const second = await run();
    expect(second.orchestrator.history().slice(0, before.length)).toEqual(before);
    await second.node('b');
    await clock.run(1_000);
    const third = await run({ liveness: 'dead' });
    await third.node('c');
    const all = third.orchestrator.history().map(({ id }) => id);
    expect(all).toEqual([...new Set(all)].toSorted((x, y) => x - y));
    const last = before.at(-1)!.id;
    expect(all.filter((id) => id > last).length).toBeGreaterThan(1);
    // After a clean end the ids go on without a gap, after a crash with one: some may have been seen that were not
    // kept.
    expect(all[all.indexOf(last) + 1]).toBe(last + 1);
    expect(all.at(-1)).toBeGreaterThan(last + 1_000);
    const pages = await third.orchestrator.pastEntries(0, 3);
    expect(pages.map(({ id }) => id)).toEqual(all.slice(0, 3));
    const rest = await third.orchestrator.pastEntries(all[2]!, 10_000);
    expect(rest.map(({ id }) => id)).toEqual(all.slice(3));
    expect((await third.orchestrator.pastEntries(null, 2)).map(({ id }) => id)).toEqual(all.slice(-2));
  });
});

describe('while the store cannot be written', () => {
  async function broken() {
    const made = world();
    const first = await made.run();
    const a = await first.node('a', { capabilities: ['auth-hmac', 'heartbeat', 'sessions'] });
    const b = await first.node('b');
    await made.clock.run(1_000);
    return { ...made, ...first, a, b };
  }

  test('commands are refused, nothing is sent to nodes, heartbeats are answered, and status and history say why', async () => {
    const { clock, disk, orchestrator, a, b, logger } = await broken();
    await clock.run(14_000);
    disk.fault = full;
    const sentBefore = [a.received.length, b.received.length];
    const before = orchestrator.state.shards;
    await expect(orchestrator.command({ kind: 'migrateShard', shard: 0, destination: 'b' })).resolves.toMatchObject({
      ok: false,
      error: { code: 'DSO_STORE_UNAVAILABLE', fault: 'fleet', message: expect.stringContaining('The disk is full.') },
    });
    expect(orchestrator.store).toMatchObject({ state: 'suspended', problem: 'The disk is full.' });
    expect(orchestrator.history().at(-1)).toMatchObject({ name: 'storeLost', level: 'error' });
    expect(logger.lines.at(-1)?.message).toContain('The disk is full. Until that is over nothing is started');
    a.connection.send({
      kind: 'heartbeat',
      sequence: 9,
      shards: [],
      process: { memoryBytes: 1, cpuPercent: 0, eventLoopDelayMs: 0, uptimeMs: 1 },
    });
    await clock.run(10);
    expect(a.received.slice(sentBefore[0])).toEqual([{ kind: 'heartbeatAck', sequence: 9 }]);
    expect(b.received.slice(sentBefore[1])).toEqual([]);
    expect(orchestrator.state.shards).toBe(before);
    expect([a.end, b.end]).toEqual([null, null]);
  });

  test('the orchestrator goes on by itself later: peers whose messages were dropped connect again, deadlines have moved, commands work', async () => {
    const { clock, disk, orchestrator, a, b, node } = await broken();
    await clock.run(14_000);
    disk.fault = full;
    await orchestrator.command({ kind: 'cordonNode', node: 'b' });
    b.connection.send({ kind: 'stopShard', shardId: 1, session: null });
    for (let i = 0; i < 12; i += 1) {
      await clock.run(5_000);
      a.connection.send({
        kind: 'heartbeat',
        sequence: i,
        shards: [],
        process: { memoryBytes: 1, cpuPercent: 0, eventLoopDelayMs: 0, uptimeMs: 1 },
      });
    }
    expect(orchestrator.store.state).toBe('suspended');
    disk.fault = null;
    await clock.run(40_000);
    expect(orchestrator.store).toMatchObject({ state: 'open', problem: null });
    expect(orchestrator.history().map(({ name }) => name)).toContain('storeRecovered');
    // a was heard all the time; b said something of consequence.
    expect(b.end).toMatchObject({ code: expect.stringMatching(/DSO_/) });
    await node('b', { runningShards: [], totalShards: 2 });
    await expect(orchestrator.command({ kind: 'cordonNode', node: 'b' })).resolves.toMatchObject({ ok: true });
    expect(disk.records.get('node/b')?.json).toContain('cordoned');
  });

  // Found by chaos over hosts: a leader that had lost the database went on answering its nodes, while the next one gave
  // their shards to others. Each of two nodes was told that a shard was its own, and took the session from the other.
  test('heartbeats are answered as long as nobody on another host can lead', async () => {
    const { clock, disk, run } = world();
    const { orchestrator, node } = await run({ wrap: (store) => ({ ...store, hasOwnClock: true }) });
    const a = await node('a', { capabilities: ['auth-hmac', 'heartbeat', 'sessions'] });
    const answerTo = async (sequence: number): Promise<readonly unknown[]> => {
      const before = a.received.length;
      const process = { memoryBytes: 1, cpuPercent: 0, eventLoopDelayMs: 0, uptimeMs: 1 };
      a.connection.send({ kind: 'heartbeat', sequence, shards: [], process });
      await clock.run(10);
      return a.received.slice(before);
    };
    await clock.run(14_000);
    disk.fault = full;
    await orchestrator.command({ kind: 'cordonNode', node: 'a' });
    expect([orchestrator.store.state, await answerTo(1)]).toEqual([
      'suspended',
      [{ kind: 'heartbeatAck', sequence: 1 }],
    ]);
    await clock.run(LEASE_MS);
    expect([orchestrator.store.state, await answerTo(2), a.end]).toEqual(['suspended', [], null]);
    disk.fault = null;
    let answers: readonly unknown[] = [];
    for (let second = 0; second < 40 && answers.length === 0; second += 1) {
      await clock.run(1_000);
      answers = await answerTo(3);
    }
    expect([orchestrator.store.state, answers]).toEqual(['open', [{ kind: 'heartbeatAck', sequence: 3 }]]);
  });

  test('a commit of unknown outcome is settled by what the store says', async () => {
    const { clock, disk, run } = world();
    let unsure = false;
    const first = await run({
      wrap: (store) => ({
        ...store,
        commit: async (commit) => {
          const result = await store.commit(commit);
          if (!unsure) return result;
          unsure = false;
          return { ok: false, reason: 'broken', message: 'The connection broke.' };
        },
      }),
    });
    await first.node('a');
    await clock.run(40_000);
    unsure = true;
    const refused = first.orchestrator.command({ kind: 'cordonNode', node: 'a' });
    await clock.run(10);
    expect(await refused).toMatchObject({ ok: false, error: { code: 'DSO_STORE_UNAVAILABLE' } });
    // It did take effect, and was told not to have: the store is corrected.
    expect(disk.records.get('node/a')?.json).toContain('cordoned');
    await clock.run(5_000);
    expect(first.orchestrator.store.state).toBe('open');
    expect(disk.records.get('node/a')?.json).toContain('serving');
  });
});

describe('two orchestrators', () => {
  test('a leader that cannot renew its lease stops acting before the lease is over, and ends when another one leads', async () => {
    const { clock, disk, run, logger } = world();
    const cut = { now: false };
    const first = await run({
      wrap: (store) => {
        const fails = <T>(answer: T) =>
          cut.now ? ({ ok: false, reason: 'broken', message: 'The store is out of reach.' } as const) : answer;
        return {
          ...store,
          renew: (epoch, terms) => (cut.now ? fails(null as never) : store.renew(epoch, terms)),
          commit: (commit) => (cut.now ? fails(null as never) : store.commit(commit)),
        };
      },
    });
    await first.node('a');
    await settled(clock, first);
    cut.now = true;
    const leaseUntil = disk.leader!.leaseUntil;
    await clock.run(leaseUntil - clock.monotonicMs() - 1);
    expect(first.orchestrator.store.state).toBe('suspended');
    await clock.run(1);

    const second = await run({ liveness: 'unknown' });
    expect(second.orchestrator.store).toMatchObject({ state: 'open', epoch: 2 });
    cut.now = false;
    const lost = first.orchestrator.lost;
    await clock.run(60_000);
    await expect(lost).resolves.toMatchObject({ code: 'DSO_LEADERSHIP_LOST' });
    expect(first.orchestrator.store.state).toBe('closed');
    expect(logger.lines.some(({ message }) => /epoch 2.*ends; its nodes run on/.test(message))).toBe(true);
    await expect(
      first.orchestrator.command({ kind: 'startOperation', plan: { kind: 'rollout' }, answer: 'ended' }),
    ).resolves.toMatchObject({ ok: false });
    expect(second.orchestrator.store.state).toBe('open');
  });

  test('a leader that was stopped for longer than its lease notices at its first step, and does nothing', async () => {
    const { clock, disk, run } = world();
    const first = await run();
    const a = await first.node('a');
    await settled(clock, first);
    // Another one led meanwhile. No timer of the first has run since.
    const other = memoryStore({ disk });
    const acquired = await other.acquire(
      { id: 'other', host: 'elsewhere', pid: 1, process: null, boot: 'boot', since: 1_767_225_600_000 },
      {
        now: clock.monotonicMs() + 2 * LEASE_MS,
        ttlMs: LEASE_MS,
        aheadMs: 0,
        isDead: () => false,
        isAlive: () => false,
      },
    );
    expect(acquired).toMatchObject({ ok: true, epoch: 2 });
    const received = a.received.length;
    const records = JSON.stringify([...disk.records]);
    await expect(first.orchestrator.command({ kind: 'shutdownNode', node: 'a', now: true })).resolves.toMatchObject({
      ok: false,
    });
    await clock.run(10_000);
    await expect(first.orchestrator.lost).resolves.toMatchObject({ code: 'DSO_LEADERSHIP_LOST' });
    expect(a.received.length).toBe(received);
    expect(JSON.stringify([...disk.records])).toBe(records);
  });

  test('one that could not reach its database for long finds out soon that another one leads', async () => {
    // The pauses between two attempts grew to half a minute, so nodes went on with a leader that had been superseded.
    const { clock, disk, run } = world();
    const first = await run({ wrap: (store) => ({ ...store, hasOwnClock: true }) });
    await clock.run(1_000);
    disk.fault = { reason: 'broken', message: 'The database is out of reach.' };
    await clock.run(120_000);
    expect(first.orchestrator.store.state).toBe('suspended');
    disk.epoch += 1;
    disk.fault = null;
    const { lost } = first.orchestrator;
    await clock.run(6_000);
    await expect(lost).resolves.toMatchObject({ code: 'DSO_LEADERSHIP_LOST' });
  });

  test('close gives the store back, whatever was going on', async () => {
    const { clock, disk, run } = world();
    const first = await run();
    await first.node('a');
    const closing = first.orchestrator.close('leave');
    await clock.run(5_000);
    await closing;
    expect(disk.leader).toBeNull();
    expect(disk.history.at(-1)!.id).toBe(first.orchestrator.history().at(-1)!.id);
    expect(clock.pending()).toBe(0);
  });
});
