/**
 * Files that decide what is started, stopped and believed: whose they are, and who else may write them. The system's
 * administrator may always; others may not.
 */
import { chmodSync, mkdirSync, statSync, type Stats } from 'node:fs';

const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;
const STICKY = 0o1000;

/**
 * A directory of the orchestrator's own: made where there is none, and closed to others where it is ours to close.
 * Throws a sentence without its period where others could change what is in it. @returns what was mended, or null.
 */
export function ownDirectory(path: string): string | null {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there === undefined) mkdirSync(path, { recursive: true, mode: 0o700 });
  const found = there ?? statSync(path);
  if (!found.isDirectory()) throw new Error(`${path} is ${kindOf(found)}, not a directory`);
  const isOpen = (found.mode & (OTHERS_WRITE | GROUP_WRITES)) !== 0;
  if (isOpen && found.uid === process.geteuid?.()) {
    chmodSync(path, found.mode & ~(OTHERS_WRITE | GROUP_WRITES) & 0o7777);
    return `Other users could write in ${path}; that was taken from them.`;
  }
  const hands = foreignHands(found) ?? ((found.mode & OTHERS_WRITE) === 0 ? null : 'can be written by every user');
  if (hands === null) return null;
  throw new Error(
    `${path} ${hands}, who could make the orchestrator start, end and believe anything. Give it to this user (chown) and close it ` +
      `to others (chmod 700), or choose another directory`,
  );
}

/**
 * Who else can write it, in words that follow its name; null: only its owner, who is this user or the administrator. A
 * group of the administrator's file may (Kubernetes makes its volumes so), and nobody outranks the administrator: a
 * container that runs as root has volumes of a user of the host.
 */
export function foreignHands({ uid, mode }: Stats): string | null {
  const own = process.geteuid?.();
  if (own === undefined) return null;
  if (uid !== own && uid !== 0 && own !== 0) return `belongs to another user (id ${uid})`;
  if ((mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0 && uid !== own) return 'can be written by every user';
  return null;
}

export function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a directory';
  if (found.isFIFO()) return 'a named pipe';
  if (found.isSocket()) return 'a socket';
  return found.isFile() ? 'a file' : 'a device';
}
