/** The settings of TypeScript that bots have, and whether the lines of a README compile in each. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../tarballs.js';

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
 * What the compiler says of the project and of our packages. Other libraries' declarations have faults of their own, which skipLibCheck is
 * for. A compiler that ended without naming a fault is one.
 */
export function ownFaults(output: string): readonly string[] {
  if (!/error TS\d/.test(output)) return [`The compiler failed: ${output.trim()}`];
  const faults = output.split(/\n(?=\S)/).map((fault) => fault.trim());
  return faults.filter((fault) => fault !== '' && !/^[^(]*node_modules\/(?!@dshard\/)/.test(fault));
}
