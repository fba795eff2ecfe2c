/** What chaos over several hosts runs: the fleet, two nodes on each host, a small disk below each database. */
import { appendFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '@dshard/demo';
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { messageOf } from '@dshard/protocol';
import { SettableClock, type NamespaceHost } from '@dshard/testkit';
import type { Clock } from '@dshard/transport';
import type { ChaosRig } from '../chaos-rig.js';
import { EventWatch } from '../event-watch.js';
import type { ChaosOptions } from '../options.js';
import { SmallDisk } from '../small-disk.js';
import { HostFleet, type HostParts } from './host-fleet.js';
import { LeaderWatch } from './leader-watch.js';
import { Supervised } from './supervised.js';

const NODES_PER_HOST = 2;
const ORCHESTRATORS = [0, 1] as const;
const LOG_LINES = 60;
const START_TIMEOUT_MS = 90_000;
const NODE_GRACE_MS = 10_000;
/** A server keeps 256 MB of its log for its standby. */
const DISK_MB = 480;

const HEARTBEAT_MS = 2_000;
const MAX_NODE_DOWNTIME_MS = 3_000;
const LEASE_MS = 5_000;
/** Longer than it takes to miss three heartbeats and then to be taken over. */
export const BEYOND_TIMEOUTS_MS: number = 4 * HEARTBEAT_MS + MAX_NODE_DOWNTIME_MS + 1_500;

const SETTINGS = {
  // Moves are asked for here, one by one.
  rebalance: 'off',
  heartbeat: HEARTBEAT_MS,
  maxNodeDowntime: MAX_NODE_DOWNTIME_MS,
  startupGrace: 5_000,
  'store.lease': LEASE_MS,
  'store.statementTimeout': 500,
  'timeouts.migrationStep': 5_000,
  'timeouts.freeze': 2_000,
  'timeouts.command': 10_000,
  'timeouts.budget': 15_000,
  // Its nodes are killed by somebody else; they do not crash.
  'timeouts.healthyAfter': 1_000,
};

export type HostNode = { id: string; host: NamespaceHost; process: Supervised };

export class HostsRig implements ChaosRig {
  readonly clock: Clock;
  readonly shards: number;
  readonly nodes: number;
  readonly launches: boolean = false;
  /** A line that was cut may be given up as late, by whoever misses three answers. */
  readonly settledForMs: number = 3 * HEARTBEAT_MS + 500;
  readonly watch: EventWatch;
  readonly parts: HostParts;
  readonly hostNodes: readonly HostNode[];
  readonly leaders: LeaderWatch;
  /** Of the database's two servers, in the order in which they were begun; empty: none could be mounted. */
  readonly disks: readonly SmallDisk[];
  readonly log: readonly string[];
  /** All of it, with times. Whoever needs it no more removes it. */
  readonly logFile: string;
  readonly #fleet: HostFleet;

  private constructor(
    fleet: HostFleet,
    parts: Pick<HostsRig, 'clock' | 'shards' | 'watch' | 'log' | 'logFile' | 'disks' | 'hostNodes' | 'leaders'>,
  ) {
    this.#fleet = fleet;
    this.parts = fleet.parts;
    this.clock = parts.clock;
    this.shards = parts.shards;
    this.watch = parts.watch;
    this.log = parts.log;
    this.logFile = parts.logFile;
    this.disks = parts.disks;
    this.hostNodes = parts.hostNodes;
    this.nodes = parts.hostNodes.length;
    this.leaders = parts.leaders;
  }

  /** Resolves when all shards run. */
  static async start(clock: Clock, { shards, seed, hosts, faults }: ChaosOptions): Promise<HostsRig> {
    const watch = new EventWatch();
    const log: string[] = [];
    const logFile = join(tmpdir(), `dso-chaos-${seed}.log`);
    rmSync(logFile, { force: true });
    const beganMs = clock.monotonicMs();
    const onLine = (line: string): void => {
      appendFileSync(logFile, `${((clock.monotonicMs() - beganMs) / 1_000).toFixed(1)}s ${line}\n`);
      log.push(line);
      if (log.length > LOG_LINES) log.shift();
    };
    const disks = faults.includes('fill-disk') ? mountDisks() : [];
    let ledger: GatewayEmulator['ledger'] | null = null;
    const fleet = await HostFleet.start(
      clock,
      {
        hosts,
        shards,
        seed,
        orchestrators: ORCHESTRATORS,
        // The standby on a host with an orchestrator, the primary on one without.
        database: [hosts - 1, 1],
        databaseFolders: disks.map(({ path }) => path),
        bot: 'ws',
        settings: SETTINGS,
        clocks: faults.includes('step-clock') && SettableClock.isAvailable(),
      },
      {
        onLine,
        onHandled: (node, event) => {
          ledger?.handled({ node, events: [event] });
          watch.handled(node, event, clock.now());
        },
      },
    ).catch((error: unknown) => {
      for (const disk of disks) disk.unmount();
      throw error;
    });
    const { parts } = fleet;
    ledger = parts.emulator.ledger;
    parts.emulator.onEmitted(({ id, route }) => watch.emitted(id, (route ?? 0) % shards, clock.now()));
    const hostNodes = startNodes(fleet, clock, onLine);
    const leaders = new LeaderWatch(clock, parts.client, parts.bases);
    const rig = new HostsRig(fleet, { clock, shards, watch, log, logFile, disks, hostNodes, leaders });
    try {
      await rig.#untilAllRun();
    } catch (error) {
      process.stderr.write(`${log.join('\n')}\n`);
      await rig[Symbol.asyncDispose]();
      throw error;
    }
    return rig;
  }

  get emulator(): GatewayEmulator {
    return this.parts.emulator;
  }

  status(): ReturnType<ChaosRig['status']> {
    return this.parts.client.status();
  }

  post(path: string, parameters: Readonly<Record<string, string>>): Promise<string> {
    return this.parts.client.post(path, parameters);
  }

  attached(): number {
    return this.#fleet.attached();
  }

  missing(): ReturnType<ChaosRig['missing']> {
    return {
      ...(this.disks.length === 0 && { 'fill-disk': 'a tmpfs cannot be mounted here' }),
      ...(this.parts.clocks.length === 0 && { 'step-clock': 'there is no libfaketime (`apt-get install faketime`)' }),
    };
  }

  /** Ends nodes and orchestrators as an operator does. Returns what went wrong, in words. */
  async endFleet(): Promise<string[]> {
    const left: string[] = [];
    await this.leaders.end();
    this.parts.world.heal();
    const ended = [...this.hostNodes.map((node) => node.process), ...this.parts.orchestrators].map(async (process) => {
      const code = await process.end(NODE_GRACE_MS);
      if (code === null) left.push(`${process.name} had to be killed ${NODE_GRACE_MS} ms after SIGTERM`);
    });
    await Promise.all(ended).catch((error: unknown) => left.push(messageOf(error)));
    return left;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endFleet();
    await this.#fleet[Symbol.asyncDispose]();
    for (const disk of this.disks) disk.unmount();
  }

  #untilAllRun(): Promise<void> {
    return waitFor(this.clock, `${this.shards} shards to run on ${this.nodes} nodes`, START_TIMEOUT_MS, async () => {
      const status = await this.status().catch(() => null);
      if (status === null) return false;
      const connected = status.nodes.filter(({ connection }) => connection === 'connected').length;
      return status.conditionCounts.up === this.shards && connected === this.nodes;
    });
  }
}

function startNodes(fleet: HostFleet, clock: Clock, onLine: (line: string) => void): HostNode[] {
  return fleet.parts.world.hosts.flatMap((host) =>
    Array.from({ length: NODES_PER_HOST }, (_, index) => {
      const id = `${host.name}-${'ab'[index] ?? index}`;
      const start = () => fleet.startNode(host, id);
      return { id, host, process: new Supervised({ name: id, start, isInside: false, clock, onLine }) };
    }),
  );
}

/** All or none. */
function mountDisks(): SmallDisk[] {
  const disks: SmallDisk[] = [];
  for (let each = 0; each < 2; each += 1) {
    const disk = SmallDisk.mount(DISK_MB);
    if (disk !== null) disks.push(disk);
  }
  if (disks.length === 2) return disks;
  for (const disk of disks) disk.unmount();
  return [];
}
