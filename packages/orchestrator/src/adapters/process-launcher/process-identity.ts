/** Who a process is, who we are to others on the same store, and what we can tell of them. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Clock, Random } from '@dshard/transport';
import type { Leader, LeaderIdentity } from '../../ports/state-store.js';

// Who a pid is. A pid alone says nothing after a while: the system gives it to the next process. Together with the time
// the process started it is unique until the host restarts. Where there is no /proc (macOS) the start time is null and
// only the pid is left to go by.

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

/**
 * Who we are to others on the same store, and what we can tell of them. A process is told from every other one by its
 * machine, its pid and its start time; a machine by the kernel's boot id and the pid namespace, so that two containers
 * with the same host name are two. What a machine of the same name ran before it was restarted is dead. Of a leader on
 * another machine, or where there is no /proc, nothing is known.
 */
export function ownIdentity(
  random: Random,
  clock: Pick<Clock, 'wallClock'>,
  reached: Pick<LeaderIdentity, 'address' | 'http'> = {},
): LeaderIdentity {
  const { pid, startTime } = identityOf(process.pid);
  const here = machine();
  const unique = Math.floor(random.next() * 36 ** 8)
    .toString(36)
    .padStart(8, '0');
  return {
    id: `${hostname()}-${pid}-${unique}`,
    host: hostname(),
    pid,
    process: here === null || startTime === null ? null : { machine: here, startTime },
    boot: boot(),
    since: clock.wallClock(),
    ...reached,
  };
}

export function livenessOf({ host, pid, process: other, boot: theirBoot }: Leader): 'alive' | 'dead' | 'unknown' {
  const here = read(bootId);
  if (host === hostname() && here !== null && theirBoot !== null && !theirBoot.startsWith(here)) return 'dead';
  if (typeof other !== 'object' || other === null || !('machine' in other)) return 'unknown';
  const { machine: theirs, startTime } = other;
  if (typeof startTime !== 'string' || theirs !== machine()) return 'unknown';
  return isAlive({ pid, startTime }) ? 'alive' : 'dead';
}

function machine(): string | null {
  return read(() => `${bootId()} ${readlinkSync('/proc/self/ns/pid')}`);
}

/** Whoever has the same one has the same monotonic time. */
function boot(): string | null {
  return read(() => `${bootId()} ${readlinkSync('/proc/self/ns/time')}`) ?? read(bootId);
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

function read(source: () => string): string | null {
  try {
    return source();
  } catch {
    return null;
  }
}
