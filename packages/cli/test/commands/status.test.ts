import type { StatusV1 } from '@dshard/api';
import { expect, test } from 'vitest';
import { describeStatus } from '../../src/commands/status.js';

/** As a fleet of so many nodes answers in which shards went to the nodes by turns. */
function statusOf(nodes: number, shards: number, away: readonly string[]): StatusV1 {
  const up = { kind: 'up', since: 0, node: null, why: null, code: null, position: null, eta: null };
  const status = {
    now: 1_000,
    totalShards: shards,
    graceUntil: null,
    gatewayProblem: null,
    gatewayRetryAt: null,
    ending: false,
    conditionCounts: { up: shards },
    notUp: [],
    nodes: Array.from({ length: nodes }, (_, index) => {
      const id = `web-${String(index).padStart(2, '0')}.eu-west-1.example`;
      return {
        id,
        version: '2026.11.30-4f96fdc',
        connection: away.includes(id) ? 'disconnected' : 'connected',
        gone: false,
        intent: 'serving',
        shards: Array.from({ length: shards / nodes }, (_entry, at) => ({ id: index + at * nodes, condition: up })),
      };
    }),
    migrations: [],
    drains: [],
    disruption: { moving: 0, down: 0, limit: 1 },
    quarantined: [],
    crashes: [],
    alarms: [],
    alarm: null,
    operations: [],
    identifies: {
      maxConcurrency: 1,
      windowMs: 5_000,
      budget: { total: 1_000, remaining: 900, reserve: 50, allowed: 0, resetAt: null, inUse: 0 },
      shortSince: null,
      waiting: [],
      busyKeys: [],
    },
    launches: [],
    store: { problem: null },
  };
  return status as unknown as StatusV1;
}

// Forty nodes of four hundred shards filled ninety lines of a terminal, with the one node that was away among them.
test('40 nodes with 400 shards fit 80 columns: one line each, in ranges, those in trouble first', async () => {
  const away = 'web-23.eu-west-1.example';
  const lines = (await describeStatus(statusOf(40, 400, [away]), 80)).split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(lines.length).toBeLessThanOrEqual(48);
  const rows = lines.filter((line) => line.includes('web-'));
  expect(rows).toHaveLength(40);
  expect(rows[0]).toContain('web-23.eu');
  expect(rows[1]).toContain('web-00.eu');
  expect(rows[1]).toContain('…');
});

test('what goes to a file is whole', async () => {
  const text = await describeStatus(statusOf(2, 40, []), null);
  expect(text).toContain('web-00.eu-west-1.example');
  expect(text).not.toContain('…');
});
