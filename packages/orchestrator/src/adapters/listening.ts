/** Which program of this machine listens on a port. Only Linux says, and of other users' programs only to root. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A program that listens. */
export type Listener = { pid: number; name: string };

/** `st` of a socket that listens, in /proc/net/tcp. */
const LISTENS = '0A';

export function listenerOn(port: number): Listener | null {
  const sockets = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningSockets(table, port)));
  if (sockets.size === 0) return null;
  for (const pid of listed('/proc').filter((name) => /^\d+$/.test(name))) {
    const holds = listed(`/proc/${pid}/fd`).some((fd) => sockets.has(linkOf(`/proc/${pid}/fd/${fd}`)));
    if (holds) return { pid: Number(pid), name: nameOf(pid) };
  }
  return null;
}

function listeningSockets(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return contentOf(table)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', , state]) => local.endsWith(suffix) && state === LISTENS)
    .map((fields) => `socket:[${fields[9]}]`);
}

/** The program's name only: its arguments may hold what is not for a log. */
function nameOf(pid: string): string {
  return contentOf(`/proc/${pid}/comm`).trim();
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function listed(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
