/**
 * Installs a framework's bot the way its author would: `npm ci` from its own lock file, then this repository's packages
 * as npm packs them, so that nothing is shared with the workspace and npm checks every peer dependency. In a folder of
 * its own, which is used again as long as nothing changed.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Framework } from './frameworks.js';

const run = promisify(execFile);
const cache = fileURLToPath(new URL('../.cache/', import.meta.url));
/** What a bot installs of ours: the folder of the package whose `dist/index.js` this is. */
const library = fileURLToPath(new URL('..', import.meta.resolve('@dshard/node')));
const quiet = ['--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error'];

export type Installed = {
  /** The program to start. */
  program: string;
  folder: string;
};

/** Packs our packages, and what they depend on as the lock file has it. Resolves with the tarballs. */
export async function packOurs(): Promise<string[]> {
  const folder = join(cache, 'packed');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const from of await withDependencies(library)) {
    await npm(['pack', from, '--pack-destination', folder, ...quiet], cache);
  }
  return (await readdir(folder)).toSorted().map((name) => join(folder, name));
}

/** The folder of a package with those of all that it depends on, as Node finds them from there. */
async function withDependencies(folder: string, known: Set<string> = new Set()): Promise<Set<string>> {
  if (known.has(folder)) return known;
  known.add(folder);
  const { dependencies = {} } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>;
  };
  for (const name of Object.keys(dependencies)) await withDependencies(folderOf(name, folder), known);
  return known;
}

/** Found by its manifest, because the exports of a package may hide it. */
function folderOf(name: string, from: string): string {
  const places = createRequire(join(from, 'package.json')).resolve.paths(name) ?? [];
  const place = places.find((candidate) => existsSync(join(candidate, name, 'package.json')));
  if (place === undefined) throw new Error(`${name} is not installed: run npm ci.`);
  return realpathSync(join(place, name));
}

/** `onStep` is told what is done, when it takes a while. */
export async function install(
  framework: Framework,
  tarballs: readonly string[],
  onStep: (step: string) => void,
): Promise<Installed> {
  const folder = join(cache, framework.folder.slice(dirname(framework.folder).length + 1));
  const wanted = await hashOf([
    join(framework.folder, 'package.json'),
    join(framework.folder, 'package-lock.json'),
    ...tarballs,
  ]);
  const stamp = join(folder, 'node_modules', '.installed');
  if (!existsSync(stamp) || (await readFile(stamp, 'utf8')) !== wanted) {
    onStep(`installing ${framework.name} ${framework.version}`);
    await rm(folder, { recursive: true, force: true });
    await cp(framework.folder, folder, { recursive: true });
    await npm(['ci', ...quiet], folder);
    await npm(['install', '--no-save', '--no-package-lock', '--offline', ...quiet, ...tarballs], folder);
    await writeFile(stamp, wanted);
  }
  await cp(framework.folder, folder, { recursive: true });
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    main: string;
    scripts?: { build?: string };
  };
  if (manifest.scripts?.build !== undefined) {
    onStep(`building the bot on ${framework.name}`);
    await npm(['run', '--silent', 'build'], folder);
  }
  return { program: join(folder, manifest.main), folder };
}

/** Throws an error with what npm said. */
async function npm(args: readonly string[], cwd: string): Promise<void> {
  try {
    await run('npm', [...args], { cwd, maxBuffer: 16 * 1024 * 1024 });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`npm ${args[0] ?? ''} in ${cwd} failed:\n${`${stdout}${stderr}`.trim()}`, { cause: error });
  }
}

async function hashOf(files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) hash.update(await readFile(file));
  return hash.digest('hex');
}
