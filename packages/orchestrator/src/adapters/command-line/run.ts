/** Runs a short-lived command and gives its output: bounded in time (killed, with its process group) and in output. */
import { spawn } from 'node:child_process';
import type { Clock } from '@dshard/transport';
import { OrchestratorError } from '../../errors.js';
import { requireDirectory, spawnError } from './spawn-error.js';
import type { Command } from './split.js';

/** The end of the output is what matters: a version's only line, an error's last ones. */
const KEPT_CHARACTERS = 16 * 1024;

export type RunOptions = { cwd: string; clock: Clock; timeoutMs: number };

/** Resolves with what it printed, trimmed. Rejects with what it printed as an error. */
export async function runCommand(command: Command, options: RunOptions): Promise<string> {
  const { cwd, clock, timeoutMs } = options;
  const [program, ...args] = command;
  requireDirectory(cwd);
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-KEPT_CHARACTERS);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-KEPT_CHARACTERS);
    });

    const failed = (how: string): OrchestratorError => {
      const said = errors.trim() || output.trim();
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
      if (code === 0) resolve(output.trim());
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
