import { expect, test } from 'vitest';
import { resolveConfig } from '@dshard/api/config';
import { defaultSettings, settingsOf } from '../../src/config/settings.js';

const flags = [
  { key: 'token', written: 'a-long-enough-token', flag: '--token' },
  { key: 'launcher.command', written: './bot', flag: '--command' },
  { key: 'timeouts.command', written: '5s', flag: '--set' },
  { key: 'discord.identifyWindow', written: '250', flag: '--set' },
];

test('the domain is told what was configured, in its own words', () => {
  expect(settingsOf(resolveConfig({ flags, cwd: '/nowhere' }))).toMatchObject({
    commandTimeoutMs: 5000,
    identifyWindowMs: 250,
    canLaunch: true,
    tokenRequired: true,
    expectedNodes: null,
  });
});

test('where nothing is configured the domain has the defaults', () => {
  expect(settingsOf(resolveConfig({ cwd: '/nowhere' }))).toEqual(defaultSettings());
  expect(defaultSettings({ nodes: 3 })).toMatchObject({ nodes: 3, canLaunch: false, tokenRequired: false });
});
