/**
 * The images that a Dockerfile would pull, made here: Debian's base system with the Node.js that runs this, under the
 * name `node:20-bookworm-slim`, and on top of that Debian's PostgreSQL under the name that the compose file has.
 */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  realpathSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '@dshard/packaging';
import type { Sandbox } from './sandbox.js';

const NODE_IMAGE = 'docker.io/library/node:20-bookworm-slim';
const POSTGRES_IMAGE = 'docker.io/library/postgres:18-bookworm';
const SUITE = 'bookworm';
const MIRROR = 'http://deb.debian.org/debian';
/** Of the user `node`, as in the official image. */
const NODE_UID = '1000';
const POSTGRES_FOLDER = fileURLToPath(new URL('../fixtures/postgres', import.meta.url));

/** @param kept a tar of the base system that is used if it is there, and made if not. */
export async function makeNodeImage(sandbox: Sandbox, kept: string | null): Promise<void> {
  const tar = kept ?? join(sandbox.folder, 'base.tar');
  if (!existsSync(tar)) await makeBase(sandbox, tar);
  await sandbox.succeed([
    'podman',
    'import',
    '--change',
    'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    tar,
    NODE_IMAGE,
  ]);
}

async function makeBase(sandbox: Sandbox, tar: string): Promise<void> {
  const root = join(sandbox.folder, 'base');
  await sandbox.succeed(['debootstrap', '--variant=minbase', '--include=ca-certificates', SUITE, root, MIRROR]);
  const libraries = join(root, 'usr/local/lib/node_modules');
  mkdirSync(libraries, { recursive: true });
  copyFileSync(realpathSync(process.execPath), join(root, 'usr/local/bin/node'));
  cpSync(await npmFolder(), join(libraries, 'npm'), { recursive: true, dereference: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm'));
  await sandbox.succeed(['chroot', root, 'useradd', '--create-home', '--uid', NODE_UID, 'node']);
  // One that is interrupted leaves no tar that looks whole.
  await sandbox.succeed(['tar', '--numeric-owner', '-C', root, '-cf', `${tar}.part`, '.']);
  renameSync(`${tar}.part`, tar);
}

/** Of the npm in PATH. */
async function npmFolder(): Promise<string> {
  const { stdout } = await run('sh', ['-c', 'command -v npm']);
  return dirname(dirname(realpathSync(stdout.trim())));
}

/** As the official image is used: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB, data below /var/lib/postgresql. */
export async function makePostgresImage(sandbox: Sandbox): Promise<void> {
  await sandbox.succeed(['podman', 'build', ...BUILD_FLAGS, '-t', POSTGRES_IMAGE, POSTGRES_FOLDER]);
}

/** `--format docker`, because the other form has no HEALTHCHECK. */
export const BUILD_FLAGS: readonly string[] = [
  '--isolation=chroot',
  '--format=docker',
  '--network=host',
  '--pull=never',
];

/** Files that a container's user may read, whoever made them. */
export function writeReadable(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o644 });
}
