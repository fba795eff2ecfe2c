/**
 * Everything that runs: Discord (the emulator), fault proxies, a small disk for the store, `dso up` with its launcher,
 * the bot processes. Times are short, so that minutes hold many faults, and long enough that a busy machine is not
 * taken for a dead one.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fleet, freePort, waitFor } from '@dshard/demo';
import { startGatewayEmulator, type GatewayEmulator } from '@dshard/gateway-emulator';
import { SettableClock } from '@dshard/testkit';
import type { Clock } from '@dshard/transport';
import { messageOf } from '@dshard/protocol';
import type { ChaosRig } from './chaos-rig.js';
import { EventWatch } from './event-watch.js';
import { Links } from './links.js';
import type { ChaosOptions } from './options.js';
import { killAll, processesOf, signal } from './processes.js';
import { SmallDisk } from './small-disk.js';

const NODES = 3;
const GUILDS_PER_SHARD = 4;
const START_TIMEOUT_MS = 60_000;
const LOG_LINES = 60;
const DISK_MB = 24;
const IDENTIFY_WINDOW_MS = 1_000;

const HEARTBEAT_MS = 1_000;
const MAX_NODE_DOWNTIME_MS = 3_000;
/** Longer than it takes to miss three heartbeats and then to be taken over. */
export const BEYOND_TIMEOUTS_MS: number = 4 * HEARTBEAT_MS + MAX_NODE_DOWNTIME_MS + 1_500;

const SETTINGS = {
  heartbeat: HEARTBEAT_MS,
  maxNodeDowntime: MAX_NODE_DOWNTIME_MS,
  startupGrace: 5_000,
  'timeouts.migrationStep': 5_000,
  'timeouts.freeze': 2_000,
  'timeouts.command': 10_000,
  'timeouts.budget': 15_000,
  'timeouts.launch': 20_000,
  'timeouts.launchRetry': 1_000,
  // Its nodes are killed by somebody else; they do not crash.
  'timeouts.healthyAfter': 1_000,
  'launcher.stopGrace': 3_000,
};

export type Status = Awaited<ReturnType<Fleet['client']['status']>>;

/** Whose clocks can be set. */
export type Clocks = { folder: string; orchestrator: SettableClock; nodes: SettableClock };

export class Rig implements ChaosRig {
  readonly clock: Clock;
  readonly shards: number;
  readonly nodes: number = NODES;
  readonly launches: boolean = true;
  readonly settledForMs: number = 0;
  readonly emulator: GatewayEmulator;
  readonly links: Links;
  /** null: it could not be mounted. */
  readonly disk: SmallDisk | null;
  /** null: there is nothing here that sets a clock. */
  readonly clocks: Clocks | null;
  readonly fleet: Fleet;
  readonly watch: EventWatch;
  readonly #log: readonly string[];

  private constructor(
    parts: Pick<Rig, 'clock' | 'shards' | 'emulator' | 'links' | 'disk' | 'clocks' | 'fleet' | 'watch'> & {
      log: readonly string[];
    },
  ) {
    this.clock = parts.clock;
    this.shards = parts.shards;
    this.emulator = parts.emulator;
    this.links = parts.links;
    this.disk = parts.disk;
    this.clocks = parts.clocks;
    this.fleet = parts.fleet;
    this.watch = parts.watch;
    this.#log = parts.log;
  }

  /** Resolves when all shards run. What it has started it ends again when something goes wrong. */
  static async start(clock: Clock, options: ChaosOptions): Promise<Rig> {
    const undo: (() => unknown)[] = [];
    try {
      return await Rig.#start(clock, options, undo);
    } catch (error) {
      for (const end of undo.toReversed()) await end();
      throw error;
    }
  }

  static async #start(clock: Clock, { shards, seed, faults }: ChaosOptions, undo: (() => unknown)[]): Promise<Rig> {
    const emulator = await startGatewayEmulator(
      { shards, guilds: shards * GUILDS_PER_SHARD, seed, maxConcurrency: 16, identifyWindowMs: IDENTIFY_WINDOW_MS },
      { clock },
    );
    undo.push(() => emulator.close());
    const watch = new EventWatch();
    emulator.onEmitted(({ id, route }) => watch.emitted(id, (route ?? 0) % shards, clock.now()));
    const ports = { node: await freePort(0), http: await freePort(0) };
    const links = await Links.to(`127.0.0.1:${ports.node}`, clock);
    undo.push(() => links.close());
    const disk = faults.includes('full-disk') ? SmallDisk.mount(DISK_MB) : null;
    undo.push(() => disk?.unmount());
    const clocks = faults.includes('clock-step') ? makeClocks() : null;
    undo.push(() => removeClocks(clocks));
    const log: string[] = [];
    const fleet = await Fleet.start(
      clock,
      {
        shards,
        nodes: NODES,
        bot: 'ws',
        api: emulator.apiUrl,
        discordToken: emulator.token,
        identifyWindow: IDENTIFY_WINDOW_MS,
        stateMb: 1,
        ports,
        ways: links.addresses,
        ...(clocks && {
          environment: clocks.orchestrator.environment,
          nodeEnvironment: clocks.nodes.environment,
        }),
        settings: {
          // Moves are asked for here, one by one.
          rebalance: 'off',
          ...SETTINGS,
          ...(disk && { 'store.path': `${disk.path}/state.db` }),
        },
      },
      {
        onLog: (line) => {
          log.push(line);
          if (log.length > LOG_LINES) log.shift();
        },
        onHandled: (node, event) => {
          emulator.ledger.handled({ node, events: [event] });
          watch.handled(node, event, clock.now());
        },
      },
    );
    const rig = new Rig({ clock, shards, emulator, links, disk, clocks, fleet, watch, log });
    undo.push(() => rig.endFleet());
    await waitFor(clock, `${shards} shards to run on ${NODES} nodes`, START_TIMEOUT_MS, async () => {
      const { conditionCounts, nodes } = await rig.status();
      const connected = nodes.filter(({ connection }) => connection === 'connected').length;
      return conditionCounts.up === shards && connected === NODES && rig.attached() === shards;
    });
    return rig;
  }

  status(): Promise<Status> {
    return this.fleet.client.status();
  }

  post(path: string, parameters: Readonly<Record<string, string>>): Promise<string> {
    return this.fleet.client.post(path, parameters);
  }

  missing(): ReturnType<ChaosRig['missing']> {
    return {
      ...(this.disk === null && { 'full-disk': 'a tmpfs cannot be mounted here (it takes root)' }),
      ...(this.clocks === null && { 'clock-step': 'there is no libfaketime (`apt-get install faketime`)' }),
    };
  }

  /** Shards whose session has a connection. */
  attached(): number {
    return this.emulator.admin.status().sessions.filter(({ attached }) => attached).length;
  }

  /** The last lines of the orchestrator and its nodes. */
  get log(): readonly string[] {
    return this.#log;
  }

  /** Ends the fleet for good, as SIGTERM does, and then by force what is left. Returns what was left, in words. */
  async endFleet(): Promise<string[]> {
    const { fleet, clock } = this;
    const left: string[] = [];
    try {
      const { orchestratorPid } = fleet;
      if (orchestratorPid !== null) signal(orchestratorPid, 'SIGCONT');
      await fleet.end();
      await waitFor(clock, 'all bot processes to be gone', 5_000, () => processesOf(fleet.folder).length === 0);
    } catch (error) {
      left.push(`the fleet did not end: ${messageOf(error)}`);
    }
    const pids = processesOf(fleet.folder);
    if (pids.length > 0) left.push(`processes were left: ${pids.join(', ')}`);
    killAll(pids);
    return left;
  }

  /** Whatever is left of it goes. Safe to call after `endFleet`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.endFleet();
    await this.links.close();
    await this.emulator.close();
    this.disk?.unmount();
    removeClocks(this.clocks);
  }
}

function makeClocks(): Clocks | null {
  if (!SettableClock.isAvailable()) return null;
  const folder = mkdtempSync(join(tmpdir(), 'dso-clocks-'));
  return {
    folder,
    orchestrator: new SettableClock(join(folder, 'orchestrator')),
    nodes: new SettableClock(join(folder, 'nodes')),
  };
}

function removeClocks(clocks: Clocks | null): void {
  if (clocks !== null) rmSync(clocks.folder, { recursive: true, force: true });
}
