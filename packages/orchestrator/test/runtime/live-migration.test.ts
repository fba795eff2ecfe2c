/** Live migration through the whole orchestrator, with hand-written nodes over the memory network. */
import { memoryNetwork, seededRandom, virtualClock } from '@dshard/testkit';
import { describe, expect, test } from 'vitest';
import { createOrchestrator } from '../../src/runtime/orchestrator.js';
import { inOrder, liveNode, numbered } from './live-node.js';
import type { LiveNode, LiveNodeOptions } from './live-node.js';
import { measured } from './measured-transport.js';
import { alone } from './alone.js';

async function fleet() {
  const clock = virtualClock();
  const network = memoryNetwork({ clock });
  const { transport, buffered } = measured(network);
  const orchestrator = createOrchestrator({
    ...alone(),
    listen: '127.0.0.1:7447',
    clock,
    random: seededRandom(1),
    transport,
  });
  await orchestrator.start();
  const node = async (nodeId: string, options: Partial<LiveNodeOptions>): Promise<LiveNode> => {
    const connecting = liveNode(nodeId, { transport: network, clock, address: orchestrator.address, ...options });
    await clock.run(0);
    const connected = await connecting;
    await clock.run(100);
    return connected;
  };
  return { clock, orchestrator, node, buffered };
}

describe('a live migration', () => {
  test('goes through all steps, and tells what it cost', async () => {
    const { clock, orchestrator, node } = await fleet();
    const a = await node('a', { runningShards: [0, 1, 2, 3], state: { events: 500, body: numbered(40) } });
    const b = await node('b', {});
    const moved = orchestrator.command({ kind: 'migrateShard', shard: 2, destination: 'b' });
    await clock.run(1_000);
    await expect(moved).resolves.toMatchObject({ ok: true, data: { userEvents: 500, resumed: true } });
    expect(b.came.get(2)).toEqual(inOrder(500));
    expect([b.isBroken, [...a.shards], [...b.shards]]).toEqual([false, [0, 1, 3], [2]]);
    const steps = (node: LiveNode): string[] => node.heard.filter((kind) => kind.startsWith('transfer'));
    expect(steps(a)).toEqual(['transferOpen', 'transferCopy', 'transferFreeze', 'transferRelease', 'transferDone']);
    expect(steps(b)).toEqual(['transferOpen', 'transferWarmUp', 'transferManifest', 'transferActivate']);
    expect(orchestrator.history().find(({ name }) => name === 'migrationCompleted')?.fields).toMatchObject({
      frozenMs: expect.any(Number),
      userEvents: 500,
    });
  });

  test('an event that is larger than the window goes when all of it is free', async () => {
    const { clock, orchestrator, node } = await fleet();
    await node('a', { runningShards: [0, 1, 2, 3], state: { events: 5, body: numbered(5_000) } });
    const b = await node('b', { windowBytes: 1_024 });
    const moved = orchestrator.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
    await clock.run(1_000);
    await expect(moved).resolves.toMatchObject({ ok: true });
    expect(b.came.get(0)).toEqual(inOrder(5));
  });

  test('100 MB to a slow reader: what waits here stays below the windows, and heartbeats are answered', async () => {
    const windowBytes = 1024 * 1024;
    const eventBytes = 64 * 1024;
    const events = 800;
    const { clock, orchestrator, node, buffered } = await fleet();
    const a = await node('a', { runningShards: [0, 1, 2, 3], state: { events, body: numbered(eventBytes) } });
    const b = await node('b', { windowBytes, slow: { everyBytes: 1024 * 1024, pauseMs: 250 } });
    const before = { a: { ...a.heartbeats }, b: { ...b.heartbeats } };
    const moves = [0, 1].map((shard) => orchestrator.command({ kind: 'migrateShard', shard, destination: 'b' }));

    await clock.run(20_000);
    // Most of it is still to come, and nobody is waiting for an answer.
    expect(b.bytesCame).toBeGreaterThan(50_000_000);
    expect(orchestrator.state.migrations.size).toBe(2);
    for (const [one, at] of [
      [a, before.a],
      [b, before.b],
    ] as const) {
      expect(one.heartbeats.sent - at.sent).toBeGreaterThanOrEqual(4);
      expect(one.heartbeats.sent - one.heartbeats.answered).toBeLessThanOrEqual(1);
    }

    await clock.run(20_000);
    for (const moved of moves) await expect(moved).resolves.toMatchObject({ ok: true });
    expect(b.bytesCame).toBe(2 * events * eventBytes);
    expect([b.isBroken, b.came.get(0), b.came.get(1)]).toEqual([false, inOrder(events), inOrder(events)]);
    // Of the bound in domain/migration/relay.ts: one window for each of the two migrations, and what else is said.
    expect(buffered.max).toBeLessThan(2 * windowBytes + eventBytes);
    // The test is one only if the reader was slow enough to use the windows up.
    expect(buffered.max).toBeGreaterThan(windowBytes);
    expect(buffered.now()).toBe(0);
  });
});
