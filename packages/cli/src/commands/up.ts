/**
 * `dso up`: runs an orchestrator until a signal ends it. The orchestrator is imported only here: every other command
 * starts fast, and works where no orchestrator is installed.
 *
 * States: running → closing (a signal came) → gone. SIGINT and SIGTERM end the fleet for good, or park its shards
 * (--keep-sessions); without a launcher the nodes are others' to end, and run on. SIGHUP leaves the nodes running in
 * any case. Another signal while closing kills what is left and goes at once.
 */
import type { Flag, ResolvedConfig } from '@dshard/api/config';
import type * as orchestrator from '@dshard/orchestrator';
import type { StartedOrchestrator } from '@dshard/orchestrator';
import type { Address } from '@dshard/transport';
import { Option, type Command } from 'commander';
import { configFile, fileOption, setOption, type ConfigOptions } from '../config-options.js';
import { CliError } from '../errors.js';
import { examplesHelp } from '../run-command.js';

type Options = ConfigOptions & {
  bot?: string;
  command?: string;
  nodes?: string;
  shards?: string;
  listen?: string;
  /** `false`: --no-http. */
  http?: string | boolean;
  tokenFile?: string;
  dataDir?: string;
  standby?: boolean;
  keepSessions?: boolean;
  log?: 'json' | 'pretty';
  logLevel?: string;
  json?: boolean;
};

const SIGNALS = `
Stopping:
  Ctrl-C, SIGTERM   ends the fleet for good: nodes are told to stop, then killed after launcher.stopGrace;
                    without --bot or --command (a launcher) the nodes are not its own, and run on, as on SIGHUP
  a second signal   kills the nodes at once and exits
  SIGHUP            exits and leaves the nodes running; the next \`dso up\` in the same place finds them again
  SIGUSR2           reads dso.yaml again: takes over what can change, and says what needs a restart
  --keep-sessions   makes the first of these end everything only until the next \`dso up\` in the same place: shards are
                    parked with their state, and resumed then without an IDENTIFY (within a minute: park.ttl)

Settings come from flags, then DSO_… variables, then dso.yaml, then the defaults.

Exit codes:
  0  ended by a signal
  1  could not start, was forced to end, or another orchestrator took over (a standby waits again instead)
  2  the command line cannot be understood`;

export function addUp(program: Command): void {
  program
    .command('up')
    .description('run an orchestrator here, and with --bot or --command the nodes too')
    .addOption(fileOption())
    .option('--bot <file>', 'the bot to run as nodes: a .js, .mjs or .cjs file, or TypeScript from Node.js 22.18 on')
    .option('--command <line>', 'the command that runs a node, for any other bot; {nodeId} in it becomes its id')
    .option('--nodes <n>', 'how many nodes to keep up')
    .option('--shards <n|auto>', 'how many shards the bot has; auto asks Discord')
    .option('--listen <host:port>', 'where nodes connect (127.0.0.1:7447)')
    .option('--http <host:port>', 'where the REST interface listens (127.0.0.1:7448)')
    .option('--no-http', 'run without a REST interface')
    .option('--token-file <file>', 'a file with the token that nodes and REST must know')
    .option('--data-dir <dir>', 'folder of the store, and of the logs of node processes (.dso)')
    .option(
      '--keep-sessions',
      'when it is ended, park all shards for the next `dso up`: a whole restart without an IDENTIFY',
    )
    .option('--standby', 'if another orchestrator leads on the same store, wait, and lead when the other is gone')
    .addOption(
      new Option('--log <form>', 'the form of the log on stderr; pretty by default on a terminal').choices([
        'json',
        'pretty',
      ]),
    )
    .option('--log-level <level>', 'debug, info, warn, error or silent')
    .addOption(setOption())
    .option('--json', 'print one JSON document on stdout when the orchestrator runs')
    .addHelpText('after', SIGNALS)
    .addHelpText(
      'after',
      examplesHelp([
        'dso up --bot ./bot.js --nodes 2 --shards auto',
        "dso up --command './bot -nodeid {nodeId}' --shards 16",
        'dso up --config /etc/dso.yaml --log json',
        'DSO_TOKEN_FILE=./token dso up --listen 0.0.0.0:7447',
        'dso up --config /etc/dso.yaml --standby',
      ]),
    )
    .action(up);
}

async function up(options: Options): Promise<void> {
  const { startOrchestrator } = await importOrchestrator();
  const { resolveConfig } = await import('@dshard/api/config');
  const cwd = process.cwd();
  const read = (): ResolvedConfig =>
    resolveConfig({ flags: flagsOf(options), environment: process.env, file: configFile(options), cwd });
  const config = read();
  // Nobody has to read what it prints: an orchestrator does not end with its terminal's pipe.
  process.stdout.removeAllListeners('error').on('error', () => undefined);
  const ending = endingOf(config, options.keepSessions === true);
  const closing = signals(ending);
  let reload: (() => void) | null = null;
  // Before it runs there is nothing to take over, and the signal ends nothing.
  process.on('SIGUSR2', () => reload?.());
  let end: number | 'superseded';
  do {
    let started: StartedOrchestrator;
    try {
      started = await startOrchestrator(config, { signal: closing.asked });
    } catch (error) {
      // A standby that was told to go before its turn came.
      if (closing.asked.aborted && error === closing.asked.reason) return;
      throw error;
    }
    process.stdout.write(
      options.json === true ? `${JSON.stringify(documentOf(started, config))}\n` : greeting(started, config, ending),
    );
    reload = () => void started.reload(read);
    end = await closing.close(started);
    reload = null;
    // Whoever is to be a standby is the other one's now.
  } while (end === 'superseded' && config.store.standby);
  process.exitCode = end === 'superseded' ? 1 : end;
}

/** README has it, too. */
export const INSTALL_LINE = 'npm install @dshard/node @dshard/cli @dshard/orchestrator';

/** An optional peer: a command line on somebody's laptop needs no server. */
export async function importOrchestrator(): Promise<typeof orchestrator> {
  try {
    return await import('@dshard/orchestrator');
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND';
    if (!missing || !cause.message.includes("'@dshard/orchestrator'")) throw cause;
    throw new CliError(
      'DSO_CLI_NO_ORCHESTRATOR',
      `There is no @dshard/orchestrator here, which this command runs. Install it beside the command line:\n\n  ${INSTALL_LINE}\n`,
      { cause },
    );
  }
}

/** What each flag means in `dso.yaml`. */
function flagsOf(options: Options): Flag[] {
  const { http, log } = options;
  const flags: (Flag & { written: string | boolean | undefined })[] = [
    { key: 'launcher.bot', flag: '--bot', written: options.bot },
    { key: 'launcher.command', flag: '--command', written: options.command },
    { key: 'nodes', flag: '--nodes', written: options.nodes },
    { key: 'totalShards', flag: '--shards', written: options.shards },
    { key: 'listen', flag: '--listen', written: options.listen },
    { key: 'http.listen', flag: '--http', written: typeof http === 'string' ? http : undefined },
    { key: 'http.enabled', flag: '--no-http', written: http === false ? false : undefined },
    { key: 'tokenFile', flag: '--token-file', written: options.tokenFile },
    { key: 'launcher.dataDir', flag: '--data-dir', written: options.dataDir },
    { key: 'store.standby', flag: '--standby', written: options.standby },
    { key: 'log.pretty', flag: '--log', written: log === undefined ? undefined : log === 'pretty' },
    { key: 'log.level', flag: '--log-level', written: options.logLevel },
  ];
  return [...flags.filter(({ written }) => written !== undefined), ...(options.set ?? [])];
}

type Closing = {
  /** Aborted by the first signal. */
  readonly asked: AbortSignal;
  /**
   * Waits for a signal, closes accordingly, and resolves with the exit code; or with `superseded`, when another
   * orchestrator leads.
   */
  close(started: StartedOrchestrator): Promise<number | 'superseded'>;
};

type Mode = Parameters<StartedOrchestrator['close']>[0];

/**
 * What Ctrl-C and SIGTERM do. Whoever starts the nodes ends them: SIGTERM is what containers, systemd and Kubernetes
 * say to an orchestrator whose turn is over, while the bot has to run on.
 */
function endingOf({ launcher }: ResolvedConfig, keepsSessions: boolean): Mode {
  if (keepsSessions) return 'keepSessions';
  return launcher === null ? 'leave' : 'end';
}

/** Listens from the beginning, so that a signal during the start is not lost. */
function signals(ending: Mode): Closing {
  let first: ((mode: Mode) => void) | null = null;
  const mode = new Promise<Mode>((resolve) => {
    first = resolve;
  });
  let force: (() => void) | null = null;
  const asked = new AbortController();
  const onSignal = (wanted: Mode): void => {
    if (asked.signal.aborted) force?.();
    else first?.(wanted);
    asked.abort();
  };
  process.on('SIGINT', () => onSignal(ending));
  process.on('SIGTERM', () => onSignal(ending));
  process.on('SIGHUP', () => onSignal('leave'));
  return {
    asked: asked.signal,
    async close(started) {
      const wanted = await Promise.race([mode, started.orchestrator.lost.then(() => 'lost' as const)]);
      if (wanted === 'lost') {
        await started.close('leave');
        return 'superseded';
      }
      const forced = new Promise<number>((resolve) => {
        force = () => void started.kill().finally(() => resolve(1));
      });
      if (wanted === 'end') process.stderr.write('Ending the fleet; another Ctrl-C kills it at once.\n');
      if (wanted === 'keepSessions')
        process.stderr.write('Parking the shards, then ending the nodes; another Ctrl-C kills them at once.\n');
      const exitCode = await Promise.race([started.close(wanted).then(() => 0), forced]);
      if (exitCode !== 0) process.exit(exitCode);
      return exitCode;
    },
  };
}

function documentOf({ address, httpAddress }: StartedOrchestrator, config: ResolvedConfig): Record<string, unknown> {
  return { address, http: httpAddress && restUrl(httpAddress, config), pid: process.pid, config: config.file };
}

const DEFAULT_URL = 'http://127.0.0.1:7448';

function restUrl(address: Address, { tls }: ResolvedConfig): string {
  return `${tls === null ? 'http' : 'https'}://${address}`;
}

const NO_BOT_TOKEN = 'DISCORD_TOKEN is not set; a bot that takes its token from there needs it in this environment';

/** As far as it is known here: a bot may have its token from elsewhere, and the emulator (`discord.api`) takes any. */
function lacksBotToken({ launcher, discord, writtenAt }: ResolvedConfig): boolean {
  const isForDiscord = writtenAt['discord.api'] === undefined;
  return launcher !== null && isForDiscord && discord.token === null && !launcher.env['DISCORD_TOKEN'];
}

/** Where it listens, what it starts, and what to type next. */
function greeting({ address, httpAddress }: StartedOrchestrator, config: ResolvedConfig, ending: Mode): string {
  const { launcher, values } = config;
  const command = launcher && (typeof launcher.command === 'string' ? launcher.command : launcher.command.join(' '));
  const count = values.nodes > 0 ? `${values.nodes} × ` : 'as many nodes as needed of ';
  const url = httpAddress === null ? '' : restUrl(httpAddress, config);
  const dso = url === DEFAULT_URL ? 'dso' : `DSO_CLI_ADDR=${config.tls === null ? httpAddress : url} dso`;
  return [
    `Nodes connect to  ${address}`,
    `REST and dso      ${httpAddress === null ? 'off' : restUrl(httpAddress, config)}`,
    `Configuration     ${config.file ?? 'flags, environment and defaults'}`,
    command === null
      ? 'Nodes             start them yourself; none are launched here'
      : `Nodes             ${count}${command}   (logs in ${launcher?.dataDir})`,
    ...(lacksBotToken(config) ? [`Bot token         ${NO_BOT_TOKEN}`] : []),
    ...(httpAddress === null ? [] : [`Type next         ${dso} status`]),
    onCtrlC(ending),
    '',
  ].join('\n');
}

function onCtrlC(ending: Mode): string {
  if (ending === 'leave') return 'Ctrl-C leaves the nodes running.';
  const first = ending === 'keepSessions' ? 'parks the shards for the next dso up' : 'ends the fleet for good';
  return `Ctrl-C ${first}; kill -HUP ${process.pid} leaves the nodes running.`;
}
