import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { projects } from '../src/projects/list.js';
import { blockWith, dsoUpWith } from '../src/projects/course.js';
import { ownFaults, settingsOf } from '../src/projects/environments.js';
import { readWorkspace } from '../src/workspace.js';

const README = [
  '```sh',
  'npm install x',
  '```',
  '```js',
  "require('x');",
  '```',
  '```js',
  "import 'x';",
  '```',
  '| a | `npx dso up --bot bot.mjs` |',
  "| b | `npx dso up --command 'node --import tsx bot.ts' --nodes 2` |",
].join('\n');

describe('lines of a README', () => {
  test('are found by their language and what is in them', () => {
    expect(blockWith(README, ['js'], ['import'])).toBe("import 'x';\n");
  });

  test('are named when they are not there', () => {
    expect(() => blockWith(README, ['ts'], ['import'])).toThrow('no block (ts) with import');
    expect(() => dsoUpWith(README, 'bun')).toThrow('no line npx dso up … bun');
  });

  test('are split as a shell splits them when they are commands', () => {
    expect(dsoUpWith(README, 'tsx')).toEqual(['--command', 'node --import tsx bot.ts', '--nodes', '2']);
    expect(dsoUpWith(README, 'bot.mjs')).toEqual(['--bot', 'bot.mjs']);
  });
});

describe('the projects', () => {
  const { root } = readWorkspace();
  const nodeReadme = readFileSync(join(root, 'packages/node/README.md'), 'utf8');

  test('are at least twelve, and run on every Node.js that is supported, on bun and on deno', () => {
    expect(projects.length).toBeGreaterThanOrEqual(12);
    expect(new Set(projects.flatMap(({ runtimes }) => runtimes))).toEqual(
      new Set(['node20', 'node22', 'node24', 'bun', 'deno']),
    );
    expect(new Set(projects.map(({ name }) => name)).size).toBe(projects.length);
  });

  test('have the lowest discord.js of the peer range among them', () => {
    const node = readWorkspace().publicPackages.find(({ manifest }) => manifest.name === '@dshard/node');
    const peers = node?.manifest['peerDependencies'] as Record<string, string>;
    const lowest = `discord.js@${String(peers['discord.js']).replace('^', '')}`;
    expect(projects.flatMap(({ packages }) => packages)).toContain(lowest);
  });

  test('have a line to start each kind of bot in the README of the node library', () => {
    for (const text of [
      '--bot bot.cjs',
      '--bot dist/bot.js',
      '--import tsx',
      'ts-node',
      'node bot.mts',
      'bun bot.ts',
      'deno run',
    ]) {
      expect(dsoUpWith(nodeReadme, text).join(' ')).toContain(text);
    }
  });
});

test('TypeScript 5.9 has twelve settings, and 7 has the eight without node10', () => {
  expect(settingsOf(5)).toHaveLength(12);
  expect(settingsOf(7)).toHaveLength(8);
  expect(settingsOf(7).map(({ moduleResolution }) => moduleResolution)).not.toContain('node10');
});

describe('what a compiler says', () => {
  const FAULT = 'error TS2307: Cannot find module';

  test('counts where it concerns the project or our packages, and not inside other libraries', () => {
    const ours = `../node_modules/@dshard/node/dist/index.d.ts(1,2): ${FAULT}\n  and why`;
    const output = [`bot.ts(1,2): ${FAULT}`, ours, `../node_modules/eris/index.d.ts(1,2): ${FAULT}\n  and why`].join(
      '\n',
    );
    expect(ownFaults(output)).toEqual([`bot.ts(1,2): ${FAULT}`, ours]);
  });

  test('is a fault when the compiler fails without naming one', () => {
    expect(ownFaults('Segmentation fault')).toEqual(['The compiler failed: Segmentation fault']);
  });
});
