/** Against the packages as `npm run build` has made them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isLeftOver } from '../src/commonjs.js';
import { entriesOf, readWorkspace } from '../src/workspace.js';
import { run } from '../src/tarballs.js';

const { root, publicPackages } = readWorkspace();

const entries = publicPackages.flatMap(({ folder, manifest }) =>
  entriesOf(manifest).map(({ subpath, module }) => ({ name: manifest.name + subpath.slice(1), folder, module })),
);

test('every public package that exports something has entries for CommonJS', () => {
  expect(entries.length).toBeGreaterThanOrEqual(14);
  expect(entries.filter(({ folder, module }) => !existsSync(join(folder, 'dist', `${module}.cjs`)))).toEqual([]);
  expect(entries.filter(({ folder, module }) => !existsSync(join(folder, 'dist', `${module}.d.cts`)))).toEqual([]);
});

test('whoever requires gets the very functions that whoever imports gets', async () => {
  // In a process of its own: here vitest resolves to the sources. A program (`./program`) has nothing to hand out.
  const names = entries.map(({ name }) => name).filter((name) => !name.endsWith('/program'));
  const program = `
    import { createRequire } from 'node:module';
    const require = createRequire(process.cwd() + '/bot.cjs');
    const faults = [];
    for (const name of ${JSON.stringify(names)}) {
      const [required, imported] = [require(name), await import(name)];
      if (!require.resolve(name).endsWith('.cjs')) faults.push(name + ' is not required by its entry for CommonJS');
      if (Object.keys(imported).length === 0) faults.push(name + ' is empty');
      for (const each of Object.keys(imported)) {
        if (imported[each] !== required[each]) faults.push(name + ' has two ' + each);
      }
    }
    console.log(JSON.stringify(faults));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: root });
  expect(JSON.parse(stdout)).toEqual([]);
});

test.each([
  ['a/b.js', false],
  ['a/b.d.ts.map', false],
  ['a/gone.js', true],
  ['a/gone.d.ts', true],
  ['a/gone.js.map', true],
  ['a/gone.cjs', true],
  ['a/gone.d.cts', true],
  ['.tsbuildinfo', false],
])('whether %s is left over from a source that is no more: %s', (path, expected) => {
  // The story: sources were moved, and everything that had been built of them was still in the tarball.
  expect(isLeftOver(path, (source) => source === 'a/b.ts')).toBe(expected);
});
