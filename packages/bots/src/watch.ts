/** What the bot processes of a rig showed of themselves, in the order of a clock that they share. */
import { existsSync, readFileSync } from 'node:fs';

export type WatchEntry = {
  pid: number;
  /** Milliseconds of the machine's monotonic clock. */
  at: number;
  /** `line`: printed. `rejection`: unhandled. `died`: by an uncaught error. `exit`: with a code. */
  kind: 'started' | 'line' | 'rejection' | 'died' | 'exit';
  text: string;
};

export class Watch {
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  entries(): WatchEntry[] {
    if (!existsSync(this.file)) return [];
    return readFileSync(this.file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as WatchEntry);
  }

  of(kind: WatchEntry['kind']): WatchEntry[] {
    return this.entries().filter((entry) => entry.kind === kind);
  }

  /** The rest of each line that begins with `prefix`, and who printed it. */
  said(prefix: string): { pid: number; at: number; rest: string }[] {
    return this.of('line')
      .filter(({ text }) => text.startsWith(prefix))
      .map(({ pid, at, text }) => ({ pid, at, rest: text.slice(prefix.length).trim() }));
  }

  /** Every process there was, in the order of their beginning. */
  pids(): number[] {
    return this.of('started').map(({ pid }) => pid);
  }
}

/** Whether a process of ours is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
