/**
 * A spool that lasts as long as its `SpoolDisk`: for tests, and for the simulator, which keeps the disk and crashes
 * everything else. What was not finished is lost with the process, as on a disk that was not synced.
 */
import type { SpoolReader, SpoolWriter, StateSpool } from '../../ports/state-spool.js';

/** What is durable, and what is wrong with the disk: for tests. */
export type SpoolDisk = {
  readonly files: Map<string, Uint8Array>;
  freeBytes: number;
  /** Nothing can be written any more. */
  isFull: boolean;
};

export function spoolDisk(): SpoolDisk {
  return { files: new Map(), freeBytes: Number.MAX_SAFE_INTEGER, isFull: false };
}

const READ_BYTES = 1024;

/** @param pause how long the disk takes, each time. */
export function memorySpool(disk: SpoolDisk = spoolDisk(), pause: () => Promise<void> = async () => {}): StateSpool {
  return {
    host: 'here',
    files: async () => [...disk.files].map(([file, { byteLength }]) => ({ file, bytes: byteLength })),
    freeBytes: async () => disk.freeBytes,
    async create(file) {
      await pause();
      if (disk.files.has(file)) throw new Error(`the file ${file} is there already`);
      return writer(disk, file, pause);
    },
    async open(file) {
      await pause();
      const content = disk.files.get(file);
      if (content === undefined) throw new Error(`there is no file ${file}`);
      return reader(content, pause);
    },
    async remove(file) {
      await pause();
      disk.files.delete(file);
    },
  };
}

function writer(disk: SpoolDisk, file: string, pause: () => Promise<void>): SpoolWriter {
  const pieces: Uint8Array[] = [];
  const refuseIfFull = (): void => {
    if (disk.isFull) throw new Error('no space is left on the disk');
  };
  return {
    async write(bytes) {
      await pause();
      refuseIfFull();
      pieces.push(bytes.slice());
    },
    async finish() {
      await pause();
      refuseIfFull();
      disk.files.set(file, Buffer.concat(pieces));
    },
    async discard() {
      pieces.length = 0;
    },
  };
}

function reader(content: Uint8Array, pause: () => Promise<void>): SpoolReader {
  let at = 0;
  return {
    async read() {
      await pause();
      if (at >= content.byteLength) return null;
      const piece = content.slice(at, at + READ_BYTES);
      at += piece.byteLength;
      return piece;
    },
    async close() {
      at = content.byteLength;
    },
  };
}
