/** Child processes that answer questions, one at a time. */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { orderVariable } from './messages.js';

export class Peer<Order, Saying> {
  readonly #child: ChildProcess;
  readonly #heard: Saying[] = [];
  #waiting: ((saying: Saying) => void) | null = null;
  #failed: ((error: Error) => void) | null = null;

  constructor(program: string, order: unknown) {
    const path = fileURLToPath(new URL(`./${program}.js`, import.meta.url));
    this.#child = fork(path, { env: { ...process.env, [orderVariable]: JSON.stringify(order) } });
    this.#child.on('message', (saying) => {
      if (this.#waiting === null) this.#heard.push(saying as Saying);
      else this.#waiting(saying as Saying);
    });
    this.#child.once('exit', (code) => this.#failed?.(new Error(`${program} ended with ${code}.`)));
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

  async end(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill();
    await gone;
  }
}
