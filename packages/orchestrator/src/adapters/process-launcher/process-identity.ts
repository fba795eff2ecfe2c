/**
 * Who a pid is. A pid alone says nothing after a while: the system gives it to the next process. Together with the time
 * the process started it is unique until the host restarts. Where there is no /proc (macOS) the start time is null and
 * only the pid is left to go by.
 */
import { readFileSync } from 'node:fs';

/** The time a process started, in the kernel's words, and whether it is dead but not yet reaped. */
type ProcStat = { startTime: string; zombie: boolean };

export type ProcessIdentity = { pid: number; startTime: string | null };

export function identityOf(pid: number): ProcessIdentity {
  return { pid, startTime: readProcStat(pid)?.startTime ?? null };
}

/** Whether exactly this process lives. A zombie does not: an adopted process may never be reaped by anybody. */
export function isAlive(identity: ProcessIdentity): boolean {
  if (!exists(identity.pid)) return false;
  const stat = readProcStat(identity.pid);
  if (stat === null) return identity.startTime === null;
  return !stat.zombie && (identity.startTime === null || stat.startTime === identity.startTime);
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function readProcStat(pid: number): ProcStat | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  // The second field is the program's name in parentheses and may hold anything, parentheses included.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const startTime = fields[19];
  return startTime === undefined ? null : { startTime, zombie: state === 'Z' || state === 'X' };
}
