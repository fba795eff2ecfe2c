/** The end of a file that somebody else appends to, and what comes after it, over the rotation of the file. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

const CHUNK_BYTES = 64 * 1024;
/** No more is read at once, however long the lines are. */
const MOST_BYTES = 8 * 1024 * 1024;

type Tail = {
  /** What came since it was asked last; '' where nothing did. */
  more(): string;
  close(): void;
};

/** Throws what opening a file throws. @param onText called with the last `lines` lines. */
export function tailOf(path: string, lines: number, onText: (text: string) => void): Tail {
  const file = openSync(path, 'r');
  let at = startOf(file, lines);
  let decoder = new StringDecoder('utf8');
  const more = (): string => {
    const { size } = fstatSync(file);
    // It was copied and truncated: what stands there now is new.
    if (size < at) {
      at = 0;
      decoder = new StringDecoder('utf8');
    }
    const bytes = Buffer.allocUnsafe(Math.min(size - at, MOST_BYTES));
    const read = readSync(file, bytes, 0, bytes.length, at);
    at += read;
    return decoder.write(bytes.subarray(0, read));
  };
  onText(more());
  return { more, close: () => closeSync(file) };
}

/** Where the last lines begin: read from the end, for logs are long. */
function startOf(file: number, lines: number): number {
  const { size } = fstatSync(file);
  if (lines === 0) return size;
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let found = 0;
  for (let end = size; end > Math.max(0, size - MOST_BYTES);) {
    const from = Math.max(0, end - CHUNK_BYTES);
    const read = readSync(file, chunk, 0, end - from, from);
    for (let index = read - 1; index >= 0; index -= 1) {
      // The end of the last line is the beginning of none.
      if (chunk[index] !== 0x0a || from + index === size - 1) continue;
      found += 1;
      if (found === lines) return from + index + 1;
    }
    end = from;
  }
  return Math.max(0, size - MOST_BYTES);
}
