/** The projects of `npm run test:packages`: what somebody has who installs our packages, and what has to work there. */
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '@dshard/transport';
import type { NpmProject } from '../npm-project.js';
import { run } from '../tarballs.js';
import { runCourse, blockWith, dsoUpWith, type StartEmulator } from './course.js';
import { compile, settingsOf, type RuntimeName, type Setting } from './environments.js';

export type Surroundings = {
  /** Texts of the READMEs. */
  readonly readme: string;
  readonly nodeReadme: string;
  /** Every entry of every package: `@dshard/node/ws`. */
  readonly entries: readonly string[];
  readonly startEmulator: StartEmulator;
  readonly clock: Clock;
};

type Rig = Surroundings & { readonly project: NpmProject; readonly env: Readonly<Record<string, string>> };

export type Project = {
  readonly name: string;
  /** Part of the short form. */
  readonly short: boolean;
  readonly runtimes: readonly RuntimeName[];
  /** Names of our packages that are installed; by default all. */
  readonly ours?: readonly string[];
  /** What is installed besides our tarballs. */
  readonly packages: readonly string[];
  readonly type?: 'commonjs' | 'module';
  /** Throws what is wrong. */
  readonly check: (rig: Rig) => Promise<void>;
};

const PRELOADS = ['preload.cjs', 'preload.mjs'].map((name) => ({
  name,
  file: fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url)),
}));
const TYPES = '@types/node@20';
const OLDEST = 'discord.js@14.10.2';
const SIZE = ['--nodes', '2', '--shards', 'auto'];

const discordjsLines = ({ readme }: Surroundings): string => blockWith(readme, ['js'], ['@dshard/node/discordjs']);
const wsLines = ({ readme }: Surroundings): string => blockWith(readme, ['js'], ['@dshard/node/ws']);
const required = ({ nodeReadme }: Surroundings): string =>
  blockWith(nodeReadme, ['js'], ["require('@dshard/node/discordjs')"]);

type Bot = {
  /** Of the file. */
  readonly name: string;
  readonly lines: (surroundings: Surroundings) => string;
  /** In the README's line that starts it. */
  readonly start: string;
  readonly in?: 'readme';
  readonly preload?: 'preload.mjs';
  /** Of a guild; its name, unless this is said. */
  readonly prints?: 'id';
};

async function runBot(rig: Rig, bot: Bot): Promise<void> {
  const { folder } = rig.project;
  writeFileSync(join(folder, bot.name), bot.lines(rig));
  await start(rig, bot);
}

async function start(rig: Rig, bot: Bot): Promise<void> {
  const { project, readme, nodeReadme, env, startEmulator, clock } = rig;
  const { folder } = project;
  PRELOADS.forEach(({ name, file }) => copyFileSync(file, join(folder, name)));
  const found = dsoUpWith(bot.in === 'readme' ? readme : nodeReadme, bot.start);
  // bun and deno know no NODE_OPTIONS.
  writeFileSync(join(folder, 'bunfig.toml'), 'preload = ["./preload.mjs"]\n');
  const args = found.map((arg) => arg.replace(/^deno run /, 'deno run --preload ./preload.mjs '));
  const how = bot.preload === undefined ? '--require' : '--import';
  const preload = `${how}=${join(folder, bot.preload ?? 'preload.cjs')}`;
  await runCourse({
    folder,
    args: args.includes('--nodes') ? args : [...args, ...SIZE],
    env: { ...env, NODE_OPTIONS: preload },
    prints: bot.prints ?? 'name',
    startEmulator,
    clock,
  });
}

const MODULES: Bot = { name: 'bot.mjs', lines: discordjsLines, start: '--bot ./bot.mjs', in: 'readme' };

function javascript(runtime: RuntimeName, short: boolean): readonly Project[] {
  const packages = ['discord.js'];
  return [
    {
      name: `${runtime}, npm init -y, README's lines in bot.mjs`,
      short,
      runtimes: [runtime],
      packages,
      check: (rig) => runBot(rig, MODULES),
    },
    {
      name: `${runtime}, npm init -y, README's require() in bot.cjs`,
      short,
      runtimes: [runtime],
      packages,
      check: (rig) => runBot(rig, { name: 'bot.cjs', lines: required, start: '--bot bot.cjs' }),
    },
  ];
}

async function compileAll(rig: Rig, settings: readonly Setting[], code: string, options = {}): Promise<void> {
  const problems: string[] = [];
  for (const setting of settings) {
    const problem = await compile(rig.project.folder, code, setting, options);
    if (problem !== null) problems.push(problem);
  }
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

/** README's two lines, and each entry by itself with the declarations checked, too. */
function typescript(version: string, major: number): Project {
  return {
    name: `TypeScript ${version}: README's lines in ${settingsOf(major).length} settings, each entry with its declarations checked`,
    short: true,
    runtimes: ['node20'],
    packages: [
      `typescript@${version}`,
      TYPES,
      'discord.js',
      '@discordjs/ws@2',
      '@discordjs/rest@2',
      '@discordeno/gateway@21',
      '@discordeno/bot@21',
      '@discordjs/core@2.6',
      'eris@0.18',
      'oceanic.js@1.15',
      'seyfert@5.1',
      'discord-api-types@0.38',
    ],
    async check(rig) {
      await compileAll(rig, settingsOf(major), discordjsLines(rig));
      const everything = rig.entries.map((name, index) => `export * as e${index} from '${name}';`).join('\n');
      const own = settingsOf(major).filter(({ module }) => module !== 'preserve');
      await compileAll(rig, own, everything, { skipLibCheck: false });
    },
  };
}

/** To a folder `dist`, which Node runs. */
function compiled(type: 'commonjs' | 'module', module: string, moduleResolution: string): Project {
  return {
    name: `TypeScript 5.9 compiled with module ${module} (${moduleResolution}), "type": "${type}"`,
    short: type === 'commonjs',
    runtimes: ['node20'],
    packages: ['typescript@5.9', TYPES, 'discord.js'],
    type,
    async check(rig) {
      const { folder } = rig.project;
      const compilerOptions = { strict: true, target: 'es2022', module, moduleResolution, skipLibCheck: true };
      writeFileSync(join(folder, 'bot.ts'), discordjsLines(rig));
      writeFileSync(
        join(folder, 'tsconfig.json'),
        JSON.stringify({ compilerOptions: { ...compilerOptions, types: ['node'], outDir: 'dist' }, files: ['bot.ts'] }),
      );
      const { code, stdout } = await run('node', ['node_modules/typescript/bin/tsc'], { cwd: folder });
      if (code !== 0) throw new Error(stdout);
      await start(rig, { name: 'bot.ts', lines: discordjsLines, start: '--bot dist/bot.js' });
    },
  };
}

const RUNNERS: readonly (readonly [string, RuntimeName, Bot, readonly string[], boolean])[] = [
  ['tsx', 'node20', { name: 'bot.ts', lines: discordjsLines, start: '--import tsx' }, ['tsx'], false],
  [
    'ts-node',
    'node20',
    { name: 'bot.ts', lines: discordjsLines, start: 'ts-node' },
    ['ts-node', 'typescript@5.9', TYPES],
    false,
  ],
  ['Node itself', 'node24', { name: 'bot.mts', lines: discordjsLines, start: 'node bot.mts' }, [], false],
  ['bun', 'bun', { name: 'bot.ts', lines: discordjsLines, start: 'bun bot.ts' }, [], true],
  ['deno', 'deno', { name: 'bot.ts', lines: discordjsLines, start: 'deno run' }, [], false],
];

/** ts-node reads it; the others do without. */
const TSCONFIG = {
  compilerOptions: {
    strict: true,
    target: 'es2022',
    module: 'nodenext',
    moduleResolution: 'nodenext',
    skipLibCheck: true,
  },
};

export const projects: readonly Project[] = [
  ...javascript('node20', true),
  ...javascript('node22', false),
  ...javascript('node24', true),
  {
    name: 'node20, "type": "module", README\'s lines for @discordjs/ws',
    short: false,
    runtimes: ['node20'],
    packages: ['@discordjs/ws@2', '@discordjs/rest@2', 'discord-api-types@0.38'],
    type: 'module',
    check: (rig) => runBot(rig, { ...MODULES, lines: wsLines, preload: 'preload.mjs', prints: 'id' }),
  },
  {
    name: `the oldest discord.js that works (${OLDEST}): README's lines run, and compile`,
    short: false,
    runtimes: ['node20'],
    packages: [OLDEST, 'typescript@5.9', TYPES],
    async check(rig) {
      await compileAll(rig, settingsOf(5), discordjsLines(rig));
      await runBot(rig, MODULES);
    },
  },
  typescript('5.9', 5),
  typescript('7', 7),
  compiled('commonjs', 'commonjs', 'node10'),
  compiled('module', 'nodenext', 'nodenext'),
  ...RUNNERS.map(([by, runtime, bot, packages, short]): Project => ({
    name: `TypeScript by ${by}: README's lines and command`,
    short,
    runtimes: ['node20', runtime],
    packages: ['discord.js', ...packages],
    check(rig) {
      writeFileSync(join(rig.project.folder, 'tsconfig.json'), JSON.stringify(TSCONFIG));
      return runBot(rig, bot);
    },
  })),
  {
    name: 'the programs alone: dso and dso-gateway say what they are for',
    short: true,
    runtimes: ['node20'],
    packages: [],
    async check({ project: { folder }, env }) {
      for (const program of ['dso', 'dso-gateway']) {
        const { code, stdout } = await run(join(folder, 'node_modules', '.bin', program), ['--help'], {
          cwd: folder,
          env: { ...process.env, ...env },
        });
        if (code !== 0 || !stdout.includes(`Usage: ${program}`))
          throw new Error(`${program} --help ended with ${String(code)}.`);
      }
    },
  },
  {
    name: 'the command line alone: no server comes with it, and dso up says what to install',
    short: true,
    runtimes: ['node20'],
    ours: ['@dshard/cli', '@dshard/client', '@dshard/api', '@dshard/protocol', '@dshard/transport'],
    packages: [],
    async check({ project: { folder }, env }) {
      const installed = readdirSync(join(folder, 'node_modules'));
      const server = installed.filter((name) => /fastify|libsql|pino/.test(name));
      if (server.length > 0) throw new Error(`It brings ${server.join(', ')}.`);
      const dso = join(folder, 'node_modules', '.bin', 'dso');
      const { code, stderr } = await run(dso, ['up'], { cwd: folder, env: { ...process.env, ...env } });
      if (code !== 1 || !stderr.includes('npm install @dshard/node @dshard/cli @dshard/orchestrator')) {
        throw new Error(`dso up ended with ${String(code)} and said: ${stderr}`);
      }
    },
  },
];
