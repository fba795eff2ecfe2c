/**
 * Many light nodes in a few processes, and one orchestrator as `dso up` starts it, over real sockets. Discord is only
 * asked for `GET /gateway/bot`, with a large max_concurrency: what is measured is the fleet, and not Discord's pace.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGatewayEmulator, type GatewayEmulator } from '@dshard/gateway-emulator';
import { delay, type Clock } from '@dshard/transport';
import { Peer } from '../processes.js';
import type {
  DrainReading,
  NodesAsked,
  NodesOrder,
  NodesReading,
  NodesSaying,
  OrchestratorAsked,
  OrchestratorOrder,
  OrchestratorReading,
  OrchestratorSaying,
} from './messages.js';

export type LightFleetOptions = {
  nodes: number;
  shards: number;
  /** That the nodes share. */
  processes: number;
  /** What each shard takes along when it moves. Default: nothing. */
  stateKb?: number;
  settings?: Readonly<Record<string, string>>;
};

export type Reading = { orchestrator: OrchestratorReading; nodes: readonly NodesReading[] };

const POLL_MS = 100;

export const lightNode = (index: number): string => `light-${String(index).padStart(4, '0')}`;

export class LightFleet {
  readonly #options: LightFleetOptions;
  readonly #clock: Clock;
  readonly #discord: GatewayEmulator;
  readonly #folder = mkdtempSync(join(tmpdir(), 'dshard-bench-'));
  readonly #groups: Peer<NodesAsked, NodesSaying>[] = [];
  #orchestrator: Peer<OrchestratorAsked, OrchestratorSaying> | null = null;
  #address = '127.0.0.1:0';

  private constructor(options: LightFleetOptions, clock: Clock, discord: GatewayEmulator) {
    this.#options = options;
    this.#clock = clock;
    this.#discord = discord;
  }

  /** The orchestrator listens, and the processes of the nodes are there; no node has connected. */
  static async open(options: LightFleetOptions, clock: Clock): Promise<LightFleet> {
    const { shards } = options;
    const discord = await startGatewayEmulator({
      shards,
      guilds: shards,
      maxConcurrency: shards,
      sessionStartLimit: 2 * shards,
    });
    const fleet = new LightFleet(options, clock, discord);
    await fleet.startOrchestrator();
    await fleet.#addNodes(0, options.nodes);
    return fleet;
  }

  async startOrchestrator(): Promise<void> {
    const order: OrchestratorOrder = {
      listen: this.#address,
      shards: this.#options.shards,
      folder: this.#folder,
      discord: { api: this.#discord.apiUrl, token: this.#discord.token },
      settings: this.#options.settings ?? {},
    };
    this.#orchestrator = new Peer(new URL('./orchestrator.js', import.meta.url), order);
    this.#address = expected(await this.#orchestrator.hear(), 'listening').address;
  }

  async killOrchestrator(): Promise<void> {
    await this.#orchestrator?.end('SIGKILL');
  }

  /** All nodes connect at once. */
  async connect(): Promise<void> {
    await Promise.all(this.#groups.map((group) => ask(group, 'start')));
  }

  /** As many nodes more, which connect at once. */
  async join(count: number): Promise<void> {
    const known = this.#groups.length;
    await this.#addNodes(this.#options.nodes, this.#options.nodes + count);
    await Promise.all(this.#groups.slice(known).map((group) => ask(group, 'start')));
  }

  /** Until so many nodes are established and all shards are up, or the time is over. */
  async untilUp(
    nodes: number,
    withinMs: number,
    onReading: (reading: Reading) => void = () => undefined,
  ): Promise<boolean> {
    const until = this.#clock.monotonicMs() + withinMs;
    for (;;) {
      const reading = await this.read();
      onReading(reading);
      const established = reading.nodes.reduce((all, each) => all + each.established, 0);
      const { orchestrator } = reading;
      if (established === nodes && orchestrator.nodes === nodes && orchestrator.up === this.#options.shards)
        return true;
      if (this.#clock.monotonicMs() > until) return false;
      await delay(this.#clock, POLL_MS);
    }
  }

  /** What happened since the last reading. */
  async read(): Promise<Reading> {
    const asked = this.#leader;
    asked.tell({ do: 'read' });
    const nodes = Promise.all(this.#groups.map((group) => ask(group, 'read')));
    return { orchestrator: expected(await asked.hear(), 'reading').reading, nodes: await nodes };
  }

  /** These nodes give up their shards. Resolves when the drain has ended. */
  async drain(origins: readonly string[]): Promise<DrainReading> {
    this.#leader.tell({ do: 'drain', origins });
    return expected(await this.#leader.hear(), 'drained').reading;
  }

  async close(): Promise<void> {
    const peers = [...this.#groups, ...(this.#orchestrator === null ? [] : [this.#orchestrator])];
    await Promise.all(peers.map((peer) => peer.end('SIGKILL')));
    await this.#discord.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #leader(): Peer<OrchestratorAsked, OrchestratorSaying> {
    if (this.#orchestrator === null) throw new Error('There is no orchestrator.');
    return this.#orchestrator;
  }

  async #addNodes(first: number, end: number): Promise<void> {
    const { processes, stateKb = 0 } = this.#options;
    const perProcess = Math.ceil((end - first) / processes);
    const added: Peer<NodesAsked, NodesSaying>[] = [];
    for (let from = first; from < end; from += perProcess) {
      const to = Math.min(end, from + perProcess);
      const order: NodesOrder = { orchestrator: this.#address, from, to, stateKb };
      added.push(new Peer(new URL('./nodes.js', import.meta.url), order));
    }
    await Promise.all(added.map((group) => group.hear()));
    this.#groups.push(...added);
  }
}

async function ask(group: Peer<NodesAsked, NodesSaying>, what: NodesAsked['do']): Promise<NodesReading> {
  group.tell({ do: what });
  return expected(await group.hear(), 'reading').reading;
}

function expected<S extends { kind: string }, K extends S['kind']>(saying: S, kind: K): Extract<S, { kind: K }> {
  if (saying.kind !== kind) throw new Error(`A process said ${JSON.stringify(saying)} where ${kind} was due.`);
  return saying as Extract<S, { kind: K }>;
}
