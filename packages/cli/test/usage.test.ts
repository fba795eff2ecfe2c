import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Command } from 'commander';
import { CLI_ERRORS, EXIT_CODES } from '../src/errors.js';
import { createProgram } from '../src/program.js';
import { fakeFleet } from './fake-fleet.js';
import { runDso } from './dso.js';

describe('help', () => {
  test('lists every command, the exit codes and the environment', async () => {
    const { code, stdout, stderr } = await runDso(['--help']);
    expect([code, stderr]).toEqual([0, '']);
    for (const word of ['up', 'status', 'rollout', 'uncordon', 'Exit codes', 'DSO_CLI_ADDR', 'DSO_TOKEN_FILE']) {
      expect(stdout).toContain(word);
    }
  });

  test('has examples for every command', () => {
    const withinOf = (command: Command): Command[] => [command, ...command.commands.flatMap(withinOf)];
    const commands = createProgram().commands.flatMap(withinOf);
    expect(commands.length).toBeGreaterThan(60);
    for (const command of commands) {
      let help = '';
      command.configureOutput({ writeOut: (text) => (help += text) });
      command.outputHelp();
      expect(help, command.name()).toMatch(/Examples:\n {2}\$ .*dso /);
      expect(help, command.name()).toContain('--json');
    }
  });

  test('says for dso up how to stop it', async () => {
    const { code, stdout } = await runDso(['up', '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/SIGTERM[\s\S]*SIGHUP/);
  });
});

test('dso --version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  expect(await runDso(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
});

describe('a command line that cannot be understood', () => {
  const lines: [args: string[], message: RegExp][] = [
    [['stauts'], /unknown command 'stauts'[\s\S]*status/],
    [['migrateshard', '3'], /missing required argument 'node'/],
    [['status', 'everything'], /too many arguments/],
    [['status', '--jsno'], /unknown option '--jsno'[\s\S]*--json/],
    [['status', '--address', 'http://'], /no address/],
    [['status', '--address', 'a b'], /no address/],
    [['events', '--after', 'yesterday'], /--after/],
    [['up', '--set', 'nonsense'], /key=value/],
    [['up', '--log', 'loud'], /json, pretty/],
  ];
  test('exits with 2 and says what is wrong', async () => {
    const results = await Promise.all(lines.map(([args]) => runDso(args)));
    for (const [index, [args, message]] of lines.entries()) {
      const { code, stdout, stderr } = results[index]!;
      expect([args, code, stdout]).toEqual([args, 2, '']);
      expect(stderr).toMatch(message);
      expect(stderr).not.toMatch(/\n {4}at /);
    }
  });

  test('says what is wrong to programs as well', async () => {
    const { code, stdout } = await runDso(['migrateshard', '3', '--json']);
    const document = { Message: "missing required argument 'node'", Error: true, Code: 'DSO_CLI_USAGE' };
    expect([code, JSON.parse(stdout)]).toEqual([2, document]);
  });

  test('shows the help when there is no command at all', async () => {
    const { code, stderr } = await runDso([]);
    expect(code).toBe(2);
    expect(stderr).toContain('Usage: dso');
  });
});

describe('exit codes', () => {
  test('are those that are documented, and every failure has one of them', async () => {
    const codes = Object.keys(EXIT_CODES).map(Number);
    for (const [code, { exitCode }] of Object.entries(CLI_ERRORS)) expect(codes, code).toContain(exitCode);
    const page = readFileSync(new URL('../../../docs/reference/cli.md', import.meta.url), 'utf8');
    for (const code of codes) expect(page).toMatch(new RegExp(`^\\| ${code} +\\| `, 'm'));
  });

  test('tell what happened', async () => {
    const { dso, orchestrator } = await fakeFleet();
    const codeOf = async (...args: string[]): Promise<number | null> => (await dso(...args)).code;
    expect(await codeOf('get', 'nodes')).toBe(0);
    expect(await codeOf('describe', 'node', 'nobody')).toBe(1);
    expect(await codeOf('stopshard', '0')).toBe(2);
    expect(await codeOf('status', '--address', '127.0.0.1:1')).toBe(3);
    const cancelled = { id: 'd1', kind: 'drain', outcome: 'cancelled', by: 'ann', startedAt: 0, endedAt: 9 } as const;
    orchestrator.state = { ...orchestrator.state, endedOperations: [{ ...cancelled, text: 'Cancelled by ann.' }] };
    expect(await codeOf('operations', 'watch', 'd1')).toBe(4);
  });
});
