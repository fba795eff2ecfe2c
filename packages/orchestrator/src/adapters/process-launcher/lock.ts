/**
 * One orchestrator per data directory. The lock is a file that names its holder by pid and start time; it is made with
 * its content in one step (a hard link), so nobody ever reads half of it. The lock of a holder that is dead is taken
 * over: it is moved aside first, so that of two who take over at once only one has it.
 *
 * Its holder looks at it every second, and makes it anew when somebody deleted it or wrote over it. So whoever finds a
 * lock that names nobody waits for a living holder to mend it, and takes it when nobody does.
 */
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '@dshard/protocol';
import { delay, type Clock, type Logger } from '@dshard/transport';
import { OrchestratorError } from '../../errors.js';
import { kindOf, ownDirectory } from '../private-files.js';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.js';

const ATTEMPTS = 5;
const LOOK_MS = 1_000;
/** In so long a living holder has mended its lock. */
const MENDED_MS = 2_500;

type Surroundings = { clock: Clock; logger: Logger };

/**
 * Takes the lock and returns how to give it back. Rejects with `DSO_DATA_DIR_LOCKED` when somebody living has it, and
 * with `DSO_DATA_DIR_UNUSABLE`.
 */
export async function lockDataDir(dataDir: string, { clock, logger }: Surroundings): Promise<() => void> {
  const path = join(dataDir, 'orchestrator.lock');
  const own = `${path}.${process.pid}`;
  const content = JSON.stringify(identityOf(process.pid));
  try {
    const mended = ownDirectory(dataDir);
    if (mended !== null) logger.warn({ directory: dataDir }, mended);
    writeDurably(own, content);
  } catch (cause) {
    throw unusable(dataDir, cause);
  }
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (tryLink(own, path)) return keep(path, content, { clock, logger });
      let holder = readHolder(path);
      if (holder === 'nobody') {
        await delay(clock, MENDED_MS);
        holder = readHolder(path);
      }
      if (typeof holder === 'object' && isAlive(holder)) throw locked(dataDir, path, holder.pid);
      if (holder !== 'gone') moveAside(path, `${own}.stale`, holder);
    }
    const holder = readHolder(path);
    throw locked(dataDir, path, typeof holder === 'object' ? holder.pid : 0);
  } finally {
    rmSync(own, { force: true });
  }
}

/** A lock that a power cut left empty would name nobody. */
function writeDurably(path: string, content: string): void {
  const file = openSync(path, 'w', 0o600);
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function keep(path: string, content: string, { clock, logger }: Surroundings): () => void {
  let isTold = false;
  const cancel = clock.every(LOOK_MS, () => {
    try {
      const holder = readHolder(path);
      if (typeof holder === 'object') {
        if (!isTold && holder.pid !== process.pid && isAlive(holder)) {
          isTold = true;
          logger.error(
            { file: path },
            `Process ${holder.pid} has taken the lock ${path}, though this orchestrator runs: stop one of the two.`,
          );
        }
        return;
      }
      const own = `${path}.${process.pid}`;
      writeDurably(own, content);
      renameSync(own, path);
      const what = holder === 'gone' ? 'deleted' : 'written over';
      logger.warn(
        { file: path },
        `The lock ${path} was ${what} by somebody else while it was in use; it is made anew.`,
      );
    } catch (error) {
      if (!isTold) logger.error({ file: path }, `The lock ${path} cannot be kept: ${messageOf(error)}.`);
      isTold = true;
    }
  });
  return () => {
    cancel();
    release(path, content);
  };
}

function tryLink(own: string, path: string): boolean {
  try {
    linkSync(own, path);
    return true;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') return false;
    throw unusable(path, cause);
  }
}

type Holder = ProcessIdentity | 'nobody' | 'gone';

/** Puts it back when it turns out to be another one than the one judged stale. */
function moveAside(path: string, aside: string, judged: Holder): void {
  try {
    renameSync(path, aside);
  } catch {
    // Somebody else was faster; the next attempt sees what is there now.
    return;
  }
  const moved = readHolder(aside);
  if (JSON.stringify(moved) !== JSON.stringify(judged)) tryLink(aside, path);
  rmSync(aside, { force: true });
}

function release(path: string, content: string): void {
  try {
    if (readFileSync(path, 'utf8') === content) rmSync(path, { force: true });
  } catch {
    // Already gone: nothing to give back.
  }
}

/** `nobody`: there is a file that does not say whose it is. Throws DSO_DATA_DIR_UNUSABLE when it is no file. */
function readHolder(path: string): Holder {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return 'gone';
  if (!found.isFile()) throw unusable(path, new Error(`it is ${kindOf(found)}, not the lock; remove it`));
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return 'gone';
    throw unusable(path, cause);
  }
  try {
    const { pid, startTime } = JSON.parse(text) as Partial<Record<string, unknown>>;
    if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 1) return 'nobody';
    return { pid, startTime: typeof startTime === 'string' ? startTime : null };
  } catch {
    return 'nobody';
  }
}

function locked(dataDir: string, path: string, pid: number): OrchestratorError {
  return new OrchestratorError(
    'DSO_DATA_DIR_LOCKED',
    `The orchestrator with process id ${pid} uses the data directory ${dataDir}: stop it, or choose another data ` +
      `directory. If that process is no orchestrator, remove ${path}.`,
  );
}

function unusable(path: string, cause: unknown): OrchestratorError {
  return new OrchestratorError(
    'DSO_DATA_DIR_UNUSABLE',
    `The data directory cannot be used (${path}): ${messageOf(cause)}.`,
    { cause },
  );
}
