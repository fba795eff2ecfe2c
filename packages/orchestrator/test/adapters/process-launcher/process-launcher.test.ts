import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  WAITS,
  eventually,
  isRunning,
  nodeProgram,
  startedLauncher,
  temporaryDirectory,
  testLauncher,
} from './fixture.js';

describe('launch', () => {
  test('the process knows its id, the orchestrator and the token, and its output is in the log with its name', async () => {
    const source = `const { env } = process; console.log(env.DSO_NODE_ID, env.DSO_ORCHESTRATOR, env.DSO_TOKEN, env.EXTRA, process.argv[1]); console.error('and errors'); ${WAITS}`;
    const { launcher, output } = await startedLauncher([...nodeProgram(source), 'id={nodeId}'], {
      orchestrator: () => '0.0.0.0:7000',
      token: 'secret',
      env: { EXTRA: 'more' },
    });
    const { node, pid } = await launcher.launch();
    expect(node).toMatch(/^test-[0-9a-z]+$/);
    expect(launcher.running()).toEqual([expect.objectContaining({ node, pid })]);
    await eventually(() => expect(output(node)).toHaveLength(3));
    expect(output(node)).toEqual([`${node} 127.0.0.1:7000 secret more id=${node}`, 'and errors', 'up']);
  });

  test('two nodes that are launched in one millisecond have different ids', async () => {
    const { launcher } = await startedLauncher(nodeProgram(WAITS));
    const [a, b] = await Promise.all([launcher.launch(), launcher.launch()]);
    expect(a.node).not.toBe(b.node);
    expect(launcher.running()).toHaveLength(2);
  });

  test.each([
    { ancestorArguments: true, extra: ['x'], printed: (node: string) => `x -nodeid ${node}` },
    { ancestorArguments: true, extra: ['x{nodeId}'], printed: (node: string) => `x${node}` },
    { ancestorArguments: false, extra: ['x'], printed: () => 'x' },
  ])(
    'the ancestor’s arguments are given where that is wanted: $ancestorArguments, $extra',
    async ({ ancestorArguments, extra, printed }) => {
      const program = nodeProgram(`console.log(process.argv.slice(1).join(' '))`);
      const { launcher, output } = await startedLauncher([...program, '--', ...extra], { ancestorArguments });
      const { node } = await launcher.launch();
      await eventually(() => expect(output(node)).toEqual([printed(node)]));
    },
  );

  test('starts the version that it is given where the command has {version}, and nothing where none is known', async () => {
    const program = nodeProgram(`console.log(process.argv.slice(1).join(' '))`);
    const { launcher, output } = await startedLauncher([...program, '--', 'releases/{version}/{nodeId}']);
    expect(launcher.launchesVersions).toBe(true);
    // Text in a version is no placeholder.
    const { node } = await launcher.launch('v2-{nodeId}');
    await eventually(() => expect(output(node)).toEqual([`releases/v2-{nodeId}/${node}`]));
    await expect(launcher.launch()).rejects.toThrow(/no version is known: set launcher\.version/);
  });

  test('a process that dies at once is reported at once, with code, output and command, after its launch', async () => {
    const { launcher, exits } = await startedLauncher(nodeProgram(`console.error('no such token'); process.exit(3)`));
    const { node, pid } = await launcher.launch();
    expect(exits).toEqual([]);
    await eventually(() => expect(exits).toHaveLength(1));
    expect(exits[0]?.node).toBe(node);
    expect(exits[0]?.description).toContain('exited with code 3 after 0.');
    expect(exits[0]?.description).toContain('its last lines were: no such token');
    expect(exits[0]?.description).toContain(process.execPath);
    expect(launcher.running()).toEqual([]);
    expect(isRunning(pid)).toBe(false);
  });

  /**
   * The last five lines of a bot that died of an error were calls of its stack: `dso` told what had called what, and
   * not the error.
   */
  test('a process that dies of an error is reported with the error, however long its stack is', async () => {
    const dies = `const deep = (n) => { if (n === 0) throw new TypeError('no such channel'); deep(n - 1); }; deep(12)`;
    const { launcher, exits } = await startedLauncher(nodeProgram(dies));
    await launcher.launch();
    await eventually(() => expect(exits).toHaveLength(1));
    expect(exits[0]?.description).toMatch(/TypeError: no such channel\n(?: {4}at deep .*\n){3}Node\.js v/);
  });

  // What a bot does about its error (a farewell, a summary) pushed the error out of what was told.
  test('a process that writes on after its error is reported with the error, and with the path of its log', async () => {
    const says = `console.error('TypeError: no such guild\\n    at boot (bot.js:3)'); for (let i = 0; i < 50; i++) console.log('cleaning up ' + i); process.exitCode = 1`;
    const dataDir = temporaryDirectory();
    const { launcher, exits } = await startedLauncher(nodeProgram(says), { dataDir });
    const { node } = await launcher.launch();
    await eventually(() => expect(exits).toHaveLength(1));
    const { description } = exits[0]!;
    expect(description).toMatch(
      /these tell of an error: TypeError: no such guild\n {4}at boot \(bot\.js:3\)\ncleaning up 0\n/,
    );
    expect(description).toContain('cleaning up 6');
    expect(description).not.toContain('cleaning up 12');
    expect(description).toContain(`log: ${join(dataDir, 'nodes', `${node}.log`)}`);
  });

  test('a process is told its version, unless its environment says another one', async () => {
    const says = nodeProgram(`console.log('version ' + process.env.DSO_VERSION)`);
    const { launcher, output, exits } = await startedLauncher(says);
    const { node } = await launcher.launch('7.1');
    await eventually(() => expect(exits).toHaveLength(1));
    expect(output(node)).toEqual(['version 7.1']);
    const own = await startedLauncher(says, { env: { DSO_VERSION: 'mine' } });
    const { node: other } = await own.launcher.launch('7.1');
    await eventually(() => expect(own.exits).toHaveLength(1));
    expect(own.output(other)).toEqual(['version mine']);
  });

  test('a process that is killed is reported with the signal', async () => {
    const { launcher, exits, output } = await startedLauncher(nodeProgram(WAITS));
    const { node, pid } = await launcher.launch();
    await eventually(() => expect(output(node)).toEqual(['up']));
    process.kill(pid, 'SIGKILL');
    await eventually(() => expect(exits[0]?.description).toContain('was ended by SIGKILL'));
  });

  test('when the process is gone, so is what it left behind in its group', async () => {
    const leavesChild = `const c = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' }); console.log(c.pid); process.exit(0)`;
    const { launcher, output, exits } = await startedLauncher(nodeProgram(leavesChild));
    const { node } = await launcher.launch();
    await eventually(() => expect(exits).toHaveLength(1));
    const grandchild = Number(output(node)[0]);
    expect(grandchild).toBeGreaterThan(1);
    await eventually(() => expect(readState(grandchild)).toMatch(/^(gone|Z)$/));
  });
});

describe('what cannot be launched is named', () => {
  test('a program that does not exist is named', async () => {
    const { launcher } = await startedLauncher('no-such-bot --fast');
    await expect(launcher.launch()).rejects.toMatchObject({
      code: 'DSO_COMMAND_NOT_FOUND',
      message: 'There is no program no-such-bot on the PATH.',
    });
    expect(launcher.running()).toEqual([]);
  });

  test('a program that may not be executed is named', async () => {
    const path = join(temporaryDirectory(), 'bot.sh');
    writeFileSync(path, '#!/bin/sh\n');
    chmodSync(path, 0o644);
    const { launcher } = await startedLauncher([path]);
    await expect(launcher.launch()).rejects.toMatchObject({
      code: 'DSO_COMMAND_NOT_EXECUTABLE',
      message: expect.stringContaining(path),
    });
  });

  test('a working directory that does not exist is named', async () => {
    const { launcher } = await startedLauncher(nodeProgram(WAITS), { cwd: '/no/such/directory' });
    await expect(launcher.launch()).rejects.toMatchObject({
      code: 'DSO_WORKING_DIRECTORY_MISSING',
      message: expect.stringContaining('/no/such/directory'),
    });
  });

  test('a launcher that was not started, or is closed, says so', async () => {
    const { launcher } = testLauncher(nodeProgram(WAITS));
    await expect(launcher.launch()).rejects.toMatchObject({ code: 'DSO_NOT_RUNNING' });
    await launcher.start({ onExit: () => undefined });
    await launcher.close();
    await expect(launcher.launch()).rejects.toMatchObject({ code: 'DSO_NOT_RUNNING' });
  });
});

describe('stop', () => {
  test('a process that listens to SIGTERM ends by itself', async () => {
    const { launcher, exits, output } = await startedLauncher(
      nodeProgram(`process.on('SIGTERM', () => { console.log('bye'); process.exit(0) }); ${WAITS}`),
    );
    const { node } = await launcher.launch();
    await eventually(() => expect(output(node)).toEqual(['up']));
    await launcher.stop(node, 10_000);
    expect(output(node)).toEqual(['up', 'bye']);
    expect(exits[0]?.description).toContain('exited with code 0');
  });

  test('a process that ignores SIGTERM is killed after the grace, the shortest one asked for', async () => {
    const { launcher, exits, output } = await startedLauncher(nodeProgram(`process.on('SIGTERM', () => {}); ${WAITS}`));
    const { node, pid } = await launcher.launch();
    await eventually(() => expect(output(node)).toEqual(['up']));
    await Promise.all([launcher.stop(node, 600_000), launcher.stop(node, 50)]);
    expect(exits).toHaveLength(1);
    expect(exits[0]?.description).toContain('was ended by SIGKILL');
    expect(isRunning(pid)).toBe(false);
  });

  test('an unknown node is as good as stopped', async () => {
    const { launcher } = await startedLauncher(nodeProgram(WAITS));
    await expect(launcher.stop('nobody', 0)).resolves.toBeUndefined();
  });
});

describe('adoption', () => {
  const TALKS = `process.on('SIGUSR2', () => console.log('signalled')); console.log('up'); setInterval(() => {}, 1000)`;

  test('the next launcher finds living processes, goes on with their output, notices their end', async () => {
    const dataDir = temporaryDirectory();
    const first = await startedLauncher(nodeProgram(TALKS), { dataDir });
    const { node, pid } = await first.launcher.launch();
    await eventually(() => expect(first.output(node)).toEqual(['up']));
    await first.launcher.close();
    expect(isRunning(pid)).toBe(true);
    process.kill(pid, 'SIGUSR2');
    const log = join(dataDir, 'nodes', `${node}.log`);
    await eventually(() => expect(readFileSync(log, 'utf8')).toContain('signalled'));

    const second = await startedLauncher(nodeProgram(TALKS), { dataDir });
    expect(second.launcher.running()).toEqual([expect.objectContaining({ node, pid })]);
    // What it wrote while nobody followed is told now, and what was told before is not told again.
    await eventually(() => expect(second.output(node)).toEqual(['signalled']));
    process.kill(pid, 'SIGUSR2');
    await eventually(() => expect(second.output(node)).toEqual(['signalled', 'signalled']));
    process.kill(pid, 'SIGKILL');
    await eventually(() => expect(second.exits).toEqual([{ node, description: expect.stringContaining('ended') }]));
    expect(first.exits).toEqual([]);
    expect(second.launcher.running()).toEqual([]);
  });

  test('an adopted process can be stopped', async () => {
    const dataDir = temporaryDirectory();
    const first = await startedLauncher(nodeProgram(WAITS), { dataDir });
    const { node, pid } = await first.launcher.launch();
    await first.launcher.close();
    const second = await startedLauncher(nodeProgram(WAITS), { dataDir });
    await second.launcher.stop(node, 5_000);
    await eventually(() => expect(isRunning(pid)).toBe(false));
    expect(second.exits).toHaveLength(1);
  });

  test('records of dead processes, of reused pids, and broken ones are removed', async () => {
    const dataDir = temporaryDirectory();
    const nodes = join(dataDir, 'nodes');
    mkdirSync(nodes, { recursive: true });
    const record = { command: ['bot'], launchedAt: 0, logOffset: null };
    const records: Record<string, unknown> = {
      dead: { ...record, node: 'dead', pid: 2 ** 22 + 1, startTime: '1' },
      // This process lives, but it is not the one that started back then.
      reused: { ...record, node: 'reused', pid: process.pid, startTime: '1' },
      renamed: { ...record, node: '../elsewhere', pid: process.pid, startTime: null },
      everybody: { ...record, node: 'everybody', pid: -1, startTime: null },
      nothing: null,
    };
    for (const [name, value] of Object.entries(records))
      writeFileSync(join(nodes, `${name}.json`), JSON.stringify(value));
    writeFileSync(join(nodes, 'garbage.json'), '{');
    const { launcher } = await startedLauncher(nodeProgram(WAITS), { dataDir });
    expect(launcher.running()).toEqual([]);
    expect(readdirSync(nodes)).toEqual([]);
  });
});

describe('the data directory', () => {
  test('a second launcher is refused while the first one has it, and gets it afterwards', async () => {
    const dataDir = temporaryDirectory();
    const first = await startedLauncher(nodeProgram(WAITS), { dataDir });
    const second = testLauncher(nodeProgram(WAITS), { dataDir });
    await expect(second.launcher.start({ onExit: () => undefined })).rejects.toMatchObject({
      code: 'DSO_DATA_DIR_LOCKED',
      message: expect.stringContaining(`process id ${process.pid}`),
    });
    await first.launcher.close();
    const third = await startedLauncher(nodeProgram(WAITS), { dataDir });
    expect(third.launcher.running()).toEqual([]);
  });

  test.each([
    ['a dead process', JSON.stringify({ pid: 2 ** 22 + 1, startTime: '1' })],
    ['an earlier process with our pid', JSON.stringify({ pid: process.pid, startTime: '1' })],
    ['nobody that can be made out', 'garbage'],
  ])('the lock of %s is taken over', async (_whose, content) => {
    const dataDir = temporaryDirectory();
    writeFileSync(join(dataDir, 'orchestrator.lock'), content);
    const { launcher } = await startedLauncher(nodeProgram(WAITS), { dataDir });
    expect(readdirSync(dataDir).sort()).toEqual(['nodes', 'orchestrator.lock']);
    await launcher.close();
    expect(readdirSync(dataDir)).toEqual(['nodes']);
  });

  test('a directory that cannot be made is named', async () => {
    const file = join(temporaryDirectory(), 'file');
    writeFileSync(file, '');
    const { launcher } = testLauncher(nodeProgram(WAITS), { dataDir: join(file, 'below') });
    await expect(launcher.start({ onExit: () => undefined })).rejects.toMatchObject({
      code: 'DSO_DATA_DIR_UNUSABLE',
      message: expect.stringContaining(file),
    });
  });

  test('the log of a process that pauses for breath is truncated without losing a line', async () => {
    const bursts = 4;
    const source = `let burst = 0; const say = () => { let text = ''; for (let i = 0; i < 500; i++) text += burst + '-' + i + ' ' + 'x'.repeat(100) + '\\n'; process.stdout.write(text); burst++ }; process.on('SIGUSR2', say); console.log('up'); setInterval(() => {}, 1000)`;
    const dataDir = temporaryDirectory();
    const { launcher, output } = await startedLauncher(nodeProgram(source), { dataDir, maxLogBytes: 20_000 });
    const { node, pid } = await launcher.launch();
    await eventually(() => expect(output(node)).toEqual(['up']));
    for (let burst = 0; burst < bursts; burst++) {
      process.kill(pid, 'SIGUSR2');
      await eventually(() => expect(output(node).at(-1)).toMatch(`${burst}-499`));
      await eventually(() => expect(statSync(join(dataDir, 'nodes', `${node}.log`)).size).toBe(0));
    }
    const expected = Array.from({ length: bursts * 500 }, (_, i) => `${Math.floor(i / 500)}-${i % 500}`);
    const said = output(node).slice(1);
    expect(said.map((line) => line.split(' ')[0])).toEqual(expected);
  });

  test('the log of a process that never pauses is truncated again and again', async () => {
    const source = `const say = () => { process.stdout.write(('x'.repeat(99) + '\\n').repeat(50)); setImmediate(say) }; say()`;
    const dataDir = temporaryDirectory();
    const { launcher, output } = await startedLauncher(nodeProgram(source), { dataDir, maxLogBytes: 10_000 });
    const { node } = await launcher.launch();
    // What could not be read in time stands in the copy, which is written before each truncation. How large the log
    // gets in between is the machine's affair.
    const copies = new Set<number>();
    await eventually(() => {
      const copy = statSync(join(dataDir, 'nodes', `${node}.log.1`), { throwIfNoEntry: false });
      if (copy !== undefined) copies.add(copy.mtimeMs);
      expect(copies.size).toBeGreaterThan(3);
    });
    expect(output(node).length).toBeGreaterThan(0);
    await launcher.stop(node, 0);
    expect(statSync(join(dataDir, 'nodes', `${node}.log.1`)).size).toBeGreaterThan(10_000);
  });

  test('only the newest logs of ended processes are kept', async () => {
    const dataDir = temporaryDirectory();
    const { launcher, exits } = await startedLauncher(nodeProgram(''), { dataDir });
    await Promise.all(Array.from({ length: 13 }, () => launcher.launch()));
    await eventually(() => expect(exits).toHaveLength(13));
    expect(readdirSync(join(dataDir, 'nodes'))).toHaveLength(10);
  });
});

function readState(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] ?? 'gone';
  } catch {
    return 'gone';
  }
}
