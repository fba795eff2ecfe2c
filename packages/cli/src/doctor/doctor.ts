/** `dso doctor`: looks at all that a fleet needs, with and without a running orchestrator, and says what to do. */
import { readFileSync } from 'node:fs';
import { messageOf } from '@dshard/protocol';
import { systemClock } from '@dshard/transport';
import type { ResolvedConfig } from '@dshard/api/config';
import type { Command } from 'commander';
import { createClient } from '../client.js';
import { configFile, fileOption, setOption, type ConfigOptions } from '../config-options.js';
import { resolveTargets, type ConnectionOptions, type Target } from '../connection-options.js';
import { leaderAmong } from '../leader.js';
import { formOf } from '../output/form.js';
import { terminalOf } from '../output/terminal.js';
import { withCommonHelp } from '../run-command.js';
import { documentOf, fail, linesOf, ok, warn, type Check } from './check.js';
import { discordChecks } from './discord.js';
import { certificates, disks, nodeVersion, packageVersions, ports } from './machine.js';
import { runningChecks } from './running.js';

type Options = ConnectionOptions & ConfigOptions;

const DETAILS = `
Each line is ok, warn, fail or skip (it could not be looked at), and says what to do. The exit code is 1 when a line
is fail. Nothing is changed, and no session start is spent.`;

const DEFAULT_DEADLINE_MS = 8_000;

export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description(
      'check token, intents, gateway, clock, ports, versions, budget, certificates and disks, each with what to do',
    )
    .addOption(fileOption())
    .addOption(setOption())
    .addHelpText('after', DETAILS);
  withCommonHelp(command, ['dso doctor', 'dso doctor --config /etc/dso.yaml', 'dso doctor -o json']).action(doctor);
}

async function doctor(options: Options): Promise<void> {
  const checks = await allChecks(options);
  const document = documentOf(checks);
  const text =
    formOf(options) === 'json'
      ? JSON.stringify(document)
      : [...linesOf(checks, terminalOf()), verdict(checks)].join('\n');
  process.stdout.write(`${text}\n`);
  if (!document.ok) process.exitCode = 1;
}

async function allChecks(options: Options): Promise<readonly Check[]> {
  const { resolveConfig } = await import('@dshard/api/config');
  const clock = systemClock();
  const targets = resolveTargets(options, process.env);
  const { checks: running, isThere } = await runningChecks(
    async () => createClient(await leaderAmong(targets)),
    targets.map(({ url }: Target) => url).join(', '),
    await leaveDeadline(),
  );
  const here = [nodeVersion(), packageVersions(process.cwd(), ownVersion())];
  let config: ResolvedConfig;
  try {
    config = resolveConfig({
      flags: options.set ?? [],
      environment: process.env,
      file: configFile(options),
      cwd: process.cwd(),
    });
  } catch (error) {
    const problem = fail('configuration', messageOf(error), 'Mend what is named; dso config check says it again.');
    return [problem, ...here, ...running];
  }
  return [
    ...configuration(config),
    ...here,
    ...(await ports(config, isThere, await portOwners())),
    ...disks(config, process.env),
    certificates(config, clock.wallClock()),
    ...(await discordChecks(config, clock)),
    ...running,
  ];
}

function configuration({ file, warnings, writtenAt }: ResolvedConfig): Check[] {
  const count = Object.keys(writtenAt).length;
  const where =
    file === null ? 'There is no dso.yaml here; flags, environment and defaults are used' : `${file} is valid`;
  return [
    ok('configuration', `${where} (${count} settings are written).`),
    ...warnings.map((text) => warn('configuration', text, 'See dso config print.')),
  ];
}

/** As the bot will read it in this environment. */
async function leaveDeadline(): Promise<number> {
  const written = process.env['DSO_LEAVE_DEADLINE'];
  if (written === undefined || written === '') return DEFAULT_DEADLINE_MS;
  const { readDuration } = await import('@dshard/api/config');
  return readDuration(written) ?? DEFAULT_DEADLINE_MS;
}

/** Who listens on a port, where the orchestrator is installed here: it knows how to find out. */
async function portOwners(): Promise<(port: number) => string | null> {
  try {
    const { listenerOn } = await import('@dshard/orchestrator');
    return (port) => {
      const found = listenerOn(port);
      return found === null ? null : `${found.name} (pid ${found.pid})`;
    };
  } catch {
    return () => null;
  }
}

function verdict(checks: readonly Check[]): string {
  const count = (state: Check['state']): number => checks.filter((check) => check.state === state).length;
  const [failures, warnings] = [count('fail'), count('warn')];
  if (failures === 0 && warnings === 0) return 'All is well.';
  return `${failures} to mend, ${warnings} to look at, ${count('ok')} well.`;
}

function ownVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(text) as { version: unknown }).version);
}
