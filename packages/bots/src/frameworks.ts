/** The frameworks of the matrix: each a bot in a folder of `fixtures`, with an install and a lock file of its own. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export type Framework = {
  /** The name of the package. */
  name: string;
  /** The version that the fixture's lock file pins. */
  version: string;
  /** The folder of its bot. */
  folder: string;
};

/** Package names, and the folders of their bots below `fixtures`. */
const folders: Readonly<Record<string, string>> = {
  'discord.js': 'discord.js',
};

export const frameworkNames: readonly string[] = Object.keys(folders);

/** Throws RangeError for a name that is not in the matrix. */
export function frameworks(names: readonly string[] = frameworkNames): Framework[] {
  return names.map((name) => {
    const fixture = folders[name];
    if (fixture === undefined) {
      throw new RangeError(`"${name}" is not in the matrix; it has ${frameworkNames.join(', ')}.`);
    }
    const folder = fileURLToPath(new URL(`../fixtures/${fixture}`, import.meta.url));
    return { name, version: pinnedVersion(folder, name), folder };
  });
}

function pinnedVersion(folder: string, name: string): string {
  const { packages } = JSON.parse(readFileSync(`${folder}/package-lock.json`, 'utf8')) as {
    packages: Record<string, { version?: string }>;
  };
  return packages[`node_modules/${name}`]?.version ?? 'not installed';
}
