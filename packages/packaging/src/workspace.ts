/** The packages of this repository that are published, as their folders have them, and what each exports. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** What is read of a package.json; the rest is carried along. */
export type Manifest = JsonObject & { readonly name: string; readonly version: string };

export type PublicPackage = { readonly folder: string; readonly directory: string; readonly manifest: Manifest };

export type Workspace = {
  readonly root: string;
  readonly manifest: Manifest;
  readonly publicPackages: readonly PublicPackage[];
};

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

export function readWorkspace(root: string = ROOT): Workspace {
  const publicPackages = readdirSync(join(root, 'packages'))
    .map((name) => ({ directory: `packages/${name}`, folder: join(root, 'packages', name) }))
    .filter(({ folder }) => existsSync(join(folder, 'package.json')))
    .map((place) => ({ ...place, manifest: readManifest(place.folder) }))
    .filter(({ manifest }) => manifest['private'] !== true);
  return { root, manifest: readManifest(root), publicPackages };
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

// What a package exports, and what its package.json has to say about each export. One thing is written by hand: the
// source of an entry, `"./ws": { "@dshard/source": "./src/hosts/ws/index.ts" }`. Everything else follows from that
// line.
//
// - `@dshard/source`, first, is what this repository itself resolves to.
// - `require` is for CommonJS: a module of one line that hands out the same instance, with declarations that TypeScript
//   takes for CommonJS.
// - `types` and `default` are the module as it was built.
// - `typesVersions`, `main` and `types` are for `moduleResolution: node10`, which does not read `exports`.

/** `module` is the path below `src` and `dist`, without an extension: `hosts/ws/index`. */
export type Entry = { readonly subpath: string; readonly module: string };

const SOURCE = '@dshard/source';

export function entriesOf(manifest: Manifest): readonly Entry[] {
  const exported = Object.entries((manifest['exports'] ?? {}) as JsonObject);
  return exported.flatMap(([subpath, target]) => {
    const source = typeof target === 'object' && target !== null ? (target as JsonObject)[SOURCE] : undefined;
    const module = typeof source === 'string' ? /^\.\/src\/(.+)\.ts$/.exec(source)?.[1] : undefined;
    return module === undefined ? [] : [{ subpath, module }];
  });
}

/** undefined for a package of programs: whoever runs one by its path finds every file. */
export function exportsOf(entries: readonly Entry[]): JsonObject | undefined {
  if (entries.length === 0) return undefined;
  const targets = entries.map(({ subpath, module }): [string, Json] => [
    subpath,
    {
      [SOURCE]: `./src/${module}.ts`,
      require: { types: `./dist/${module}.d.cts`, default: `./dist/${module}.cjs` },
      types: `./dist/${module}.d.ts`,
      default: `./dist/${module}.js`,
    },
  ]);
  return { ...Object.fromEntries(targets), './package.json': './package.json' };
}

/** `main` and `types` only where there is an entry `.`; `typesVersions` only where there are others. */
export function fieldsForNode10(entries: readonly Entry[]): JsonObject {
  const root = entries.find(({ subpath }) => subpath === '.');
  const others = entries.filter(({ subpath }) => subpath !== '.');
  return {
    ...(root && { main: `./dist/${root.module}.cjs`, types: `./dist/${root.module}.d.cts` }),
    ...(others.length > 0 && {
      typesVersions: {
        '*': Object.fromEntries(others.map(({ subpath, module }) => [subpath.slice(2), [`./dist/${module}.d.cts`]])),
      },
    }),
  };
}
