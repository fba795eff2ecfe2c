import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { foreignHands, ownDirectory } from '../../src/adapters/private-files.js';

const isRoot = process.geteuid?.() === 0;
const SOMEBODY = 65_534;
const SOMEBODY_ELSE = 65_533;
const dist = fileURLToPath(new URL('../../dist/adapters/private-files.js', import.meta.url));

function place(): string {
  const path = mkdtempSync(join(tmpdir(), 'dso-private-'));
  chmodSync(path, 0o755);
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return join(path, 'data');
}

function made(mode: number, uid: number, gid: number): string {
  const path = place();
  mkdirSync(path);
  chownSync(path, uid, gid);
  chmodSync(path, mode);
  return path;
}

/** What `ownDirectory` says to a user who is not root. */
function saidTo(user: number, path: string): string {
  const program = `
    import { ownDirectory } from ${JSON.stringify(dist)};
    process.setgroups([]); process.setgid(${user}); process.setuid(${user});
    try { console.log('fine: ' + ownDirectory(${JSON.stringify(path)})); } catch (error) { console.log(error.message); }`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  return stdout.trim() || stderr;
}

describe('a directory of our own', () => {
  test('is made for this user only', () => {
    const path = place();
    expect(ownDirectory(join(path, 'deep'))).toBeNull();
    expect(statSync(join(path, 'deep')).mode & 0o777).toBe(0o700);
  });

  test.each([0o777, 0o775, 0o722])('is closed to others where it is ours: %o', (mode) => {
    const path = place();
    mkdirSync(path);
    chmodSync(path, mode);
    expect(ownDirectory(path)).toContain(`Other users could write in ${path}`);
    expect(statSync(path).mode & 0o7777).toBe(mode & ~0o022);
    expect(ownDirectory(path)).toBeNull();
  });

  test('is a directory, and what else it is is said', () => {
    const path = place();
    writeFileSync(path, '');
    expect(() => ownDirectory(path)).toThrow(/is a file, not a directory/);
  });

  test.skipIf(!isRoot)(
    'of another user is refused, with the ways out; of root it is not, unless everybody may write',
    () => {
      expect(saidTo(SOMEBODY, made(0o700, SOMEBODY, SOMEBODY))).toBe('fine: null');
      expect(saidTo(SOMEBODY, made(0o755, SOMEBODY_ELSE, SOMEBODY))).toMatch(
        /data belongs to another user \(id 65533\), who could make.*chown.*chmod 700.*another directory/,
      );
      // Kubernetes makes its volumes so: root's, and the group's to write.
      expect(saidTo(SOMEBODY, made(0o775, 0, SOMEBODY))).toBe('fine: null');
      expect(saidTo(SOMEBODY, made(0o777, 0, 0))).toMatch(/data can be written by every user/);
      expect(saidTo(SOMEBODY, made(0o1777, 0, 0))).toMatch(/data can be written by every user/);
    },
  );

  test.skipIf(!isRoot)(
    'of a user is root’s, too, as in a container with a volume of its host, unless everybody may write',
    () => {
      expect(ownDirectory(made(0o700, SOMEBODY, SOMEBODY))).toBeNull();
      expect(() => ownDirectory(made(0o777, SOMEBODY, SOMEBODY))).toThrow('can be written by every user');
    },
  );
});

test.skipIf(!isRoot)('a file of another user that everybody may write is in foreign hands', () => {
  const path = place();
  writeFileSync(path, '');
  expect(foreignHands(statSync(path))).toBeNull();
  chownSync(path, SOMEBODY, SOMEBODY);
  chmodSync(path, 0o666);
  expect(foreignHands(statSync(path))).toBe('can be written by every user');
});
