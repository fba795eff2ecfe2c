import type { StatusV1 } from '@dshard/api';
import { expect, test } from 'vitest';
import { describeStatus } from '../../src/status/status-text.js';

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

const terminal = (columns: number | null) => ({ columns, hasColours: false });

// Forty nodes of four hundred shards filled ninety lines of a terminal, with the one node that was away among them.
test.each([
  [40, 400],
  [40, 16_000],
  [40, 5_000],
  [1_000, 10_000],
])('%i nodes with %i shards fit a screen of 80 columns: trouble first, the healthy in a line', (nodes, shards) => {
  const away = 'web-23.eu-west-1.example';
  const lines = describeStatus(statusOf(nodes, shards, [away]), terminal(80)).split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(80);
  expect(lines.length).toBeLessThanOrEqual(10);
  const rows = lines.filter((line) => line.startsWith('web-'));
  expect(rows).toEqual([expect.stringMatching(/^web-23\.eu.* disconnected /)]);
  expect(lines.join(' ')).toContain(`${nodes - 1} healthy nodes run 2026.11.30-4f96fdc: `);
});

test('an outage of many nodes fits a screen, too, and says where the others are', () => {
  const all = Array.from({ length: 40 }, (_, index) => `web-${String(index).padStart(2, '0')}.eu-west-1.example`);
  const lines = describeStatus(statusOf(40, 400, all), terminal(80)).split('\n');
  expect(lines.length).toBeLessThanOrEqual(30);
  expect(lines).toContain('and 20 nodes more: dso get nodes');
});

test('few healthy nodes have a row each, and what goes to a file is whole', () => {
  const text = describeStatus(statusOf(2, 40, []), terminal(null));
  expect(text).toMatch(/^web-00\.eu-west-1\.example +serving .* 20 +0, 2, 4, .*38$/m);
  expect(text).not.toContain('…');
});

test('a fleet in an outage of Discord tells each reason once, however many shards have it', () => {
  const status = statusOf(40, 5_000, []);
  const condition = {
    kind: 'disconnected',
    since: 0,
    node: null,
    why: 'no way out',
    code: null,
    position: null,
    eta: null,
  } as const;
  const down = { ...status, notUp: Array.from({ length: 5_000 }, (_, id) => ({ id, condition })) };
  const lines = describeStatus(down, terminal(80)).split('\n');
  expect(lines.filter((line) => line.includes('no way out'))).toEqual(['0 - 4999 disconnected for 1 s: no way out']);
});
