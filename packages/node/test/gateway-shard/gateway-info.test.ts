import { seededRandom, virtualClock } from '@dshard/testkit';
import { expect, test } from 'vitest';
import { GatewayInfo } from '../../src/gateway-shard/gateway-info.js';
import { proxyHint } from '../../src/gateway-shard/proxy-hint.js';

const INFO = { url: 'ws://127.0.0.1:1', session_start_limit: { max_concurrency: 1 } };

/** Fails in one way for ever. @returns when it was asked, and what was logged. */
async function failing(error: unknown, ms: number) {
  const clock = virtualClock();
  const start = clock.now();
  const asked: number[] = [];
  const logged: string[] = [];
  const nothing = (): void => undefined;
  const logger = {
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: (_: object, text: string) => void logged.push(text),
  };
  const question = (): Promise<typeof INFO> => {
    asked.push(clock.now() - start);
    return Promise.reject(error);
  };
  const info = new GatewayInfo({ fetch: question, clock, random: seededRandom(1), logger });
  const answer = expect(info.get()).rejects.toThrow('The host is shut down.');
  await clock.run(ms);
  info.close();
  await answer;
  return { asked, logged };
}

test('a question that fails is asked again with growing waits of a minute at most, and told each time', async () => {
  const { asked, logged } = await failing(new Error('no route'), 300_000);
  expect(asked.length).toBeGreaterThan(8);
  expect(asked.length).toBeLessThan(20);
  expect(logged).toHaveLength(asked.length);
});

// It was asked and told every minute, by every process of the fleet.
test('a token that is refused is told once, and asked ever more rarely', async () => {
  const refused = Object.assign(new Error('401: Unauthorized'), { status: 401 });
  const { asked, logged } = await failing(refused, 24 * 60 * 60_000);
  expect(asked[1]).toBeGreaterThanOrEqual(150_000);
  expect(asked.length).toBeLessThan(16);
  expect(logged).toHaveLength(1);
  expect(logged[0]).toContain('Check the bot token');
});

test('who says how long to wait is asked after that', async () => {
  const limited = Object.assign(new Error('rate limited'), { retryAfter: 120_000 });
  const { asked } = await failing(limited, 250_000);
  expect(asked).toEqual([0, 120_000, 240_000]);
});

test('a proxy that gateway connections do not take is told by name, with the ways out', () => {
  const hint = proxyHint('wss://gateway.discord.gg/', { HTTPS_PROXY: 'http://alice:secret@proxy.internal:3128' });
  expect(hint).toMatch(
    /^HTTPS_PROXY is set, and gateway connections \(gateway\.discord\.gg\) are made without a proxy/,
  );
  expect(hint).toContain('add it to NO_PROXY');
  expect(hint).toContain('ProxyAgent');
  expect(hint).not.toContain('secret');
});

test.each<[string, string, Record<string, string>]>([
  ['there is no proxy', 'wss://gateway.discord.gg/', {}],
  [
    'the gateway is named in NO_PROXY',
    'wss://gateway.discord.gg/',
    { HTTPS_PROXY: 'http://p', NO_PROXY: 'discord.gg' },
  ],
  ['the gateway is on this machine', 'ws://127.0.0.1:7450/', { HTTP_PROXY: 'http://p' }],
  ['the gateway has no address', 'nonsense', { HTTP_PROXY: 'http://p' }],
])('nothing is said of proxies when %s', (_, url, env) => {
  expect(proxyHint(url, env)).toBeNull();
});
