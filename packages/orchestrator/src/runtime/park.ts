/**
 * The orchestrator's own end of migrations (`domain/migration/park.ts`): takes what the domain says to it, and answers
 * as a node would, from the spool.
 *
 * A file is kept for as long as the state names the file. What no state names, such as the file of a migration that was
 * aborted or of a shard that runs again, is removed when the decision that made it so is durable, or by the next run.
 */
import { counted, messageOf, type Message } from '@dshard/protocol';
import type { Logger } from '@dshard/transport';
import { AUTOMATIC, type Effect, type HistoryEntry } from '../domain/state/effects.js';
import { spooledFiles, type SpooledState } from '../domain/state/park.js';
import type { Settings } from '../domain/state/settings.js';
import type { OrchestratorState } from '../domain/state/state.js';
import type { StateSpool } from '../ports/state-spool.js';
import { StateIn, StateOut, type StreamOptions } from './park-streams.js';

type ParkEffect = Extract<Effect, { kind: 'park' }>;

export type ParkOptions = {
  spool: StateSpool;
  limits: Pick<Settings, 'parkShardBytes' | 'parkTotalBytes'>;
  say: (message: Message) => void;
  record: (entry: HistoryEntry) => void;
  logger: Logger;
};

export class Park {
  readonly #options: ParkOptions;
  /** By migration. */
  readonly #streams = new Map<string, StateIn | StateOut>();
  /** How large each file is, as far as it was written. */
  readonly #files = new Map<string, number>();
  readonly #removals = new Set<Promise<void>>();
  #freeBytes = Number.POSITIVE_INFINITY;
  #seen: Pick<OrchestratorState, 'shards' | 'migrations'> | null = null;

  constructor(options: ParkOptions) {
    this.#options = options;
  }

  /** Removes what an earlier run left that the state does not name; without a store those may be parked shards. */
  async start(state: OrchestratorState): Promise<void> {
    const { spool, logger } = this.#options;
    try {
      for (const { file, bytes } of await spool.files()) this.#files.set(file, bytes);
      this.#freeBytes = await spool.freeBytes();
    } catch (error) {
      logger.warn({ err: error }, `The spool of parked shards cannot be read: ${messageOf(error)}`);
    }
    if (!state.recalled && this.#files.size > 0) this.#tellForgotten();
    this.keep(state);
  }

  #tellForgotten(): void {
    const bytes = [...this.#files.values()].reduce((sum, size) => sum + size, 0);
    const files = this.#files.size;
    const text =
      `The state of up to ${counted(files, 'shard')} (${bytes} bytes), parked by an earlier run, is lost: nothing is stored that says ` +
      'whose it is. Those shards begin anew. A store that outlives the orchestrator keeps parked shards (`store.kind`).';
    this.#options.record({ name: 'parkedStateLost', level: 'warn', by: AUTOMATIC, text, fields: { files, bytes } });
  }

  take({ message, file, whole }: ParkEffect): void {
    if (message.kind === 'transferOpen') this.#open(message, file, whole);
    if (!('migrationId' in message)) return;
    const stream = this.#streams.get(message.migrationId);
    if (stream instanceof StateIn) {
      if (message.kind === 'transferData') stream.add(message);
      else if (message.kind === 'transferManifest') stream.verify(message);
    } else if (stream instanceof StateOut) {
      if (message.kind === 'transferCopy') stream.copy(message.creditBytes);
      else if (message.kind === 'transferCredit') stream.credit(message.bytes);
      else if (message.kind === 'transferFreeze') stream.manifest();
    }
  }

  #open(message: Extract<Message, { kind: 'transferOpen' }>, file: string, whole: SpooledState | null): void {
    const { spool, say } = this.#options;
    const { migrationId, shardId, role } = message;
    const takeRoom = (bytes: number, ofShard: number): void => this.#takeRoom(file, bytes, ofShard);
    const options: StreamOptions = { spool, file, about: { migrationId, shardId }, say, takeRoom };
    if (role === 'origin' && whole !== null) {
      const stream = new StateOut(options);
      this.#streams.set(migrationId, stream);
      stream.open(message, whole);
    } else if (role === 'destination') {
      const stream = new StateIn(options);
      this.#streams.set(migrationId, stream);
      this.#files.set(file, 0);
      void this.#lookAtDisk().then(() => stream.open());
    }
  }

  async #lookAtDisk(): Promise<void> {
    this.#freeBytes = await this.#options.spool.freeBytes().catch(() => 0);
  }

  #takeRoom(file: string, bytes: number, ofShard: number): void {
    const { parkShardBytes, parkTotalBytes } = this.#options.limits;
    if (ofShard > parkShardBytes) throw new Error(`its state is larger than ${parkShardBytes} bytes (park.maxShard)`);
    let used = 0;
    for (const size of this.#files.values()) used += size;
    const most = mostBytes({ used, free: this.#freeBytes, limit: parkTotalBytes });
    if (used + bytes > most || used >= most) {
      throw new Error(
        `${used} bytes are parked already, and there is room for ${most} (park.maxTotal, half of the disk)`,
      );
    }
    this.#freeBytes -= bytes;
    this.#files.set(file, (this.#files.get(file) ?? 0) + bytes);
  }

  /** Called with each new state, when it is durable. */
  keep(state: OrchestratorState): void {
    if (this.#files.size === 0 && this.#streams.size === 0) return;
    if (this.#seen?.shards === state.shards && this.#seen.migrations === state.migrations) return;
    this.#seen = { shards: state.shards, migrations: state.migrations };
    const ended: Promise<void>[] = [];
    for (const [migration, stream] of this.#streams) {
      if (state.migrations.has(migration)) continue;
      this.#streams.delete(migration);
      ended.push(stream.drop());
    }
    const kept = spooledFiles(state);
    const useless = [...this.#files.keys()].filter((file) => !kept.has(file));
    for (const file of useless) this.#files.delete(file);
    if (ended.length + useless.length > 0) this.#track(this.#remove(ended, useless));
  }

  async #remove(ended: readonly Promise<void>[], files: readonly string[]): Promise<void> {
    const { spool, logger } = this.#options;
    await Promise.allSettled(ended);
    for (const file of files) {
      await spool.remove(file).catch((error: unknown) => {
        logger.warn({ err: error, file }, `What is left of a parked shard cannot be removed: ${messageOf(error)}`);
      });
    }
  }

  #track(work: Promise<void>): void {
    this.#removals.add(work);
    void work.finally(() => this.#removals.delete(work));
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#streams.values()].map((stream) => stream.drop()));
    this.#streams.clear();
    await Promise.allSettled(this.#removals);
  }
}

/** At most `limit`, and never more than half of what the disk would have free without. */
function mostBytes({ used, free, limit }: { used: number; free: number; limit: number }): number {
  return Math.min(limit, Math.floor((used + free) / 2));
}
