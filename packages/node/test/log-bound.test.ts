/** A process that is left to write into its file, with no orchestrator to rotate it. */
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '@dshard/testkit';
import { expect, onTestFinished, test } from 'vitest';

const BOUND = fileURLToPath(new URL('../dist/log-bound.js', import.meta.url));

/** Writes numbered lines for ever; the clock is as fast as the test needs. */
const TALKS = `
  import { boundLog } from ${JSON.stringify(BOUND)};
  const logFile = { path: process.env.DSO_LOG_FILE, maxBytes: 50_000 };
  const clock = { every: (ms, look) => { const timer = setInterval(look, ms / 1000); return () => clearInterval(timer); } };
  boundLog({ logFile, clock }, new Promise(() => undefined));
  let n = 0;
  setInterval(() => process.stdout.write(Array.from({ length: 20 }, () => 'line ' + n++ + ' ' + 'x'.repeat(90)).join('\\n') + '\\n'), 5);
`;

function talking(logFile: string, writesTo: string): void {
  const log = openSync(writesTo, 'a');
  const child = spawn(process.execPath, ['--input-type=module', '-e', TALKS], {
    env: { ...process.env, DSO_LOG_FILE: logFile },
    stdio: ['ignore', log, 'inherit'],
  });
  closeSync(log);
  onTestFinished(() => void child.kill('SIGKILL'));
}

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'dso-log-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const numbersIn = (path: string): number[] =>
  [...readFileSync(path, 'utf8').matchAll(/^line (\d+) /gm)].map(([, n]) => Number(n));

test('its file is rotated whenever it has grown too large, and every line stands in one of the two', async () => {
  const path = join(temporaryDirectory(), 'node.log');
  talking(path, path);
  let largest = 0;
  const firstInCopy = (): number => {
    largest = Math.max(largest, statSync(path).size);
    try {
      return numbersIn(`${path}.1`)[0] ?? -1;
    } catch {
      return -1;
    }
  };
  // Again and again: the copy begins later each time.
  const first = await until(() => (firstInCopy() >= 0 ? firstInCopy() : undefined), { what: 'a copy' });
  await until(() => firstInCopy() > first + 1_000, { what: 'later ones' });
  expect(largest).toBeLessThan(1_000_000);
  const aside = numbersIn(`${path}.1`);
  expect(aside).toEqual(aside.map((_, index) => (aside[0] ?? 0) + index));
});

test('a file that is not what the process writes to is left alone', async () => {
  const directory = temporaryDirectory();
  const [named, written] = [join(directory, 'node.log'), join(directory, 'other.log')];
  closeSync(openSync(named, 'w'));
  talking(named, written);
  await until(() => statSync(written).size > 200_000, { what: 'more than it may write' });
  expect(() => statSync(`${named}.1`)).toThrow(/ENOENT/);
});
