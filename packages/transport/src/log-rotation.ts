/**
 * Rotates a log that somebody else appends to: it is copied to `<path>.1` and truncated. Whoever writes holds the file
 * itself, so renaming it would change nothing; who appends goes on at the new end.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';

const CHUNK_BYTES = 256 * 1024;
/** Of what comes while it is copied: one that writes faster than is copied is not followed for ever. */
const MOST_MORE_BYTES = 4 * 1024 * 1024;

/**
 * Lines that come in the moment between the last read and the truncation are lost: microseconds, where nobody else has
 * the disk.
 *
 * @param file open for reading and writing.
 */
export function rotateLog(file: number, path: string): void {
  const aside = openSync(`${path}.1`, 'w', 0o600);
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const most = fstatSync(file).size + MOST_MORE_BYTES;
    let offset = 0;
    while (offset < most) {
      const bytes = readSync(file, chunk, 0, CHUNK_BYTES, offset);
      if (bytes === 0) break;
      for (let written = 0; written < bytes;) written += writeSync(aside, chunk, written, bytes - written);
      offset += bytes;
    }
    ftruncateSync(file, 0);
  } finally {
    closeSync(aside);
  }
}
