/**
 * One library against one emulator: an emulator of its own, the library in a process of its own, and what both said. A
 * case drives the emulator through it and asks what became of the library.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { EmulatorOptions, GatewayEmulator, Verdict } from '@dshard/gateway-emulator';
import { startGatewayEmulator } from '@dshard/gateway-emulator';
import { delay, type Clock } from '@dshard/transport';
import { orderVariable, type ClientMessage, type ClientOrder } from './clients/client-channel.js';
import type { Library } from './libraries.js';

/** A check that did not hold. `code` says which, for the table of known faults. */
export class CheckFailed extends Error {
  override readonly name: string = 'CheckFailed';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const clientProgram = fileURLToPath(new URL('clients/client.js', import.meta.url));
/** GUILDS, GUILD_MESSAGES, MESSAGE_CONTENT. */
const intents = 1 | (1 << 9) | (1 << 15);
/** Half a second less than Discord's: libraries wait for 5 s, but on a busy machine arrivals are closer. */
const identifyWindowMs = 4_500;
const pollMs = 20;
const endGraceMs = 2_000;
/** Lines of a client's output that are kept to explain a failure. */
const keptLines = 20;

export class Rig {
  readonly emulator: GatewayEmulator;
  readonly clock: Clock;
  readonly shards: number;
  readonly heard: ClientMessage[] = [];
  readonly #client: ChildProcess;
  readonly #output: string[] = [];
  #exited: Promise<void>;
  #exitCode: number | string | null = null;

  private constructor(emulator: GatewayEmulator, library: Library, shards: number, clock: Clock) {
    this.emulator = emulator;
    this.shards = shards;
    this.clock = clock;
    const order: ClientOrder = {
      apiUrl: emulator.apiUrl,
      gatewayUrl: emulator.url,
      resumePort: Number(new URL(emulator.resumeUrl).port),
      token: emulator.token,
      intents,
      shards,
    };
    this.#client = fork(clientProgram, [library.name], {
      env: { ...process.env, [orderVariable]: JSON.stringify(order) },
      silent: true,
    });
    this.#client.on('message', (message) => this.#hear(message as ClientMessage));
    for (const stream of [this.#client.stdout, this.#client.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#output.push(...text.trimEnd().split('\n')));
      stream?.on('data', () => this.#output.splice(0, this.#output.length - keptLines));
    }
    this.#exited = new Promise((resolve) => {
      this.#client.once('exit', (code, signal) => {
        this.#exitCode = code ?? signal;
        resolve();
      });
    });
  }

  static async start(library: Library, options: EmulatorOptions, clock: Clock): Promise<Rig> {
    const shards = options.shards ?? 1;
    return new Rig(
      await startGatewayEmulator({ identifyWindowMs, ...options, ...library.options }),
      library,
      shards,
      clock,
    );
  }

  /** Waits until `holds`; else throws CheckFailed with `code`, saying what the client last printed. */
  async until(code: string, what: string, holds: () => boolean, timeoutMs: number): Promise<void> {
    const deadline = this.clock.monotonicMs() + timeoutMs;
    while (!holds()) {
      if (this.#exitCode !== null)
        throw new CheckFailed(code, `the client's process ended (${this.#exitCode}) before ${what}${this.#saying()}`);
      if (this.clock.monotonicMs() >= deadline)
        throw new CheckFailed(code, `${what} did not happen within ${timeoutMs / 1000} s${this.#saying()}`);
      await delay(this.clock, pollMs);
    }
  }

  /** Every shard has a session, and has told its user code so. */
  async ready(timeoutMs = 30_000): Promise<void> {
    const all = (): boolean => this.count('ready') >= this.shards && this.attached() === this.shards;
    await this.until('not-ready', `READY of ${this.shards} shards`, all, timeoutMs);
  }

  /** How many different shards have said so; `since` leaves out what was heard before. */
  count(kind: 'ready' | 'resumed', since = 0): number {
    const shards = this.heard.slice(since).flatMap((message) => (message.kind === kind ? [message.shard] : []));
    return new Set(shards).size;
  }

  attached(): number {
    return this.emulator.admin.status().sessions.filter(({ attached }) => attached).length;
  }

  /** Traffic, then quiet, and everything that was emitted handled. */
  async settle(timeoutMs = 15_000): Promise<Verdict> {
    const { traffic, ledger } = this.emulator;
    traffic.stop();
    await this.until('lost-events', 'the handling of every event', () => ledger.outstanding().total === 0, timeoutMs);
    return ledger.verdict();
  }

  async close(): Promise<void> {
    this.#client.kill('SIGTERM');
    const cancel = this.clock.after(endGraceMs, () => this.#client.kill('SIGKILL'));
    await this.#exited;
    cancel();
    await this.emulator.close();
  }

  #hear(message: ClientMessage): void {
    this.heard.push(message);
    if (message.kind !== 'message') return;
    const { shard, s, id, at } = message;
    this.emulator.ledger.handled({ node: 'client', events: [{ shard, s, id, t: 'MESSAGE_CREATE', at }] });
  }

  #saying(): string {
    const problems = this.heard.flatMap((message) => (message.kind === 'failed' ? [message.problem] : []));
    const lines = [...problems.slice(-3), ...this.#output.slice(-5)];
    return lines.length === 0 ? '' : `; the client said: ${lines.join(' | ')}`;
  }
}
