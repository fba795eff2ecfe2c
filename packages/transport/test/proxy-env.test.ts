import { describe, expect, test } from 'vitest';
import { proxyFor } from '../src/proxy-env.js';

const DISCORD = new URL('https://discord.com/api/v10/gateway/bot');
const P = 'http://proxy.internal:3128';

describe('the proxy of the environment', () => {
  test.each<[string, string, Record<string, string>, string | null]>([
    ['nothing is set', 'https://discord.com', {}, null],
    ['it is empty', 'https://discord.com', { HTTPS_PROXY: '' }, null],
    ['HTTPS_PROXY is set', 'https://discord.com', { HTTPS_PROXY: P }, P],
    [
      'it is set in small letters, which win',
      'https://discord.com',
      { HTTPS_PROXY: 'http://other', https_proxy: P },
      P,
    ],
    ['it has no scheme', 'https://discord.com', { HTTPS_PROXY: 'proxy.internal:3128' }, P],
    ['only HTTP_PROXY is set, for a secure address', 'https://discord.com', { HTTP_PROXY: P }, null],
    ['HTTP_PROXY is set, for a plain address', 'http://discord.com', { HTTP_PROXY: P }, P],
    ['it is for a secure gateway', 'wss://gateway.discord.gg', { HTTPS_PROXY: P }, P],
    ['NO_PROXY names the host', 'https://discord.com', { HTTPS_PROXY: P, NO_PROXY: 'a.b, discord.com' }, null],
    ['NO_PROXY names its domain', 'https://cdn.discord.com', { HTTPS_PROXY: P, NO_PROXY: 'discord.com' }, null],
    [
      'NO_PROXY names its domain with a dot',
      'https://cdn.discord.com',
      { HTTPS_PROXY: P, NO_PROXY: '.discord.com' },
      null,
    ],
    [
      'NO_PROXY names its domain with a star',
      'https://cdn.discord.com',
      { HTTPS_PROXY: P, NO_PROXY: '*.discord.com' },
      null,
    ],
    [
      'NO_PROXY names a host that only ends alike',
      'https://notdiscord.com',
      { HTTPS_PROXY: P, NO_PROXY: 'discord.com' },
      P,
    ],
    ['NO_PROXY names it in capitals', 'https://discord.com', { HTTPS_PROXY: P, no_proxy: 'DISCORD.COM' }, null],
    ['NO_PROXY names its port', 'https://discord.com', { HTTPS_PROXY: P, NO_PROXY: 'discord.com:443' }, null],
    ['NO_PROXY names another port', 'https://discord.com', { HTTPS_PROXY: P, NO_PROXY: 'discord.com:8443' }, P],
    ['NO_PROXY is everything', 'https://discord.com', { HTTPS_PROXY: P, NO_PROXY: '*' }, null],
    ['it is on this machine', 'http://127.0.0.1:7450', { HTTP_PROXY: P }, null],
    ['it is on this machine, by name', 'http://localhost:7450', { HTTP_PROXY: P }, null],
    ['it is on this machine, in IPv6', 'http://[::1]:7450', { HTTP_PROXY: P }, null],
  ])('when %s', (_, target, env, url) => {
    expect(proxyFor(new URL(target), env)?.url ?? null).toBe(url);
  });

  test('is told with the name of its variable', () => {
    expect(proxyFor(DISCORD, { https_proxy: P })).toEqual({ variable: 'https_proxy', url: P });
  });
});
