/**
 * What starts and ends the processes of a bot where the orchestrator does not: a scheduler such as Kubernetes, systemd
 * or Docker. It says SIGTERM, waits for as long as its grace, and kills.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { delay, type Clock } from '@dshard/transport';
import type { BotProgram } from './fleet.js';
import type { Ending } from './leave-figures.js';

/** Those of Kubernetes, and what a node is told of them. */
export const GRACE_MS = 30_000;
const LEAVE_DEADLINE = '25s';

export class Scheduler {
  readonly #clock: Clock;
  readonly #bot: BotProgram;
  readonly #processes = new Map<string, ChildProcess>();

  constructor(clock: Clock, bot: BotProgram) {
    this.#clock = clock;
    this.#bot = bot;
  }

  start(node: string): void {
    const { program, folder, environment } = this.#bot;
    const env = { ...process.env, ...environment, DSO_NODE_ID: node, DSO_LEAVE_DEADLINE: LEAVE_DEADLINE };
    this.#processes.set(
      node,
      spawn(process.execPath, [program], { env, cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] }),
    );
  }

  get running(): readonly string[] {
    return [...this.#processes.keys()];
  }

  /** SIGTERM; SIGKILL when the grace is over. */
  async end(node: string): Promise<Ending> {
    const child = this.#processes.get(node);
    if (child === undefined) throw new Error(`There is no process ${node}.`);
    this.#processes.delete(node);
    const startedMs = this.#clock.monotonicMs();
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const inTime = new AbortController();
    void delay(this.#clock, GRACE_MS, inTime.signal).then(
      () => child.kill('SIGKILL'),
      () => undefined,
    );
    const [code, signal] = (await exited) as [number | null, NodeJS.Signals | null];
    inTime.abort();
    return { node, code, signal, tookMs: Math.round(this.#clock.monotonicMs() - startedMs) };
  }

  /** Whatever still runs. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#processes.values()].map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
      }),
    );
    this.#processes.clear();
  }
}
