import { describe, expect, test } from 'vitest';
import { until, virtualClock } from '@dshard/testkit';
import type { EndedOperation, OperationState } from '../../src/domain/state/operations.js';
import { operation, rolloutData, testState } from './fake-orchestrator.js';
import { testServer } from './test-server.js';

const underWay = testState({
  operations: new Map<string, OperationState>([['r1', { ...operation('r1', 4), kind: 'rollout', ...rolloutData() }]]),
});
const ended: EndedOperation = {
  id: 'r1',
  kind: 'rollout',
  outcome: 'done',
  text: 'All is new.',
  by: 'alice',
  startedAt: 4,
  endedAt: 9,
};

async function waiting(timeout: string) {
  const clock = virtualClock();
  const { server, orchestrator } = await testServer({ clock });
  orchestrator.state = underWay;
  let answered = false;
  const answer = server.app
    .inject(`/v1/operations/r1/wait?timeout=${timeout}`)
    .then((response) => response)
    .finally(() => (answered = true));
  const isAnswered = async (): Promise<boolean> => {
    await clock.run(100);
    return answered;
  };
  for (let look = 0; look < 30; look += 1) expect(await isAnswered()).toBe(false);
  return { orchestrator, answer, untilAnswered: () => until(isAnswered, { what: 'the answer' }) };
}

describe('GET /v1/operations/:id/wait', () => {
  test('answers as soon as the operation has ended', async () => {
    const { orchestrator, answer, untilAnswered } = await waiting('30s');
    orchestrator.state = testState({ endedOperations: [ended] });
    await untilAnswered();
    const response = await answer;
    expect(response.json()).toMatchObject({ id: 'r1', text: 'All is new.', endedAt: expect.any(Number) });
    expect(response.headers['etag']).toMatch(/^"[!-~]+"$/);
  });

  test('answers with the operation under way when the time is over', async () => {
    const { answer, untilAnswered } = await waiting('5s');
    await untilAnswered();
    expect((await answer).json()).toMatchObject({ id: 'r1', endedAt: null });
  });

  test('answers at once with 404 for an operation that there is not', async () => {
    const { server } = await testServer();
    const response = await server.app.inject('/v1/operations/x/wait');
    expect([response.statusCode, response.json().code]).toEqual([404, 'DSO_UNKNOWN_OPERATION']);
  });
});
