/** `npm run test:packages`. Exit codes: 0 every project is well, 1 one is not, 2 called wrongly. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from '@dshard/protocol';
import { systemClock } from '@dshard/transport';
import { Command } from 'commander';
import { entriesOf, readWorkspace } from './workspace.js';
import { npmProject } from './npm-project.js';
import type { StartEmulator } from './projects/course.js';
import { projects, type Project, type Surroundings } from './projects/list.js';
import { getRuntime, REQUIRED, type Runtime, type RuntimeName } from './projects/environments.js';
import { packAll, type Tarball } from './tarballs.js';

type Flags = { only?: string; short?: true; json?: true; list?: true };

const program = new Command('test:packages')
  .description(
    'Packs all public packages, installs the tarballs into fresh projects, and runs the lines of the READMEs there.',
  )
  .option('--only <text>', 'projects whose name has this text')
  .option('--short', 'the form for CI, a few minutes')
  .option('--list', 'only say which projects there are')
  .option('--json', 'the last line is the outcome as JSON')
  .addHelpText(
    'after',
    '\nRuntimes and libraries come from the npm registry; one that cannot be had is said, and without a Node.js it has failed.\n\n' +
      'Examples:\n  $ npm run test:packages -- --short --json\n  $ npm run test:packages -- --only bun',
  )
  .allowExcessArguments(false)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
const flags = program.parse().opts<Flags>();

const chosen = projects.filter(
  ({ name, short }) => (flags.short === undefined || short) && name.includes(flags.only ?? ''),
);
if (flags.list === true) {
  chosen.forEach(({ name }) => console.log(name));
  process.exit(0);
}
if (chosen.length === 0) {
  console.error(`No project has "${flags.only ?? ''}" in its name; --list says which there are.`);
  process.exit(2);
}

const clock = systemClock();
const workspace = readWorkspace();
const folder = mkdtempSync(join(tmpdir(), 'dso-projects-'));
const runtimes = new Map<RuntimeName, Promise<Runtime>>();
const missing = new Set<RuntimeName>();
let failed = 0;
let tried = 0;
try {
  const tarballs = await packAll(workspace, join(folder, 'tarballs'));
  const surroundings = await getSurroundings(tarballs);
  for (const [index, project] of chosen.entries()) {
    const started = clock.monotonicMs();
    const outcome = await outcomeOf(project, join(folder, `project-${index}`), tarballs, surroundings);
    const seconds = ((clock.monotonicMs() - started) / 1000).toFixed(0);
    if (outcome.kind === 'failed') failed += 1;
    if (outcome.kind !== 'unavailable') tried += 1;
    const mark = { passed: '✔', failed: '✘', unavailable: '–' }[outcome.kind];
    console.log(
      `${mark} ${project.name} (${seconds} s)${outcome.why === '' ? '' : `\n${outcome.why}`.replaceAll('\n', '\n    ')}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
const ok = failed === 0 && tried > 0;
const unavailable = [...missing];
if (flags.json === true)
  console.log(JSON.stringify({ ok, projects: tried, failed, ...(unavailable.length > 0 && { unavailable }) }));
else console.log(ok ? `${tried} projects are well.` : `${failed} of ${tried} projects are not well.`);
process.exitCode = ok ? 0 : 1;

type Outcome = { readonly kind: 'passed' | 'failed' | 'unavailable'; readonly why: string };

async function outcomeOf(
  project: Project,
  place: string,
  tarballs: readonly Tarball[],
  surroundings: Surroundings,
): Promise<Outcome> {
  const bins: string[] = [];
  for (const name of project.runtimes) {
    try {
      bins.unshift((await runtime(name)).bin);
    } catch (error) {
      missing.add(name);
      const why = `${name} cannot be had: ${messageOf(error)}`;
      return { kind: REQUIRED.includes(name) ? 'failed' : 'unavailable', why };
    }
  }
  const env = { PATH: [...bins, process.env['PATH'] ?? ''].join(delimiter) };
  try {
    const made = await npmProject(place, {
      packages: [...filesOf(tarballs, project.ours), ...project.packages],
      env: { ...process.env, ...env },
      ...(project.type !== undefined && { type: project.type }),
    });
    const engines = made.complaints.filter((line) => line.includes('EBADENGINE'));
    if (engines.length > 0) throw new Error(engines.join('\n'));
    await project.check({ ...surroundings, project: made, env });
    return { kind: 'passed', why: '' };
  } catch (error) {
    return { kind: 'failed', why: messageOf(error) };
  } finally {
    rmSync(place, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Those of the packages with these names; without names, all. */
function filesOf(tarballs: readonly Tarball[], names?: readonly string[]): readonly string[] {
  return tarballs.filter(({ package: { manifest } }) => names?.includes(manifest.name) ?? true).map(({ file }) => file);
}

function runtime(name: RuntimeName): Promise<Runtime> {
  const known = runtimes.get(name) ?? getRuntime(name, join(folder, 'runtimes'));
  runtimes.set(name, known);
  return known;
}

/** The emulator is the packed one, too. */
async function getSurroundings(tarballs: readonly Tarball[]): Promise<Surroundings> {
  const { folder: tools } = await npmProject(join(folder, 'emulator'), { packages: filesOf(tarballs) });
  const emulator = join(tools, 'node_modules/@dshard/gateway-emulator/dist/index.js');
  const { startGatewayEmulator } = (await import(pathToFileURL(emulator).href)) as {
    startGatewayEmulator: StartEmulator;
  };
  return {
    readme: readFileSync(join(workspace.root, 'README.md'), 'utf8'),
    nodeReadme: readFileSync(join(workspace.root, 'packages/node/README.md'), 'utf8'),
    entries: workspace.publicPackages.flatMap(({ manifest }) =>
      entriesOf(manifest).map(({ subpath }) => manifest.name + subpath.slice(1)),
    ),
    startEmulator: startGatewayEmulator,
    clock,
  };
}
