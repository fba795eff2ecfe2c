import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readNamedFile, readTokenFile } from '@dshard/transport';
import { expect, onTestFinished, test } from 'vitest';

function place(): string {
  const path = mkdtempSync(join(tmpdir(), 'dso-read-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return join(path, 'file');
}

test('a file is read, and no more of it than is asked for and one byte', () => {
  const path = place();
  writeFileSync(path, 'x'.repeat(100_000));
  expect(readNamedFile(path, 200_000).toString()).toBe('x'.repeat(100_000));
  expect(readNamedFile(path, 10)).toHaveLength(11);
  expect(readNamedFile('/dev/zero', 10)).toHaveLength(11);
});

test('what is no file is an error that says what it is, and is not waited for', () => {
  const pipe = place();
  spawnSync('mkfifo', [pipe]);
  expect(() => readNamedFile(pipe, 10)).toThrow('it is a named pipe, not a file');
  expect(() => readNamedFile(tmpdir(), 10)).toThrow('it is a directory, not a file');
  expect(() => readNamedFile(`${pipe}/none`, 10)).toThrow('ENOTDIR');
  expect(() => readTokenFile(pipe)).toThrow(`The token file ${pipe} cannot be read: it is a named pipe`);
});
