/** `npm run packages`: the public packages as installed. Exit codes: 0 nothing is wrong, 1 something is. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { contentFaults } from './contents.js';
import { entriesOf, readWorkspace, type PublicPackage, type Workspace } from './workspace.js';
import { corrected, manifestFaults, pageOfRepository } from './manifests.js';
import { linkFaults, withWholeLinks, type LinkPlaces } from './readme-links.js';
import { filesBelow, packAll, run, unpack, type Tarball } from './tarballs.js';

const program = new Command('packages')
  .description(
    'Checks the public packages: manifests, what is in their tarballs, links of READMEs, publint, and whether types and code agree in ' +
      'every module mode (@arethetypeswrong/cli).',
  )
  .option('--write', 'first write what follows from other files: exports, typesVersions, addresses, LICENSE')
  .addHelpText('after', '\nExamples:\n  $ npm run packages          needs a build\n  $ npm run packages:write')
  .allowExcessArguments(false);

const { write } = program.parse().opts<{ write?: true }>();
if (write === true) correctAll(readWorkspace());
const workspace = readWorkspace();
const license = readFileSync(join(workspace.root, 'LICENSE'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'dso-packages-'));
try {
  const tarballs = await packAll(workspace, folder);
  const waiting = [...tarballs];
  let failed = 0;
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const faults = await faultsOf(next);
      if (faults.length > 0) failed += 1;
      console.log([`${faults.length === 0 ? '✔' : '✘'} ${next.package.manifest.name}`, ...faults].join('\n  '));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  if (failed > 0) console.error('`npm run packages:write` mends what follows from other files.');
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function faultsOf(tarball: Tarball): Promise<readonly string[]> {
  const { manifest } = tarball.package;
  const unpacked = await unpack(tarball, join(folder, manifest.name));
  const files = new Map(filesBelow(unpacked).map((path) => [path, readFileSync(join(unpacked, path), 'utf8')]));
  const places = placesOf(workspace, tarball.package, (path) => files.has(path));
  return [
    ...manifestFaults(tarball.package, workspace.manifest),
    ...contentFaults(manifest, files, license),
    ...linkFaults(files.get('README.md') ?? '', places),
    ...(await faultsFrom('publint', ['--strict', tarball.file])),
    // A package of programs exports nothing that could have types.
    ...(entriesOf(manifest).length === 0
      ? []
      : await faultsFrom('attw', [tarball.file, '--format', 'ascii', '--no-definitely-typed', '--no-emoji'])),
  ];
}

async function faultsFrom(checker: string, args: readonly string[]): Promise<readonly string[]> {
  const { code, stdout, stderr } = await run(process.execPath, [binOf(checker), ...args]);
  return code === 0 ? [] : [`${checker} says:`, ...`${stdout}${stderr}`.trim().split('\n')];
}

function binOf(name: string): string {
  return join(workspace.root, 'node_modules', '.bin', name);
}

function placesOf(
  { root, manifest }: Workspace,
  { directory }: PublicPackage,
  shipped: LinkPlaces['shipped'],
): LinkPlaces {
  return {
    page: pageOfRepository(manifest),
    directory,
    shipped,
    inRepository(path) {
      const stat = statSync(join(root, path), { throwIfNoEntry: false });
      return stat === undefined ? undefined : stat.isDirectory() ? '' : readFileSync(join(root, path), 'utf8');
    },
  };
}

function correctAll(all: Workspace): void {
  for (const one of all.publicPackages) {
    writeFileSync(join(one.folder, 'package.json'), `${JSON.stringify(corrected(one, all.manifest), null, 2)}\n`);
    writeFileSync(join(one.folder, 'LICENSE'), readFileSync(join(all.root, 'LICENSE')));
    const readme = join(one.folder, 'README.md');
    const shipped = (path: string): boolean => /^(?:dist|src|bin|LICENSE)/.test(path);
    const text = statSync(readme, { throwIfNoEntry: false }) === undefined ? '' : readFileSync(readme, 'utf8');
    const whole = withWholeLinks(text, placesOf(all, one, shipped));
    if (whole !== text) writeFileSync(readme, whole);
  }
}
