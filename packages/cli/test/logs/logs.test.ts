import { appendFileSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@dshard/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { tailOf } from '../../src/logs/tail.js';
import { runDso, startDso } from '../dso.js';

function folder(): { cwd: string; log: string } {
  const cwd = mkdtempSync(join(tmpdir(), 'dso-logs-'));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  mkdirSync(join(cwd, '.dso/nodes'), { recursive: true });
  return { cwd, log: join(cwd, '.dso/nodes/web-1.log') };
}

const numbered = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}\n`).join('');

describe('dso logs', () => {
  test('shows the last lines of a node, and which logs there are', async () => {
    const { cwd, log } = folder();
    writeFileSync(log, numbered(1, 500));
    expect((await runDso(['logs'], { cwd })).stdout).toBe('web-1\n');
    expect((await runDso(['logs', 'web-1'], { cwd })).stdout).toBe(numbered(401, 500));
    expect((await runDso(['logs', 'web-1', '-n', '2'], { cwd })).stdout).toBe(numbered(499, 500));
    expect(JSON.parse((await runDso(['logs', 'web-1', '-n', '1', '--json'], { cwd })).stdout)).toEqual({
      node: 'web-1',
      path: log,
      text: 'line 500\n',
    });
  });

  test('names the log that was meant, and reads nothing beside the folder', async () => {
    const { cwd, log } = folder();
    writeFileSync(log, 'x\n');
    writeFileSync(join(cwd, '.dso/state.log'), 'secret\n');
    expect(await runDso(['logs', 'web-2'], { cwd })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/Did you mean web-1/),
    });
    expect(await runDso(['logs', '../state'], { cwd })).toMatchObject({ code: 1, stdout: '' });
  });

  test('goes on with what comes, also when the log was rotated', async () => {
    const { cwd, log } = folder();
    writeFileSync(log, numbered(1, 3));
    const dso = startDso(['logs', 'web-1', '--follow', '-n', '1'], { cwd });
    onTestFinished(() => void dso.child.kill('SIGKILL'));
    await until(() => dso.stdout === 'line 3\n', { what: 'the last line' });
    appendFileSync(log, 'line 4\n');
    await until(() => dso.stdout.endsWith('line 4\n'), { what: 'the next line' });
    truncateSync(log, 0);
    appendFileSync(log, 'new\n');
    await until(() => dso.stdout.endsWith('line 4\nnew\n'), { what: 'the first line of the new log' });
  });
});

test.each([
  ['', 3, ''],
  ['one', 3, 'one'],
  ['one\ntwo', 1, 'two'],
  ['one\ntwo\n', 1, 'two\n'],
  ['one\n\n', 1, '\n'],
  ['one\ntwo\n', 0, ''],
  [numbered(1, 50_000), 20_000, numbered(30_001, 50_000)],
])('the last lines of a log begin where a line begins', (content, lines, expected) => {
  const { log } = folder();
  writeFileSync(log, content);
  let found = '';
  tailOf(log, lines, (text) => (found = text)).close();
  expect(found).toBe(expected);
});
