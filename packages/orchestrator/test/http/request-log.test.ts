import { expect, test } from 'vitest';
import { recordingLogger } from '../recording-logger.js';
import { testServer } from './test-server.js';

test('a request has the id that its client says, in the answer and in the log', async () => {
  const logger = recordingLogger();
  const { server } = await testServer({ logger });
  const headers = { 'x-request-id': 'deploy-4711' };
  const answer = await server.app.inject({ method: 'POST', url: '/startnode?token=secret', headers });
  expect(answer.headers['x-request-id']).toBe('deploy-4711');
  expect(logger.lines.at(-1)).toMatchObject({
    level: 'info',
    fields: { request: 'deploy-4711', method: 'POST', path: '/startnode', status: 200 },
  });
});

test.each([[undefined], [''], ['with a blank'], ['x'.repeat(129)]])(
  'a request that says %j gets an id of our own, another one each time, refusals included',
  async (given) => {
    const { server } = await testServer({ token: 'a-token-of-enough-characters-0123456789' });
    const headers = given === undefined ? {} : { 'x-request-id': given };
    const ids: unknown[] = [];
    for (const url of ['/v1/status', '/livez']) {
      ids.push((await server.app.inject({ url, headers })).headers['x-request-id']);
    }
    expect(ids).toEqual([expect.stringMatching(/^[0-9a-z]{16}$/), expect.stringMatching(/^[0-9a-z]{16}$/)]);
    expect(ids[0]).not.toBe(ids[1]);
  },
);

test('what only reads is told in debug, so that probes and scrapes fill no log', async () => {
  const logger = recordingLogger();
  const { server } = await testServer({ logger });
  await server.app.inject('/metrics');
  expect(logger.lines.map(({ level }) => level)).toEqual(['debug']);
});
