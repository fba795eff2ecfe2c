/**
 * States of 100 MB on their way to a node that reads slowly, over real sockets. The system's own buffers take
 * megabytes, so the windows here are larger than those: what does not fit waits in the orchestrator.
 */
import { systemClock, systemRandom, tcpTransport } from '@dshard/transport';
import { until } from '@dshard/testkit';
import { expect, test } from 'vitest';
import { createOrchestrator } from '../../src/runtime/orchestrator.js';
import { inOrder, liveNode, numbered } from './live-node.js';
import { measured } from './measured-transport.js';
import { alone } from './alone.js';
import { settings } from './settings.js';

const EVENT_BYTES = 256 * 1024;
const EVENTS = 400;
const WINDOW_BYTES = 6 * 1024 * 1024;
const TIMEOUT_MS = 120_000;

test(
  'what waits in the orchestrator stays below twice the windows, and all of it comes in order',
  { timeout: TIMEOUT_MS },
  async () => {
    const clock = systemClock();
    const { transport, buffered } = measured(tcpTransport());
    const orchestrator = createOrchestrator({
      ...alone(),
      listen: '127.0.0.1:0',
      settings: settings({ migrationStepTimeoutMs: TIMEOUT_MS, heartbeatIntervalMs: TIMEOUT_MS }),
      clock,
      random: systemRandom(),
      transport,
    });
    await orchestrator.start();
    const to = { transport: tcpTransport(), clock, address: orchestrator.address };
    const state = { events: EVENTS, body: numbered(EVENT_BYTES) };
    const a = await liveNode('a', { ...to, runningShards: [0, 1, 2, 3], state });
    const slow = { everyBytes: 4 * 1024 * 1024, pauseMs: 50 };
    const b = await liveNode('b', { ...to, windowBytes: WINDOW_BYTES, slow });
    try {
      await until(() => b.heard.includes('identified'), { what: 'node b to be there' });
      const moved = [0, 1].map((shard) => orchestrator.command({ kind: 'migrateShard', shard, destination: 'b' }));
      for (const each of moved) await expect(each).resolves.toMatchObject({ ok: true });
      expect(b.bytesCame).toBe(2 * EVENTS * EVENT_BYTES);
      expect([b.isBroken, b.came.get(0), b.came.get(1)]).toEqual([false, inOrder(EVENTS), inOrder(EVENTS)]);
      // The bound of docs/reference/protocol.md: twice the windows. Frames add some 100 bytes to each event.
      expect(buffered.max).toBeLessThan(2 * 2 * WINDOW_BYTES + EVENT_BYTES);
      // The test is one only if more came than the system had room for.
      expect(buffered.max).toBeGreaterThan(4 * EVENT_BYTES);
      await until(() => buffered.now() === 0, { what: 'all that waited to be gone' });
    } finally {
      a.connection.close({ code: 'DSO_CLOSED', message: 'The test is over.' });
      b.connection.close({ code: 'DSO_CLOSED', message: 'The test is over.' });
      await orchestrator.close('leave');
    }
  },
);
