/**
 * Follows the file a node process writes its output to. The process holds the file itself (opened for appending), so it
 * neither hangs nor dies with us; we only read along.
 *
 * - A change of the file wakes us (fs.watch); where that does not work, and in any case every `pollMs`, the clock does.
 * - Bounded: a turn reads TURN_BYTES at most, then others run. A file larger than `maxFileBytes` is rotated (copied
 *   to `<path>.1`, and truncated) when it is read to its end and nobody wrote for QUIET_MS; the process goes on at its
 *   new end, because it appends. One that grows to MAX_FACTOR times that size is rotated in any case: what was not read
 *   by then is skipped, and said to be; it stands in the copy.
 */
import { closeSync, fstatSync, openSync, readSync, watch, type FSWatcher } from 'node:fs';
import { rotateLog, type Cancel, type Clock } from '@dshard/transport';
import { lineSplitter } from './line-splitter.js';

const CHUNK_BYTES = 64 * 1024;
const TURN_BYTES = 8 * CHUNK_BYTES;
const QUIET_MS = 20;
const MAX_FACTOR = 4;
/** Above this many times the size a process rotates its log itself: nobody reads along (node/src/log-bound.ts). */
export const UNREAD_FACTOR = 5;

export type LogFollowerOptions = {
  path: string;
  /** Where to begin; null: at the end. */
  offset: number | null;
  clock: Clock;
  pollMs: number;
  maxFileBytes: number;
  maxLineLength: number;
  onLine(line: string): void;
  /** The file was truncated with so many bytes unread. */
  onSkipped(bytes: number): void;
  /** The file cannot be followed any more. */
  onError(error: unknown): void;
};

export type LogFollower = {
  /** Reads what is there now, to the end, and hands out the last line even when it has no end. */
  finish(): void;
  /** Hands out half a line that was read, and stops following; returns how far it came. */
  close(): number;
};

export function followLog(options: LogFollowerOptions): LogFollower {
  const file = openSync(options.path, 'r+');
  const splitter = lineSplitter(options.maxLineLength, (line) => options.onLine(line));
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let offset = Math.min(options.offset ?? Number.POSITIVE_INFINITY, fstatSync(file).size);
  let closed = false;
  let again: Cancel | null = null;

  /** Returns whether there may be more. */
  const readChunk = (): boolean => {
    // Somebody else may have truncated it (logrotate).
    if (fstatSync(file).size < offset) offset = 0;
    const bytes = readSync(file, chunk, 0, CHUNK_BYTES, offset);
    offset += bytes;
    if (bytes > 0) splitter.push(chunk.subarray(0, bytes));
    return bytes === CHUNK_BYTES;
  };

  /** The size is looked at in the same breath as the truncation, so that next to nothing can come in between. */
  const boundFile = (): void => {
    const { size, mtimeMs } = fstatSync(file);
    const unread = Math.max(0, size - offset);
    const quiet = unread === 0 && options.clock.wallClock() - mtimeMs >= QUIET_MS;
    if (size <= options.maxFileBytes || !(quiet || size > options.maxFileBytes * MAX_FACTOR)) return;
    rotateLog(file, options.path);
    offset = 0;
    if (unread > 0) options.onSkipped(unread);
  };

  const readTurn = (): void => {
    if (closed) return;
    again?.();
    again = null;
    try {
      let more = true;
      for (let bytes = 0; more && bytes < TURN_BYTES; bytes += CHUNK_BYTES) more = readChunk();
      boundFile();
      if (more) again = options.clock.after(0, readTurn);
    } catch (error) {
      close();
      options.onError(error);
    }
  };

  const watcher = watchFile(options.path, readTurn);
  const stopPolling = options.clock.every(options.pollMs, readTurn);

  const close = (): number => {
    if (closed) return offset;
    closed = true;
    again?.();
    stopPolling();
    watcher?.close();
    // Half a line that was read would otherwise be told by nobody: the next reader begins behind it.
    splitter.flush();
    closeSync(file);
    return offset;
  };

  readTurn();
  return {
    finish: () => {
      if (closed) return;
      try {
        // Whatever is unread now is bounded by this.
        boundFile();
        while (readChunk());
        splitter.flush();
      } catch (error) {
        options.onError(error);
      }
    },
    close,
  };
}

/** Null where the system has no watches left: polling does it then. */
function watchFile(path: string, onChange: () => void): FSWatcher | null {
  try {
    const watcher = watch(path, { persistent: false }, onChange);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return null;
  }
}
