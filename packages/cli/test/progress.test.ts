import { describe, expect, test } from 'vitest';
import type { StatusV1 } from '@dshard/api';
import { until, virtualClock } from '@dshard/testkit';
import type { Client } from '../src/client.js';
import { describeDrain, describeRollout, withProgress } from '../src/progress.js';

const idle: StatusV1 = {
  version: '1',
  startedAt: 0,
  now: 0,
  totalShards: 8,
  graceUntil: null,
  awaitedNodes: null,
  gatewayProblem: null,
  store: { name: 'memory', epoch: 1, state: 'open', since: 0, problem: null },
  ending: false,
  shardCounts: { vacant: 0, starting: 0, running: 8, stopping: 0, migrating: 0, unreachable: 0 },
  vacantShards: [],
  nodes: [],
  migrations: [],
  staleTransfers: 0,
  waitingMigrations: [],
  drains: [],
  disruption: { moving: 0, down: 0, limit: 2 },
  quarantined: [],
  alarm: null,
  operations: [],
  rollout: null,
  identifies: {
    maxConcurrency: 1,
    windowMs: 5_000,
    budget: { total: 1_000, remaining: 992, reserve: 50, used: 8, allowed: 0, resetAt: null },
    shortSince: null,
    waiting: [],
    busyKeys: [],
  },
  launches: [],
};

const draining: StatusV1 = {
  ...idle,
  migrations: [
    {
      id: 'm',
      shard: 3,
      origin: 'a',
      destination: 'b',
      step: 'closing',
      live: false,
      startedAt: 0,
      frozenSince: 0,
    },
  ],
  drains: [
    {
      id: 'd',
      origin: 'a',
      destination: 'b',
      shutdown: true,
      phase: 'moving',
      waiting: [4, 5],
      moved: [1],
      failed: [],
      stopped: null,
      startedAt: 0,
    },
  ],
  rollout: { id: 'r', current: 'a', waiting: ['c'], done: ['z'], failed: [], startedAt: 0 },
};

describe('what is said', () => {
  test('of a drain', () => {
    expect(describeDrain(idle, 'a')).toBeNull();
    expect(describeDrain(draining, 'b')).toBeNull();
    expect(describeDrain(draining, 'a')).toBe('Moving the shards of a: 1 of 4 moved, 1 moving');
  });

  test('of a rollout', () => {
    expect(describeRollout(idle)).toBeNull();
    expect(describeRollout(draining)).toBe('1 of 3 nodes replaced. Moving the shards of a: 1 of 4 moved, 1 moving');
  });
});

describe('progress', () => {
  const clientThat = (status: () => Promise<StatusV1>): Client =>
    ({ ask: status, follow: async () => undefined }) as Client;

  test('is shown on a terminal, in one line that goes away at the end', async () => {
    const clock = virtualClock();
    const written: string[] = [];
    const stream = { isTTY: true, columns: 30, write: (text: string) => written.push(text) };
    let finish: (value: string) => void = () => undefined;
    const operation = new Promise<string>((resolve) => (finish = resolve));
    const shown = withProgress(
      { client: clientThat(async () => draining), describe: (status) => describeDrain(status, 'a'), stream, clock },
      operation,
    );
    clock.advance(500);
    await until(() => written.length > 0, { what: 'a line' });
    expect(written[0]).toBe('\r\u001b[KMoving the shards of a: 1 of ');
    finish('done');
    expect(await shown).toBe('done');
    expect(written.at(-1)).toBe('\r\u001b[K');
    const count = written.length;
    clock.advance(5000);
    expect(written).toHaveLength(count);
  });

  test('is quiet elsewhere', async () => {
    const written: string[] = [];
    const client = clientThat(() => Promise.reject(new Error('must not be asked')));
    const stream = { write: (text: string) => written.push(text) };
    expect(await withProgress({ client, describe: () => 'x', stream, clock: virtualClock() }, Promise.resolve(1))).toBe(
      1,
    );
    expect(written).toEqual([]);
  });

  test('that cannot be had does not disturb the operation', async () => {
    const clock = virtualClock();
    const stream = { isTTY: true, write: () => true };
    const client = clientThat(() => Promise.reject(new Error('away')));
    const operation = Promise.reject(new Error('the operation failed'));
    const shown = withProgress({ client, describe: () => 'x', stream, clock }, operation);
    clock.advance(2000);
    await expect(shown).rejects.toThrow('the operation failed');
  });
});
