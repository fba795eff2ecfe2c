/**
 * What a package exports, and what its package.json has to say about each export. One thing is written by hand: the source of an entry,
 * `"./ws": { "@dshard/source": "./src/hosts/ws/index.ts" }`. Everything else follows from that line.
 *
 * - `@dshard/source`, first, is what this repository itself resolves to.
 * - `require` is for CommonJS: a module of one line that hands out the same instance, with declarations that TypeScript takes for CommonJS.
 * - `types` and `default` are the module as it was built.
 * - `typesVersions`, `main` and `types` are for `moduleResolution: node10`, which does not read `exports`.
 */
import type { Json, JsonObject, Manifest } from './workspace.js';

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
