/**
 * The orchestrator, as an operator has it: its process (`dso up`), `dso` beside it, and the few calls of its REST
 * interface that the demo makes.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { CallReport, StatusV1 } from '@dshard/api';

/** `dso up` as a child process, the way an operator runs it, so that it can also be killed the way machines kill it. */
export type OrchestratorProcess = {
  readonly pid: number | undefined;
  /** null while it runs. */
  readonly exitCode: number | null;
  /** Its exit code, when it has ended by itself. */
  ended(): Promise<number | null>;
  /** Ends the fleet for good (SIGTERM) and waits for the process to be gone. */
  end(): Promise<void>;
  /** kill -9: what a crash does. */
  kill(): Promise<void>;
};

export type OrchestratorStart = {
  more?: readonly string[];
  environment?: Readonly<Record<string, string>>;
  enter?: readonly string[];
};

/** `more`: arguments of `dso up`; `environment`: besides our own; `enter`: what its command line begins with. */
export function startOrchestrator(
  configFile: string,
  onLine: (line: string) => void,
  { more = [], environment = {}, enter = [] }: OrchestratorStart = {},
): OrchestratorProcess {
  const dso = [process.execPath, DSO_PROGRAM, 'up', '--config', configFile, '--log', 'json', ...more];
  const [program = '', ...words] = [...enter, ...dso];
  const child = spawn(program, words, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  });
  createInterface({ input: child.stderr }).on('line', (line) => onLine(readableLine(line)));
  // Of its output, too: when it has ended, all it said was heard.
  const closed = once(child, 'close');
  return {
    get pid() {
      return child.pid;
    },
    get exitCode() {
      return child.exitCode;
    },
    ended: async () => {
      await closed;
      return child.exitCode;
    },
    // What enters namespaces passes no signal on; whoever it started ends with it.
    end: () => stop(child, enter.length === 0 ? 'SIGTERM' : 'SIGKILL'),
    kill: () => stop(child, 'SIGKILL'),
  };
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

/** The message of a JSON log line; any other line as it is. */
export function readableLine(line: string): string {
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry === 'object' && entry !== null && 'msg' in entry && typeof entry.msg === 'string')
      return entry.msg;
  } catch {
    // Not JSON: a crash report, most likely. It is shown as it is.
  }
  return line;
}

/** `dso`, run as an operator runs it: a process of its own, told by its environment where the orchestrator is. */
export const DSO_PROGRAM: string = fileURLToPath(import.meta.resolve('@dshard/cli/bin/dso.js'));

/** What it printed. Throws an error with what it said instead when its exit code is not 0. */
export function runDso(httpUrl: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, DSO_CLI_ADDR: httpUrl };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [DSO_PROGRAM, ...args], { env }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`dso ${args.join(' ')} failed: ${stderr.trim() || error.message}`, { cause: error }));
    });
  });
}

/** The same, and what it prints has to show all of this. */
export async function dsoShows(httpUrl: string, args: readonly string[], expected: readonly string[]): Promise<void> {
  const printed = await runDso(httpUrl, args);
  const missing = expected.filter((text) => !printed.includes(text));
  if (missing.length > 0) throw new Error(`dso ${args.join(' ')} does not show ${missing.join(', ')}, but: ${printed}`);
}

/** Runs it, and resolves with how it ended: `said` is its last word, or why it failed. */
export async function runsDso(
  httpUrl: string,
  args: readonly string[],
): Promise<{ code: number; said: string; printed: string }> {
  const env = { ...process.env, DSO_CLI_ADDR: httpUrl };
  return new Promise((resolve) => {
    execFile(process.execPath, [DSO_PROGRAM, ...args], { env }, (error, stdout, stderr) => {
      const last = (text: string): string => text.trim().split('\n').at(-1) ?? '';
      const problem = stderr.slice(Math.max(0, stderr.lastIndexOf('dso: '))).trim();
      const said = error === null ? last(stdout) : problem;
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), said, printed: stdout });
    });
  });
}

/** It fails, as a script would want to know, and what it prints has to show all of this. */
export async function dsoFails(httpUrl: string, args: readonly string[], expected: readonly string[]): Promise<void> {
  const { code, printed } = await runsDso(httpUrl, args);
  const missing = expected.filter((text) => !printed.includes(text));
  if (code === 0) throw new Error(`dso ${args.join(' ')} succeeded, and printed: ${printed}`);
  if (missing.length > 0) throw new Error(`dso ${args.join(' ')} does not show ${missing.join(', ')}, but: ${printed}`);
}

export type HistoryRow = {
  id: number;
  at: number;
  name: string;
  text: string;
  fields: Readonly<Record<string, unknown>>;
};

/** The few calls of the orchestrator's REST interface that the demo makes: the same ones `dso` makes. */
export class OrchestratorClient {
  readonly #bases: readonly string[];
  /** Which one answered last. */
  #at = 0;
  readonly #headers: Readonly<Record<string, string>>;

  /** `bases` as in `http://127.0.0.1:7448`: an orchestrator, or several, of which one leads. */
  constructor(bases: string | readonly string[], token: string | null) {
    this.#bases = typeof bases === 'string' ? [bases] : bases;
    this.#headers = token === null ? {} : { authorization: `Bearer ${token}` };
  }

  async status(): Promise<StatusV1> {
    return (await this.#read('/v1/status')) as StatusV1;
  }

  /** What happened after the entry with that id. */
  async events(after: number): Promise<readonly HistoryRow[]> {
    return (await this.#read(`/v1/events?after=${after}`)) as readonly HistoryRow[];
  }

  /** Resolves with the orchestrator's sentence when the operation is done. */
  async post(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<string> {
    const answer = (await this.#request('POST', path, new URLSearchParams(parameters))) as { Message: string };
    return answer.Message;
  }

  /** Asks every node that has shards. */
  async call(parameters: Readonly<Record<string, string>>): Promise<CallReport> {
    return (await this.#request('POST', '/v1/call', new URLSearchParams(parameters))) as CallReport;
  }

  /** Once more where no answer came: the server closes a connection that is idle while this process is busy. */
  async #read(path: string): Promise<unknown> {
    try {
      return await this.#request('GET', path);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return this.#request('GET', path);
    }
  }

  async #request(method: string, path: string, body?: URLSearchParams): Promise<unknown> {
    const base = this.#bases[this.#at % this.#bases.length];
    try {
      const response = await fetch(`${base}${path}`, { method, headers: this.#headers, ...(body && { body }) });
      const answer: unknown = await response.json();
      if (!response.ok) throw new Error(`${method} ${path} was refused: ${JSON.stringify(answer)}`);
      return answer;
    } catch (error) {
      // Another one may lead: whoever asks again asks that one.
      this.#at += 1;
      throw error;
    }
  }
}
