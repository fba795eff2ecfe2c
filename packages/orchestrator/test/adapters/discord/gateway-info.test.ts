import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { systemClock } from '@dshard/transport';
import { afterEach, describe, expect, test } from 'vitest';
import { discordGatewayInfo, fixedGatewayInfo, retryAfterOf } from '../../../src/adapters/discord/gateway-info.js';

const ANSWER = {
  url: 'wss://gateway.discord.gg/',
  shards: 9,
  session_start_limit: { total: 1000, remaining: 999, reset_after: 14_400_000, max_concurrency: 16 },
};

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A Discord API on a port of its own. */
async function api(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}/api/v10`;
}

const clock = systemClock();
const SECRET = 'MTIz.abc.def';

describe('how long Discord asks to wait', () => {
  const now = Date.parse('2026-11-30T12:00:00Z');
  test.each<[string, string | null, string, number | null]>([
    ['seconds in the header', '7', '', 7_000],
    ['parts of a second', '0.35', '', 350],
    ['a date', 'Mon, 30 Nov 2026 12:01:00 GMT', '', 60_000],
    ['a date that is over', 'Mon, 30 Nov 2026 11:00:00 GMT', '', 0],
    [
      'the answer of a rate limit',
      null,
      '{"message":"You are being rate limited.","retry_after":64.57,"global":false}',
      64_570,
    ],
    ['the header, where both say it', '65', '{"retry_after":64.57}', 65_000],
    ['an hour, as bans have it', '3600', '<html>error code: 1015</html>', 3_600_000],
    ['a month: not more than a day', '2592000', '', 86_400_000],
    ['nothing', null, '<html>', null],
    ['nonsense', 'soon', '', null],
    ['a negative time', '-5', '', 0],
  ])('is read from %s', (_, header, text, ms) => {
    expect(retryAfterOf(header, text, now)).toBe(ms);
  });
});

describe('GET /gateway/bot', () => {
  test.each([SECRET, `Bot ${SECRET}`])('is asked with the token %j, and its figures are read', async (token) => {
    const asked: unknown[] = [];
    const url = await api((request, response) => {
      asked.push([request.method, request.url, request.headers.authorization]);
      response.end(JSON.stringify(ANSWER));
    });
    await expect(discordGatewayInfo({ token, api: `${url}/`, clock }).fetch()).resolves.toEqual({
      url: 'wss://gateway.discord.gg/',
      recommendedShards: 9,
      maxConcurrency: 16,
      identifiesTotal: 1000,
      identifiesRemaining: 999,
      resetAfterMs: 14_400_000,
    });
    expect(asked).toEqual([['GET', '/api/v10/gateway/bot', `Bot ${SECRET}`]]);
  });

  test.each<[string, number, Record<string, string>, string, string, string]>([
    ['a wrong token', 401, {}, '{}', 'DSO_DISCORD_TOKEN_REFUSED', 'correct the configured Discord token'],
    ['too many questions', 429, { 'retry-after': '7' }, '{}', 'DSO_DISCORD_RATE_LIMITED', 'wait for 7 s'],
    ['an outage', 503, {}, 'upstream down', 'DSO_DISCORD_UNREACHABLE', 'status 503: upstream down'],
    ['another server', 404, {}, '', 'DSO_DISCORD_ANSWER_INVALID', 'status 404: nothing'],
    ['another answer', 200, {}, '<html>', 'DSO_DISCORD_ANSWER_INVALID', '<html>'],
    [
      'a nonsensical answer',
      200,
      {},
      JSON.stringify({ ...ANSWER, shards: 0 }),
      'DSO_DISCORD_ANSWER_INVALID',
      '"shards":0',
    ],
    ['an endless answer', 200, {}, 'x'.repeat(1_000_000), 'DSO_DISCORD_ANSWER_INVALID', 'xxx'],
  ])('fails with a code of its own and the reason after %s', async (_what, status, headers, body, code, says) => {
    const url = await api((_request, response) => {
      response.writeHead(status, headers).end(body);
    });
    const failure: unknown = await discordGatewayInfo({ token: SECRET, api: url, clock })
      .fetch()
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, message: expect.stringContaining(says) });
    expect(failure).toMatchObject({ message: expect.stringContaining(url) });
    expect(String(failure)).not.toContain(SECRET);
  });

  test('fails with an error that may be retried when nobody listens', async () => {
    const url = await api(() => undefined);
    for (const cleanup of cleanups.splice(0)) cleanup();
    await expect(discordGatewayInfo({ token: SECRET, api: url, clock }).fetch()).rejects.toMatchObject({
      code: 'DSO_DISCORD_UNREACHABLE',
      retryable: true,
      message: expect.stringMatching(/gateway\/bot did not answer: .*ECONNREFUSED/),
    });
  });

  test('fails in time when there is no answer, or half of one', async () => {
    const silent = await api(() => undefined);
    const stalls = await api((_request, response) => {
      response.writeHead(200).write('{');
    });
    for (const url of [silent, stalls]) {
      await expect(
        discordGatewayInfo({ token: SECRET, api: url, clock, timeoutMs: 100 }).fetch(),
      ).rejects.toMatchObject({
        code: 'DSO_DISCORD_UNREACHABLE',
        message: expect.stringContaining('no answer within 0.1 s'),
      });
    }
  });
});

test('without a token the configured figures are the answer', async () => {
  await expect(fixedGatewayInfo().fetch()).resolves.toMatchObject({ maxConcurrency: 1, recommendedShards: 1 });
  await expect(fixedGatewayInfo({ maxConcurrency: 4 }).fetch()).resolves.toMatchObject({ maxConcurrency: 4 });
});
