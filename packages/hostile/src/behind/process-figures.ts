/** What a process holds, as the system tells it. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

export type Figures = { megabytes: number; descriptors: number };

/** null: the process is gone. */
export function figuresOf(pid: number): Figures | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
    // A zombie has no memory any more.
    if (!Number.isFinite(kilobytes)) return null;
    return { megabytes: Math.round(kilobytes / 1_024), descriptors: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return null;
  }
}

/** The children of a process that run a program with this in its command line. */
export function childrenOf(parent: number, program: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent && commandOf(pid).includes(program));
}

function parentOf(pid: number): number | null {
  const stat = contentOf(`/proc/${pid}/stat`);
  // The name of the program stands in brackets, and may have blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[1] === undefined ? null : Number(fields[1]);
}

function commandOf(pid: number): string {
  return contentOf(`/proc/${pid}/cmdline`);
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
