/** Child processes that answer questions, one at a time. */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Where a child finds what it is told at its start. */
export const orderVariable = 'BENCH_ORDER';

export class Peer<Order, Saying> {
  readonly #child: ChildProcess;
  readonly #heard: Saying[] = [];
  #waiting: ((saying: Saying) => void) | null = null;
  #failed: ((error: Error) => void) | null = null;

  constructor(program: URL, order: unknown) {
    this.#child = fork(fileURLToPath(program), { env: { ...process.env, [orderVariable]: JSON.stringify(order) } });
    this.#child.on('message', (saying) => {
      if (this.#waiting === null) this.#heard.push(saying as Saying);
      else this.#waiting(saying as Saying);
    });
    this.#child.once('exit', (code) => this.#failed?.(new Error(`${program.pathname} ended with ${code}.`)));
  }

  tell(order: Order): void {
    this.#child.send(order as object);
  }

  /** The next thing it says. */
  async hear(): Promise<Saying> {
    const known = this.#heard.shift();
    if (known !== undefined) return known;
    return new Promise<Saying>((resolve, reject) => {
      this.#failed = reject;
      this.#waiting = (saying) => {
        this.#waiting = null;
        resolve(saying);
      };
    });
  }

  /** Waits for it to end by itself. */
  async ended(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.disconnect();
    await once(this.#child, 'exit');
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill(signal);
    await gone;
  }
}
