/**
 * What the bot processes report to the demo, as lines of JSON in files they share: the events they handled, what they
 * found when a shard had come to them, and how long a frozen shard waited for handlers.
 */
import { appendFileSync, closeSync, existsSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import type { HandledEvent } from '@dshard/gateway-emulator';
import type { Cancel, Clock } from '@dshard/transport';

/**
 * What the bot processes really handled: one line of JSON per event, in a file they share, written in the turn in which
 * the event is handled. So what a process handled before `kill -9` is known, and the lines of all of them are in the
 * order in which things happened.
 */
type HandledLine = { node: string; event: HandledEvent };

const READ_EVERY_MS = 50;
const READ_BYTES = 256 * 1024;

/** The bot's side. */
export class HandledReports {
  readonly #file: number;
  readonly #node: () => string;

  constructor(file: string, node: () => string) {
    this.#file = openSync(file, 'a');
    this.#node = node;
  }

  add(event: HandledEvent): void {
    const line: HandledLine = { node: this.#node(), event };
    // A line is far shorter than what a file system appends in one piece.
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** The demo's side: hands over each line once, soon after it was written. Returns what ends it. */
export function followReports(
  clock: Clock,
  path: string,
  onHandled: (node: string, event: HandledEvent) => void,
): Cancel {
  const file = openSync(path, 'a+');
  const bytes = Buffer.alloc(READ_BYTES);
  let position = 0;
  let rest = '';
  const read = (): void => {
    for (;;) {
      const length = readSync(file, bytes, 0, READ_BYTES, position);
      if (length === 0) return;
      position += length;
      // Ids and numbers only: no character is longer than a byte.
      const lines = `${rest}${bytes.toString('latin1', 0, length)}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const { node, event } = JSON.parse(line) as HandledLine;
        onHandled(node, event);
      }
    }
  };
  const cancel = clock.every(READ_EVERY_MS, read);
  return () => {
    cancel();
    read();
    closeSync(file);
  };
}

/** One per shard that came to a process: what it found. `forgotten`: nothing came along, its node had died. */
export type StateReport = { shard: number; bytes: number; wrong: number; forgotten: boolean };

export function reportState(file: string, report: StateReport): void {
  appendLine(file, report);
}

export function readStateReports(file: string): readonly StateReport[] {
  return readLines(file) as readonly StateReport[];
}

/** One per freeze: how long the shard waited for handlers. */
export type WaitReport = { shard: number; ms: number };

export function reportWait(file: string, report: WaitReport): void {
  appendLine(file, report);
}

export function readWaitReports(file: string): readonly WaitReport[] {
  return readLines(file) as readonly WaitReport[];
}

/** The wait of each move, in the order of `moves`: the first of a shard's moves has its first wait. */
export function waitsOf(moves: readonly { shard: number }[], reports: readonly WaitReport[]): readonly number[] {
  const waits = new Map<number, number[]>();
  for (const { shard, ms } of reports) waits.set(shard, [...(waits.get(shard) ?? []), ms]);
  return moves.flatMap(({ shard }) => waits.get(shard)?.shift() ?? []);
}

/** A line is far shorter than what a file system appends in one piece. */
function appendLine(file: string, report: unknown): void {
  appendFileSync(file, `${JSON.stringify(report)}\n`);
}

function readLines(file: string): readonly unknown[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as unknown);
}
