/** What `dso doctor` looks at on this machine: versions, ports, disks and certificates. */
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import type { ResolvedConfig } from '@dshard/api/config';
import { messageOf } from '@dshard/protocol';
import { parseAddress, readTls, type Address } from '@dshard/transport';
import { fail, ok, skip, warn, type Check } from './check.js';

const FLOOR = [20, 19] as const;
const DAY_MS = 86_400_000;
const SOON_DAYS = 14;
const LITTLE_BYTES = 1e9;
const TOO_LITTLE_BYTES = 1e8;

export function nodeVersion(version: string = process.versions.node): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNew = major > FLOOR[0] || (major === FLOOR[0] && minor >= FLOOR[1]);
  const text = `Node.js ${version}`;
  return isNew ? ok('node', text) : fail('node', text, `Install Node.js ${FLOOR.join('.')} or newer.`);
}

const OURS = ['@dshard/cli', '@dshard/orchestrator', '@dshard/node'] as const;

/** Packages that talk to each other are of one version. @param own of this command line. */
export function packageVersions(cwd: string, own: string): Check {
  const found = OURS.flatMap((name) => {
    const version = name === '@dshard/cli' ? own : installedVersion(name, cwd);
    return version === null ? [] : [{ name, version }];
  });
  const text = found.map(({ name, version }) => `${name} ${version}`).join(', ');
  if (found.every(({ version }) => version === own)) return ok('packages', text);
  return warn(
    'packages',
    text,
    `Bring all to one version: npm install ${found.map(({ name }) => `${name}@${own}`).join(' ')}`,
  );
}

/** As Node.js would find it from there. null: it is not installed. */
function installedVersion(name: string, from: string): string | null {
  const manifest = join(from, 'node_modules', name, 'package.json');
  if (existsSync(manifest)) {
    try {
      return String((JSON.parse(readFileSync(manifest, 'utf8')) as { version?: unknown }).version);
    } catch {
      return null;
    }
  }
  return dirname(from) === from ? null : installedVersion(name, dirname(from));
}

/** @param isOurs whether an orchestrator answers here already: then the ports are its own. */
export async function ports(
  config: ResolvedConfig,
  isOurs: boolean,
  ownerOf: (port: number) => string | null,
): Promise<Check[]> {
  const all: { name: string; key: string; address: Address }[] = [
    { name: 'port nodes', key: 'listen', address: config.listen },
    ...(config.http === null ? [] : [{ name: 'port http', key: 'http.listen', address: config.http.listen }]),
  ];
  return Promise.all(
    all.map(async ({ name, key, address }) => {
      const problem = await cannotListen(address);
      if (problem === null) return ok(name, `${address} is free.`);
      const { port } = parseAddress(address);
      const owner = ownerOf(port);
      const by = owner === null ? 'another program' : owner;
      if (problem === 'EADDRINUSE') {
        if (isOurs) return ok(name, `${address} is used by ${owner ?? 'the orchestrator'}, and an orchestrator runs.`);
        return fail(
          name,
          `${address} is used by ${by}.`,
          `End that program, or write another port: ${key} in dso.yaml.`,
        );
      }
      return fail(name, `${address} cannot be listened on: ${problem}.`, `Write another address: ${key} in dso.yaml.`);
    }),
  );
}

function cannotListen(address: Address): Promise<string | null> {
  const { host, port } = parseAddress(address);
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

/** The folders that are written, each with the room its disk has. */
export function disks(config: ResolvedConfig, environment: Readonly<Record<string, string | undefined>>): Check[] {
  const { values, launcher, store, parkDir } = config;
  const stateDir = environment['DSO_STATE_DIR'];
  const folders = new Map<string, string>([
    ...(store.kind === 'sqlite' ? [[dirname(store.path), 'store'] as const] : []),
    ...(launcher === null ? [] : [[launcher.dataDir, `launcher.dataDir (${values['launcher.dataDir']})`] as const]),
    [parkDir, 'park.dir'] as const,
    ...(stateDir ? [[stateDir, 'DSO_STATE_DIR'] as const] : []),
  ]);
  return [...folders].map(([folder, key]) => disk(folder, key));
}

function disk(folder: string, key: string): Check {
  const there = nearestFolder(folder);
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
  } catch (cause) {
    return fail(
      'disk',
      `${key}: ${there} cannot be written: ${messageOf(cause)}.`,
      `Give this user the right to write there, or write another folder.`,
    );
  }
  const { bavail, bsize } = statfsSync(there);
  const free = bavail * bsize;
  const text = `${key}: ${folder} can be written; ${(free / 1e9).toFixed(1)} GB are free.`;
  const remedy = 'Make room: without it nothing can be remembered, and the orchestrator changes nothing.';
  if (free < TOO_LITTLE_BYTES) return fail('disk', text, remedy);
  return free < LITTLE_BYTES ? warn('disk', text, remedy) : ok('disk', text);
}

/** What is not there yet will be made in the nearest folder that is. */
function nearestFolder(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearestFolder(dirname(folder));
}

export function certificates({ tls }: ResolvedConfig, now: number): Check {
  if (tls === null) return skip('certificates', 'TLS is not configured (tls.cert).');
  try {
    const { own } = readTls(tls, now);
    if (own === null) return ok('certificates', 'The authority is readable; there is no certificate of our own.');
    const days = Math.floor((own.endsAt - now) / DAY_MS);
    const end = new Date(own.endsAt).toISOString().slice(0, 10);
    const text = `${tls.cert ?? 'tls.cert'} is valid until ${end} (${days} days more), for ${own.names.join(', ')}.`;
    return days < SOON_DAYS
      ? warn('certificates', text, 'Renew it: a new file is read without a restart.')
      : ok('certificates', text);
  } catch (cause) {
    return fail('certificates', messageOf(cause), 'Mend what tls.cert, tls.key and tls.ca name.');
  }
}
