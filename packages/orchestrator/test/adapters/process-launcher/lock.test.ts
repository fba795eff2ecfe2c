import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { virtualClock } from '@dshard/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { lockDataDir } from '../../../src/adapters/process-launcher/lock.js';
import { recordingLogger } from '../../recording-logger.js';

const isRoot = process.geteuid?.() === 0;
const SOMEBODY = 65_534;
const dist = fileURLToPath(new URL('../../../dist/adapters/process-launcher/lock.js', import.meta.url));

function scene() {
  const dataDir = mkdtempSync(join(tmpdir(), 'dso-lock-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const clock = virtualClock();
  const logger = recordingLogger();
  const said = (text: string): number => logger.lines.filter(({ message }) => message.includes(text)).length;
  return { dataDir, path: join(dataDir, 'orchestrator.lock'), clock, logger, said };
}

/** A process that has ended: its number is nobody's, or another's that started later. */
function endedProcess(): string {
  return JSON.stringify({ pid: spawnSync('true').pid, startTime: '1' });
}

describe('the lock of a data directory', () => {
  test('names its holder, keeps others off, and goes with the holder', async () => {
    const { dataDir, path, clock, logger } = scene();
    const release = await lockDataDir(dataDir, { clock, logger });
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: process.pid });
    await expect(lockDataDir(dataDir, { clock, logger })).rejects.toMatchObject({
      code: 'DSO_DATA_DIR_LOCKED',
      message: expect.stringMatching(new RegExp(`process id ${process.pid} uses .*choose another`)),
    });
    release();
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
    expect(clock.pending()).toBe(0);
  });

  test('of a process that has ended is taken over at once', async () => {
    const { dataDir, path, clock, logger } = scene();
    writeFileSync(path, endedProcess());
    (await lockDataDir(dataDir, { clock, logger }))();
  });

  test.each(['', 'scribble', '{"pid":"me"}', '[]', 'null'])(
    'that says %j is waited for, and taken when nobody mends it',
    async (content) => {
      const { dataDir, path, clock, logger } = scene();
      writeFileSync(path, content);
      let isTaken = false;
      const taking = lockDataDir(dataDir, { clock, logger }).then((release) => {
        isTaken = true;
        return release;
      });
      await clock.run(2_000);
      expect(isTaken).toBe(false);
      await clock.run(1_000);
      expect(isTaken).toBe(true);
      (await taking)();
      expect(clock.pending()).toBe(0);
    },
  );

  test.each([
    ['deleted', (path: string) => rmSync(path)],
    ['written over', (path: string) => writeFileSync(path, 'scribble')],
  ])('that was %s is made anew by its holder, who says so once for each time', async (what, damage) => {
    const { dataDir, path, clock, logger, said } = scene();
    const release = await lockDataDir(dataDir, { clock, logger });
    const content = readFileSync(path, 'utf8');
    for (let time = 1; time <= 2; time += 1) {
      damage(path);
      await clock.run(5_000);
      expect(readFileSync(path, 'utf8')).toBe(content);
      expect(said(`was ${what} by somebody else`)).toBe(time);
    }
    release();
  });

  test('that another living process has taken meanwhile is left to it, and people are told once to stop one of the two', async () => {
    const { dataDir, path, clock, logger, said } = scene();
    const release = await lockDataDir(dataDir, { clock, logger });
    const other = JSON.stringify({ pid: process.ppid, startTime: null });
    writeFileSync(path, other);
    await clock.run(10_000);
    expect(readFileSync(path, 'utf8')).toBe(other);
    expect(said('stop one of the two')).toBe(1);
    release();
    expect(readFileSync(path, 'utf8')).toBe(other);
  });

  test.each([
    ['a directory', (path: string) => mkdirSync(path)],
    ['a named pipe', (path: string) => spawnSync('mkfifo', [path])],
  ])('that is %s is refused by name, and not waited for', async (what, make) => {
    const { dataDir, path, clock, logger } = scene();
    make(path);
    await expect(lockDataDir(dataDir, { clock, logger })).rejects.toMatchObject({
      code: 'DSO_DATA_DIR_UNUSABLE',
      message: expect.stringContaining(`${what}, not the lock; remove it`),
    });
  });

  test.skipIf(!isRoot)('that another user made and that cannot be read is refused by name', () => {
    const { dataDir, path } = scene();
    writeFileSync(path, endedProcess());
    chmodSync(path, 0o600);
    const program = `
      import { chownSync } from 'node:fs';
      import { lockDataDir } from ${JSON.stringify(dist)};
      chownSync(${JSON.stringify(dataDir)}, ${SOMEBODY}, ${SOMEBODY});
      process.setgroups([]); process.setgid(${SOMEBODY}); process.setuid(${SOMEBODY});
      await lockDataDir(${JSON.stringify(dataDir)}, {}).catch((error) => console.log(error.message));`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
    expect(stdout).toMatch(/The data directory cannot be used \(.*orchestrator\.lock\): EACCES: permission denied/);
  });
});
