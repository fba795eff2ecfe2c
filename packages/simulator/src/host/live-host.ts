/**
 * A simulated host whose shards move live: they are frozen with their connection open, their state is copied while they
 * serve, and a destination connects before it is told to resume. What it has of a shard whose state was lost it loads,
 * while the session is resumed.
 */
import { DirtyKeys } from '@dshard/node';
import type { Cursor, HostContext, LeavingHow, ResumeHow, ShardHost, TransferContext } from '@dshard/node';
import { delay } from '@dshard/transport';
import { SimHost } from './sim-host.js';

/** What user code takes to get ready, once per process. */
const READY_MAX_MS = 400;
/** Of its patience, or more: then it is told that it is over. */
const MOST_OF_PATIENCE = 1.3;
/** What handlers under way take until they are done. */
const FREEZE_MAX_MS = 30;
/** What it takes to load what is lost of a shard. */
const LOAD_MAX_MS = 8_000;

export class LiveHost extends SimHost implements ShardHost {
  readonly #dirty = new DirtyKeys<string>();
  /** By shard: how many pieces of its state were sent in this copy. */
  readonly #sent = new Map<number, number>();

  #ready: Promise<void> | null = null;

  async leaving(shardId: number, { patienceMs, signal }: LeavingHow): Promise<void> {
    const { node, clock, random, observe } = this.options;
    observe({ kind: 'leaving', node, shard: shardId, done: false });
    await delay(clock, patienceMs * MOST_OF_PATIENCE * random.next(), signal).catch(() => undefined);
    observe({ kind: 'leaving', node, shard: shardId, done: true });
  }

  override async warm(shardId: number, session: Cursor | null): Promise<void> {
    const { clock, random } = this.options;
    this.#ready ??= delay(clock, READY_MAX_MS * random.next());
    await this.#ready;
    this.#mayFail('its ready listener threw');
    // Nobody knows where to connect to.
    if (session === null) this.isReady(shardId);
  }

  #mayFail(why: string): void {
    const { random, failsToGetReady } = this.options;
    if (random.chance(failsToGetReady / 2)) throw new Error(why);
  }

  override async freeze(shardId: number): Promise<Cursor> {
    const { clock, random } = this.options;
    const cursor = await this.pool.freeze(shardId);
    await delay(clock, FREEZE_MAX_MS * random.next());
    this.observeFrozen(shardId, cursor);
    return cursor;
  }

  unfreeze(shardId: number): void {
    this.pool.unfreeze(shardId);
  }

  async release(shardId: number): Promise<void> {
    await this.close(shardId);
  }

  async exportState(shardId: number, transfer: TransferContext): Promise<void> {
    this.#dirty.begin(shardId);
    const entries = [...this.user.stateOf(shardId)];
    this.#sent.set(shardId, entries.length);
    await this.send(entries, 0, transfer);
  }

  override async exportDelta(shardId: number, transfer: TransferContext): Promise<void> {
    const state = this.user.stateOf(shardId);
    const changes = this.#dirty.take(shardId).map((channel) => [channel, state.get(channel) ?? null] as const);
    if (this.options.behaviour.sendsChanges) await this.send(changes, this.#sent.get(shardId) ?? 0, transfer);
  }

  async preconnect(shardId: number, session: Cursor, context: HostContext): Promise<void> {
    await this.pool.preconnect(shardId, this.asItComes(session), this.withPermits(shardId, context));
    this.#mayFail('the gateway cannot be reached');
    this.isReady(shardId);
  }

  override async abortTransferTo(shardId: number): Promise<void> {
    await this.pool.closePreconnected(shardId);
    await super.abortTransferTo(shardId);
  }

  shutdown(): Promise<void> {
    return this.pool.shutdown();
  }

  protected override loading({ stateLost }: ResumeHow): Promise<void> | null {
    const { clock, random } = this.options;
    return stateLost ? delay(clock, LOAD_MAX_MS * random.next()) : null;
  }

  protected override changed(shardId: number, channel: string): void {
    this.#dirty.mark(shardId, channel);
  }
}
