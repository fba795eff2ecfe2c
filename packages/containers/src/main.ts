/**
 * `npm run containers`: what deploy/ has for Docker and Kubernetes, in real containers. Exit codes: 0 the verdict
 * holds, 1 it does not, 2 called wrongly, 77 this machine lacks a program or a privilege, 130 interrupted.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lineScreen, Steps } from '@dshard/demo';
import { messageOf } from '@dshard/protocol';
import { delay, systemClock } from '@dshard/transport';
import { Command } from 'commander';
import { makeNodeImage, makePostgresImage } from './base-image.js';
import { podmanCgroups, removeCgroups } from './cgroups.js';
import { installLine, whatIsLacking } from './privileges.js';
import { buildImages, makeProject } from './project.js';
import { Sandbox } from './sandbox.js';
import { TOURS, type TourName, type TourVerdict } from './verdict.js';

const LACKING = 77;
const INTERRUPTED = 130;
const DYING_MS = 2_000;
const INSIDE = fileURLToPath(new URL('inside.js', import.meta.url));

type Flags = { json?: true; base?: string; only?: TourName };

const program = new Command('containers')
  .description('Builds the images of deploy/ and runs a bot with its orchestrator and PostgreSQL in real containers.')
  .option('--json', 'print the outcome as one line of JSON; progress goes to stderr')
  .option('--base <file>', 'a tar of the base system: used if it is there, made if not (saves a minute)')
  .option('--only <tour>', `one of ${TOURS.join(', ')}`)
  .addHelpText(
    'after',
    `
Needs root on Linux, and on Debian: ${installLine(['podman', 'runc', 'podman-compose', 'catatonit', 'netavark', 'aardvark-dns', 'debootstrap', 'iproute2', 'iptables'])}
It works in namespaces and a folder of its own: neither the machine's podman nor its network is touched.

Examples:
  $ npm run containers -- --json
  $ npm run containers -- --base /var/cache/dso-base.tar --only compose`,
  )
  .allowExcessArguments(false)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
const flags = program.parse().opts<Flags>();
if (flags.only !== undefined && !TOURS.includes(flags.only)) program.error(`--only takes ${TOURS.join(' or ')}.`);

const clock = systemClock();
const startedMs = clock.monotonicMs();
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort());
process.exitCode = await main();

async function main(): Promise<number> {
  const { packages, privileges } = whatIsLacking();
  if (packages.length > 0 || privileges.length > 0) {
    if (packages.length > 0) process.stderr.write(`Not installed here: ${installLine(packages)}\n`);
    for (const each of privileges) process.stderr.write(`Not allowed here: ${each}\n`);
    if (flags.json === true)
      process.stdout.write(`${JSON.stringify({ ok: false, lacking: { packages, privileges } })}\n`);
    return LACKING;
  }
  const folder = mkdtempSync(join(tmpdir(), 'dso-containers-'));
  const cgroups = podmanCgroups();
  try {
    const tours = await runTours(folder);
    const ok = Object.values(tours).every((tour) => tour.ok);
    for (const [name, { reasons }] of Object.entries(tours))
      for (const reason of reasons) process.stderr.write(`✘ ${name}: ${reason}\n`);
    const durationMs = Math.round(clock.monotonicMs() - startedMs);
    process.stdout.write(
      flags.json === true
        ? `${JSON.stringify({ ok, ...tours, durationMs })}\n`
        : `${ok ? '✔ The verdict holds.' : '✘ The verdict does not hold.'}\n${JSON.stringify(tours, null, 2)}\n`,
    );
    return ok ? 0 : 1;
  } catch (error) {
    if (interrupted.signal.aborted) {
      process.stderr.write('Interrupted: everything is gone.\n');
      return INTERRUPTED;
    }
    process.stderr.write(`✘ ${messageOf(error)}\n`);
    if (flags.json === true) process.stdout.write(`${JSON.stringify({ ok: false, reasons: [messageOf(error)] })}\n`);
    return 1;
  } finally {
    // What was told to end may still be writing.
    if (interrupted.signal.aborted) await delay(clock, DYING_MS);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    removeCgroups(cgroups);
  }
}

async function runTours(folder: string): Promise<Partial<Record<TourName, TourVerdict>>> {
  const steps = new Steps(clock, lineScreen(process.stderr));
  const sandbox = new Sandbox(folder, interrupted.signal);
  const base = flags.base === undefined ? null : resolve(process.env['INIT_CWD'] ?? '.', flags.base);
  await sandbox.chooseStorage();
  await steps.run("Debian's base system with Node.js, as node:20-bookworm-slim", () => makeNodeImage(sandbox, base));
  await steps.run("Debian's PostgreSQL, as postgres:18-bookworm", () => makePostgresImage(sandbox));
  await steps.run('a project with the files of deploy/docker, and its packages', async () => {
    const project = await makeProject(sandbox);
    await steps.run('podman-compose build, and the next version of the bot', () => buildImages(sandbox, project));
  });
  const verdicts: Partial<Record<TourName, TourVerdict>> = {};
  for (const tour of flags.only === undefined ? TOURS : [flags.only]) {
    process.stderr.write(`— ${tour}\n`);
    verdicts[tour] = await runInside(sandbox, tour);
  }
  return verdicts;
}

async function runInside(sandbox: Sandbox, tour: TourName): Promise<TourVerdict> {
  const [command = '', ...args] = sandbox.enter();
  const child = spawn(command, [...args, process.execPath, INSIDE, sandbox.folder, tour], {
    env: {
      ...sandbox.env,
      // The client to compare with is in the emulator's own process, which makes its certificate when it runs.
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      NODE_NO_WARNINGS: '1',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
    signal: interrupted.signal,
    killSignal: 'SIGKILL',
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`The tour "${tour}" broke off; what it said stands above.`);
  return JSON.parse(said) as TourVerdict;
}
