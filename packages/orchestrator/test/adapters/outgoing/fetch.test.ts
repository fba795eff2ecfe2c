import { createServer } from 'node:http';
import { systemClock } from '@dshard/transport';
import { ConnectProxy } from '@dshard/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { discordGatewayInfo } from '../../../src/adapters/discord/gateway-info.js';
import { outgoingFetch } from '../../../src/adapters/outgoing/fetch.js';

const LIMIT = { total: 1000, remaining: 999, reset_after: 14_400_000, max_concurrency: 16 };
const ANSWER = JSON.stringify({ url: 'wss://gateway.discord.gg/', shards: 9, session_start_limit: LIMIT });

/** Discord behind a proxy: its name exists for the proxy only. */
async function discordBehindProxy(credentials?: string) {
  const discord = createServer((_, response) => response.end(ANSWER));
  await new Promise<void>((resolve) => discord.listen(0, '127.0.0.1', resolve));
  const address = discord.address();
  const target = typeof address === 'object' && address !== null ? address.port : 0;
  const proxy = await ConnectProxy.start({ target, ...(credentials !== undefined && { credentials }) });
  onTestFinished(async () => {
    await proxy.close();
    discord.closeAllConnections();
    discord.close();
  });
  return proxy;
}

const api = 'http://discord.test/api/v10';
const ask = (env: Record<string, string>, timeoutMs = 5_000) =>
  discordGatewayInfo({ token: 'secret', api, clock: systemClock(), fetch: outgoingFetch(env), timeoutMs }).fetch();

// HTTPS_PROXY was ignored: where Discord is reached through a proxy only, the orchestrator never reached it.
test('Discord is asked through the proxy of the environment', async () => {
  const proxy = await discordBehindProxy();
  await expect(ask({ HTTP_PROXY: `http://127.0.0.1:${proxy.port}` })).resolves.toMatchObject({ recommendedShards: 9 });
  expect(proxy.asked).toEqual(['discord.test:80']);
});

test('a proxy that wants a name and a password gets them from its address', async () => {
  const proxy = await discordBehindProxy('alice:pass word');
  const HTTP_PROXY = `http://alice:pass%20word@127.0.0.1:${proxy.port}`;
  await expect(ask({ HTTP_PROXY })).resolves.toMatchObject({ recommendedShards: 9 });
});

test('a proxy that lets nothing through is told by name, and its password is not', async () => {
  const proxy = await discordBehindProxy('alice:right');
  const failure: unknown = await ask({ HTTP_PROXY: `http://alice:wrong@127.0.0.1:${proxy.port}` }).catch(
    (error: unknown) => error,
  );
  expect(failure).toMatchObject({
    code: 'DSO_PROXY_UNUSABLE',
    message: expect.stringContaining(`cannot be reached through the proxy 127.0.0.1:${proxy.port} (HTTP_PROXY)`),
  });
  expect(String(failure)).not.toContain('wrong');
  expect(proxy.asked).toEqual([]);
});

test('a host that NO_PROXY names is asked directly', async () => {
  const proxy = await discordBehindProxy();
  const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: 'discord.test' };
  await expect(ask(env)).rejects.toMatchObject({ code: 'DSO_DISCORD_UNREACHABLE' });
  expect(proxy.asked).toEqual([]);
});

test.each(['socks5://proxy.internal:1080', 'http://'])(
  'a proxy of another kind is refused by name: %s',
  async (url) => {
    await expect(ask({ HTTP_PROXY: url })).rejects.toMatchObject({
      code: 'DSO_PROXY_UNUSABLE',
      message: expect.stringContaining('HTTP_PROXY is no proxy that can be used'),
    });
  },
);
