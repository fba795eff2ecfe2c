import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { cells } from '../src/cells/index.js';
import { frameworks } from '../src/frameworks.js';

type Lock = { packages: Record<string, { version?: string; resolved?: string; integrity?: string; link?: boolean }> };
type Manifest = { main: string; dependencies: Record<string, string>; devDependencies?: Record<string, string> };

const root = fileURLToPath(new URL('../fixtures', import.meta.url));
const read = (folder: string, name: string): unknown => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8'));

test('the list of cells is long enough, and no name is there twice', () => {
  expect(cells.length).toBeGreaterThanOrEqual(11);
  expect(new Set(cells.map(({ name }) => name)).size).toBe(cells.length);
});

test('every folder of fixtures is in the matrix', () => {
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => `${root}/${name}`).toSorted()).toEqual(
    frameworks()
      .map(({ folder }) => folder)
      .toSorted(),
  );
});

describe.each(frameworks())('the bot on $name', (framework) => {
  const { name, version, folder } = framework;
  const { dependencies, devDependencies = {} } = read(folder, 'package.json') as Manifest;

  test('pins exact versions, the framework’s among them', () => {
    expect(dependencies[framework.package ?? name]).toBe(version);
    for (const pinned of Object.values({ ...dependencies, ...devDependencies }))
      expect(pinned).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test('has a lock file that checks what it installs, and names no registry', () => {
    const { packages } = read(folder, 'package-lock.json') as Lock;
    for (const [path, { resolved, integrity }] of Object.entries(packages)) {
      expect(resolved, path).toBeUndefined();
      if (path !== '') expect(integrity, path).toMatch(/^sha512-/);
    }
  });

  test('gets this repository’s packages as npm packs them, so it names none of them', () => {
    expect(Object.keys(dependencies).filter((dependency) => dependency.startsWith('@dshard/'))).toEqual([]);
    expect(existsSync(`${folder}/node_modules`)).toBe(false);
  });
});
