/**
 * A fleet as its operator has it: `dso up` with honest bot processes, Discord from the emulator. It held when all
 * processes are up, each shard is where it was, no IDENTIFY was spent, and memory and descriptors are back.
 */
import { Fleet, freePort, waitFor } from '@dshard/demo';
import { startGatewayEmulator, type GatewayEmulator } from '@dshard/gateway-emulator';
import { systemClock } from '@dshard/transport';
import { fileURLToPath } from 'node:url';
import { messageOf } from '@dshard/protocol';

import { figuresOf, type Figures } from './process-figures.js';

const START_TIMEOUT_MS = 60_000;
/** Refused peers wait half a minute for their close. */
const SETTLE_TIMEOUT_MS = 45_000;
const ANSWER_TIMEOUT_MS = 10_000;
/** What a garbage collector may leave, and a history that has filled up. */
const SPARE_MEGABYTES = 160;
const SPARE_DESCRIPTORS = 6;
const LOG_LINES = 40;
const PLANT = fileURLToPath(new URL('../plant.js', import.meta.url));

export const TOKEN = 'correct-horse-battery-staple-of-the-hostile-suite';

/** The first two: see plant.ts. The others: what an orchestrator without a check would let pass (doors/api.ts). */
export type Plant = 'crash' | 'leak' | 'role' | 'answer';

export type VictimOptions = {
  shards: number;
  nodes: number;
  token: string | null;
  seed: number;
  plant: Plant | null;
  /** Keys of dso.yaml. */
  settings?: Readonly<Record<string, unknown>>;
  /** See Fleet. */
  ways?: (nodeAddress: string) => Promise<readonly string[]>;
};

export class Victim {
  readonly emulator: GatewayEmulator;
  readonly fleet: Fleet;
  readonly shards: number;
  readonly #log: readonly string[];
  #before: Before | null = null;

  private constructor(emulator: GatewayEmulator, fleet: Fleet, shards: number, log: readonly string[]) {
    this.emulator = emulator;
    this.fleet = fleet;
    this.shards = shards;
    this.#log = log;
  }

  static async start({ shards, nodes, token, seed, plant, settings = {}, ways }: VictimOptions): Promise<Victim> {
    const clock = systemClock();
    const emulator = await startGatewayEmulator(
      { shards, guilds: shards * 2, seed, maxConcurrency: 16, identifyWindowMs: 200 },
      { clock },
    );
    const ports = { node: await freePort(0), http: await freePort(0) };
    const log: string[] = [];
    const addresses = await ways?.(`127.0.0.1:${ports.node}`);
    const fleet = await withPlant(plant, () =>
      Fleet.start(
        clock,
        {
          shards,
          nodes,
          bot: 'ws',
          api: emulator.apiUrl,
          discordToken: emulator.token,
          identifyWindow: 200,
          stateMb: 0,
          token,
          ports,
          ...(addresses !== undefined && { ways: addresses }),
          settings: {
            maxNodeDowntime: 60_000,
            startupGrace: 2_000,
            'store.kind': 'memory',
            tokenless: token === null,
            ...settings,
          },
        },
        {
          onLog: (line) => {
            log.push(line);
            if (log.length > LOG_LINES) log.shift();
          },
          onHandled: () => undefined,
        },
      ),
    );
    const victim = new Victim(emulator, fleet, shards, log);
    try {
      await waitFor(clock, `${shards} shards to run on ${nodes} nodes`, START_TIMEOUT_MS, async () => {
        const status = await fleet.client.status();
        const connected = status.nodes.filter(({ connection }) => connection === 'connected').length;
        return status.shardCounts.running === shards && connected === nodes && victim.attached() === shards;
      });
    } catch (error) {
      const attached = victim.emulator.admin
        .status()
        .sessions.flatMap(({ attached: is, shard }) => (is ? [shard] : []));
      const last = `attached: ${attached.join()}\n${log.join('\n')}`;
      await victim.end();
      throw new Error(`${messageOf(error)}\n${last}`, { cause: error });
    }
    return victim;
  }

  /** Shards whose session has a connection. */
  attached(): number {
    return this.emulator.admin.status().sessions.filter(({ attached }) => attached).length;
  }

  /** From now on nothing may change. @param more processes to look at besides the orchestrator. */
  async begin(more: readonly number[] = []): Promise<void> {
    const { orchestratorPid } = this.fleet;
    if (orchestratorPid === null) throw new Error('The orchestrator does not run.');
    const watched = new Map([orchestratorPid, ...more].map((pid) => [pid, figuresOf(pid)] as const));
    this.#before = { watched, owners: await this.#owners(), identifies: this.#identifies() };
  }

  /** What is not as it was, or null. */
  async check(): Promise<string | null> {
    const before = this.#before;
    if (before === null) return null;
    for (const pid of before.watched.keys()) {
      if (figuresOf(pid) === null) return `process ${pid} has died:\n${this.#log.join('\n')}`;
    }
    const identifies = this.#identifies();
    if (identifies !== before.identifies) return `${identifies - before.identifies} IDENTIFYs were spent`;
    if (this.attached() !== this.shards) return `${this.shards - this.attached()} shards have lost their connection`;
    const owners = await Promise.race([
      this.#owners(),
      waitFor(systemClock(), 'an answer', ANSWER_TIMEOUT_MS, () => false).catch(() => 'no answer'),
    ]).catch((error: unknown) => messageOf(error));
    if (owners !== before.owners) return `the shards are not where they were:\n${before.owners}\n${String(owners)}`;
    return null;
  }

  /** Memory and descriptors come back; refused peers have some time for that. */
  async settled(): Promise<string | null> {
    const before = this.#before;
    if (before === null) return null;
    let excess: string | null = null;
    try {
      await waitFor(systemClock(), 'memory and descriptors to be back', SETTLE_TIMEOUT_MS, () => {
        excess =
          [...before.watched].map(([pid, figures]) => excessOf(pid, figures)).find((each) => each !== null) ?? null;
        return excess === null;
      });
    } catch {
      return excess;
    }
    return this.check();
  }

  async end(): Promise<void> {
    await this.fleet.end().catch(() => undefined);
    await this.emulator.close();
  }

  async #owners(): Promise<string> {
    const { nodes } = await this.fleet.client.status();
    const owners = nodes.flatMap(({ id, shards }) => shards.map((shard) => `${shard.id} ${shard.state} ${id}`));
    return owners.toSorted().join('\n');
  }

  #identifies(): number {
    return this.emulator.ledger.verdict().identifies.used;
  }
}

type Before = { watched: ReadonlyMap<number, Figures | null>; owners: string; identifies: number };

function excessOf(pid: number, before: Figures | null): string | null {
  const now = figuresOf(pid);
  if (now === null || before === null) return `process ${pid} has died`;
  const descriptors = now.descriptors - before.descriptors;
  if (descriptors > SPARE_DESCRIPTORS) return `process ${pid} has kept ${descriptors} descriptors`;
  const megabytes = now.megabytes - before.megabytes;
  return megabytes > SPARE_MEGABYTES ? `process ${pid} has kept ${megabytes} MB` : null;
}

/** What is started meanwhile has a hole, see plant.ts. */
async function withPlant<T>(plant: Plant | null, start: () => Promise<T>): Promise<T> {
  if (plant !== 'crash' && plant !== 'leak') return start();
  const { NODE_OPTIONS: options } = process.env;
  process.env['NODE_OPTIONS'] = `${options ?? ''} --import=${PLANT}`.trim();
  process.env['HOSTILE_PLANT'] = plant;
  try {
    return await start();
  } finally {
    if (options === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = options;
    delete process.env['HOSTILE_PLANT'];
  }
}
