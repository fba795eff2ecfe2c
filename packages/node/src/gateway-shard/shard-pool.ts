/**
 * The gateway shards of one process, for every host: what the orchestrator's word about a shard means for its
 * connection. How one shard is kept is decided in decide.ts.
 */
import type { ShardReport } from '@dshard/protocol';
import type { Cursor } from '../session/state.js';
import type { HostContext, ResumeHow, ResumeOutcome } from '../shard-host.js';
import { END_SESSION_CODE, KEEP_SESSION_CODE, notHosted } from './close-codes.js';
import type { Decide } from './decide.js';
import { GatewayShard, type GatewayShardOptions, type ShardNews } from './driver.js';
import { HandlerCounts } from './handler-counts.js';
import type { GatewayOptions } from './options.js';
import type { LocalThrottler } from './permit-request.js';
import type { OpenSocket, Sending } from './socket.js';

export type ShardPoolOptions = {
  options: GatewayOptions;
  openSocket: OpenSocket;
  /** The generic gateway URL, if it is known. */
  gatewayUrl: () => string | null;
  /** The same, asked for until it is known. Rejects only after the host has shut down. */
  locate: () => Promise<string>;
  /** For orchestrators that do not pace identifies. */
  localThrottler: () => Promise<LocalThrottler>;
  /** What a shard tells besides its dispatches, with its values as @discordjs/ws 2.x has them. */
  tell: (event: ShardNews, values: readonly unknown[], shardId: number) => void;
  /** Another machine than the product's: seeded bugs. */
  decide?: Decide;
};

/** What one shard has otherwise than the others. */
type Special = Partial<Pick<GatewayShardOptions, 'counts' | 'loading' | 'options' | 'tell' | 'redelivers'>>;

export class ShardPool {
  readonly counts: HandlerCounts;
  readonly #setup: ShardPoolOptions;
  readonly #shards = new Map<number, GatewayShard>();
  /** Connections at HELLO, for shards that come here soon. */
  readonly #preconnected = new Map<number, GatewayShard>();

  constructor(setup: ShardPoolOptions) {
    this.#setup = setup;
    this.counts = new HandlerCounts(setup.options.clock);
  }

  get all(): ReadonlyMap<number, GatewayShard> {
    return this.#shards;
  }

  start(shardIds: readonly number[], context: HostContext): void {
    for (const shardId of shardIds) {
      if (this.#shards.get(shardId)?.isOpen !== true) {
        this.#host(shardId, null, context).connect();
      }
    }
  }

  /** Resolves at RESUMED or READY. Until `hold` resolves, what comes is kept. */
  async resume(
    shardId: number,
    session: Cursor,
    context: HostContext,
    how: Partial<ResumeHow> & { hold?: Promise<void> } = {},
  ): Promise<ResumeOutcome> {
    const { hold, redelivers = false, ageMs } = how;
    const before = this.#shards.get(shardId);
    const preconnected = this.#preconnected.get(shardId);
    if (preconnected?.isPreconnectedFor(session) === true) {
      this.#preconnected.delete(shardId);
      this.#shards.set(shardId, preconnected);
      await before?.stop(KEEP_SESSION_CODE);
      if (hold === undefined) preconnected.loaded();
      else void hold.then(() => preconnected.loaded());
      return preconnected.resume(session, redelivers, ageMs);
    }
    void this.closePreconnected(shardId);
    // It is there before anything is waited for: a stop that comes meanwhile must find it.
    const shard = this.#host(shardId, session, context, { redelivers, loading: hold !== undefined });
    void hold?.then(() => shard.loaded());
    const settled = shard.whenSettled();
    settled.catch(() => undefined);
    await before?.stop(KEEP_SESSION_CODE);
    shard.connect(ageMs);
    return settled;
  }

  /** Resolves when it waits at HELLO; rejects when it could not connect: `resume` makes the connection anew then. */
  async preconnect(shardId: number, session: Cursor, context: HostContext): Promise<void> {
    await this.closePreconnected(shardId);
    const shard = this.#make(shardId, session, context, { loading: true });
    this.#preconnected.set(shardId, shard);
    await shard.preconnect();
  }

  /**
   * A second session of a shard, which nobody else hears of: begins with an IDENTIFY and hands its dispatches to
   * `deliver`. For a look at what Discord says at the beginning of a session; the caller stops it.
   */
  aside(shardId: number, context: HostContext, deliver: GatewayOptions['deliver']): GatewayShard {
    const options = { ...this.#setup.options, deliver };
    const counts = new HandlerCounts(options.clock);
    return this.#make(shardId, null, context, { options, counts, tell: () => undefined });
  }

  async closePreconnected(shardId: number): Promise<void> {
    const preconnected = this.#preconnected.get(shardId);
    this.#preconnected.delete(shardId);
    await preconnected?.stop(KEEP_SESSION_CODE);
  }

  async stop(shardId: number, { keepSession }: { keepSession: boolean }): Promise<Cursor | null> {
    const shard = this.#shards.get(shardId);
    if (shard === undefined) {
      return null;
    }
    const cursor = await shard.stop(keepSession ? KEEP_SESSION_CODE : END_SESSION_CODE);
    this.#forget(shardId, shard);
    return keepSession ? cursor : null;
  }

  async freeze(shardId: number): Promise<Cursor> {
    return this.#hosted(shardId).freeze();
  }

  unfreeze(shardId: number): void {
    this.#hosted(shardId).unfreeze();
  }

  /** It stays in the map, stopped, so that its phase is shown as frozen until the node says what becomes of it. */
  async release(shardId: number): Promise<void> {
    await this.#hosted(shardId).stop(KEEP_SESSION_CODE);
  }

  async released(shardId: number): Promise<void> {
    const shard = this.#shards.get(shardId);
    if (shard !== undefined) {
      await shard.stop(KEEP_SESSION_CODE);
      this.#forget(shardId, shard);
    }
  }

  async shutdown(): Promise<void> {
    const shards = [...this.#shards.values()].map((shard) => shard.stop(KEEP_SESSION_CODE));
    await Promise.all([...shards, ...[...this.#preconnected.keys()].map((shardId) => this.closePreconnected(shardId))]);
  }

  /** Resolves with true when the shard can send; with false when it leaves, or does not run here. Never rejects. */
  async whenCanSend(shardId: number): Promise<boolean> {
    return (await this.#shards.get(shardId)?.whenCanSend()) ?? false;
  }

  /** Sends when the shard can; what waits when it leaves is dropped. Rejects only where the shard does not run here. */
  async send(shardId: number, payload: Sending): Promise<void> {
    await this.#hosted(shardId).send(payload);
  }

  report(): readonly ShardReport[] {
    return [...this.#shards.values()].map((shard) => shard.report());
  }

  cursorOf(shardId: number): Cursor | null {
    return this.#shards.get(shardId)?.cursor ?? null;
  }

  #hosted(shardId: number): GatewayShard {
    const shard = this.#shards.get(shardId);
    if (shard === undefined) {
      throw notHosted(shardId);
    }
    return shard;
  }

  #host(shardId: number, session: Cursor | null, context: HostContext, special: Special = {}): GatewayShard {
    const shard = this.#make(shardId, session, context, special);
    this.#shards.set(shardId, shard);
    return shard;
  }

  #make(shardId: number, session: Cursor | null, context: HostContext, special: Special = {}): GatewayShard {
    const { options, openSocket, gatewayUrl, locate, localThrottler, tell, decide } = this.#setup;
    return new GatewayShard({
      shardId,
      session,
      redelivers: false,
      loading: false,
      context,
      options,
      counts: this.counts,
      openSocket,
      gatewayUrl: gatewayUrl(),
      locate,
      localThrottler,
      tell: (event, values) => tell(event, values, shardId),
      ...(decide !== undefined && { decide }),
      ...special,
    });
  }

  /** A shard that came back meanwhile has taken the place of the one that was stopped. */
  #forget(shardId: number, shard: GatewayShard): void {
    if (this.#shards.get(shardId) === shard) {
      this.#shards.delete(shardId);
    }
  }
}
