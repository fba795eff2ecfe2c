/** `npm run discordjs:versions`. Exit codes: 0 the peer range is right, 1 it is not, 2 called wrongly. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@dshard/transport';
import { Command, InvalidArgumentError } from 'commander';
import { format } from 'prettier';
import { npmProject } from './npm-project.js';
import { packAll, run, type Tarball } from './tarballs.js';
import { firstAndLast, inRange, newestPreview, releasesOf } from './versions/candidates.js';
import { lineOf, pageOf, summaryOf, type Tried } from './versions/report.js';
import { tryVersion } from './versions/try-version.js';
import { readWorkspace } from './workspace.js';

type Flags = { version: string[]; short?: true; all?: true; json?: true; write?: true };

const MAJOR = 14;
const bot = fileURLToPath(new URL('../fixtures/discordjs-bot.mjs', import.meta.url));
/** Of the testkit; the bot takes it from where it was built. */
const cacheTree = new URL('cache-tree.js', import.meta.resolve('@dshard/testkit')).href;

const exact = (value: string, before: string[]): string[] => {
  if (!/^\d+\.\d+\.\d+/.test(value)) throw new InvalidArgumentError('It must be a whole version, such as 14.28.1.');
  return [...before, value];
};

const program = new Command('discordjs:versions')
  .description('Finds out which versions of discord.js work: the peer range of @dshard/node has to say the same.')
  .option('--version <version>', 'only this one, repeatable', exact, [])
  .option('--short', 'the lowest and the highest of the range, and the one below')
  .option('--all', `every release of ${MAJOR}, instead of the first and the last of each minor version`)
  .option('--json', 'the last line is the outcome as JSON')
  .option('--write', 'write docs/reference/discordjs-versions.md, if the outcome is well')
  .addHelpText(
    'after',
    '\nIt asks the npm registry for the versions there are, and installs each in a folder of its own.\n\nExamples:\n' +
      '  $ npm run discordjs:versions                               some twenty minutes\n' +
      '  $ npm run discordjs:versions -- --short --json\n' +
      '  $ npm run discordjs:versions -- --version 14.19.3 --version 14.20.0',
  )
  .allowExcessArguments(false)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
const flags = program.parse().opts<Flags>();
if (flags.write === true && (flags.version.length > 0 || flags.short === true)) {
  console.error('The page says what became of every version: leave --version and --short away.');
  process.exit(2);
}

const workspace = readWorkspace();
const range = peerRange();
const clock = systemClock();
const folder = mkdtempSync(join(tmpdir(), 'dso-versions-'));
const tried: Tried[] = [];
try {
  const versions = flags.version.length > 0 ? flags.version : await chosen();
  const tarballs = await packAll(workspace, join(folder, 'tarballs'));
  for (const version of versions) {
    const started = clock.monotonicMs();
    const verdict = await installAndTry(version, tarballs);
    const one = { version, verdict, seconds: (clock.monotonicMs() - started) / 1000 };
    tried.push(one);
    console.log(lineOf(one, range));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const summary = summaryOf(tried, range);
if (flags.write === true && summary.ok) {
  const page = join(workspace.root, 'docs/reference/discordjs-versions.md');
  writeFileSync(page, await format(pageOf(tried, range), { parser: 'markdown', printWidth: 120 }));
  console.log(`Written: ${page}`);
}
if (flags.json === true) console.log(JSON.stringify(summary));
else
  console.log(summary.ok ? `The peer range ${range} is right.` : `Not everything is as the peer range ${range} says.`);
process.exitCode = summary.ok ? 0 : 1;

async function installAndTry(version: string, tarballs: readonly Tarball[]): ReturnType<typeof tryVersion> {
  const project = await npmProject(join(folder, version), {
    packages: [...tarballs.map(({ file }) => file), `discord.js@${version}`],
    ignorePeers: true,
  });
  copyFileSync(bot, join(project.folder, 'bot.mjs'));
  try {
    return await tryVersion(project.folder, cacheTree, clock);
  } finally {
    rmSync(project.folder, { recursive: true, force: true });
  }
}

async function chosen(): Promise<readonly string[]> {
  const { code, stdout, stderr } = await run('npm', ['view', 'discord.js', 'versions', '--json']);
  if (code !== 0) throw new Error(`The npm registry cannot be asked: ${stderr}`);
  const versions = JSON.parse(stdout) as string[];
  const releases = releasesOf(versions, MAJOR).map(({ version }) => version);
  if (flags.short === true) {
    const lowest = releases.findIndex((version) => inRange(version, range));
    return [releases[lowest - 1], releases[lowest], releases.at(-1)].flatMap((version) => version ?? []);
  }
  const most = flags.all === true ? releases : firstAndLast(releasesOf(versions, MAJOR)).map(({ version }) => version);
  return [...most, ...newestPreview(versions, MAJOR + 1)];
}

function peerRange(): string {
  const node = workspace.publicPackages.find(({ manifest }) => manifest.name === '@dshard/node');
  const peers = node?.manifest['peerDependencies'] as Readonly<Record<string, string>> | undefined;
  const peer = peers?.['discord.js'];
  if (peer === undefined) throw new Error('@dshard/node has no peer discord.js.');
  return peer;
}
