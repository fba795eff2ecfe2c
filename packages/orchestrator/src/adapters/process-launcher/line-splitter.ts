/**
 * Bytes of a process's output in, whole lines out. Bounded: a line longer than the limit comes in pieces, so that a
 * process that never ends its line costs no more memory than one piece. Lines are printable: colors and what else moves
 * a cursor stay in the process's own log.
 */
import { StringDecoder } from 'node:string_decoder';
import { printable } from '@dshard/protocol';

export type LineSplitter = {
  push(chunk: Uint8Array): void;
  /** What is left without a line end, as a last line. */
  flush(): void;
};

export function lineSplitter(maxLineLength: number, onLine: (line: string) => void): LineSplitter {
  const decoder = new StringDecoder('utf8');
  let rest = '';

  const emit = (line: string): void => {
    const text = printable(line.endsWith('\r') ? line.slice(0, -1) : line);
    if (text !== '') onLine(text);
  };
  const take = (text: string): void => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      let from = 0;
      for (; line.length - from > maxLineLength; from += maxLineLength) emit(line.slice(from, from + maxLineLength));
      emit(line.slice(from));
    }
    while (rest.length > maxLineLength) {
      emit(rest.slice(0, maxLineLength));
      rest = rest.slice(maxLineLength);
    }
  };

  return {
    push: (chunk) => take(decoder.write(chunk)),
    flush: () => {
      take(decoder.end());
      const last = rest;
      rest = '';
      emit(last);
    },
  };
}
