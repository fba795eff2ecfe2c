import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { rotateLog } from '../src/log-rotation.js';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dso-aside-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('a log that is rotated loses nothing, and who appends to it goes on in the truncated file', () => {
  const path = join(directory, 'node.log');
  const appending = openSync(path, 'a');
  const own = openSync(path, 'r+');
  const before = 'line\n'.repeat(200_000);
  writeSync(appending, before);
  rotateLog(own, path);
  expect(statSync(path).size).toBe(0);
  expect(readFileSync(`${path}.1`, 'utf8')).toBe(before);
  writeSync(appending, 'next\n');
  expect(readFileSync(path, 'utf8')).toBe('next\n');
  rotateLog(own, path);
  expect(readFileSync(`${path}.1`, 'utf8')).toBe('next\n');
  for (const file of [appending, own]) closeSync(file);
});

test('a log that cannot be rotated is left as it is', () => {
  const path = join(directory, 'node.log');
  const own = openSync(path, 'w+');
  writeSync(own, 'kept');
  expect(() => rotateLog(own, join(directory, 'missing', 'node.log'))).toThrow(/ENOENT/);
  expect(readFileSync(path, 'utf8')).toBe('kept');
  closeSync(own);
});
