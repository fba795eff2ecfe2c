import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTokenFile, systemRandom } from '@dshard/transport';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ownToken } from '../../../src/adapters/own-token/own-token.js';
import { recordingLogger } from '../../recording-logger.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dso-token-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const random = systemRandom();

test('the token is made once, of 256 bits, in a folder and a file that only its user can read', () => {
  const path = join(folder, 'data', 'token');
  const token = ownToken(path, random, recordingLogger());
  expect(token).toMatch(/^[0-9a-f]{64}$/u);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700);
  expect(ownToken(path, random, recordingLogger())).toBe(token);
  expect(readTokenFile(path)).toBe(token);
  expect(readdirSync(join(folder, 'data'))).toEqual(['token']);
});

test('another orchestrator that starts at the same time does not make a second token', () => {
  const path = join(folder, 'token');
  let made = '';
  const late = {
    ...random,
    bytes: (length: number): Uint8Array => {
      if (made === '' && !existsSync(path)) made = ownToken(path, random, recordingLogger());
      return random.bytes(length);
    },
  };
  expect(ownToken(path, late, recordingLogger())).toBe(made);
  expect(readdirSync(folder)).toEqual(['token']);
});

test('a token that others can read is told, with what to do', () => {
  const path = join(folder, 'token');
  writeFileSync(path, '00112233445566778899aabbccddeeff');
  chmodSync(path, 0o644);
  const logger = recordingLogger();
  ownToken(path, random, logger);
  expect(JSON.stringify(logger.lines)).toContain('delete the file');
});

test('a token that cannot be kept, or read, is an error that names the file and the way out', () => {
  const path = join(folder, 'file', 'token');
  writeFileSync(join(folder, 'file'), '');
  expect(() => ownToken(path, random, recordingLogger())).toThrow(/kept in .*file\/token.*DSO_TOKEN/u);
  writeFileSync(join(folder, 'empty'), '');
  expect(() => ownToken(join(folder, 'empty'), random, recordingLogger())).toThrow(/empty is empty/u);
});

// The folder of the token was looked at only after the token had been read from there.
test('a folder that others could write in is closed to them before the token in it is believed', () => {
  chmodSync(folder, 0o777);
  const logger = recordingLogger();
  ownToken(join(folder, 'token'), random, logger);
  expect(statSync(folder).mode & 0o777).toBe(0o755);
  expect(logger.lines[0]!.message).toContain(`Other users could write in ${folder}`);
});

test.skipIf(process.geteuid?.() !== 0)('a token file that every user may write is refused by name', () => {
  const path = join(folder, 'token');
  ownToken(path, random, recordingLogger());
  chownSync(path, 65_534, 65_534);
  chmodSync(path, 0o666);
  expect(() => ownToken(path, random, recordingLogger())).toThrow(
    /token can be written by every user, so the token in it/,
  );
});
