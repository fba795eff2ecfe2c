/** The processes of a fleet, found by their environment: those nobody knows any more as well. */
import { readdirSync, readFileSync } from 'node:fs';
import { messageOf } from '@dshard/protocol';

/** The pids of processes whose environment names `folder`. Linux only. */
export function processesOf(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => environmentOf(pid).includes(folder));
}

/** A zombie has none. */
function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    // It ended meanwhile, or is somebody else's.
    return '';
  }
}

/** Throws unless the process is there. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (cause) {
    throw new Error(`Process ${pid} could not be sent ${name}: ${messageOf(cause)}`, { cause });
  }
}

/** kill -9 of what is still there. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended meanwhile.
    }
  }
}
