/** Everything that runs besides Discord: its folder, its `dso.yaml`, the orchestrator's process, a client for it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HandledEvent } from '@dshard/gateway-emulator';
import type { Cancel, Clock } from '@dshard/transport';
import type { BotLibrary } from './options.js';
import { type HistoryRow, OrchestratorClient, type OrchestratorProcess, startOrchestrator } from './orchestrator.js';
import { followReports, readStateReports, readWaitReports, type StateReport, type WaitReport } from './reports.js';
import { waitFor } from './steps.js';

/** Lines that the bots write, see reports.ts. */
const STATE_FILE = 'state.jsonl';
const WAITS_FILE = 'waits.jsonl';
/** The same, see reports.ts. */
const HANDLED_FILE = 'handled.jsonl';
/** So many of the orchestrator's last log lines are at hand. */
const LOG_LINES = 2_000;
/** Each process of the bot of `bad-rollout`, with its version. */
export const PROCESSES_FILE = 'processes';
type Bot = BotLibrary | 'faulty';

const BOTS: Readonly<Record<Bot, string>> = {
  ws: fileURLToPath(new URL('bot.js', import.meta.url)),
  discordjs: fileURLToPath(new URL('discordjs/bot.js', import.meta.url)),
  faulty: fileURLToPath(new URL('bad-rollout/bot.js', import.meta.url)),
};

export type FleetOptions = {
  /** The library of the bot; or the one of scenario `bad-rollout`. */
  bot: Bot;
  shards: number;
  nodes: number;
  /** Discord's REST, `http://127.0.0.1:…/api/v10`. */
  api: string;
  discordToken: string;
  /** Milliseconds that an IDENTIFY blocks its key. */
  identifyWindow: number;
  /** Megabytes of state per shard. */
  stateMb: number;
  /** Where the orchestrator listens, on 127.0.0.1. */
  ports: { node: number; http: number };
  /** What nodes and the REST interface must know. Default: nothing. */
  token?: string | null;
  /**
   * Both doors by TLS, each side with a certificate; who asks by REST has to trust the authority (NODE_EXTRA_CA_CERTS).
   * Default: plain text.
   */
  tls?: { cert: string; key: string; ca: string };
  /** Keys of `dso.yaml`, instead of the demo's or besides them. */
  settings?: Readonly<Record<string, unknown>>;
  /** Of the orchestrator's process, and of its nodes, besides what they have anyway. */
  environment?: Readonly<Record<string, string>>;
  nodeEnvironment?: Readonly<Record<string, string>>;
  /** Arguments of `dso up`, besides the configuration. */
  upArguments?: readonly string[];
  /** Of several orchestrators: their REST interfaces, and where nodes find them. Default: the one at `ports`. */
  restAddresses?: readonly string[];
  nodeAddresses?: readonly string[];
  /** What the orchestrator's command line begins with. */
  enter?: readonly string[];
  /** Addresses that lead to the orchestrator, for nodes to choose from (bot.ts); without it they connect directly. */
  ways?: readonly string[];
};

export type FleetListeners = {
  onLog: (line: string) => void;
  /** A bot process handled an event. */
  onHandled: (node: string, event: HandledEvent) => void;
};

export type BotProgram = { program: string; folder: string; environment: Readonly<Record<string, string>> };

export class Fleet {
  readonly client: OrchestratorClient;
  readonly httpUrl: string;
  readonly nodeAddress: string;
  readonly restAddresses: readonly string[];
  /** For the logs of further orchestrators. */
  readonly onLog: (line: string) => void;
  /** Of every file of this fleet; the environment of its nodes names it. */
  readonly folder: string;
  readonly #clock: Clock;
  readonly #stopFollowing: Cancel;
  readonly #log: string[] = [];
  #orchestrator: OrchestratorProcess;
  #standby: OrchestratorProcess | null = null;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #options: FleetOptions;
  readonly #upArguments: readonly string[];

  private constructor(clock: Clock, folder: string, options: FleetOptions, { onLog, onHandled }: FleetListeners) {
    const { ports, environment, token = null, upArguments = [], tls } = options;
    this.#options = options;
    this.#clock = clock;
    this.folder = folder;
    this.#environment = environment ?? {};
    this.#upArguments = upArguments;
    this.onLog = (line) => {
      this.#log.push(line);
      if (this.#log.length > LOG_LINES) this.#log.shift();
      onLog(line);
    };
    this.#stopFollowing = followReports(clock, join(folder, HANDLED_FILE), onHandled);
    this.nodeAddress = `127.0.0.1:${ports.node}`;
    this.httpUrl = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${ports.http}`;
    this.restAddresses = options.restAddresses ?? [this.httpUrl];
    this.client = new OrchestratorClient(this.restAddresses, token);
    this.#orchestrator = this.#startProcess();
  }

  static async start(clock: Clock, options: FleetOptions, listeners: FleetListeners): Promise<Fleet> {
    const folder = await mkdtemp(join(tmpdir(), 'dso-demo-'));
    await writeFile(join(folder, 'version'), 'v1\n');
    await writeFile(join(folder, 'version.new'), 'v2\n');
    await writeFile(join(folder, 'dso.yaml'), configuration(folder, options));
    const fleet = new Fleet(clock, folder, options, listeners);
    try {
      await fleet.untilReachable();
    } catch (error) {
      await fleet.end();
      throw error;
    }
    return fleet;
  }

  /** Whether a line of the orchestrator's log has this text. */
  hasLogged(text: string): boolean {
    return this.#log.some((line) => line.includes(text));
  }

  /** What the bots found of the state of the shards that came to them. */
  stateReports(): readonly StateReport[] {
    return readStateReports(join(this.folder, STATE_FILE));
  }

  /** How long frozen shards waited for handlers. */
  waitReports(): readonly WaitReport[] {
    return readWaitReports(join(this.folder, WAITS_FILE));
  }

  async untilReachable(): Promise<void> {
    await waitFor(this.#clock, 'the orchestrator to answer', 15_000, async () => {
      if (this.#orchestrator.exitCode !== null) {
        throw new Error(`The orchestrator ended with exit code ${this.#orchestrator.exitCode} before it answered.`);
      }
      return this.client.status().then(
        () => true,
        () => false,
      );
    });
  }

  /** null: it is not running. */
  get orchestratorPid(): number | null {
    const { pid, exitCode } = this.#orchestrator;
    return exitCode === null ? (pid ?? null) : null;
  }

  /** For whoever starts the bot's processes instead of the orchestrator. In this folder they find the token. */
  get bot(): BotProgram {
    const addresses = this.#options.nodeAddresses ?? [this.nodeAddress];
    const environment = { ...botEnvironment(this.folder, this.#options), DSO_ORCHESTRATOR: addresses.join() };
    return { program: BOTS[this.#options.bot], folder: this.folder, environment };
  }

  /** What the next fetching of a new version brings. */
  offerVersion(version: string): Promise<void> {
    return writeFile(join(this.folder, 'version.new'), `${version}\n`);
  }

  /** kill -9 of the orchestrator; the nodes are left to themselves. */
  killOrchestrator(): Promise<void> {
    return this.#orchestrator.kill();
  }

  /** Ends orchestrator and nodes as an operator does; what they left in the folder stays there. */
  async endKeepingFolder(): Promise<void> {
    await this.#orchestrator.end();
    const { exitCode } = this.#orchestrator;
    if (exitCode !== 0) throw new Error(`dso up ended with exit code ${exitCode}.`);
  }

  /** Whoever comes in the place of the one that was killed. */
  adoptOrchestrator(orchestrator: OrchestratorProcess): void {
    this.#orchestrator = orchestrator;
  }

  async restartOrchestrator(): Promise<void> {
    this.#orchestrator = this.#startProcess();
    await this.untilReachable();
  }

  /** Starts another orchestrator on the same store. Resolves with its exit code, when it has refused to run. */
  startRival(): Promise<number | null> {
    return this.#startProcess().ended();
  }

  /** Starts another one that waits for its turn. */
  startStandby(): void {
    this.#standby = this.#startProcess(['--standby']);
  }

  /** From now on the standby is this fleet's orchestrator. Resolves when it answers. */
  async standbyLeads(): Promise<void> {
    if (this.#standby === null) throw new Error('There is no standby.');
    this.#orchestrator = this.#standby;
    this.#standby = null;
    await this.untilReachable();
  }

  /** Ends orchestrator and nodes for good and removes the folder. */
  async end(): Promise<void> {
    // The standby first, or it would have its turn.
    await this.#standby?.end();
    await this.#orchestrator.end();
    this.#stopFollowing();
    await rm(this.folder, { recursive: true, force: true });
  }

  #startProcess(more: readonly string[] = []): OrchestratorProcess {
    return startOrchestrator(this.#configFile, this.onLog, {
      ...(this.#options.enter && { enter: this.#options.enter }),
      more: [...this.#upArguments, ...more],
      environment: this.#environment,
    });
  }

  get #configFile(): string {
    return join(this.folder, 'dso.yaml');
  }
}

export type BotOptions = Pick<
  FleetOptions,
  'bot' | 'api' | 'discordToken' | 'stateMb' | 'ways' | 'nodeEnvironment' | 'tls'
>;

/** The bot, for fleets that somebody else puts together: what its processes handle is followed in `folder`. */
export async function botIn(
  clock: Clock,
  folder: string,
  options: BotOptions,
  onHandled: FleetListeners['onHandled'],
): Promise<BotProgram & { stopFollowing: Cancel }> {
  await writeFile(join(folder, 'version'), 'v1\n');
  const stopFollowing = followReports(clock, join(folder, HANDLED_FILE), onHandled);
  return { program: BOTS[options.bot], folder, environment: botEnvironment(folder, options), stopFollowing };
}

function botEnvironment(folder: string, options: BotOptions): Readonly<Record<string, string>> {
  const { ways = [], nodeEnvironment, tls } = options;
  return {
    DEMO_HANDLED_FILE: join(folder, HANDLED_FILE),
    DEMO_STATE_FILE: join(folder, STATE_FILE),
    DEMO_WAITS_FILE: join(folder, WAITS_FILE),
    DEMO_PROCESSES_FILE: join(folder, PROCESSES_FILE),
    DEMO_ASKED_FILES: join(folder, 'asked'),
    DEMO_STATE_MB: `${options.stateMb}`,
    DEMO_VERSION_FILE: join(folder, 'version'),
    DISCORD_API: options.api,
    DISCORD_TOKEN: options.discordToken,
    ...(ways.length > 0 && { DEMO_WAYS: ways.join(' ') }),
    ...(tls && { DSO_TLS_CA: tls.ca, DSO_TLS_CERT: tls.cert, DSO_TLS_KEY: tls.key }),
    ...nodeEnvironment,
  };
}

/** JSON is YAML, so this is a configuration file like any operator's. */
function configuration(folder: string, options: FleetOptions): string {
  const { ports, settings = {}, tls } = options;
  const version = join(folder, 'version');
  return JSON.stringify(
    {
      listen: `127.0.0.1:${ports.node}`,
      http: { listen: `127.0.0.1:${ports.http}` },
      totalShards: options.shards,
      token: options.token ?? 'none',
      ...(tls && { tls }),
      nodes: options.nodes,
      heartbeat: '1s',
      launcher: {
        command: [process.execPath, BOTS[options.bot]],
        dataDir: join(folder, 'data'),
        env: botEnvironment(folder, options),
        versionCommand: ['cat', version],
        updateCommand: ['cp', `${version}.new`, version],
      },
      discord: { token: options.discordToken, api: options.api, identifyWindow: options.identifyWindow },
      ...settings,
    },
    null,
    2,
  );
}

/** What the history says of nodes that were lost. */
export async function recorded({ client }: Fleet, name: string): Promise<readonly HistoryRow[]> {
  return (await client.events(0)).filter((each) => each.name === name);
}

/** How often a shard was resumed elsewhere after its node died. Its events since the last checkpoint come again. */
export async function timesResumed(fleet: Fleet): Promise<number> {
  const started = await recorded(fleet, 'shardRunning');
  return started.filter(({ text }) => text.includes('is resumed')).length;
}

/**
 * How many shards were given to a node, after each one's first start. Each may lose its state again, also on a node
 * that dies before anybody hears that the shard was resumed there.
 */
export async function timesGivenAgain(fleet: Fleet, shards: number): Promise<number> {
  const given = (await recorded(fleet, 'shardsStarting')).map(({ fields }) => (fields['shards'] as number[]).length);
  return given.reduce((sum, each) => sum + each, -shards);
}
