/** Decisions that become durable together, in the whole orchestrator on a store that takes its time. */
import { memoryNetwork, seededRandom, virtualClock } from '@dshard/testkit';
import { describe, expect, test } from 'vitest';
import { memoryDisk, memoryStore } from '../../src/adapters/memory/memory-store.js';
import { decide, initialState, type Decide } from '../../src/domain/decide.js';
import type { Commit, StateStore } from '../../src/ports/state-store.js';
import { lead } from '../../src/runtime/leadership.js';
import { createOrchestrator } from '../../src/runtime/orchestrator.js';
import { recordingLogger } from '../recording-logger.js';
import { scriptedNode, type ScriptedNode } from './scripted-node.js';
import { settings } from './settings.js';

const COMMIT_MS = 50;

async function fleet({ nodes = 0, wrapDecide = (same: Decide) => same } = {}) {
  const clock = virtualClock();
  const disk = memoryDisk();
  const network = memoryNetwork({ clock });
  const logger = recordingLogger();
  const commits: Commit[] = [];
  const store = memoryStore({ disk });
  const slow: StateStore = {
    ...store,
    async commit(commit) {
      commits.push(commit);
      await new Promise<void>((resolve) => void clock.after(COMMIT_MS, resolve));
      return store.commit(commit);
    },
  };
  const leadership = await lead(slow, {
    identity: { id: 'run', host: 'tower', pid: 1, process: null, boot: 'boot', since: 0 },
    standby: false,
    clock,
    logger,
    liveness: () => 'alive',
  });
  const orchestrator = createOrchestrator(
    {
      listen: '127.0.0.1:7447',
      token: null,
      settings: settings({ totalShards: 2, canLaunch: false }),
      stopGraceMs: 1_000,
      clock,
      random: seededRandom(1),
      transport: network,
      launcher: null,
      versionSource: null,
      gatewayInfo: null,
      logger,
      leadership,
    },
    { decide: wrapDecide(decide), initialState },
  );
  const starting = orchestrator.start();
  await clock.run(1_000);
  await starting;
  const connected: ScriptedNode[] = [];
  for (let index = 0; index < nodes; index += 1) {
    const connecting = scriptedNode(`n${index}`, { transport: network, address: orchestrator.address });
    await clock.run(1_000);
    connected.push(await connecting);
  }
  await clock.run(40_000);
  commits.length = 0;
  const cordon = (node: string) => orchestrator.command({ kind: 'cordonNode', node }, node);
  const cordonedNodes = () =>
    [...orchestrator.state.nodes.values()].filter(({ intent }) => intent.kind === 'cordoned').map(({ id }) => id);
  return { clock, disk, orchestrator, nodes: connected, commits, logger, cordon, cordonedNodes };
}

const NODES = Array.from({ length: 8 }, (_, index) => `n${index}`);

describe('while a commit is under way', () => {
  test('what comes meanwhile goes into the next one, in order, and is answered after it', async () => {
    const { clock, disk, cordon, commits } = await fleet({ nodes: NODES.length });
    const answered: string[] = [];
    for (const node of NODES) void cordon(node).then(({ ok }) => ok && answered.push(node));
    await clock.run(COMMIT_MS - 1);
    expect(answered).toEqual([]);
    await clock.run(1);
    expect(answered).toEqual(['n0']);
    await clock.run(COMMIT_MS);
    expect(answered).toEqual(NODES);
    expect(commits.map(({ writes }) => writes.map(({ key }) => key))).toEqual([['n0'], NODES.slice(1)]);
    const history = disk.history.filter(({ json }) => json.includes('nodeCordoned'));
    expect(history.map(({ json }) => (JSON.parse(json) as { by: string }).by)).toEqual(NODES);
    expect(disk.history.map(({ id }) => id)).toEqual(disk.history.map(({ id }) => id).toSorted((a, b) => a - b));
  });

  test('nobody sees a state that is not durable yet', async () => {
    const { clock, cordon, cordonedNodes } = await fleet({ nodes: 3 });
    void cordon('n0');
    void cordon('n1');
    expect(cordonedNodes()).toEqual([]);
    await clock.run(COMMIT_MS);
    expect(cordonedNodes()).toEqual(['n0']);
    await clock.run(COMMIT_MS);
    expect(cordonedNodes()).toEqual(['n0', 'n1']);
  });

  test('of what two decisions write to one record the last counts', async () => {
    const { clock, orchestrator, cordon, commits, cordonedNodes } = await fleet({ nodes: 2 });
    void cordon('n0');
    void cordon('n1');
    void orchestrator.command({ kind: 'uncordonNode', node: 'n1' }, 'bob');
    void cordon('n1');
    void orchestrator.command({ kind: 'uncordonNode', node: 'n1' }, 'bob');
    await clock.run(2 * COMMIT_MS);
    expect(commits).toHaveLength(2);
    expect(commits[1]?.writes).toHaveLength(1);
    expect(commits[1]?.history).toHaveLength(4);
    expect(cordonedNodes()).toEqual(['n0']);
  });

  test('a batch that cannot be made durable is undone whole: every command of it is refused, and nothing is seen', async () => {
    const { clock, disk, cordon, cordonedNodes, orchestrator } = await fleet({ nodes: NODES.length });
    const results = NODES.map((node) => cordon(node));
    await clock.run(COMMIT_MS);
    disk.fault = { reason: 'full', message: 'The disk is full.' };
    await clock.run(COMMIT_MS);
    const [first, ...others] = await Promise.all(results);
    expect(first).toMatchObject({ ok: true });
    for (const other of others) expect(other).toMatchObject({ ok: false, error: { code: 'DSO_STORE_UNAVAILABLE' } });
    expect(cordonedNodes()).toEqual(['n0']);
    disk.fault = null;
    await clock.run(60_000);
    expect(orchestrator.store.state).toBe('open');
    expect(cordonedNodes()).toEqual(['n0']);
    const again = NODES.map((node) => cordon(node));
    await clock.run(3 * COMMIT_MS);
    expect((await Promise.all(again)).slice(1).every(({ ok }) => ok)).toBe(true);
    expect(cordonedNodes()).toEqual(NODES);
  });

  test('an event that cannot be decided costs no other of its batch', async () => {
    const failing =
      (inner: Decide): Decide =>
      (state, event, now) => {
        if (event.kind === 'command' && event.by === 'n2') throw new Error('a bug');
        return inner(state, event, now);
      };
    const { clock, cordon, cordonedNodes } = await fleet({ nodes: 4, wrapDecide: failing });
    const results = ['n0', 'n1', 'n2', 'n3'].map((node) => cordon(node));
    await clock.run(2 * COMMIT_MS);
    expect(cordonedNodes()).toEqual(['n0', 'n1', 'n3']);
    expect(await results[2]).toMatchObject({ ok: false, error: { code: 'DSO_INTERNAL' } });
  });
});
