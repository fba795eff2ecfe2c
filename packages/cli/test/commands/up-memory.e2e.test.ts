/**
 * What `dso up` takes of the machine's memory while states of 100 MB go through it to a node that reads slowly: a
 * process, sockets, the usual window.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, tcpTransport } from '@dshard/transport';
import { until } from '@dshard/testkit';
import { expect, test } from 'vitest';
import { liveNode, numbered, type LiveNode } from '../../../orchestrator/test/runtime/live-node.js';
import { runDso, startDso, untilUp } from '../dso.js';

const MIB = 1024 * 1024;
const EVENT_BYTES = 64 * 1024;
const EVENTS = 1_600;
/**
 * Of 200 that go through it: the windows are 2, the rest is what its heap grows to under load, and buffers that are not
 * yet collected.
 */
const MAX_GROWTH_MIB = 96;

/** The most memory that a process ever had resident, in MiB. */
function peakOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}

test.skipIf(process.platform !== 'linux')(
  'the memory of dso up stays far below what goes through it',
  { timeout: 120_000 },
  async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'dso-memory-'));
    const anywhere = ['--listen', '127.0.0.1:0', '--http', '127.0.0.1:0', '--json', '--log-level', 'warn'];
    const patient = [
      '--set',
      'maxUnavailable=4',
      '--set',
      'timeouts.migrationStep=60s',
      '--set',
      'heartbeat=20s',
      '--set',
      'tokenless=true',
    ];
    const dso = startDso(['up', '--shards', '4', ...anywhere, ...patient], { cwd });
    const nodes: LiveNode[] = [];
    try {
      const { address, http } = await untilUp(dso);
      const to = { transport: tcpTransport(), clock: systemClock(), address };
      const state = { events: EVENTS, body: numbered(EVENT_BYTES) };
      const a = await liveNode('a', { ...to, runningShards: [0, 1, 2, 3], state });
      const b = await liveNode('b', { ...to, windowBytes: MIB, slow: { everyBytes: MIB, pauseMs: 10 } });
      nodes.push(a, b);
      await until(() => b.heard.includes('identified'), { what: 'node b to be there' });
      const before = peakOf(dso.child.pid!);
      const environment = { DSO_CLI_ADDR: http };
      const moved = await Promise.all(
        [0, 1].map((shard) => runDso(['migrateshard', `${shard}`, 'b'], { environment })),
      );
      expect(moved.map(({ code, stderr }) => [code, stderr])).toEqual([
        [0, ''],
        [0, ''],
      ]);
      expect([b.bytesCame, b.isBroken]).toEqual([2 * EVENTS * EVENT_BYTES, false]);
      expect(peakOf(dso.child.pid!) - before).toBeLessThan(MAX_GROWTH_MIB);
    } finally {
      for (const { connection } of nodes) connection.close({ code: 'DSO_CLOSED', message: 'The test is over.' });
      dso.child.kill('SIGTERM');
      await dso.done;
      rmSync(cwd, { recursive: true, force: true });
    }
  },
);
