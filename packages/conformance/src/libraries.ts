/** The libraries under test: each as its authors publish it, in the version that this workspace pins. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { EmulatorOptions } from '@dshard/gateway-emulator';

export type Library = {
  /** The name of the package. */
  name: string;
  version: string;
  /** What the emulator has to be told for its sake. */
  options: EmulatorOptions;
  /** What to know of it, for the matrix. */
  note: string | null;
};

/** What each has of its own; the client process is `clients/client.ts`. */
const particulars: Record<string, { options?: EmulatorOptions; note?: string }> = {
  'discord.js': {},
  '@discordjs/ws': {},
  eris: {},
  'oceanic.js': {},
  '@discordeno/gateway': {},
  seyfert: {
    options: { helloDelayMs: 500 },
    note: 'its websocket drops what comes in one packet with the answer to the upgrade (`lib/websocket/discord/socket/custom.js:40`), on a fast line HELLO: here HELLO comes half a second later. It connects to port 443 whatever the URL says: here an agent of the process takes it to the emulator',
  },
};

export const libraryNames: readonly string[] = Object.keys(particulars);

export function libraries(names: readonly string[] = libraryNames): Library[] {
  return names.map((name) => {
    const known = particulars[name];
    if (known === undefined) throw new RangeError(`"${name}" is not in the suite; it has ${libraryNames.join(', ')}.`);
    return { name, version: versionOf(name), options: known.options ?? {}, note: known.note ?? null };
  });
}

function versionOf(name: string): string {
  const manifest = JSON.parse(readFileSync(`${folderOf(name)}/package.json`, 'utf8')) as { version: string };
  return manifest.version;
}

/** Where a package is installed, also one whose `exports` hide its package.json. Throws when it is not. */
export function folderOf(name: string): string {
  const places = createRequire(import.meta.url).resolve.paths(name) ?? [];
  const place = places.find((candidate) => existsSync(`${candidate}/${name}/package.json`));
  if (place !== undefined) return `${place}/${name}`;
  throw new Error(`${name} is not installed: run npm ci.`);
}
