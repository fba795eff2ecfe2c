/**
 * The files of a store: the database, its write-ahead log (`-wal`) and the index of that (`-shm`). SQLite knows them by
 * what it opened; whoever opens the store next goes by name. So when one of them is deleted or replaced by somebody
 * else, two processes could write one store and not see each other. That is noticed here, before every transaction.
 */
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  type Stats,
} from 'node:fs';
import { dirname } from 'node:path';
import { foreignHands, kindOf } from '../private-files.js';

const BESIDE = ['-wal', '-shm'] as const;

export class StoreFiles {
  readonly #path: string;
  /** Which file it was at first. */
  readonly #database: number;
  #beside: ReadonlyMap<string, number> = new Map();

  /** Makes the file where there is none. Throws what the system says, or a sentence. */
  constructor(path: string) {
    this.#path = path;
    const directory = dirname(path);
    const found = statOf(directory);
    if (found?.isDirectory() === false) throw new Error(`${directory} is ${kindOf(found)}, not a directory`);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const file of [path, ...BESIDE.map((end) => `${path}${end}`)]) refuseUnlessOurs(file);
    // Nobody else reads or writes it: it names hosts and gateway sessions.
    create(path);
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
    this.#database = statSync(path).ino;
  }

  /** A connection was opened: the files beside the database are those that it uses. */
  noteOpened(): void {
    this.#beside = new Map(BESIDE.flatMap((end) => this.#inode(end)));
  }

  /** What was done to the database by somebody else. */
  get databaseProblem(): 'deleted' | 'replaced' | null {
    const found = statOf(this.#path)?.ino;
    if (found === this.#database) return null;
    return found === undefined ? 'deleted' : 'replaced';
  }

  /** The file beside the database that is not the one any more that our connection uses. */
  get lostBeside(): string | null {
    for (const [end, inode] of this.#beside) if (statOf(`${this.#path}${end}`)?.ino !== inode) return end;
    return null;
  }

  /** Whether this process has a file open that was one of those beside the database. */
  isHoldingLost(): boolean {
    const lost = new Set(this.#beside.values());
    return openFiles().some((file) => lost.has(file));
  }

  forgetLost(): void {
    this.#beside = new Map();
  }

  #inode(end: string): [string, number][] {
    const found = statOf(`${this.#path}${end}`);
    return found === undefined ? [] : [[end, found.ino]];
  }
}

/**
 * A file that is there is not opened: closing it again would take from this process every lock that another connection
 * of it has there, and the next one who closes the database would delete its -wal.
 */
function create(path: string): void {
  if (statOf(path) === undefined) closeSync(openSync(path, 'a', 0o600));
  accessSync(path, constants.R_OK | constants.W_OK);
}

function refuseUnlessOurs(path: string): void {
  const found = statOf(path);
  if (found === undefined) return;
  if (!found.isFile()) throw new Error(`${path} is ${kindOf(found)}, not a file`);
  const hands = foreignHands(found);
  if (hands !== null) throw new Error(`${path} ${hands}, so what is in it cannot be trusted`);
}

/** The inodes of what this process has open; where the system does not say: none. */
function openFiles(): number[] {
  try {
    const fds = readdirSync('/proc/self/fd');
    return fds.flatMap((fd) => statOf(`/proc/self/fd/${fd}`)?.ino ?? []);
  } catch {
    return [];
  }
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
