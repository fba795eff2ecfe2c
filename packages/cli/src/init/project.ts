/** What `dso init` finds in a folder: the bot's file, its library, its language, and what is installed. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

type Library = {
  /** The package of npm. */
  readonly name: string;
  /** What the bot imports of ours, and what it does with that. */
  readonly uses: readonly string[];
  readonly guide: string;
};

const DISCORD_JS = [
  "import { orchestrated } from '@dshard/node/discordjs';",
  'new Client({ ...orchestrated(), intents: […] })',
];

/** The first that is found counts: frameworks come before what they are built on. */
const LIBRARIES: readonly Library[] = [
  {
    name: '@sapphire/framework',
    uses: DISCORD_JS.map((line) => line.replace('Client(', 'SapphireClient(')),
    guide: 'README.md',
  },
  { name: 'discordx', uses: DISCORD_JS, guide: 'README.md' },
  { name: 'necord', uses: DISCORD_JS, guide: 'README.md' },
  { name: 'discord.js', uses: DISCORD_JS, guide: 'README.md' },
  {
    name: '@discordjs/core',
    uses: ["import { orchestrated } from '@dshard/node/core';", 'orchestrated(new Client({ rest, gateway }))'],
    guide: 'docs/guide/core.md',
  },
  {
    name: '@discordjs/ws',
    uses: ["import { createWsHost } from '@dshard/node/ws';"],
    guide: 'packages/node/README.md',
  },
  { name: 'eris', uses: ["import … from '@dshard/node/eris';"], guide: 'docs/guide/eris.md' },
  { name: 'oceanic.js', uses: ["import … from '@dshard/node/oceanic';"], guide: 'docs/guide/oceanic.md' },
  { name: 'seyfert', uses: ["import … from '@dshard/node/seyfert';"], guide: 'docs/guide/seyfert.md' },
  { name: '@discordeno/bot', uses: ["import … from '@dshard/node/discordeno';"], guide: 'docs/guide/discordeno.md' },
  { name: 'discordeno', uses: ["import … from '@dshard/node/discordeno';"], guide: 'docs/guide/discordeno.md' },
];

export type Project = {
  readonly folder: string;
  readonly hasManifest: boolean;
  /** Relative to the folder, with slashes. null: none was found. */
  readonly entry: string | null;
  /** Whether the file is there: what a build makes may not be yet. */
  readonly isEntryThere: boolean;
  readonly isTypeScript: boolean;
  readonly library: Library | null;
  /** Whether the bot's file names @dshard/node already. */
  readonly isOrchestrated: boolean;
  /** Of `runners`, what is installed or asked for. */
  readonly runner: 'tsx' | 'ts-node' | null;
  readonly packages: ReadonlySet<string>;
};

const TYPESCRIPT = /\.[cm]?ts$/;
const JAVASCRIPT = /\.[cm]?js$/;
const FOLDERS = ['', 'src/', 'dist/', 'build/', 'lib/'];
const NAMES = ['bot', 'index', 'main', 'app'];
const ENDINGS = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'];

/** @param named the bot's file, where somebody says which. */
export function lookAt(folder: string, named: string | null = null): Project {
  const manifest = manifestOf(folder);
  const { dependencies, devDependencies, scripts, main } = manifest ?? {};
  const packages = new Set([...Object.keys(Object(dependencies)), ...Object.keys(Object(devDependencies))]);
  const isThere = (file: string): boolean => existsSync(join(folder, file));
  const candidates = [
    ...filesIn(Object(scripts).start),
    ...(typeof main === 'string' ? [main.replace(/^\.\//, '')] : []),
    ...FOLDERS.flatMap((place) => NAMES.flatMap((name) => ENDINGS.map((ending) => `${place}${name}${ending}`))),
  ].filter((file) => TYPESCRIPT.test(file) || JAVASCRIPT.test(file));
  // What a build will make is better than nothing.
  const entry =
    named ??
    candidates.find(isThere) ??
    candidates.find((file) => /^(dist|build|lib)\//.test(file) && isBuilt(scripts)) ??
    null;
  const text = entry !== null && isThere(entry) ? textOf(join(folder, entry)) : '';
  const sources = entry === null || JAVASCRIPT.test(entry) ? isThere('tsconfig.json') : true;
  return {
    folder,
    hasManifest: manifest !== null,
    entry,
    isEntryThere: entry !== null && isThere(entry),
    isTypeScript: sources,
    library:
      LIBRARIES.find(({ name }) => packages.has(name)) ??
      LIBRARIES.find(({ name }) => text.includes(`'${name}'`)) ??
      null,
    isOrchestrated: text.includes('@dshard/node'),
    runner: packages.has('tsx') ? 'tsx' : packages.has('ts-node') ? 'ts-node' : null,
    packages,
  };
}

/** Whether a script makes what is not there yet. */
function isBuilt(scripts: unknown): boolean {
  return typeof Object(scripts).build === 'string';
}

/** `node --import tsx src/bot.ts` names one. */
function filesIn(script: unknown): readonly string[] {
  return typeof script === 'string'
    ? script
        .split(/\s+/)
        .map((word) => word.replace(/^\.\//, ''))
        .filter((word) => !word.startsWith('.'))
    : [];
}

function manifestOf(folder: string): Readonly<Record<string, unknown>> | null {
  const text = textOf(join(folder, 'package.json'));
  try {
    return text === '' ? null : (Object(JSON.parse(text)) as Record<string, unknown>);
  } catch {
    return null;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** How a process of the bot is started: by `launcher.bot`, or by a command. */
export function startOf({
  entry,
  runner,
}: Pick<Project, 'entry' | 'runner'>): { bot: string } | { command: string } | null {
  if (entry === null) return null;
  if (JAVASCRIPT.test(entry)) return { bot: entry };
  if (runner === 'ts-node') return { command: `npx ts-node ${entry}` };
  return { command: `node --import tsx ${entry}` };
}
