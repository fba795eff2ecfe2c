/** `dso`, run as an operator runs it: a process of its own, told by its environment where the orchestrator is. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

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
