import { expect, test } from 'vitest';
import { contentFaults } from '../src/contents.js';
import type { Manifest } from '../src/workspace.js';

const manifest: Manifest = {
  name: '@dshard/x',
  version: '1.0.0',
  exports: { '.': { '@dshard/source': './src/index.ts' } },
  dependencies: { ws: '8' },
  peerDependencies: { 'discord.js': '14' },
};

const RIGHT: Record<string, string> = {
  LICENSE: 'MIT',
  'README.md': '# x',
  'src/index.ts': '',
  'dist/index.js': "import 'ws';\nimport { a } from '@dshard/x/a';\n//# sourceMappingURL=index.js.map",
  'dist/index.js.map': JSON.stringify({ sources: ['../src/index.ts'] }),
  'dist/index.d.ts': "export type { Client } from 'discord.js';\nexport type { Socket } from 'node:net';\n",
};

function faults(changes: Record<string, string | null>): readonly string[] {
  const files = Object.entries({ ...RIGHT, ...changes }).filter((each): each is [string, string] => each[1] !== null);
  return contentFaults(manifest, new Map(files), 'MIT');
}

test('a tarball that is whole has no faults', () => {
  expect(faults({})).toEqual([]);
});

test.each([
  ['has another licence', { LICENSE: 'GPL' }, 'LICENSE is missing'],
  ['has no README', { 'README.md': null }, 'README.md is missing'],
  ['names a source map that was left out', { 'dist/index.js.map': null }, 'names the source map index.js.map'],
  ['has a map whose source was left out', { 'src/index.ts': null }, 'leads to src/index.ts'],
  ['imports what only we have', { 'dist/index.js': "await import('discord-api-types/v10');" }, 'neither a dependency'],
  [
    'has types from a package that a peer of a peer brings',
    { 'dist/index.d.ts': "export type { A } from 'discord-api-types/v10';" },
    'dist/index.d.ts imports discord-api-types/v10',
  ],
])('a tarball is refused that %s', (_, changes, sentence) => {
  expect(faults(changes).join()).toContain(sentence);
});

test('imports in a string are no imports: the emulator prints lines for other libraries', () => {
  expect(faults({ 'dist/index.js': 'export const lines = `\nimport { Client } from "eris";\n`;' })).toEqual([]);
});
