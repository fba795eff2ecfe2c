import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { completionOf } from '../../src/completion/candidates.js';
import { SHELLS } from '../../src/completion/scripts.js';
import { createProgram } from '../../src/program.js';
import { fakeFleet } from '../fake-fleet.js';
import { runDso } from '../dso.js';

const BIN = fileURLToPath(new URL('../../bin/dso.js', import.meta.url));

function values(...words: string[]): string[] {
  return completionOf(createProgram(), words).candidates.map(({ value }) => value);
}

describe('what may stand there', () => {
  test.each([
    [['roll'], ['rollout']],
    [['get', 'no'], ['nodes']],
    [['get', 'node', 'st'], ['state:']],
    [['get', 'nodes', 'state:cor'], ['state:cordoned']],
    [
      ['get', 'nodes', '-o', ''],
      ['json', 'wide', 'name'],
    ],
    [['up', '--log', 'p'], ['pretty']],
    [['up', '--log=x', '--keep'], ['--keep-sessions']],
    [['rollout', 'pa'], ['pause']],
    [['completion', 'z'], ['zsh']],
    [['no-such-command', 'x'], []],
  ])('behind %j is %j', (words, expected) => {
    expect(values(...words)).toEqual(expected);
  });

  test.each([
    [['describe', 'node', ''], 'nodes'],
    [['drain', 'web-1', ''], 'nodes'],
    [['drain', '--destination', ''], 'nodes'],
    [['migrateshard', '3', ''], 'nodes'],
    [['cordon', '--host', ''], 'hosts'],
    [['cancel', ''], 'operations'],
    [['operations', 'watch', ''], 'operations'],
    [['token', 'revoke', ''], 'tokens'],
    [['status', '--token', ''], null],
    [['status', ''], null],
  ])('behind %j the names of %s', (words, names) => {
    expect(completionOf(createProgram(), words).names).toBe(names);
  });
});

test('names come from the orchestrator, and where none answers there are none, and no word of it', async () => {
  const { dso } = await fakeFleet();
  expect((await dso('__complete', 'describe', 'node', 'web')).stdout).toBe('web-1\t\nweb-2\t\n');
  const silent = await runDso(['__complete', 'describe', 'node', ''], { environment: { DSO_CLI_ADDR: '127.0.0.1:1' } });
  expect(silent).toMatchObject({ code: 0, stdout: '', stderr: '' });
});

test('a shell that is not known is refused', async () => {
  expect(await runDso(['completion', 'tcsh'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/bash, zsh, fish/),
  });
});

function has(shell: string): boolean {
  try {
    execFileSync(shell, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** What each shell itself makes of a line, with the script that `dso` prints. */
const ASK: Readonly<Record<(typeof SHELLS)[number], (line: string) => readonly string[]>> = {
  bash: (line) => [
    '--norc',
    '-c',
    `source <(dso completion bash); COMP_LINE='${line}' COMP_POINT=${line.length}; _dso 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`,
  ],
  // The widget of zsh runs in an interactive shell only; here it is given the words, and says what it was told to show.
  zsh: (line) => [
    '-f',
    '-c',
    `compdef() { : }; _files() { : }; _describe() { print -l -- \${\${(P)2}//\\\\:/COLON} }; source <(dso completion zsh); words=("\${(@s: :)\${:-${line}}}"); CURRENT=$#words; _dso`,
  ],
  fish: (line) => ['--no-config', '-c', `dso completion fish | source; complete -C '${line}'`],
};

describe.each(SHELLS)('in %s', (shell) => {
  test.skipIf(!has(shell))('a line is completed with commands, words of a query and names of nodes', async () => {
    const { address } = await fakeFleet();
    const folder = mkdtempSync(join(tmpdir(), 'dso-shell-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    symlinkSync(BIN, join(folder, 'dso'));
    const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}`, HOME: folder, DSO_CLI_ADDR: address };
    const offered = (line: string): Promise<string> =>
      new Promise((resolve, reject) => {
        execFile(shell, ASK[shell](line), { env }, (error, stdout) =>
          error === null ? resolve(stdout) : reject(error),
        );
      });
    expect(await offered('dso get no')).toMatch(/^nodes\b/m);
    expect(await offered('dso get nodes state:cord')).toMatch(/^(state:|stateCOLON)?cordoned/m);
    const nodes = await offered('dso describe node web');
    expect(nodes).toMatch(/^web-1/m);
    expect(nodes).toMatch(/^web-2/m);
  });
});
