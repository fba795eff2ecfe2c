/** The launcher in a process of its own, which is killed: what it started lives on, writes on, and is found again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { eventually, isRunning, nodeProgram, startedLauncher, temporaryDirectory } from './fixture.js';

const dist = (path: string): string => fileURLToPath(new URL(`../../../dist/${path}`, import.meta.url));

/** Writes for ever, on both streams. */
const TALKS = `let i = 0; setInterval(() => { console.log('out ' + i); console.error('err ' + i++) }, 5)`;

test('kill -9 of the orchestrator leaves its nodes alive and able to write; the next one adopts them', async () => {
  const dataDir = temporaryDirectory();
  const program = `
    import { systemClock, silentLogger } from '@dshard/transport';
    import { createProcessLauncher } from ${JSON.stringify(dist('adapters/process-launcher/process-launcher.js'))};
    const launcher = createProcessLauncher({
      command: ${JSON.stringify(nodeProgram(TALKS))}, dataDir: ${JSON.stringify(dataDir)}, namePrefix: 'test',
      orchestrator: '127.0.0.1:7447', token: null, clock: systemClock(), logger: silentLogger,
    });
    await launcher.start({ onExit() {} });
    console.log(JSON.stringify(await launcher.launch()));
  `;
  const orchestrator = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: fileURLToPath(new URL('../../../', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void orchestrator.kill('SIGKILL'));
  const [line] = (await once(orchestrator.stdout, 'data')) as [Buffer];
  const { node, pid } = JSON.parse(line.toString()) as { node: string; pid: number };
  onTestFinished(() => {
    if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  });
  const log = join(dataDir, 'nodes', `${node}.log`);
  await eventually(() => expect(readFileSync(log, 'utf8')).toContain('err 3'));

  orchestrator.kill('SIGKILL');
  await once(orchestrator, 'exit');
  const writtenBefore = readFileSync(log, 'utf8').length;
  await eventually(() => expect(readFileSync(log, 'utf8').length).toBeGreaterThan(writtenBefore + 100));
  expect(isRunning(pid)).toBe(true);

  // The lock of the killed one is taken over.
  const { launcher, output, exits } = await startedLauncher(nodeProgram(TALKS), { dataDir });
  expect(launcher.running()).toEqual([expect.objectContaining({ node, pid })]);
  await eventually(() => expect(output(node).length).toBeGreaterThan(10));
  await launcher.stop(node, 5_000);
  expect(exits).toHaveLength(1);
  expect(launcher.running()).toEqual([]);
});
