import { describe, expect, test } from 'vitest';
import { entriesOf, exportsOf, readWorkspace } from '../src/workspace.js';
import { corrected, manifestFaults } from '../src/manifests.js';
import type { Json, Manifest, PublicPackage } from '../src/workspace.js';

const root: Manifest = {
  name: 'root',
  version: '1.2.3',
  license: 'MIT',
  author: 'us',
  engines: { node: '>=20' },
  repository: { type: 'git', url: 'git+https://host/owner/name.git' },
};

function packageWith(fields: Record<string, Json>): PublicPackage {
  const manifest: Manifest = {
    name: '@dshard/x',
    version: '1.2.3',
    description: 'x',
    keywords: ['discord'],
    exports: { '.': { '@dshard/source': './src/index.ts' }, './ws': { '@dshard/source': './src/hosts/ws/index.ts' } },
    ...fields,
  };
  return { folder: '/nowhere', directory: 'packages/x', manifest };
}

const right = (one: PublicPackage): PublicPackage => ({ ...one, manifest: corrected(one, root) as Manifest });

describe('the check of a package.json', () => {
  test('has nothing to say once everything derived was written, which needs the source of each entry only', () => {
    expect(manifestFaults(right(packageWith({})), root)).toEqual([]);
    expect(right(packageWith({})).manifest['typesVersions']).toEqual({ '*': { ws: ['./dist/hosts/ws/index.d.cts'] } });
  });

  test('names an entry that was added and of which nothing else was written', () => {
    const one = right(packageWith({}));
    const exported = { ...(one.manifest['exports'] as object), './new': { '@dshard/source': './src/new.ts' } };
    const faults = manifestFaults({ ...one, manifest: { ...one.manifest, exports: exported } }, root);
    expect(faults.join()).toMatch(/"typesVersions" is not .*\.\/dist\/new\.d\.cts/);
    expect(faults.join()).toMatch(/"exports" is not .*\.\/dist\/new\.cjs/);
  });

  test('names an entry that has no source', () => {
    const one = packageWith({ exports: { './new': './dist/new.js' } });
    expect(manifestFaults(one, root).join()).toContain('The export "./new" has no "@dshard/source" below src');
  });

  test.each([
    ['keywords', []],
    ['publishConfig', {}],
    ['repository', { type: 'git', url: 'git+https://elsewhere/x.git' }],
    ['version', '1.2.4'],
    ['typesVersions', {}],
  ])('names the field %s when it is not as it has to be', (field, value) => {
    const one = right(packageWith({}));
    const faults = manifestFaults({ ...one, manifest: { ...one.manifest, [field]: value } }, root);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(`"${field}"`);
  });

  test('names a package of ours that is wanted in another version', () => {
    const faults = manifestFaults(right(packageWith({ dependencies: { '@dshard/protocol': '1.2.2' } })), root);
    expect(faults).toEqual(['It depends on @dshard/protocol@"1.2.2"; all packages come out together, as 1.2.3.']);
  });
});

test('the source of an entry is the first condition, because the first that fits is taken', () => {
  for (const { manifest } of readWorkspace().publicPackages) {
    for (const target of Object.values(exportsOf(entriesOf(manifest)) ?? {}).filter(
      (each) => typeof each === 'object',
    )) {
      expect(Object.keys(target ?? {})).toEqual(['@dshard/source', 'require', 'types', 'default']);
    }
  }
});
