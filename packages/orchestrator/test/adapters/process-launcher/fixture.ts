/** Launchers on a data directory of their own; whatever they started is gone when the test is over. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@dshard/transport';
import { afterEach, vi } from 'vitest';
import type { ProcessLauncherOptions } from '../../../src/adapters/process-launcher/process-launcher.js';
import { createProcessLauncher } from '../../../src/adapters/process-launcher/process-launcher.js';
import type { Launcher, ProcessExit } from '../../../src/ports/surroundings.js';
import { recordingLogger } from '../../recording-logger.js';

const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'dso-test-'));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A program of this very Node. */
export function nodeProgram(source: string): string[] {
  return [process.execPath, '-e', source];
}

/** Says that it is up, then waits for ever. */
export const WAITS = `console.log('up'); setInterval(() => {}, 1000)`;

export type TestLauncher = {
  launcher: Launcher;
  logger: ReturnType<typeof recordingLogger>;
  exits: ProcessExit[];
  /** What the node wrote, line by line. */
  output: (node: string) => string[];
};

export function testLauncher(
  command: string | readonly string[],
  more: Partial<ProcessLauncherOptions> = {},
): TestLauncher {
  const logger = recordingLogger();
  const launcher = createProcessLauncher({
    command,
    dataDir: more.dataDir ?? temporaryDirectory(),
    namePrefix: 'test',
    orchestrator: '127.0.0.1:7447',
    token: null,
    clock: systemClock(),
    logger,
    pollMs: 20,
    ...more,
  });
  cleanups.push(async () => {
    await Promise.all(launcher.running().map(({ node }) => launcher.stop(node, 0)));
    await launcher.close();
  });
  const output = (node: string): string[] =>
    logger.lines
      .filter(({ fields }) => fields['node'] === node && Object.keys(fields).length === 1)
      .map(({ message }) => message);
  return { launcher, logger, exits: [], output };
}

export async function startedLauncher(
  command: string | readonly string[],
  more: Partial<ProcessLauncherOptions> = {},
): Promise<TestLauncher> {
  const test = testLauncher(command, more);
  await test.launcher.start({ onExit: (exit) => test.exits.push(exit) });
  return test;
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Polls until the assertion holds. */
export function eventually(assertion: () => void): Promise<void> {
  return vi.waitFor(assertion, { timeout: 25_000, interval: 10 });
}
