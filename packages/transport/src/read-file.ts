/** Reading a file that somebody named: whatever is there instead is said, and nothing is waited for. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

const CHUNK_BYTES = 64 * 1024;

/**
 * Its content, at most `maxBytes` and one more. Throws what the system says, or that it is no file. A named pipe that
 * nobody writes to would otherwise keep the program for ever, without a word.
 */
export function readNamedFile(path: string, maxBytes: number): Buffer {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = fstatSync(file);
    if (found.isFIFO()) throw new Error('it is a named pipe, not a file');
    if (found.isDirectory()) throw new Error('it is a directory, not a file');
    const chunks: Buffer[] = [];
    for (let size = 0; size <= maxBytes;) {
      const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, maxBytes + 1 - size));
      const bytes = readSync(file, chunk);
      if (bytes === 0) break;
      chunks.push(chunk.subarray(0, bytes));
      size += bytes;
    }
    return Buffer.concat(chunks);
  } finally {
    closeSync(file);
  }
}
