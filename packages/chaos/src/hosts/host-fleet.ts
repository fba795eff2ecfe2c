/**
 * A fleet over several hosts, each a network namespace: Discord (the emulator) outside, PostgreSQL with a synchronous
 * standby on two hosts, an orchestrator on each of two, mutual TLS at the node port, TLS and a token at the other. Who
 * starts the nodes is told how.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { botIn, DSO_PROGRAM, type BotProgram } from '@dshard/demo';
import { startGatewayEmulator, type GatewayEmulator, type HandledEvent } from '@dshard/gateway-emulator';
import { NamespaceWorld, PostgresPair, SettableClock, type NamespaceHost } from '@dshard/testkit';
import { TestAuthority, type CertificateFiles } from '@dshard/testkit/certificates';
import type { Clock } from '@dshard/transport';
import { HostsClient } from './hosts-client.js';
import { Supervised } from './supervised.js';

const NODE_PORT = 7447;
const REST_PORT = 7448;
const TOKEN = 'a-token-of-a-test-0123456789abcdef';
const GUILDS_PER_SHARD = 4;
const IDENTIFY_WINDOW_MS = 1_000;

export type HostFleetOptions = {
  hosts: number;
  shards: number;
  seed: number;
  /** The hosts with an orchestrator each, and the two of the database: primary, standby. */
  orchestrators: readonly number[];
  database: readonly [primary: number, standby: number];
  /** Where each of them keeps its files; default: where temporary files are. */
  databaseFolders?: readonly string[];
  bot: 'ws' | 'discordjs';
  /** Keys of `dso.yaml`. */
  settings: Readonly<Record<string, unknown>>;
  /** Each host has a clock that can be set. */
  clocks: boolean;
};

export type HostFleetListeners = {
  onLine: (line: string) => void;
  onHandled: (node: string, event: HandledEvent) => void;
};

type Undo = (() => unknown)[];

export type HostParts = {
  clock: Clock;
  folder: string;
  world: NamespaceWorld;
  emulator: GatewayEmulator;
  database: PostgresPair;
  client: HostsClient;
  orchestrators: readonly Supervised[];
  bases: readonly string[];
  /** Of each host; empty: they cannot be set. */
  clocks: readonly SettableClock[];
};

export class HostFleet {
  readonly parts: HostParts;
  readonly #undo: Undo;
  readonly #bot: BotProgram;
  readonly #nodeEnvironment: Readonly<Record<string, string>>;

  private constructor(
    parts: HostParts,
    undo: Undo,
    bot: BotProgram,
    nodeEnvironment: Readonly<Record<string, string>>,
  ) {
    this.parts = parts;
    this.#undo = undo;
    this.#bot = bot;
    this.#nodeEnvironment = nodeEnvironment;
  }

  /** What it has started it ends again when something goes wrong. */
  static async start(clock: Clock, options: HostFleetOptions, listeners: HostFleetListeners): Promise<HostFleet> {
    const undo: Undo = [];
    try {
      return await HostFleet.#start(clock, options, listeners, undo);
    } catch (error) {
      for (const end of undo.toReversed()) await end();
      throw error;
    }
  }

  static async #start(
    clock: Clock,
    options: HostFleetOptions,
    listeners: HostFleetListeners,
    undo: Undo,
  ): Promise<HostFleet> {
    const { onLine, onHandled } = listeners;
    const folder = mkdtempSync(join(tmpdir(), 'dso-hosts-'));
    undo.push(() => rmSync(folder, { recursive: true, force: true }));
    const world = await NamespaceWorld.make({ hosts: options.hosts, joined: true });
    undo.push(() => world.close());
    const emulator = await startEmulator(world, options, clock);
    undo.push(() => emulator.close());
    const [first, second] = options.database.map((number) => world.host(number));
    if (first === undefined || second === undefined) throw new Error('The database needs two hosts.');
    const database = await PostgresPair.start({
      primary: placed(first, options.databaseFolders?.[0]),
      standby: placed(second, options.databaseFolders?.[1]),
    });
    undo.push(() => database.close());
    const authority = await TestAuthority.create();
    undo.push(() => authority.remove());
    const node = await authority.issue('node');
    const seats = await Promise.all(
      options.orchestrators.map(async (number) => {
        const host = world.host(number);
        return { host, files: await authority.issue(host.name, { names: [host.address, 'localhost', '127.0.0.1'] }) };
      }),
    );
    const clocks = options.clocks
      ? world.hosts.map(({ name }) => new SettableClock(join(folder, `clock-of-${name}`)))
      : [];
    const orchestrators = seats.map(({ host, files }) => {
      const config = configuration({ folder, host, files, ca: authority.ca, options, emulator, url: database.url });
      return new Supervised({
        name: `orchestrator of ${host.name}`,
        start: () => startOrchestrator(world, host, config, clocks[world.hosts.indexOf(host)]),
        isInside: true,
        clock,
        onLine,
      });
    });
    undo.push(() => Promise.all(orchestrators.map((orchestrator) => orchestrator.end(0))));
    const nodeEnvironment = {
      DSO_ORCHESTRATOR: seats.map(({ host }) => `${host.address}:${NODE_PORT}`).join(','),
      DSO_TOKEN: TOKEN,
      DSO_TLS_CA: authority.ca,
      DSO_TLS_CERT: node.cert,
      DSO_TLS_KEY: node.key,
    };
    const bot = await followedBot(clock, folder, { options, emulator }, { onHandled, undo });
    const bases = seats.map(({ host }) => `https://${host.address}:${REST_PORT}`);
    const client = new HostsClient(clock, { bases, ca: readFileSync(authority.ca, 'utf8'), token: TOKEN });
    const parts = { clock, folder, world, emulator, database, client, orchestrators, bases, clocks };
    return new HostFleet(parts, undo, bot, nodeEnvironment);
  }

  /** Starts a process of the bot on a host. */
  startNode(host: NamespaceHost, id: string, environment: Readonly<Record<string, string>> = {}): ChildProcess {
    const { world, clocks } = this.parts;
    const { program, folder, environment: ofBot } = this.#bot;
    const env = {
      ...process.env,
      ...ofBot,
      ...this.#nodeEnvironment,
      ...clocks[world.hosts.indexOf(host)]?.environment,
      DSO_NODE_ID: id,
      DSO_HOST: host.name,
      ...environment,
    };
    return world.spawn(host, [process.execPath, program], { env, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  /** What processes that are started from now on say of themselves. */
  setVersion(version: string): void {
    writeFileSync(join(this.parts.folder, 'version'), `${version}\n`);
  }

  /** Shards whose session has a connection. */
  attached(): number {
    return this.parts.emulator.admin.status().sessions.filter(({ attached }) => attached).length;
  }

  /** Ends what it has started. Safe to call twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#undo.splice(0).toReversed()) await end();
  }
}

function startEmulator(
  world: NamespaceWorld,
  { shards, seed }: HostFleetOptions,
  clock: Clock,
): Promise<GatewayEmulator> {
  const address = world.outside?.address ?? '127.0.0.1';
  const size = { shards, guilds: shards * GUILDS_PER_SHARD, seed };
  return startGatewayEmulator(
    { ...size, address, maxConcurrency: 16, identifyWindowMs: IDENTIFY_WINDOW_MS },
    { clock },
  );
}

/** The bot's program and environment, and what its processes handle is heard. */
async function followedBot(
  clock: Clock,
  folder: string,
  { options, emulator }: { options: HostFleetOptions; emulator: GatewayEmulator },
  { onHandled, undo }: { onHandled: HostFleetListeners['onHandled']; undo: Undo },
): Promise<BotProgram> {
  const discord = { api: emulator.apiUrl, discordToken: emulator.token };
  const { stopFollowing, ...bot } = await botIn(clock, folder, { bot: options.bot, ...discord, stateMb: 1 }, onHandled);
  undo.push(stopFollowing);
  return bot;
}

type Placed = { host: string; enter: readonly string[]; folder?: string };

function placed({ address, enter }: NamespaceHost, folder: string | undefined): Placed {
  return { host: address, enter, ...(folder !== undefined && { folder }) };
}

/**
 * With pids and a host name of its own, as on a machine of its own: nobody there sees whether the process on the other
 * host lives.
 */
function startOrchestrator(
  world: NamespaceWorld,
  host: NamespaceHost,
  config: string,
  settable: SettableClock | undefined,
): ChildProcess {
  const named = ['sh', '-c', 'hostname "$0" && exec "$@"', host.name];
  const alone = ['unshare', '--uts', '--pid', '--fork', '--kill-child', '--mount-proc', '--', ...named];
  const command = [process.execPath, DSO_PROGRAM, 'up', '--config', config, '--log', 'json'];
  const env = { ...process.env, ...settable?.environment };
  return world.spawn(host, [...alone, ...command], { env, stdio: ['ignore', 'ignore', 'pipe'] });
}

type ConfigurationInput = {
  folder: string;
  host: NamespaceHost;
  files: CertificateFiles;
  ca: string;
  options: HostFleetOptions;
  emulator: GatewayEmulator;
  url: string;
};

/** JSON is YAML, so this is a configuration file like any operator's. Returns its path. */
function configuration({ folder, host, files, ca, options, emulator, url }: ConfigurationInput): string {
  const own = join(folder, host.name);
  mkdirSync(own);
  const path = join(own, 'dso.yaml');
  const values = {
    listen: `${host.address}:${NODE_PORT}`,
    'http.listen': `${host.address}:${REST_PORT}`,
    'tls.cert': files.cert,
    'tls.key': files.key,
    'tls.ca': ca,
    token: TOKEN,
    totalShards: options.shards,
    'store.kind': 'postgres',
    'store.url': url,
    'store.standby': true,
    'launcher.dataDir': join(own, 'data'),
    'discord.token': emulator.token,
    'discord.api': emulator.apiUrl,
    'discord.identifyWindow': IDENTIFY_WINDOW_MS,
    ...options.settings,
  };
  writeFileSync(path, JSON.stringify(values, null, 2));
  return path;
}
