import { virtualClock } from '@dshard/testkit';
import type { StatusV1 } from '@dshard/api';
import { expect, test } from 'vitest';
import { inWallTime } from '../../src/http/wall-time.js';
import { testNode, testState } from './fake-orchestrator.js';
import { testServer } from './test-server.js';

const HOUR_MS = 3_600_000;

test('what names a time is told by the machine’s clock, at any depth, and nothing else changes', () => {
  const clock = virtualClock(1_000);
  const document = {
    now: 1_000,
    since: 1,
    startedAt: 2,
    frozenSince: null,
    graceUntil: 3,
    windowMs: 4,
    format: 5,
    shards: [{ id: 6, since: 7, state: 'running' }],
  };
  expect(inWallTime(document, clock)).toBe(document);
  clock.stepWallClock(HOUR_MS);
  expect(inWallTime(document, clock)).toEqual({
    now: HOUR_MS + 1_000,
    since: HOUR_MS + 1,
    startedAt: HOUR_MS + 2,
    frozenSince: null,
    graceUntil: HOUR_MS + 3,
    windowMs: 4,
    format: 5,
    shards: [{ id: 6, since: HOUR_MS + 7, state: 'running' }],
  });
});

test('the status and the ancestor’s status say when by the machine’s clock', async () => {
  const clock = virtualClock();
  const { server, orchestrator } = await testServer({ clock });
  orchestrator.state = testState({
    nodes: new Map([['z', testNode('z', { connection: { kind: 'disconnected', since: clock.now(), gone: true } })]]),
  });
  clock.stepWallClock(HOUR_MS);
  const status = (await server.app.inject('/v1/status')).json<StatusV1>();
  expect([status.now, status.nodes[0]!.since]).toEqual([clock.wallClock(), clock.wallClock()]);
  expect((await server.app.inject('/status')).body).toContain(new Date(clock.wallClock()).toISOString());
});
