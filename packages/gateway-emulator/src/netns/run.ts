/** Carries out a plan: makes the namespace, starts emulator and bot in it, and takes everything away again. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '@dshard/protocol';
import { EmulatorError } from '../errors.js';
import type { Plan } from './plan.js';

export type NamespaceIo = {
  /** What the emulator prints. */
  out: (text: string) => void;
  /** Resolves when everything is to end. */
  untilStopped: Promise<void>;
};

/** What `dso-gateway` says when it is ready. */
const readySaid = ', ready.';

/** Resolves with the exit code of the bot, 0 when it was asked to end. Throws `DSO_EMULATOR_NAMESPACE`. */
export async function runInNamespace(plan: Plan, { out, untilStopped }: NamespaceIo): Promise<number> {
  const running = new Set<ChildProcess>();
  try {
    mkdirSync(plan.etcFolder, { recursive: true });
    for (const [name, text] of Object.entries(plan.files)) writeFileSync(join(plan.etcFolder, name), text);
    for (const command of plan.setUp) runNow(command);
    const gateway = start(plan.gateway, {}, running);
    await greeted(gateway, out);
    const bot = start(plan.bot, plan.botEnv, running, 'inherit');
    return await Promise.race([codeOf(bot), endOf(gateway), untilStopped.then(() => 0)]);
  } catch (error) {
    if (error instanceof EmulatorError) throw error;
    throw failed(`the namespace cannot be made (${messageOf(error)})`, error);
  } finally {
    for (const child of [...running].reverse()) await end(child);
    for (const [program = '', ...args] of plan.tearDown) spawnSync(program, args);
    rmSync(plan.etcFolder, { recursive: true, force: true });
  }
}

function runNow([program = '', ...args]: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (error !== undefined) throw failed(`${program} cannot be run (${error.message})`, error);
  if (status !== 0) throw failed(`"${[program, ...args].join(' ')}" failed: ${stderr.trim()}`);
}

function start(
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
  running: Set<ChildProcess>,
  stdio: 'inherit' | 'pipe' = 'pipe',
): ChildProcess {
  const output = stdio === 'inherit' ? stdio : (['ignore', 'pipe', 'pipe'] as const);
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: output as 'inherit' });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** It has said that it is ready; else throws with what it said instead. */
async function greeted(gateway: ChildProcess, out: (text: string) => void): Promise<void> {
  let said = '';
  await new Promise<void>((resolve, reject) => {
    for (const stream of [gateway.stdout, gateway.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        // How to point a bot at it is of no use: here every bot is.
        if (said === '') out(text.split('Point a bot at it')[0] ?? '');
        said += text;
        if (said.includes(readySaid)) resolve();
      });
    gateway.once('error', reject);
    gateway.once('exit', (code) => reject(failed(`dso-gateway ended with ${code}: ${said.trim()}`)));
  });
}

function codeOf(bot: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    bot.once('error', (error) => reject(failed(`the bot cannot be started (${error.message})`, error)));
    // 128 and more is what shells make of a signal.
    bot.once('exit', (code) => resolve(code ?? 128));
  });
}

function endOf(gateway: ChildProcess): Promise<never> {
  return new Promise((_resolve, reject) => {
    gateway.once('exit', (code) => reject(failed(`dso-gateway ended with ${code} while the bot was running`)));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

function failed(problem: string, cause?: unknown): EmulatorError {
  return new EmulatorError('DSO_EMULATOR_NAMESPACE', `The bot does not run in a namespace: ${problem}.`, { cause });
}
