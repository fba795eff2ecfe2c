import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { launchEnvironment, versionOfPackage } from '../src/environment.js';

describe('the version of a bot that is told none', () => {
  let folder = '';
  const file = async (path: string, text = ''): Promise<string> => {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), text);
    return join(folder, path);
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'version-'));
    await file('package.json', '{ "version": "4.2.0" }');
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('is that of the package.json beside its script, or the nearest one above', async () => {
    expect(versionOfPackage(await file('bot.js'))).toBe('4.2.0');
    expect(versionOfPackage(await file('dist/src/bot.js'))).toBe('4.2.0');
    await file('dist/package.json', '{ "version": "5.0.0" }');
    expect(versionOfPackage(join(folder, 'dist/src/bot.js'))).toBe('5.0.0');
  });

  test('is that of the script itself where it is started by a link', async () => {
    await symlink(await file('bot.js'), join(folder, 'link.js'));
    await mkdir(join(folder, 'bin'));
    await symlink(join(folder, 'bot.js'), join(folder, 'bin/bot'));
    expect(versionOfPackage(join(folder, 'bin/bot'))).toBe('4.2.0');
  });

  test.for([
    ['package.json says none', '{ "type": "module" }'],
    ['package.json is no JSON', '{'],
    ['the version is no text', '{ "version": 3 }'],
    ['the version is too long to be told', `{ "version": "${'1'.repeat(1_000)}" }`],
  ])('is not known where %s', async ([, text = '']) => {
    await file('package.json', text);
    expect(versionOfPackage(await file('bot.js'))).toBeUndefined();
  });

  test('is not that of a tool that runs the bot, and not known without a script', async () => {
    expect(versionOfPackage(await file('node_modules/runner/bin.js'))).toBeUndefined();
    expect(versionOfPackage(join(folder, 'missing.js'))).toBeUndefined();
    expect(versionOfPackage('')).toBeUndefined();
  });
});

test.each([
  ['http://127.0.0.1:7480/api', 'http://127.0.0.1:7480/api'],
  ['http://127.0.0.1:7480/api/', 'http://127.0.0.1:7480/api'],
  ['https://discord.com/api/v10', 'https://discord.com/api'],
  ['', undefined],
])("DISCORD_API=%s is Discord's REST at %s, to which a library appends its version", (written, api) => {
  expect(launchEnvironment({ DISCORD_API: written }).discordApi).toBe(api);
});
