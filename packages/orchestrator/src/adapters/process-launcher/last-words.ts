/**
 * What a process wrote last, so that its end can be told with its reason: the line with the error, and up to ten lines
 * around it. Bounded, however much it writes.
 */

/** An error may be followed by what was done about it. */
const KEPT_LINES = 200;
const LINE_LENGTH = 300;
const AROUND = 10;
/** Of those, before the error. */
const BEFORE = 3;
const TEXT_LENGTH = 1_500;

/** A call in a stack trace; of those that follow each other all but the first few say nothing new. */
const CALL = /^\s+at /;
const CALLS = 3;

/** `TypeError: no such channel`, `panic: …`, `Traceback (most recent call last):`, `"level":"fatal"`. */
const IS_ERROR =
  /(?:^|[\s"'([])(?:[A-Za-z_.]*(?:Error|Exception)\b(?: \[\w+\])?:|panic:|fatal\b|FATAL\b|Traceback \(most|[Uu]nhandled |[Uu]ncaught |[Oo]ut of memory|Segmentation fault)/;
/** Less certain: a word that logs use, whoever writes them. */
const MENTIONS_ERROR = /\berror\b|\bfailed\b|\bexception\b|"level":(?:"error"|50|60)/i;

export class LastWords {
  #lines: string[] = [];
  #calls = 0;

  add(line: string): void {
    const isCall = CALL.test(line);
    this.#calls = isCall ? this.#calls + 1 : 0;
    if (line.trim() === '' || this.#calls > CALLS) return;
    this.#lines.push(line.slice(0, LINE_LENGTH));
    if (this.#lines.length >= 2 * KEPT_LINES) this.#lines = this.#lines.slice(-KEPT_LINES);
  }

  /** null: it wrote nothing. `error`: whether there was a line with one. */
  get text(): { error: boolean; lines: string } | null {
    const lines = this.#lines;
    if (lines.length === 0) return null;
    const found = lastIndex(lines, IS_ERROR) ?? lastIndex(lines, MENTIONS_ERROR);
    const from = found === null ? lines.length - AROUND : Math.max(0, found - BEFORE);
    const chosen = lines.slice(Math.max(0, from)).slice(0, AROUND + (found === null ? 0 : 1));
    return { error: found !== null, lines: clipped(chosen, found === null ? chosen.length - 1 : found - from) };
  }
}

function lastIndex(lines: readonly string[], pattern: RegExp): number | null {
  const index = lines.findLastIndex((line) => pattern.test(line) && !CALL.test(line));
  return index < 0 ? null : index;
}

/** Lines far from `kept` go first. */
function clipped(lines: readonly string[], kept: number): string {
  let [from, to] = [0, lines.length];
  const length = (): number => lines.slice(from, to).reduce((sum, line) => sum + line.length + 1, 0);
  while (length() > TEXT_LENGTH && to - from > 1) {
    if (kept - from >= to - 1 - kept) from += 1;
    else to -= 1;
  }
  return lines.slice(from, to).join('\n').trim();
}
