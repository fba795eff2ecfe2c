/**
 * `x.cjs` and `x.d.cts` beside each entry that `tsc -b` has built, as part of `npm run build`. Files that are right are
 * left alone. What is left of entries and of sources that are no more is removed: `tsc -b` leaves it there, and
 * tarballs would take it along.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { commonJsDeclarations, commonJsModule, reachedFrom } from './declarations.js';
import { entriesOf, readWorkspace, type Entry, type PublicPackage } from './workspace.js';

/** By path below `dist`. */
function commonJsFiles(entries: readonly Entry[], read: (path: string) => string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const { module } of entries) {
    files.set(`${module}.cjs`, commonJsModule(`${posix.basename(module)}.js`));
    for (const [path, text] of reachedFrom(`${module}.d.ts`, read)) {
      files.set(path.replace(/\.d\.ts$/, '.d.cts'), commonJsDeclarations(text));
    }
  }
  return files;
}

function writeCommonJs({ folder, manifest }: PublicPackage): void {
  const dist = join(folder, 'dist');
  const files = commonJsFiles(entriesOf(manifest), (path) => readFileSync(join(dist, path), 'utf8'));
  for (const [path, text] of files) {
    const file = join(dist, path);
    if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
  }
  readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !files.has(path) && isLeftOver(path, (source) => existsSync(join(folder, 'src', source))))
    .forEach((path) => rmSync(join(dist, path)));
}

/** `has`: whether there is such a file below `src`. */
export function isLeftOver(path: string, has: (source: string) => boolean): boolean {
  const built = /^(.+?)\.(?:d\.ts|js)(?:\.map)?$/.exec(path)?.[1];
  return built === undefined ? /\.c(?:js|ts)$/.test(path) : !has(`${built}.ts`);
}

export function writeAllCommonJs(): void {
  readWorkspace().publicPackages.forEach(writeCommonJs);
}
