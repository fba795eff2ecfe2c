/** Turns what the system says when a program cannot be started into a sentence that names the program. */
import { statSync } from 'node:fs';
import { messageOf } from '@dshard/protocol';
import { OrchestratorError } from '../../errors.js';
import type { Command } from './split.js';

/**
 * Throws when `cwd` is no directory: `spawn` reports that as a missing *program*, which sends people looking in the
 * wrong place.
 */
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
