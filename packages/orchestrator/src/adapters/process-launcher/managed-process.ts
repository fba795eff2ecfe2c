/**
 * One process of a node, from its start (or its adoption) to its end: follows its output, notices its end, stops it.
 *
 * The process leads a process group of its own. Signals go to the whole group, and when the leader is gone what is left
 * of the group is killed: a node that is reported as gone must not go on running shards in a forgotten grandchild. A
 * command must therefore stay in the foreground.
 *
 * The end of a child is told by the system at once; that of an adopted process is found by looking every `pollMs`.
 */
import type { ChildProcess } from 'node:child_process';
import type { Cancel, Clock } from '@dshard/transport';
import { OrchestratorError } from '../../errors.js';
import { LastWords } from './last-words.js';
import type { LogFollower } from './log-follower.js';
import { isAlive } from './process-identity.js';
import type { ProcessRecord } from './registry.js';

/** After SIGKILL a process is gone within this time, or never. */
const KILL_TIMEOUT_MS = 5_000;

export type ManagedProcessOptions = {
  record: ProcessRecord;
  logPath: string;
  /** Null for a process that an earlier run started. */
  child: ChildProcess | null;
  clock: Clock;
  pollMs: number;
  /** Null when the log cannot be followed. */
  follow(onLine: (line: string) => void): LogFollower | null;
  onLine(line: string): void;
  /** Called once, unless it was closed before. */
  onEnd(description: string): void;
};

export class ManagedProcess {
  readonly record: ProcessRecord;
  readonly #options: ManagedProcessOptions;
  readonly #follower: LogFollower | null;
  readonly #lastWords = new LastWords();
  readonly #ended: Promise<void>;
  #resolveEnded: () => void = () => undefined;
  #stopPolling: Cancel = () => undefined;
  /** Whether SIGTERM was sent. */
  #asked = false;
  #phase: 'running' | 'ended' | 'closed' = 'running';

  constructor(options: ManagedProcessOptions) {
    this.record = options.record;
    this.#options = options;
    this.#ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#follower = options.follow((line) => this.#line(line));
    if (options.child === null) {
      this.#stopPolling = options.clock.every(options.pollMs, () => {
        if (!isAlive(this.record)) this.#end('ended (an earlier run started it, so its exit code is not known)');
      });
    } else {
      options.child.once('exit', (code, signal) =>
        this.#end(signal === null ? `exited with code ${code}` : `was ended by ${signal}`),
      );
    }
  }

  /**
   * SIGTERM, then SIGKILL after `graceMs`. Who asks again with a shorter grace gets it. Rejects with `DSO_STOP_FAILED`
   * when the process survives even SIGKILL.
   */
  async stop(graceMs: number): Promise<void> {
    if (this.#phase === 'ended') return;
    if (!this.#asked) this.#signal('SIGTERM');
    this.#asked = true;
    if (await this.#endsWithin(graceMs)) return;
    this.#signal('SIGKILL');
    if (await this.#endsWithin(KILL_TIMEOUT_MS + this.#options.pollMs)) return;
    throw new OrchestratorError(
      'DSO_STOP_FAILED',
      `Node ${this.record.node} (process ${this.record.pid}) was killed ${KILL_TIMEOUT_MS / 1000} s ago and is still there.`,
    );
  }

  /** Stops following; the process lives on. Returns how far its log was read, null when it was not. */
  close(): number | null {
    this.#stopPolling();
    if (this.#phase === 'running') this.#phase = 'closed';
    return this.#follower?.close() ?? null;
  }

  #endsWithin(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(timeoutMs, () => resolve(false));
      void this.#ended.then(() => {
        cancel();
        resolve(true);
      });
    });
  }

  #signal(signal: NodeJS.Signals): void {
    // An adopted process may have ended since the last look, and its pid be somebody else's.
    if (this.#options.child === null && !isAlive(this.record)) return;
    signalGroup(this.record.pid, signal);
  }

  #line(line: string): void {
    this.#lastWords.add(line);
    this.#options.onLine(line);
  }

  #end(how: string): void {
    if (this.#phase === 'ended') return;
    const wasClosed = this.#phase === 'closed';
    this.#phase = 'ended';
    this.#stopPolling();
    signalGroup(this.record.pid, 'SIGKILL');
    if (!wasClosed) this.#follower?.finish();
    this.#follower?.close();
    this.#resolveEnded();
    if (!wasClosed) this.#options.onEnd(this.#describe(how));
  }

  /** Goes on after "node web-3 …". */
  #describe(how: string): string {
    const { command, launchedAt } = this.record;
    const seconds = Math.max(0, (this.#options.clock.now() - launchedAt) / 1000);
    const lived = seconds < 100 ? seconds.toFixed(1) : seconds.toFixed(0);
    const { text } = this.#lastWords;
    const what = text?.error === true ? 'of its last lines these tell of an error' : 'its last lines were';
    const output = text === null ? 'it wrote nothing' : `${what}: ${text.lines}`;
    return `${how} after ${lived} s (command: ${command.join(' ')}; log: ${this.#options.logPath}); ${output}`;
  }
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // The group is gone already, which is what a signal is sent for.
  }
}
