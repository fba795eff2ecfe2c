/**
 * One orchestrator per data directory. The lock is a file that names its holder by pid and start time; it is made with
 * its content in one step (a hard link), so nobody ever reads half of it. The lock of a holder that is dead is taken
 * over: it is moved aside first, so that of two who take over at once only one has it.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '@dshard/protocol';
import { OrchestratorError } from '../../errors.js';
import { identityOf, isAlive } from './process-identity.js';
import type { ProcessIdentity } from './process-identity.js';

const ATTEMPTS = 5;

/** Takes the lock and returns how to give it back. Throws `DSO_DATA_DIR_LOCKED` when somebody living has it. */
export function lockDataDir(dataDir: string): () => void {
  const path = join(dataDir, 'orchestrator.lock');
  const own = `${path}.${process.pid}`;
  const content = JSON.stringify(identityOf(process.pid));
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    writeFileSync(own, content, { mode: 0o600 });
  } catch (cause) {
    throw unusable(dataDir, cause);
  }
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (tryLink(own, path)) return () => release(path, content);
      const holder = readHolder(path);
      if (holder !== null && isAlive(holder)) throw locked(dataDir, path, holder.pid);
      moveAside(path, `${own}.stale`, holder);
    }
  } finally {
    rmSync(own, { force: true });
  }
  throw locked(dataDir, path, readHolder(path)?.pid ?? 0);
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

/** Puts it back when it turns out to be another one than the one judged stale. */
function moveAside(path: string, aside: string, judged: ProcessIdentity | null): void {
  try {
    renameSync(path, aside);
  } catch {
    // Somebody else was faster; the next attempt sees what is there now.
    return;
  }
  const moved = readHolder(aside);
  if (moved?.pid !== judged?.pid || moved?.startTime !== judged?.startTime) tryLink(aside, path);
  rmSync(aside, { force: true });
}

function release(path: string, content: string): void {
  try {
    if (readFileSync(path, 'utf8') === content) rmSync(path, { force: true });
  } catch {
    // Already gone: nothing to give back.
  }
}

function readHolder(path: string): ProcessIdentity | null {
  try {
    const { pid, startTime } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Record<string, unknown>>;
    if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 1) return null;
    return { pid, startTime: typeof startTime === 'string' ? startTime : null };
  } catch {
    return null;
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
