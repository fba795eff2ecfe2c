/** Runs a short-lived command and gives its output: bounded in time (killed, with its process group) and in output. */
import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { messageOf, printable } from '@dshard/protocol';
import type { Clock } from '@dshard/transport';
import { OrchestratorError } from '../../errors.js';
import type { Command } from './split.js';

/** The end of the output is what matters: a version's only line, an error's last ones. */
const KEPT_CHARACTERS = 16 * 1024;

export type Environment = Readonly<Record<string, string | undefined>>;

export type RunOptions = { cwd: string; environment: Environment; clock: Clock; timeoutMs: number };

/** Resolves with what it printed, trimmed. Rejects with what it printed as an error. */
export async function runCommand(command: Command, options: RunOptions): Promise<string> {
  const { cwd, environment, clock, timeoutMs } = options;
  const [program, ...args] = command;
  requireDirectory(cwd);
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: environment, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-KEPT_CHARACTERS);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-KEPT_CHARACTERS);
    });

    const failed = (how: string): OrchestratorError => {
      const said = printable(errors.trim() || output.trim());
      const detail = said === '' ? 'it printed nothing' : said;
      return new OrchestratorError('DSO_VERSION_COMMAND_FAILED', `${command.join(' ')} ${how}: ${detail}`);
    };
    const cancel = clock.after(timeoutMs, () => {
      if (child.pid !== undefined) killGroup(child.pid);
      // Whoever inherited its output must not keep us waiting.
      child.stdout.destroy();
      child.stderr.destroy();
      reject(failed(`took longer than ${timeoutMs / 1000} s and was killed`));
    });
    child.once('error', (cause) => {
      cancel();
      reject(spawnError(command, cwd, cause));
    });
    child.once('close', (code, signal) => {
      cancel();
      if (code === 0) resolve(printable(output.trim()));
      else reject(failed(signal === null ? `exited with code ${code}` : `was ended by ${signal}`));
    });
  });
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // It ended in this very moment.
  }
}

// Turns what the system says when a program cannot be started into a sentence that names the program.

/** Throws when `cwd` is no directory: `spawn` reports that as a missing *program*, which leads people astray. */
export function requireDirectory(cwd: string): void {
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new OrchestratorError(
    'DSO_WORKING_DIRECTORY_MISSING',
    `The working directory ${cwd} does not exist or is no directory.`,
  );
}

export function spawnError(command: Command, cwd: string, cause: unknown): OrchestratorError {
  const [program] = command;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT') {
    const where = program.includes('/') ? `in ${cwd}` : `on the PATH`;
    return new OrchestratorError('DSO_COMMAND_NOT_FOUND', `There is no program ${program} ${where}.`, { cause });
  }
  if (code === 'EACCES' || code === 'ENOEXEC' || code === 'EISDIR') {
    return new OrchestratorError(
      'DSO_COMMAND_NOT_EXECUTABLE',
      `${program} may not be executed (seen from ${cwd}): make it executable, or start it through its interpreter.`,
      { cause },
    );
  }
  return new OrchestratorError(
    'DSO_LAUNCH_FAILED',
    `The system refused to start ${command.join(' ')}: ${messageOf(cause)}.`,
    { cause },
  );
}
