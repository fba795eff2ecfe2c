/**
 * The code of the guides is what a user copies: every block marked `ts` has to pass the compiler, against the packages
 * as they are.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const GUIDES = fileURLToPath(new URL('../../../docs/guide', import.meta.url));
/** Inside the package, so that its dependencies are found. */
const SCRATCH = fileURLToPath(new URL('../node_modules/.cache', import.meta.url));

const OPTIONS = {
  target: 'ES2023',
  lib: ['ES2023'],
  module: 'NodeNext',
  moduleResolution: 'NodeNext',
  customConditions: ['@dshard/source'],
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  skipLibCheck: true,
};

test('every block of TypeScript in the guides passes the compiler', async () => {
  await mkdir(SCRATCH, { recursive: true });
  const folder = await mkdtemp(join(SCRATCH, 'guide-'));
  try {
    let blocks = 0;
    for (const guide of (await readdir(GUIDES)).filter((name) => name.endsWith('.md'))) {
      const text = await readFile(join(GUIDES, guide), 'utf8');
      for (const [, code = ''] of text.matchAll(/^```ts\n(.*?)^```$/gms)) {
        blocks += 1;
        await writeFile(join(folder, `${guide.replace('.md', '')}-${blocks}.mts`), `${code}export {};\n`);
      }
    }
    expect(blocks).toBeGreaterThanOrEqual(7);
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: OPTIONS, include: ['*.mts'] }));
    const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).catch(
      (error: { stdout: string }) => error,
    );
    expect(stdout).toBe('');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);
