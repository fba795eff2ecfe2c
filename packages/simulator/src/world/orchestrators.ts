/**
 * All orchestrators of a run: one on a store of its machine, or two, each on a machine of its own, on one database. One
 * leads, the other waits as a standby. Whoever asks for `handle` is told of the one that leads.
 */
import type { Orchestrator, SpoolDisk } from '@dshard/orchestrator';
import { memoryDisk, type MemoryDisk } from '@dshard/orchestrator';
import type { Observe } from '../observation.js';
import { drawFor } from '../random.js';
import { DatabaseLine } from './database-line.js';
import { machinesFor } from './machine.js';
import { storeInDatabase, storeOnDisk, type SharedStore } from './shared-store.js';
import { SimDatabase } from './sim-database.js';
import { SimOrchestrator, type SimOrchestratorOptions } from './sim-orchestrator.js';
import type { Death, VirtualProcess } from './virtual-process.js';

export type OrchestratorsOptions = Omit<SimOrchestratorOptions, 'machine' | 'store'> & {
  count: 1 | 2;
  /** Whether there is a store. Of two there always is. */
  durable: boolean;
  /** For mutants. */
  lateStore: boolean;
  ignoresEpoch: boolean;
};

/** What two of them share. */
export type SharedDatabase = { database: SimDatabase; line: DatabaseLine };

export class Orchestrators {
  readonly all: readonly SimOrchestrator[];
  /** null: there is one orchestrator. */
  readonly shared: SharedDatabase | null;
  readonly #disk: MemoryDisk = memoryDisk();

  constructor(options: OrchestratorsOptions) {
    const { count, durable, seed, world, observe } = options;
    this.shared = count === 1 ? null : sharedBy({ seed, world, observe, ignoresEpoch: options.ignoresEpoch });
    const store = this.#storeFor(durable, options.lateStore);
    const machines = machinesFor(count, drawFor(seed, 'machines'));
    this.all = machines.map((machine) => new SimOrchestrator({ ...options, machine, store }));
  }

  #storeFor(durable: boolean, late: boolean): SharedStore | null {
    if (this.shared !== null) return storeInDatabase(this.shared.database, this.shared.line);
    return durable ? storeOnDisk(this.#disk, late) : null;
  }

  /** The one that leads, or began to do so last; null: all are down, or wait. */
  get leader(): SimOrchestrator | null {
    const led = this.all.filter(({ handle }) => handle !== null);
    return led.toSorted((a, b) => b.epoch - a.epoch)[0] ?? null;
  }

  get handle(): Orchestrator | null {
    return this.leader?.handle ?? null;
  }

  get process(): VirtualProcess | null {
    return this.leader?.process ?? null;
  }

  get decisions(): number {
    return this.all.reduce((sum, { decisions }) => sum + decisions, 0);
  }

  /** Where the leader keeps the state of parked shards. */
  get spool(): SpoolDisk | null {
    return (this.leader ?? this.all[0])?.spool ?? null;
  }

  /** What of the spools is in use, on all machines. */
  get spooledFiles(): number {
    return this.all.reduce((sum, { spool }) => sum + spool.files.size, 0);
  }

  /** Whatever is down comes up. */
  start(): void {
    for (const each of this.all) each.start();
  }

  crash(death: Death): void {
    this.leader?.crash(death);
  }

  crashAfter(effects: number): void {
    this.leader?.crashAfter(effects);
  }

  /** Those that were to crash at some effect may do so yet; what is up now stays up. */
  stayUp(): void {
    for (const each of this.all) each.crashAfter(Number.POSITIVE_INFINITY);
  }

  /** Nothing can be written for a while. @returns what ends that, or null when it is so already. */
  failWrites(reason: 'full' | 'readOnly' | 'broken'): (() => void) | null {
    const message = `The disk is ${reason}.`;
    if (this.shared === null) {
      const disk = this.#disk;
      if (disk.fault !== null) return null;
      disk.fault = { reason, message };
      return () => {
        disk.fault = null;
      };
    }
    const { database } = this.shared;
    if (database.fault !== null) return null;
    database.fault = { code: SQLSTATES[reason], message };
    return () => {
      database.fault = null;
    };
  }
}

const SQLSTATES = { full: '53100', readOnly: '25006', broken: 'XX000' } as const;

type SharedOptions = Pick<OrchestratorsOptions, 'seed' | 'world' | 'ignoresEpoch'> & { observe: Observe };

function sharedBy({ seed, world, observe, ignoresEpoch }: SharedOptions): SharedDatabase {
  const database = new SimDatabase({
    world,
    ignoresEpoch,
    onApplied: (applied) => observe({ kind: 'committed', ...applied }),
  });
  return { database, line: new DatabaseLine(database, world, drawFor(seed, 'database')) };
}
