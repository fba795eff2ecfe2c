/** The whole orchestrator with the real launcher and real processes that are no nodes: they never connect. */
import { fileURLToPath } from 'node:url';
import { until } from '@dshard/testkit';
import { systemClock, systemRandom, tcpTransport } from '@dshard/transport';
import { expect, onTestFinished, test } from 'vitest';
import type { Settings } from '../../src/domain/state/settings.js';
import type { OrchestratorHandle } from '../../src/runtime/contract.js';
import { createOrchestrator } from '../../src/runtime/orchestrator.js';
import { WAITS, isRunning, nodeProgram, testLauncher } from '../adapters/process-launcher/fixture.js';
import { settings } from './settings.js';

async function orchestratorWith(command: string | readonly string[], more: Partial<Settings> = {}) {
  const { launcher, logger } = testLauncher(command, { orchestrator: () => orchestrator.address });
  const orchestrator: OrchestratorHandle = createOrchestrator({
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

// It was launched anew at once, for ever.
test('a bot that dies again and again is launched ever more slowly, and it is told once, with its error', async () => {
  const dies = nodeProgram(`setTimeout(() => { throw new TypeError('no such guild') }, 50)`);
  const pace = { launchRetryMs: 200, launchRetryMaxMs: 60_000 };
  const { orchestrator, told } = await orchestratorWith(dies, pace);
  const text = await told('crashLoop');
  expect(text).toContain('dies again and again: 3 processes, one after the other. The next one is launched in 0.8 s');
  expect(text).toContain('TypeError: no such guild');
  const launches = (): number[] =>
    orchestrator.history().flatMap(({ name, at }) => (name === 'nodeLaunching' ? [at] : []));
  await until(() => launches().length >= 5, { what: 'five launches', timeoutMs: 20_000 });
  const pauses = launches().map((at, index, all) => at - (all[index - 1] ?? at));
  for (const [index, least] of [200, 400, 800, 1_600].entries())
    expect(pauses[index + 1]).toBeGreaterThanOrEqual(least);
  expect(orchestrator.history().filter(({ name }) => name === 'crashLoop')).toHaveLength(1);
}, 60_000);

// Each one that hung was left running, and another was launched beside it.
test('a node that hangs is ended when another has had the time to take its place', async () => {
  const nodeLibrary = fileURLToPath(new URL('../../../node/dist/index.js', import.meta.url));
  const bot = `
    import(${JSON.stringify(nodeLibrary)}).then(({ createNode }) => {
      const nothing = async () => null;
      const host = { startShards: nothing, resumeShard: nothing, stopShard: nothing, freeze: nothing };
      return createNode({ host, lingerMs: 0 }).start();
    });
  `;
  const quick = { heartbeatIntervalMs: 200, maxNodeDowntimeMs: 500, launchTimeoutMs: 3_000, launchRetryMs: 100 };
  const { orchestrator, launcher, told } = await orchestratorWith(nodeProgram(bot), quick);
  await told('nodeJoined');
  const { pid, node } = launcher.running()[0]!;
  process.kill(pid, 'SIGSTOP');
  await until(() => !isRunning(pid), { what: 'the end of the process that hangs', timeoutMs: 30_000 });
  const others = launcher.running().filter((each) => each.node !== node);
  expect(others).toHaveLength(1);
  expect(orchestrator.state.nodes.get(others[0]!.node)?.connection.kind).toBe('connected');
  await expect(told('processEnded')).resolves.toContain('was away for too long, and others have its place');
}, 60_000);

test('an orchestrator that leaves lets its processes run', async () => {
  const { orchestrator, launcher } = await orchestratorWith(nodeProgram(WAITS));
  const { pid } = await until(() => launcher.running()[0], { what: 'a process' });
  onTestFinished(() => void process.kill(pid, 'SIGKILL'));
  await orchestrator.close('leave');
  expect(isRunning(pid)).toBe(true);
});
