/** The whole orchestrator with the real launcher and real processes that are no nodes: they never connect. */
import { until } from '@dshard/testkit';
import { systemClock, systemRandom, tcpTransport } from '@dshard/transport';
import { expect, onTestFinished, test } from 'vitest';
import type { Settings } from '../../src/domain/state/settings.js';
import { createOrchestrator } from '../../src/runtime/orchestrator.js';
import { WAITS, isRunning, nodeProgram, testLauncher } from '../adapters/process-launcher/fixture.js';
import { settings } from './settings.js';

async function orchestratorWith(command: string | readonly string[], more: Partial<Settings> = {}) {
  const { launcher, logger } = testLauncher(command);
  const orchestrator = createOrchestrator({
    listen: '127.0.0.1:0',
    token: null,
    settings: settings({ nodes: 1, commandTimeoutMs: 200, ...more }),
    stopGraceMs: 200,
    clock: systemClock(),
    random: systemRandom(),
    transport: tcpTransport(),
    launcher,
    versionSource: null,
    gatewayInfo: null,
    logger,
  });
  onTestFinished(() => orchestrator.close('leave'));
  await orchestrator.start();
  const told = (name: string): Promise<string> =>
    until(() => orchestrator.history().find((entry) => entry.name === name)?.text, { what: name });
  return { orchestrator, launcher, told };
}

test('a command that does not exist is reported by name', async () => {
  const { told } = await orchestratorWith('no-such-bot');
  await expect(told('launchFailed')).resolves.toMatch(/: There is no program no-such-bot on the PATH\.$/);
});

test('a bot that dies at once is reported at once, with what it said last', async () => {
  const { told } = await orchestratorWith(nodeProgram(`console.error('Error: no token'); process.exit(4)`));
  const text = await told('launchFailed');
  expect(text).toContain('exited with code 4');
  expect(text).toContain('Error: no token');
});

test('the end of the fleet stops the processes, also one that never connected and ignores SIGTERM', async () => {
  const { orchestrator, launcher } = await orchestratorWith(nodeProgram(`process.on('SIGTERM', () => {}); ${WAITS}`));
  const { pid } = await until(() => launcher.running()[0], { what: 'a process' });
  await orchestrator.close('end');
  expect(isRunning(pid)).toBe(false);
});

// Each launch that timed out left its process behind, and the next one was started beside it.
test('a bot that hangs at its start and ignores SIGTERM is ended before the next is started', async () => {
  const hangs = nodeProgram(`process.on('SIGTERM', () => {}); ${WAITS}`);
  const { orchestrator, launcher } = await orchestratorWith(hangs, { launchTimeoutMs: 500, launchRetryMs: 1_000 });
  const { pid } = await until(() => launcher.running()[0], { what: 'a process' });
  await until(() => !isRunning(pid), { what: 'the first process to be killed', timeoutMs: 20_000 });
  const launched = (): number => orchestrator.history().filter(({ name }) => name === 'nodeLaunching').length;
  await until(() => launched() >= 3, { what: 'three launches', timeoutMs: 20_000 });
  expect(launcher.running().length).toBeLessThanOrEqual(2);
}, 60_000);

test('an orchestrator that leaves lets its processes run', async () => {
  const { orchestrator, launcher } = await orchestratorWith(nodeProgram(WAITS));
  const { pid } = await until(() => launcher.running()[0], { what: 'a process' });
  onTestFinished(() => void process.kill(pid, 'SIGKILL'));
  await orchestrator.close('leave');
  expect(isRunning(pid)).toBe(true);
});
