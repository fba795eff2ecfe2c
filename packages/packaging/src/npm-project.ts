/** A project as `npm init -y` makes it, in a folder of its own, and what is installed there. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './tarballs.js';

/** What npm would do besides is no part of any project. */
const QUIET = ['--no-fund', '--no-audit', '--no-update-notifier'];

export type NpmProject = {
  readonly folder: string;
  /** What npm said while it installed; each line with `npm warn` or `npm error`. */
  readonly complaints: readonly string[];
};

export type NpmProjectOptions = {
  /** Tarballs, `name@version`. */
  readonly packages: readonly string[];
  /** What `npm init -y` writes is the default of npm itself: `commonjs` since npm 11. */
  readonly type?: 'commonjs' | 'module';
  /** For versions that our peer range refuses, which is what is being found out. */
  readonly ignorePeers?: boolean;
  /** Of npm itself; the Node.js in PATH runs it. */
  readonly env?: NodeJS.ProcessEnv;
};

/** Throws with what npm said. */
export async function npmProject(folder: string, options: NpmProjectOptions): Promise<NpmProject> {
  mkdirSync(folder, { recursive: true });
  await npm(['init', '-y'], folder, options.env);
  if (options.type !== undefined) {
    const file = join(folder, 'package.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...manifest, type: options.type }));
  }
  const flags = options.ignorePeers === true ? ['--legacy-peer-deps'] : [];
  const said = await npm(['install', ...QUIET, ...flags, ...options.packages], folder, options.env);
  return { folder, complaints: said.split('\n').filter((line) => /^npm (?:warn|error)/i.test(line)) };
}

async function npm(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const { code, stdout, stderr } = await run('npm', args, { cwd, env });
  if (code !== 0) throw new Error(`npm ${args[0] ?? ''} failed: ${stderr.trim() || stdout.trim()}`);
  return `${stdout}${stderr}`;
}
