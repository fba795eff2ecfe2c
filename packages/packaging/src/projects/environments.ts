/** What bots run on and are compiled with: each supported Node.js, bun and deno; the settings of TypeScript. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npmProject } from '../npm-project.js';
import { run } from '../tarballs.js';

/** What bots run on, as the npm registry has it: Node.js of each supported version, bun and deno. */
export type RuntimeName = 'node20' | 'node22' | 'node24' | 'bun' | 'deno';

export type Runtime = { readonly name: RuntimeName; readonly bin: string };

type Source = { readonly package: string; readonly bin: string };

const SOURCES: Readonly<Record<RuntimeName, Source>> = {
  node20: { package: 'node@20', bin: 'node_modules/node/bin' },
  node22: { package: 'node@22', bin: 'node_modules/node/bin' },
  node24: { package: 'node@24', bin: 'node_modules/node/bin' },
  bun: { package: 'bun@1', bin: 'node_modules/.bin' },
  deno: { package: 'deno@2', bin: 'node_modules/.bin' },
};

/** Where it is not to be had the outcome says so; without these nothing has been tried. */
export const REQUIRED: readonly RuntimeName[] = ['node20', 'node22', 'node24'];

/** `bin` is the folder that goes to the front of PATH. Throws when it is not to be had, with the reason. */
export async function getRuntime(name: RuntimeName, folder: string): Promise<Runtime> {
  const { package: wanted, bin } = SOURCES[name];
  if (name === `node${process.versions.node.split('.')[0]}`) return { name, bin: join(process.execPath, '..') };
  const project = await npmProject(join(folder, name), { packages: [wanted] });
  const place = join(project.folder, bin);
  if (!existsSync(place)) throw new Error(`${wanted} brought no ${bin}.`);
  return { name, bin: place };
}

/** The settings of TypeScript that bots have, and whether the lines of a README compile in each. */
export type Setting = {
  readonly type: 'commonjs' | 'module';
  readonly module: string;
  readonly moduleResolution: string;
};

const PAIRS = [
  ['commonjs', 'node10'],
  ['esnext', 'node10'],
  ['node16', 'node16'],
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
  ['preserve', 'bundler'],
] as const;

/** Twelve; TypeScript 7 has no node10, which leaves eight. */
export function settingsOf(typescript: number): readonly Setting[] {
  return (['commonjs', 'module'] as const).flatMap((type) =>
    PAIRS.filter(([, moduleResolution]) => typescript < 7 || moduleResolution !== 'node10').map(
      ([module, moduleResolution]) => ({ type, module, moduleResolution }),
    ),
  );
}

/** In a folder of the project. What the compiler says is the problem; null: nothing. */
export async function compile(
  project: string,
  code: string,
  setting: Setting,
  options: Readonly<Record<string, unknown>> = {},
): Promise<string | null> {
  const { type, module, moduleResolution } = setting;
  const folder = join(project, `${type}-${module}-${moduleResolution}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type }));
  writeFileSync(join(folder, 'bot.ts'), code);
  const compilerOptions = {
    strict: true,
    target: 'es2022',
    module,
    moduleResolution,
    skipLibCheck: true,
    noEmit: true,
    types: ['node'],
    ...options,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['bot.ts'] }));
  const tsc = join(project, 'node_modules/typescript/bin/tsc');
  const { code: exitCode, stdout } = await run(process.execPath, [tsc, '--pretty', 'false', '-p', folder]);
  if (exitCode === 0) return null;
  const faults = ownFaults(stdout);
  return faults.length === 0 ? null : `"type": "${type}", module ${module}, ${moduleResolution}:\n${faults.join('\n')}`;
}

/**
 * What the compiler says of the project and of our packages. Other libraries' declarations have faults of their own,
 * which skipLibCheck is for. A compiler that ended without naming a fault is one.
 */
export function ownFaults(output: string): readonly string[] {
  if (!/error TS\d/.test(output)) return [`The compiler failed: ${output.trim()}`];
  const faults = output.split(/\n(?=\S)/).map((fault) => fault.trim());
  return faults.filter((fault) => fault !== '' && !/^[^(]*node_modules\/(?!@dshard\/)/.test(fault));
}
