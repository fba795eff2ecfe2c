/**
 * What a reader copies has been run. Every block of shell commands of the documentation says which test runs it
 * (`run=NAME`), or why none does (`skip=REASON`); a command of a skipped block is looked at as far as that is possible
 * here: a script of this repository must be there. packages/cli/test/documented-commands.test.ts looks at `dso`.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { blocksOf, commandsOf } from '@dshard/testkit';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../../..');
const pages = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', 'README.md', 'docs/*.md'],
  {
    cwd: root,
    encoding: 'utf8',
  },
)
  .split('\n')
  .filter((page) => page !== '');

/** By `run`: the test, or the program that CI runs. A language may follow (`tutorial/typescript`). */
const RUNNERS: Readonly<Record<string, string>> = {
  tutorial: 'packages/packaging/test/tutorial.e2e.test.ts',
  operators: 'packages/cli/test/guide-commands.test.ts',
  monitoring: 'packages/cli/test/monitoring.e2e.test.ts',
  'several-hosts': 'packages/chaos/test/several-hosts.e2e.test.ts',
  packed: 'packages/packaging/src/projects/list.ts',
};

const REASONS: Readonly<Record<string, string>> = {
  installs: 'npm run test:packages installs these packages, from tarballs',
  containers: 'npm run containers runs this with podman, as root',
  units: 'the units are checked by systemd-analyze; a user and services of the machine are not made by a test',
  'needs-discord': 'it needs a token of Discord',
  'needs-database': 'it needs a PostgreSQL of several hosts; npm run chaos -- --hosts 3 has one',
  repository: 'it runs in a checkout of this repository, in CI',
  'one-of-many-ids': 'it names a node, a shard or an operation of the reader',
  emulator: 'the tests of the gateway emulator make each of these requests',
};

const scripts = Object.keys(
  (JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as { scripts: object }).scripts,
);

describe.each(pages)('the page %s', (page) => {
  const blocks = blocksOf(readFileSync(resolve(root, page), 'utf8'));

  test('says of each block of commands which test runs it, or why none does', () => {
    const shell = blocks.filter(({ language }) => ['sh', 'bash', 'shell', 'console'].includes(language));
    const unsaid = shell.filter(({ language, attributes: { run, skip } }) => {
      const runner = String(run).split('/')[0] ?? '';
      return language !== 'sh' || !(Object.hasOwn(RUNNERS, runner) || Object.hasOwn(REASONS, String(skip)));
    });
    expect(unsaid.map(({ line, code }) => `${page}:${line} ${code}`)).toEqual([]);
  });

  test('names only scripts that this repository has', () => {
    const named = blocks
      .filter(({ language }) => language === 'sh')
      .flatMap(commandsOf)
      .flatMap((command) => [...command.matchAll(/\bnpm run (?:--silent )?([\w:-]+)/g)].map(([, name = '']) => name));
    expect(named.filter((name) => !scripts.includes(name))).toEqual([]);
  });
});

test.each(Object.entries(RUNNERS))('what runs the blocks of %s is there', (_name, file) => {
  expect(readFileSync(resolve(root, file), 'utf8')).not.toBe('');
});
