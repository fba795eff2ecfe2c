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
import { blocksOf } from '@dshard/testkit';
import { expect, test } from 'vitest';

const DOCS = fileURLToPath(new URL('../../../docs', import.meta.url));
const FOLDERS = ['guide', 'tutorial'];
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

async function pages(): Promise<[page: string, text: string][]> {
  const names = await Promise.all(
    FOLDERS.map(async (folder) => (await readdir(join(DOCS, folder))).map((name) => `${folder}/${name}`)),
  );
  const markdown = names.flat().filter((name) => name.endsWith('.md'));
  return Promise.all(
    markdown.map(async (name): Promise<[string, string]> => [
      name.slice(0, -'.md'.length),
      await readFile(join(DOCS, name), 'utf8'),
    ]),
  );
}

test('every block of TypeScript in the tutorial and the guides passes the compiler', async () => {
  await mkdir(SCRATCH, { recursive: true });
  const folder = await mkdtemp(join(SCRATCH, 'guide-'));
  try {
    let blocks = 0;
    for (const [page, text] of await pages()) {
      for (const { code } of blocksOf(text).filter(({ language }) => language === 'ts')) {
        blocks += 1;
        await writeFile(join(folder, `${page.replaceAll('/', '-')}-${blocks}.mts`), `${code}export {};\n`);
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
