import { describe, expect, test } from 'vitest';
import { discordNames } from '../../src/core/discord.js';
import type { PlanInput } from '../../src/netns/plan.js';
import { planNamespace } from '../../src/netns/plan.js';

const input: PlanInput = {
  name: 'dso-7',
  flags: ['--shards', '2'],
  command: ['node', 'bot.js'],
  gateway: ['node', 'dso-gateway.js'],
  env: {},
  caFile: '/tmp/ca.pem',
  defaultToken: 'default',
};

describe('the plan of a namespace', () => {
  test('makes it, and takes it away by the same name', () => {
    const { setUp, tearDown, etcFolder } = planNamespace(input);
    expect(setUp).toEqual([
      ['ip', 'netns', 'add', 'dso-7'],
      ['ip', '-n', 'dso-7', 'link', 'set', 'lo', 'up'],
    ]);
    expect(tearDown).toEqual([['ip', 'netns', 'delete', 'dso-7']]);
    expect(etcFolder).toBe('/etc/netns/dso-7');
  });

  test("leads each of Discord's hosts to the address where it listens, and others nowhere", () => {
    const { files, gateway } = planNamespace(input);
    const addressOf = (host: string): string | undefined =>
      files['hosts']
        ?.split('\n')
        .find((line) => line.split(' ').slice(1).includes(host))
        ?.split(' ')[0];
    expect(addressOf(discordNames.resume)).toBe(gateway[gateway.indexOf('--resume-address') + 1]);
    expect(addressOf(discordNames.voice)).toBe(gateway[gateway.indexOf('--voice-address') + 1]);
    for (const host of [discordNames.api, discordNames.gateway, 'localhost']) expect(addressOf(host)).toBe('127.0.0.1');
    expect(files['resolv.conf']).toBe('');
  });

  test('starts the emulator with TLS on 443, with the flags that were given', () => {
    expect(planNamespace(input).gateway.join(' ')).toBe(
      'ip netns exec dso-7 node dso-gateway.js --tls --ca-file /tmp/ca.pem --discord-names --port 443 ' +
        '--resume-address 127.0.0.2 --resume-port 443 --voice-address 127.0.0.3 --voice-port 443 --shards 2 --token default',
    );
  });

  test('runs the bot as it is, trusting the authority', () => {
    const { bot, botEnv } = planNamespace(input);
    expect(bot).toEqual(['ip', 'netns', 'exec', 'dso-7', 'node', 'bot.js']);
    expect(botEnv).toEqual({ NODE_EXTRA_CA_CERTS: '/tmp/ca.pem', DISCORD_TOKEN: 'default' });
  });

  test('runs the bot as the user who called sudo', () => {
    const { bot, gateway } = planNamespace({ ...input, env: { SUDO_UID: '1000', SUDO_GID: '100' } });
    expect(bot.slice(4)).toEqual(['setpriv', '--reuid=1000', '--regid=100', '--clear-groups', 'node', 'bot.js']);
    expect(gateway).not.toContain('setpriv');
  });

  test.each<[string, Partial<PlanInput>, string]>([
    ['the one of the environment', { env: { DISCORD_TOKEN: 'mine' } }, 'mine'],
    ['the one that a flag names', { flags: ['--token', 'flagged'], env: { DISCORD_TOKEN: 'mine' } }, 'flagged'],
    ['the one that a flag names in one piece', { flags: ['--token=flagged'] }, 'flagged'],
  ])('gives emulator and bot one token: %s', (_what, more, token) => {
    const { gateway, botEnv } = planNamespace({ ...input, ...more });
    expect(botEnv['DISCORD_TOKEN']).toBe(token);
    expect(gateway.join(' ').replace('--token=', '--token ').split('--token ')).toEqual([expect.any(String), token]);
  });
});
