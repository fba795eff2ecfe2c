/** The libraries under test: each as its authors publish it, in the version that this workspace pins. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export type Library = {
  /** The name of the package. */
  name: string;
  version: string;
  /** The program that runs it. */
  client: string;
};

const programs: Record<string, string> = {
  'discord.js': 'discord-js',
  '@discordjs/ws': 'discordjs-ws',
  eris: 'eris',
  'oceanic.js': 'oceanic',
  '@discordeno/gateway': 'discordeno',
  seyfert: 'seyfert',
};

export const libraryNames: readonly string[] = Object.keys(programs);

export function libraries(names: readonly string[] = libraryNames): Library[] {
  return names.map((name) => {
    const program = programs[name];
    if (program === undefined) throw new RangeError(`"${name}" is not in the suite; it has ${libraryNames.join(', ')}.`);
    const client = fileURLToPath(new URL(`./clients/${program}.js`, import.meta.url));
    return { name, version: versionOf(name), client };
  });
}

/** From the package's own package.json, which its `exports` may hide. */
function versionOf(name: string): string {
  const places = createRequire(import.meta.url).resolve.paths(name) ?? [];
  for (const place of places) {
    try {
      const manifest = JSON.parse(readFileSync(`${place}/${name}/package.json`, 'utf8')) as { version: string };
      return manifest.version;
    } catch {
      continue;
    }
  }
  throw new Error(`${name} is not installed: run npm ci.`);
}
