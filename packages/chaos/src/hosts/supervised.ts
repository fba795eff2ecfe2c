/**
 * A process that is kept running on a host, as systemd keeps it: started again soon after it ended, whatever ended it,
 * until it is to stay away.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { readableLine } from '@dshard/demo';
import { delay, type Clock } from '@dshard/transport';
import { signal } from '../processes.js';

const RESTART_MS = 500;

export type SupervisedOptions = {
  name: string;
  /** The program, or what waits for it in a namespace of pids of its own. */
  start: () => ChildProcess;
  /** Whether the program is the child of what `start` returns. */
  isInside: boolean;
  clock: Clock;
  onLine: (line: string) => void;
};

export class Supervised {
  readonly name: string;
  readonly #options: SupervisedOptions;
  #child: ChildProcess | null = null;
  #isAway = false;
  readonly #stop = new AbortController();

  constructor(options: SupervisedOptions) {
    this.name = options.name;
    this.#options = options;
    this.#start();
  }

  get isRunning(): boolean {
    return this.#child !== null;
  }

  /** Throws when it does not run. */
  signal(name: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.name} does not run.`);
    signal(this.#options.isInside ? (childOf(pid) ?? pid) : pid, name);
  }

  /** kill -9; `away`: it stays so until `release`. */
  async kill({ away = false }: { away?: boolean } = {}): Promise<void> {
    this.#isAway = away;
    const child = this.#child;
    if (child === null) return;
    const exited = once(child, 'exit');
    this.signal('SIGKILL');
    await exited;
  }

  release(): void {
    this.#isAway = false;
    if (this.#child === null) this.#start();
  }

  /** SIGTERM, and it stays away for good. Resolves with its exit code; null: it had to be killed. */
  async end(graceMs: number): Promise<number | null> {
    this.#isAway = true;
    this.#stop.abort();
    const child = this.#child;
    if (child === null) return 0;
    const exited = once(child, 'exit') as Promise<[number | null]>;
    this.signal('SIGCONT');
    this.signal('SIGTERM');
    const over = new AbortController();
    void delay(this.#options.clock, graceMs, over.signal).then(
      () => this.signal('SIGKILL'),
      () => undefined,
    );
    const [code] = await exited;
    over.abort();
    return code;
  }

  #start(): void {
    if (this.#stop.signal.aborted) return;
    const { start, onLine, name } = this.#options;
    const child = start();
    this.#child = child;
    if (child.stderr !== null)
      createInterface({ input: child.stderr }).on('line', (line) => onLine(`${name}: ${readableLine(line)}`));
    child.once('exit', (code, by) => {
      this.#child = null;
      onLine(`${name}: ended with ${by ?? `exit code ${code}`}`);
      void this.#startAgain();
    });
  }

  async #startAgain(): Promise<void> {
    await delay(this.#options.clock, RESTART_MS, this.#stop.signal).catch(() => undefined);
    if (!this.#isAway && this.#child === null) this.#start();
  }
}

/** null: it has none any more, and is about to end itself. */
function childOf(pid: number): number | null {
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return child === undefined || child === '' ? null : Number(child);
}
