/**
 * Who we are to others on the same store, and what we can tell of them. A process is told from every other one by its machine, its pid
 * and its start time; a machine by the kernel's boot id and the pid namespace, so that two containers with the same host name are two.
 * Of a leader on another machine, or where there is no /proc, nothing is known.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Random } from '@dshard/transport';
import type { Leader, LeaderIdentity } from '../ports/state-store.js';
import { identityOf, isAlive } from './process-launcher/process-identity.js';

export function ownIdentity(random: Random): LeaderIdentity {
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
  };
}

export function livenessOf({ pid, process: other }: Leader): 'alive' | 'dead' | 'unknown' {
  if (typeof other !== 'object' || other === null || !('machine' in other)) return 'unknown';
  const { machine: theirs, startTime } = other;
  if (typeof startTime !== 'string' || theirs !== machine()) return 'unknown';
  return isAlive({ pid, startTime }) ? 'alive' : 'dead';
}

function machine(): string | null {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return null;
  }
}
