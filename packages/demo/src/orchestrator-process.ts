/** `dso up` as a child process, the way an operator runs it, so that it can also be killed the way machines kill it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { DSO_PROGRAM } from './dso.js';

export type OrchestratorProcess = {
  readonly pid: number | undefined;
  /** null while it runs. */
  readonly exitCode: number | null;
  /** Ends the fleet for good (SIGTERM) and waits for the process to be gone. */
  end(): Promise<void>;
  /** kill -9: what a crash does. */
  kill(): Promise<void>;
};

export function startOrchestrator(configFile: string, onLine: (line: string) => void): OrchestratorProcess {
  const child = spawn(process.execPath, [DSO_PROGRAM, 'up', '--config', configFile, '--log', 'json'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  createInterface({ input: child.stderr }).on('line', (line) => onLine(readableLine(line)));
  return {
    get pid() {
      return child.pid;
    },
    get exitCode() {
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
