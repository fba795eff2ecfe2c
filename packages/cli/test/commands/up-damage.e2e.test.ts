/** What happens to the files of `dso up`, done to real ones, with real processes. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@dshard/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Dso } from '../dso.js';
import { untilUp } from '../dso.js';
import {
  historyOf,
  orchestratorsOfEachTest,
  QUIET_BOT,
  statusOf,
  untilServing,
  type Running,
} from '../orchestrators.js';

const scene = orchestratorsOfEachTest();
const isRoot = process.geteuid?.() === 0;

const store = (): string => join(scene.all.dataDir, 'state.db');

async function arguments_(): Promise<string[]> {
  return [...(await scene.all.ports()), '--bot', QUIET_BOT, '--nodes', '2', '--shards', '4'];
}

async function serving(more: readonly string[] = []): Promise<Running> {
  const leader = await scene.all.running([...(await arguments_()), ...more]);
  await untilServing(leader, 2, 4);
  return leader;
}

/** A sentence for people, that names the file and what to do, and nothing else: no stack, no hang. */
async function expectRefusal(dso: Dso, words: RegExp): Promise<void> {
  const { code, stderr } = await dso.done;
  expect(code).toBe(1);
  expect(stderr).toMatch(words);
  expect(stderr).not.toMatch(/^ +at .*[(:]/m);
}

/** A store with something in it, whose orchestrator was ended. */
async function aStore(): Promise<void> {
  const first = await scene.all.running([...(await scene.all.ports()), '--shards', '2']);
  first.dso.child.kill('SIGTERM');
  await first.dso.done;
}

function fill(path: string, from: number, to: number, byte: number): void {
  const content = readFileSync(path);
  writeFileSync(path, content.fill(byte, from, to));
}

const PAGE = 4_096;

/** Without a new file: whoever has it open sees it. */
function fillInPlace(path: string, from: number, to: number): void {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(to - from), 0, to - from, from);
  closeSync(file);
}

describe('a store that is damaged before it is opened', () => {
  const DAMAGES: [what: string, damage: (path: string) => void, words: RegExp][] = [
    ['cut off in the middle', (path) => truncateSync(path, PAGE + 100), /state\.db.*(damaged|malformed).*Move it away/],
    ['with a page of zeros', (path) => fill(path, PAGE, 2 * PAGE, 0), /state\.db.*(damaged|malformed).*Move it away/],
    ['all noise', (path) => fill(path, 0, 4 * PAGE, 0x5a), /state\.db.*not a database.*Move it away/],
    ['a text', (path) => writeFileSync(path, 'shards: 4\n'.repeat(1_000)), /state\.db.*not a database.*Move it away/],
    [
      'a directory',
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
      /state\.db is a directory, not a file.*Check the path/,
    ],
    [
      'a named pipe',
      (path) => {
        rmSync(path);
        spawnSync('mkfifo', [path]);
      },
      /state\.db is a named pipe, not a file.*Check the path/,
    ],
    ['with a -wal that is a directory', (path) => mkdirSync(`${path}-wal`), /state\.db-wal is a directory, not a file/],
  ];

  test.each(DAMAGES)('and is %s is refused in a sentence with a way out', async (_what, damage, words) => {
    await aStore();
    damage(store());
    await expectRefusal(scene.all.up([...(await scene.all.ports()), '--shards', '2']), words);
  });

  test.skipIf(!isRoot)('and is on a disk that is read-only is refused in a sentence with a way out', async () => {
    const disk = mkdtempSync(join(tmpdir(), 'dso-disk-'));
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk]);
    onTestFinished(() => {
      spawnSync('umount', ['--lazy', disk]);
      rmSync(disk, { recursive: true });
    });
    const args = ['--shards', '2', ...(await scene.all.ports()), '--set', `store.path=${join(disk, 'state.db')}`];
    const first = await scene.all.running(args);
    first.dso.child.kill('SIGTERM');
    await first.dso.done;
    spawnSync('mount', ['-o', 'remount,ro', disk]);
    await expectRefusal(scene.all.up(args), /state\.db cannot be used: EROFS.*Check the path, who may write there/);
  });

  test.skipIf(!isRoot)('and is another user’s is refused by whoever is not root', async () => {
    await aStore();
    // Somebody else's process: it may read everything here, and owns nothing.
    spawnSync('chmod', ['-R', 'a+rX', scene.all.cwd]);
    const { status, stderr } = spawnSync(
      'setpriv',
      ['--reuid=65534', '--clear-groups', '--no-new-privs', process.execPath, ...dsoArguments(['up', '--shards', '2'])],
      { cwd: scene.all.cwd, encoding: 'utf8', env: { PATH: process.env['PATH'] }, timeout: 30_000 },
    );
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/state\.db cannot be used: .*(belongs to another user|EPERM|EACCES)/),
    ]);
  });
});

function dsoArguments(args: readonly string[]): string[] {
  return [new URL('../../bin/dso.js', import.meta.url).pathname, ...args];
}

describe('a data directory', () => {
  test('that others could write in is closed to them, and that is said', async () => {
    mkdirSync(scene.all.dataDir);
    chmodSync(scene.all.dataDir, 0o777);
    const dso = await scene.all.running(await arguments_());
    expect(statSync(scene.all.dataDir).mode & 0o777).toBe(0o755);
    expect(dso.dso.stderr).toContain(`Other users could write in ${scene.all.dataDir}`);
  });

  test('that is a file is refused by name', async () => {
    writeFileSync(scene.all.dataDir, '');
    await expectRefusal(scene.all.up(await arguments_()), /\.dso is a file, not a directory/);
  });

  test('with odd characters in its path, or a path that is as long as can be, works', async () => {
    for (const name of [`odd ?#%41'"\n;ü`, 'x'.repeat(200)]) {
      const dataDir = join(scene.all.cwd, name);
      const dso = await scene.all.running([...(await arguments_()), '--data-dir', dataDir]);
      await untilServing(dso, 2, 4);
      expect(statSync(join(dataDir, 'state.db')).isFile()).toBe(true);
      dso.dso.child.kill('SIGTERM');
      expect((await dso.dso.done).code).toBe(0);
    }
  });

  test('with a path that is too long is refused in a sentence', async () => {
    const dataDir = join(scene.all.cwd, 'x'.repeat(300));
    await expectRefusal(scene.all.up([...(await arguments_()), '--data-dir', dataDir]), /ENAMETOOLONG/);
  });
});

describe('a named pipe', () => {
  test.each([
    ['the configuration', (pipe: string) => ['--config', pipe]],
    ['the token file', (pipe: string) => ['--token-file', pipe]],
  ])('as %s is an error and not a hang', async (_what, flags) => {
    const pipe = join(scene.all.cwd, 'pipe');
    spawnSync('mkfifo', [pipe]);
    const { code, stderr } = await scene.all.up(['--shards', '2', ...flags(pipe)]).done;
    expect(code).not.toBe(0);
    expect(stderr).toContain('it is a named pipe, not a file');
  });
});

describe('under a running leader', () => {
  // Both led on, each in a file of its own, with the same epoch.
  test.each(['-wal', '-shm'])(
    'a %s that was deleted is made anew: nothing is forgotten, nobody else leads',
    async (end) => {
      const leader = await serving();
      const [node] = (await statusOf(leader)).nodes;
      rmSync(`${store()}${end}`);
      const rival = scene.all.up(['--shards', '4', '--listen', '127.0.0.1:0', '--no-http']);
      await fetch(`${leader.http}/blacklistnode?node=${node!.id}`, { method: 'POST' });
      const { code, stderr } = await rival.done;
      expect([code, stderr]).toEqual([1, expect.stringContaining(`process id ${leader.dso.child.pid}`)]);
      await until(async () => (await statusOf(leader)).store.state === 'open', { what: 'the store' });
      expect((await statusOf(leader)).store.epoch).toBe(1);

      await cordon(leader, node!.id);
      leader.dso.child.kill('SIGKILL');
      await leader.dso.done;
      const next = await scene.all.running(await arguments_());
      const { nodes, store: after } = await untilServing(next, 2, 4);
      expect(nodes.find(({ id }) => id === node!.id)?.intent).toBe('cordoned');
      expect(after.epoch).toBe(2);
    },
  );

  test('and its standby, the -wal and the -shm that were deleted are made anew, and the standby goes on waiting', async () => {
    const leader = await serving();
    const standby = scene.all.up([...(await arguments_()), '--standby']);
    await until(() => standby.stderr.includes('is its standby'), { what: 'the standby to wait' });
    const [node] = (await statusOf(leader)).nodes;
    for (const end of ['-wal', '-shm']) rmSync(`${store()}${end}`);
    await cordon(leader, node!.id);
    // Longer than a lease: a standby that takes the old copy for the truth would lead by now.
    const end = performance.now() + 14_000;
    await until(() => performance.now() > end, { what: '14 s', timeoutMs: 30_000 });
    expect((await statusOf(leader)).store).toMatchObject({ state: 'open', epoch: 1 });
    expect([leader.dso.child.exitCode, standby.child.exitCode]).toEqual([null, null]);

    leader.dso.child.kill('SIGKILL');
    const second = await untilUp(standby);
    const { nodes } = await untilServing(second, 2, 4);
    expect(nodes.find(({ id }) => id === node!.id)?.intent).toBe('cordoned');
  });

  test('a store that was deleted stops every change with a sentence, and neither the leader nor a stack is seen to end', async () => {
    const leader = await serving();
    rmSync(store());
    const [node] = (await statusOf(leader)).nodes;
    const refused = await fetch(`${leader.http}/blacklistnode?node=${node!.id}`, { method: 'POST' });
    expect(await refused.json()).toMatchObject({
      Error: true,
      Message: expect.stringMatching(/was deleted.*Put it back/),
    });
    expect((await statusOf(leader)).store).toMatchObject({ state: 'suspended' });
    await untilServing(leader, 2, 4);
    const rival = await scene.all.up(await arguments_()).done;
    expect(rival.code).toBe(1);
    expect(rival.stderr).toMatch(/another orchestrator has port \d+ already \(process \d+/);
    expect((await historyOf(leader)).some(({ name }) => name === 'storeLost')).toBe(true);
    expect(leader.dso.stderr).not.toMatch(/^ +at .*[(:]/m);
  });

  test.each([
    ['cut off', (path: string) => truncateSync(path, PAGE + 100)],
    ['filled with zeros', (path: string) => fillInPlace(path, PAGE, 3 * PAGE)],
  ])('a store that is %s takes no process with it, and is refused in a sentence by the next', async (_what, damage) => {
    const leader = await serving();
    spawnSync('kill', ['-STOP', `${leader.dso.child.pid}`]);
    damage(store());
    spawnSync('kill', ['-CONT', `${leader.dso.child.pid}`]);
    const [node] = (await statusOf(leader)).nodes;
    for (let time = 0; time < 20; time += 1) {
      const path = time % 2 === 0 ? 'blacklistnode' : 'unblacklistnode';
      await (await fetch(`${leader.http}/${path}?node=${node!.id}`, { method: 'POST' })).text();
    }
    await untilServing(leader, 2, 4);
    leader.dso.child.kill('SIGKILL');
    await leader.dso.done;
    expect(leader.dso.stderr).not.toMatch(/^ +at .*[(:]/m);
    const next = scene.all.up(await arguments_());
    const outcome = await Promise.race([next.done.then(({ stderr }) => stderr), untilUp(next).then(() => null)]);
    // What was still in the -wal may have mended it.
    if (outcome !== null) expect(outcome).toMatch(/state\.db cannot be used: .*(damaged|malformed).*Move it away/);
  });

  test('no file descriptors left: the fleet serves on, and goes on when there are some again', async () => {
    const leader = await serving();
    const pid = leader.dso.child.pid!;
    const limit = (soft: number): void => void spawnSync('prlimit', ['--pid', `${pid}`, `--nofile=${soft}:`]);
    // Those it has are above.
    limit(10);
    process.kill(scene.all.nodes()[0]!.pid, 'SIGKILL');
    await until(() => leader.dso.stderr.includes('EMFILE'), {
      what: 'the launch of another node to fail',
      timeoutMs: 40_000,
    });
    expect(leader.dso.child.exitCode).toBeNull();
    limit(4_096);
    await untilServing(leader, 2, 4);
    expect(leader.dso.stderr).not.toMatch(/Unhandled|^ +at .*[(:]/m);
  });
});

/** The operator's word is a commit: it is tried until there is one. */
async function cordon(leader: Running, node: string): Promise<void> {
  await until(
    async () => {
      await fetch(`${leader.http}/blacklistnode?node=${node}`, { method: 'POST' });
      const { nodes } = await statusOf(leader);
      return nodes.find(({ id }) => id === node)?.intent === 'cordoned';
    },
    { what: `${node} to be cordoned` },
  );
}
