/** What every public package.json must say. Most of it follows from the entries and the root's. */
import { isDeepStrictEqual } from 'node:util';
import type { Json, JsonObject, Manifest, PublicPackage } from './workspace.js';
import { entriesOf, exportsOf, fieldsForNode10 } from './workspace.js';

/** `git+https://host/owner/name.git` → `https://host/owner/name` */
export function pageOfRepository(root: Manifest): string {
  const { url } = root['repository'] as { url: string };
  return url.replace(/^git\+/, '').replace(/\.git$/, '');
}

/** Fields that are derived, as they have to be; undefined: the field has to be absent. */
function derivedFields({ manifest, directory }: PublicPackage, root: Manifest): Record<string, Json | undefined> {
  const entries = entriesOf(manifest);
  const page = pageOfRepository(root);
  return {
    version: root.version,
    license: root['license'],
    author: root['author'],
    homepage: `${page}/tree/main/${directory}#readme`,
    bugs: { url: `${page}/issues` },
    repository: { ...(root['repository'] as JsonObject), directory },
    type: 'module',
    engines: root['engines'],
    publishConfig: { access: 'public' },
    main: undefined,
    types: undefined,
    typesVersions: undefined,
    ...fieldsForNode10(entries),
    exports: exportsOf(entries),
    files: [...('bin' in manifest ? ['bin'] : []), 'dist', 'src', '!dist/.tsbuildinfo'],
  };
}

/** The order that people expect in a package.json; what is not named here keeps its place behind. */
const ORDER: readonly string[] = [
  'name',
  'version',
  'description',
  'keywords',
  'license',
  'author',
  'homepage',
  'bugs',
  'repository',
  'publishConfig',
  'type',
  'engines',
  'bin',
  'main',
  'types',
  'typesVersions',
  'exports',
  'files',
];

/** The manifest with its derived fields as they have to be. */
export function corrected(one: PublicPackage, root: Manifest): JsonObject {
  const merged: Record<string, Json | undefined> = { ...one.manifest, ...derivedFields(one, root) };
  const keys = [...ORDER, ...Object.keys(merged).filter((key) => !ORDER.includes(key))];
  return Object.fromEntries(
    keys.flatMap((key): [string, Json][] => {
      const value = merged[key];
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

export function manifestFaults(one: PublicPackage, root: Manifest): readonly string[] {
  const { manifest } = one;
  const faults = Object.entries(derivedFields(one, root))
    .filter(([key, value]) => !isDeepStrictEqual(manifest[key], value))
    .map(([key, value]) => `"${key}" is not ${value === undefined ? 'to be there' : JSON.stringify(value)}.`);
  for (const [subpath, target] of Object.entries((manifest['exports'] ?? {}) as JsonObject)) {
    if (subpath !== './package.json' && !entriesOf(manifest).some((entry) => entry.subpath === subpath)) {
      faults.push(`The export "${subpath}" has no "@dshard/source" below src: ${JSON.stringify(target)}.`);
    }
  }
  if (typeof manifest['description'] !== 'string') faults.push('It has no "description".');
  const keywords = manifest['keywords'];
  if (!Array.isArray(keywords) || !keywords.includes('discord')) {
    faults.push('"keywords" must be there, "discord" among them: the registry is searched by them.');
  }
  for (const [name, range] of Object.entries((manifest['dependencies'] ?? {}) as JsonObject)) {
    if (name.startsWith('@dshard/') && range !== root.version) {
      faults.push(
        `It depends on ${name}@${JSON.stringify(range)}; all packages come out together, as ${root.version}.`,
      );
    }
  }
  return faults;
}
