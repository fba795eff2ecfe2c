/** The frameworks of the matrix: each a bot in a folder of `fixtures`, with an install and a lock file of its own. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

type Known = {
  /** The package whose version counts, where that is not the framework's name. */
  package?: string;
  /** Its bot's, below `fixtures`. */
  folder: string;
  /** Whether it keeps guilds, so that user code knows their names; otherwise the bot answers with their ids. */
  caches: boolean;
  /** Whether `client.user` is there as soon as logging in has resolved. The others tell of it in ready only. */
  userAfterLogin: boolean;
};

/** `folder` is the whole path. */
export type Framework = Known & {
  /** As the matrix shows it. */
  name: string;
  /** The version that the fixture's lock file pins. */
  version: string;
};

const discordjs = { caches: true, userAfterLogin: true };

/** By the name that the matrix shows. */
const known: Readonly<Record<string, Known>> = {
  'discord.js': { folder: 'discord.js', ...discordjs },
  '@sapphire/framework': { folder: 'sapphire', ...discordjs },
  discordx: { folder: 'discordx', ...discordjs },
  necord: { folder: 'necord', ...discordjs },
  '@discordjs/core': { folder: 'core', caches: true, userAfterLogin: false },
  discordeno: { package: '@discordeno/bot', folder: 'discordeno', caches: false, userAfterLogin: false },
  seyfert: { folder: 'seyfert', caches: true, userAfterLogin: false },
  eris: { folder: 'eris', caches: true, userAfterLogin: true },
  'oceanic.js': { folder: 'oceanic', caches: true, userAfterLogin: true },
};

export const frameworkNames: readonly string[] = Object.keys(known);

/** Throws RangeError for a name that is not in the matrix. */
export function frameworks(names: readonly string[] = frameworkNames): Framework[] {
  return names.map((name) => {
    const found = known[name];
    if (found === undefined) {
      throw new RangeError(`"${name}" is not in the matrix; it has ${frameworkNames.join(', ')}.`);
    }
    const folder = fileURLToPath(new URL(`../fixtures/${found.folder}`, import.meta.url));
    return { ...found, name, version: pinnedVersion(folder, found.package ?? name), folder };
  });
}

function pinnedVersion(folder: string, name: string): string {
  const { packages } = JSON.parse(readFileSync(`${folder}/package-lock.json`, 'utf8')) as {
    packages: Record<string, { version?: string }>;
  };
  return packages[`node_modules/${name}`]?.version ?? 'not installed';
}
