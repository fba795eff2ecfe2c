import { systemClock } from '@dshard/transport';
import { describe, expect, test } from 'vitest';
import { fixedVersion, versionCommands } from '../../../src/adapters/version-commands/version-commands.js';
import { nodeProgram, temporaryDirectory } from '../process-launcher/fixture.js';

const clock = systemClock();

/** Prints what is in ./version; the update writes it. */
const PRINT = nodeProgram(`console.log(' ' + require('fs').readFileSync('version', 'utf8') + ' ')`);
const UPDATE = nodeProgram(`require('fs').writeFileSync('version', 'v2'); console.log('much talk')`);

describe('version commands', () => {
  test('run in their directory, and give their output trimmed', async () => {
    const cwd = temporaryDirectory();
    const source = versionCommands({ versionCommand: PRINT, updateCommand: UPDATE, cwd, clock });
    await expect(source.deployed()).rejects.toThrow('ENOENT');
    await expect(source.pullNew()).resolves.toBe('v2');
    await expect(source.deployed()).resolves.toBe('v2');
  });

  test('fail with their error output and their exit code', async () => {
    const fails = nodeProgram(`console.error('fatal: not a repository'); process.exit(128)`);
    const source = versionCommands({ versionCommand: PRINT, updateCommand: fails, clock });
    await expect(source.pullNew()).rejects.toMatchObject({
      code: 'DSO_VERSION_COMMAND_FAILED',
      message: expect.stringMatching(/exited with code 128: fatal: not a repository$/),
    });
  });

  test('are killed when they hang, with whatever they started', async () => {
    const hangs = nodeProgram(
      `require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' })`,
    );
    const source = versionCommands({ versionCommand: hangs, updateCommand: null, clock, versionTimeoutMs: 200 });
    await expect(source.deployed()).rejects.toMatchObject({
      code: 'DSO_VERSION_COMMAND_FAILED',
      message: expect.stringContaining('took longer than 0.2 s and was killed'),
    });
  });

  test('see nothing of the environment that is a secret, by its name or by its value', async () => {
    const environment = {
      PATH: process.env['PATH'],
      DSO_TOKEN: 'the-shared-token-of-the-fleet',
      DISCORD_TOKEN: 'the-token-of-the-bot',
      BOT_LOGIN: 'Bot the-token-of-the-bot',
      GIT_AUTHOR_NAME: 'Alice',
    };
    const secrets = { names: ['DSO_TOKEN', 'DISCORD_TOKEN'], values: ['the-token-of-the-bot'] };
    const versionCommand = nodeProgram(`console.log(Object.keys(process.env).sort().join())`);
    const source = versionCommands({ versionCommand, updateCommand: null, environment, secrets, clock });
    await expect(source.deployed()).resolves.toBe('GIT_AUTHOR_NAME,PATH');
  });

  test('cannot write to the terminal by what they print', async () => {
    const versionCommand = nodeProgram(`console.log('v1\\u001b[2J\\u202e')`);
    await expect(versionCommands({ versionCommand, updateCommand: null, clock }).deployed()).resolves.toBe('v1');
  });

  test('give no version when they print nothing', async () => {
    const source = versionCommands({ versionCommand: nodeProgram(''), updateCommand: null, clock });
    await expect(source.deployed()).rejects.toThrow('printed no version');
  });

  test('are named when they do not exist, and a missing update command is said', async () => {
    const source = versionCommands({ versionCommand: 'no-such-program', updateCommand: null, clock });
    await expect(source.deployed()).rejects.toMatchObject({ code: 'DSO_COMMAND_NOT_FOUND' });
    await expect(source.pullNew()).rejects.toMatchObject({ code: 'DSO_NO_UPDATE_COMMAND' });
  });
});

test('a fixed version stays the same, whatever is asked of it', async () => {
  const source = fixedVersion('v7');
  await expect(source.deployed()).resolves.toBe('v7');
  await expect(source.pullNew()).resolves.toBe('v7');
});
