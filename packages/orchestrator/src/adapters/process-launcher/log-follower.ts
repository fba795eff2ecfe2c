/**
 * Follows the file a node process writes its output to. The process holds the file itself (opened for appending), so it
 * neither hangs nor dies with us; we only read along.
 *
 * - A change of the file wakes us (fs.watch); where that does not work, and in any case every `pollMs`, the clock does.
 * - Bounded: a turn reads at most TURN_BYTES, then lets others run. The file is emptied once it is larger than
 *   `maxFileBytes` and read to its end; the process goes on at its new end, because it appends. A process that writes
 *   faster than we read for long has its file emptied unread, and the log says how much was skipped.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import type { Cancel, Clock } from '@dshard/transport';
import { lineSplitter } from './line-splitter.js';

const CHUNK_BYTES = 64 * 1024;
const TURN_BYTES = 8 * CHUNK_BYTES;
/** How many times `maxFileBytes` may be waiting unread. */
const MAX_LAG_FACTOR = 2;

export type LogFollowerOptions = {
  path: string;
  /** Where to begin; null: at the end. */
  offset: number | null;
  clock: Clock;
  pollMs: number;
  maxFileBytes: number;
  maxLineLength: number;
  onLine(line: string): void;
  /** The file was emptied with so many bytes unread. */
  onSkipped(bytes: number): void;
  /** The file cannot be followed any more. */
  onError(error: unknown): void;
};

export type LogFollower = {
  /** Reads what is there now, to the end, and hands out the last line even when it has no end. */
  finish(): void;
  /** Stops following; returns how far it came. */
  close(): number;
};

export function followLog(options: LogFollowerOptions): LogFollower {
  const file = openSync(options.path, 'r+');
  const size = (): number => fstatSync(file).size;
  const splitter = lineSplitter(options.maxLineLength, (line) => options.onLine(line));
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let offset = Math.min(options.offset ?? Number.POSITIVE_INFINITY, size());
  let closed = false;
  let again: Cancel | null = null;

  /** Returns whether there may be more. */
  const readChunk = (): boolean => {
    const bytes = readSync(file, chunk, 0, CHUNK_BYTES, offset);
    offset += bytes;
    if (bytes > 0) splitter.push(chunk.subarray(0, bytes));
    return bytes === CHUNK_BYTES;
  };

  const empty = (): void => {
    ftruncateSync(file, 0);
    offset = 0;
  };

  /** The size is looked at in the same breath as the truncation, so that what comes in between is next to nothing. */
  const boundFile = (): void => {
    const end = size();
    if (end < offset) offset = 0;
    else if (end > options.maxFileBytes && end === offset) empty();
    else if (end - offset > options.maxFileBytes * MAX_LAG_FACTOR) {
      const skipped = end - offset;
      empty();
      options.onSkipped(skipped);
    }
  };

  const readTurn = (): void => {
    if (closed) return;
    again?.();
    again = null;
    try {
      boundFile();
      let more = true;
      for (let bytes = 0; more && bytes < TURN_BYTES; bytes += CHUNK_BYTES) more = readChunk();
      if (more) again = options.clock.after(0, readTurn);
      else boundFile();
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
    closeSync(file);
    return offset;
  };

  readTurn();
  return {
    finish: () => {
      if (closed) return;
      // One boundFile first: whatever is unread now is bounded by it.
      try {
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
