/** Runs the built program as a child process, the way a person does. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { until } from '@dshard/testkit';

const BIN = fileURLToPath(new URL('../bin/dso.js', import.meta.url));
const BUILT = fileURLToPath(new URL('../dist/main.js', import.meta.url));

export type Dso = {
  readonly child: ChildProcess;
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves when the process is gone. */
  readonly done: Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }>;
};

export type DsoOptions = { environment?: Record<string, string>; cwd?: string };

/** Nothing of the surroundings' own settings reaches the program. */
export function startDso(args: readonly string[], options: DsoOptions = {}): Dso {
  if (!existsSync(BUILT))
    throw new Error(`${BUILT} is missing: run \`npx tsc -b\` first; these tests run the built program.`);
  return startProgram(BIN, args, options);
}

/** The same for a copy of the program, or any other. */
export function startProgram(program: string, args: readonly string[], { environment = {}, cwd }: DsoOptions): Dso {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(DSO_|DISCORD_|NODE_OPTIONS|VITEST)/.test(name));
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(inherited), ...environment },
    ...(cwd === undefined ? {} : { cwd }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const done = new Promise<Awaited<Dso['done']>>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return {
    child,
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    done,
  };
}

/** `dso up --json` runs: where nodes connect, and where REST is. */
export async function untilUp(dso: Dso): Promise<{ address: string; http: string }> {
  const line = await until(
    () => {
      if (dso.child.exitCode !== null) throw new Error(`It ended: ${dso.stderr}`);
      return /^(\{.*\})\n/.exec(dso.stdout)?.[1];
    },
    { what: 'dso up to run', timeoutMs: 15_000 },
  );
  return JSON.parse(line) as { address: string; http: string };
}

export function runDso(args: readonly string[], options: DsoOptions = {}): Dso['done'] {
  return startDso(args, options).done;
}

/** The same for a copy of the program. */
export function runProgram(program: string, args: readonly string[], options: DsoOptions = {}): Dso['done'] {
  return startProgram(program, args, options).done;
}
