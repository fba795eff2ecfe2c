/** `dso up` as a child process, the way an operator runs it, so that it can also be killed the way machines kill it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { DSO_PROGRAM } from './dso.js';

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

/** `more`: arguments of `dso up`. */
export function startOrchestrator(
  configFile: string,
  onLine: (line: string) => void,
  more: readonly string[] = [],
): OrchestratorProcess {
  const child = spawn(process.execPath, [DSO_PROGRAM, 'up', '--config', configFile, '--log', 'json', ...more], {
    stdio: ['ignore', 'ignore', 'pipe'],
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
    end: () => stop(child, 'SIGTERM'),
    kill: () => stop(child, 'SIGKILL'),
  };
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

/** The message of a JSON log line; any other line as it is. */
function readableLine(line: string): string {
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry === 'object' && entry !== null && 'msg' in entry && typeof entry.msg === 'string')
      return entry.msg;
  } catch {
    // Not JSON: a crash report, most likely. It is shown as it is.
  }
  return line;
}
