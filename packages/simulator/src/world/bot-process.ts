/** One bot process: the production node on a simulated library, inside a virtual process. */
import { createNode, type DshardNode, type ShardStateKind } from '@dshard/node';
import type { Message } from '@dshard/protocol';
import { silentLogger, type Logger } from '@dshard/transport';
import type { MemoryNetwork, VirtualClock } from '@dshard/testkit';
import { SimHost, userEvents, type HostBehaviour } from '../host/sim-host.js';
import { LiveHost } from '../host/live-host.js';
import type { Observe } from '../observation.js';
import { drawFor } from '../random.js';
import type { Trace } from '../trace.js';
import { baseLevelTransport, repeatingTransport } from './control-connection.js';
import { hostOf } from './hosts.js';
import { VirtualProcess, type Death } from './virtual-process.js';

export type BotProcessOptions = {
  name: string;
  seed: number;
  version: string;
  baseLevel: boolean;
  /**
   * Of a process of the base level: names as running also what it only makes room for. An orchestrator that remembers
   * nothing has to believe that.
   */
  namesPrepared: boolean;
  /** Where they are, with commas between them. */
  orchestrators: string;
  /** That it proves, unless it is of the base level. */
  token: string | null;
  /** Whether its host moves shards live. */
  live: boolean;
  sendMs: number;
  handlingMs: number;
  patienceMs: number;
  /** How often user code, or the gateway, is not ready for a shard that comes. */
  failsToGetReady: number;
  /** The node's id, if it is not the process's name. */
  nodeId?: string;
  /** Sessions come with resume URLs that Discord never gave. */
  strangeUrls: boolean;
  /** Whether a message that was the last one on a connection comes once more on the next. null: none does. */
  repeats: ((name: string, message: Message) => boolean) | null;
  behaviour: HostBehaviour;
  world: VirtualClock;
  control: MemoryNetwork;
  gateway: MemoryNetwork;
  trace: Trace;
  observe: Observe;
  /** The process is gone. */
  onExit: (process: BotProcess, how: string) => void;
  /** Around the node's host, for mutants. */
  wrapNode: (options: Parameters<typeof createNode>[0]) => Parameters<typeof createNode>[0];
};

const STARTING_UP_MS = 150;

export class BotProcess {
  readonly name: string;
  readonly baseLevel: boolean;
  readonly host: SimHost;
  readonly node: DshardNode;
  readonly process: VirtualProcess;
  readonly #options: BotProcessOptions;
  #shards: ReadonlyMap<number, ShardStateKind> = new Map();
  /** What the bot has against itself; null: nothing. */
  complaint: string | null = null;

  constructor(options: BotProcessOptions, incarnation: number) {
    const {
      name,
      seed,
      version,
      baseLevel,
      world,
      control,
      gateway,
      observe,
      behaviour,
      sendMs,
      handlingMs,
      strangeUrls,
      repeats,
    } = options;
    this.#options = options;
    this.name = name;
    this.baseLevel = baseLevel;
    this.process = new VirtualProcess(name, world);
    const { clock } = this.process;
    const guarded: Observe = (observation) => {
      if (this.process.alive) observe(observation);
    };
    const Host = options.live ? LiveHost : SimHost;
    this.host = new Host({
      node: name,
      clock,
      random: drawFor(seed, `host ${name} ${incarnation}`),
      gateway: this.process.transport(gateway.member(name)),
      behaviour,
      sendMs,
      handlingMs,
      failsToGetReady: options.failsToGetReady,
      strangeUrls,
      observe: guarded,
    });
    const plain = this.process.transport(control.member(name));
    const transport = repeats === null ? plain : repeatingTransport(plain, (message) => repeats(name, message));
    this.node = createNode(
      options.wrapNode({
        host: this.host,
        orchestrator: options.orchestrators,
        nodeId: options.nodeId ?? name,
        labels: { host: hostOf(seed, name) },
        ...(options.token !== null && !baseLevel && { token: options.token }),
        lingerMs: 0,
        patienceMs: options.patienceMs,
        health: () => this.complaint ?? true,
        version,
        userEvents,
        logger: this.#logger(),
        exitOnShutdown: false,
        clock,
        random: drawFor(seed, `node ${name} ${incarnation}`),
        transport: baseLevel ? baseLevelTransport(transport, options.namesPrepared) : transport,
        limits: {
          connectTimeoutMs: 3_000,
          backoffMaxMs: 1_500,
          refusedRetryMs: 3_000,
          hostCallMs: 4_000,
          migrationTimeoutMs: 6_000,
          shutdownTimeoutMs: 5_000,
        },
      }),
    );
    this.node.on('shards', (shards) => this.#shardsChanged(shards, guarded));
    void this.node.closed.then(() => {
      // Its exit is the system's to notice.
      if (this.process.alive) clock.after(1, () => this.die('flush', 'exited with code 0'));
    });
    clock.after(STARTING_UP_MS, () => void this.node.start());
    observe({ kind: 'processStarted', name, baseLevel });
  }

  get alive(): boolean {
    return this.process.alive;
  }

  /** The launcher's SIGTERM, after the node has left. */
  terminate(): void {
    this.process.run(() => void this.node.close());
  }

  /** A scheduler's SIGTERM, out of the blue, and its SIGKILL when the grace is over. */
  endBy(graceMs: number): void {
    this.process.run(() => void this.node.leave());
    this.#options.world.after(graceMs, () => this.die('flush', 'was killed'));
  }

  die(death: Death, how: string): void {
    if (!this.process.alive) return;
    const { control, gateway, onExit, observe } = this.#options;
    if (death === 'silent') {
      control.cut(this.name);
      gateway.cut(this.name);
    }
    this.process.kill(death);
    observe({ kind: 'processEnded', name: this.name, how });
    onExit(this, how);
  }

  #shardsChanged(shards: ReadonlyMap<number, ShardStateKind>, observe: Observe): void {
    const before = this.#shards;
    this.#shards = shards;
    for (const shard of new Set([...before.keys(), ...shards.keys()])) {
      const from = before.get(shard) ?? 'absent';
      const to = shards.get(shard) ?? 'absent';
      if (from !== to) observe({ kind: 'moved', node: this.name, shard, from, to });
    }
  }

  #logger(): Logger {
    const say = (_fields: Record<string, unknown>, message: string): void => {
      if (this.process.alive) this.#options.trace.say(this.name, `log: ${message}`);
    };
    return { ...silentLogger, info: say, warn: say, error: say };
  }
}
