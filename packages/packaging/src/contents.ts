/** What is in a tarball, and what is wrong with that. `files` maps paths in the package to what they hold. */
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import { init, parse } from 'es-module-lexer';
import { isRelative, reachedFrom, specifiersOf } from './declarations.js';
import { entriesOf, type JsonObject, type Manifest } from './workspace.js';

await init;

export type Contents = ReadonlyMap<string, string>;

export function contentFaults(manifest: Manifest, files: Contents, license: string): readonly string[] {
  return [
    ...(files.get('LICENSE') === license ? [] : ['LICENSE is missing, or is not that of the repository.']),
    ...(files.has('README.md') ? [] : ['README.md is missing.']),
    ...[...files.keys()].filter((path) => path.endsWith('.tsbuildinfo')).map((path) => `${path} is of no use there.`),
    ...[...files].flatMap(([path, text]) => mapFaults(path, text, files)),
    ...importFaults(manifest, files),
    ...declarationFaults(manifest, files),
  ];
}

/** A map that is named is there, and so are the sources that it names. */
function mapFaults(path: string, text: string, files: Contents): readonly string[] {
  if (/\.[cm]?[jt]s$/.test(path)) {
    const url = /^\/\/# sourceMappingURL=(.+)$/m.exec(text)?.[1];
    return url === undefined || files.has(posix.join(posix.dirname(path), url))
      ? []
      : [`${path} names the source map ${url}, which is not in the tarball.`];
  }
  if (path.endsWith('.map')) {
    const { sources, sourcesContent } = JSON.parse(text) as { sources: string[]; sourcesContent?: string[] };
    return sourcesContent !== undefined
      ? []
      : sources
          .map((source) => posix.join(posix.dirname(path), source))
          .filter((source) => !files.has(source))
          .map((source) => `${path} leads to ${source}, which is not in the tarball.`);
  }
  return [];
}

/** What runs finds its imports where the package alone was installed, and its peers. */
function importFaults(manifest: Manifest, files: Contents): readonly string[] {
  const known = new Set([...keys(manifest, 'dependencies'), ...keys(manifest, 'peerDependencies')]);
  return [...files]
    .filter(([path]) => /^(?:dist|bin)\/.*\.js$/.test(path))
    .flatMap(([path, text]) => unknownIn(path, importsOf(text), known, manifest.name));
}

/**
 * What declarations import, dependencies bring; or peers, without which the entry is of no use. What a peer brings
 * itself is not enough: strict package managers show it to the peer only.
 */
function declarationFaults(manifest: Manifest, files: Contents): readonly string[] {
  const known = new Set([...keys(manifest, 'dependencies'), ...keys(manifest, 'peerDependencies')]);
  const read = (path: string): string => {
    const text = files.get(path);
    if (text === undefined) throw new Error(`${path} is not in the tarball of ${manifest.name}.`);
    return text;
  };
  const reached = entriesOf(manifest).flatMap(({ module }) => [...reachedFrom(`dist/${module}.d.ts`, read)]);
  return [...new Map(reached)].flatMap(([path, text]) => unknownIn(path, specifiersOf(text), known, manifest.name));
}

function unknownIn(
  path: string,
  specifiers: readonly string[],
  known: ReadonlySet<string>,
  self: string,
): readonly string[] {
  return [...new Set(specifiers)]
    .filter((specifier) => !isRelative(specifier) && !specifier.startsWith('node:'))
    .filter((specifier) => !builtinModules.includes(specifier))
    .map((specifier) => ({ specifier, name: packageOf(specifier) }))
    .filter(({ name }) => name !== self && !known.has(name))
    .map(({ specifier }) => `${path} imports ${specifier}, which is neither a dependency nor a peer.`);
}

/** Static ones, and dynamic ones of a fixed name; not what a string merely quotes. */
function importsOf(code: string): readonly string[] {
  return parse(code)[0].flatMap(({ n }) => (n === undefined ? [] : [n]));
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function keys(manifest: Manifest, field: string): readonly string[] {
  return Object.keys((manifest[field] ?? {}) as JsonObject);
}
