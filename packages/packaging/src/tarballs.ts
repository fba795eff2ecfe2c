/** Tarballs of the public packages, as the registry would get them. */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PublicPackage, Workspace } from './workspace.js';

export type Tarball = { readonly package: PublicPackage; readonly file: string };

export type Ran = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

export type RunOptions = { cwd?: string; env?: NodeJS.ProcessEnv; signal?: AbortSignal; killSignal?: NodeJS.Signals };

/** Resolves when the program has ended, however it did. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('error', reject);
    child.once('close', (code) =>
      resolve({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    );
  });
}

/** Needs a build. */
export async function packAll({ root, publicPackages }: Workspace, folder: string): Promise<readonly Tarball[]> {
  mkdirSync(folder, { recursive: true });
  const workspaces = publicPackages.flatMap(({ directory }) => ['-w', directory]);
  const { code, stderr } = await run('npm', ['pack', '--silent', '--pack-destination', folder, ...workspaces], {
    cwd: root,
  });
  if (code !== 0) throw new Error(`npm pack failed: ${stderr}`);
  return publicPackages.map((one) => ({ package: one, file: join(folder, tarballName(one)) }));
}

function tarballName({ manifest: { name, version } }: PublicPackage): string {
  return `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
}

/** Returns the folder with the package's files. */
export async function unpack({ file }: Tarball, folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const { code, stderr } = await run('tar', ['-xzf', file, '-C', folder]);
  if (code !== 0) throw new Error(`${file} cannot be unpacked: ${stderr}`);
  return join(folder, 'package');
}

/** Paths below `folder`, with `/`. */
export function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    );
}
