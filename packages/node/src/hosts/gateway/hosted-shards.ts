/**
 * The shards of one process on @discordjs/ws: what the orchestrator's word about a shard means for its connection. See
 * hosted-shard.ts for how one shard is kept.
 */
import type { FetchingStrategyOptions, IIdentifyThrottler } from '@discordjs/ws';
import type { ShardReport } from '@dshard/protocol';
import type { APIGatewayBotInfo } from 'discord-api-types/v10';
import { NodeError } from '../../errors.js';
import type { Cursor } from '../../session/state.js';
import type { HostContext, ResumeHow, ResumeOutcome } from '../../shard-host.js';
import { END_SESSION_CODE, KEEP_SESSION_CODE } from './close-codes.js';
import { GatewayInfo } from './gateway-info.js';
import type { GatewayOptions } from './gateway-options.js';
import { HostedShard } from './hosted-shard.js';
import type { HostedShardOptions } from './hosted-shard-options.js';
import type { GatewayLibrary, ShardEvent } from './library.js';
import { notHosted } from './shard-errors.js';

/** Until Discord was asked: the address that resumes fall back to is fetched before it is needed. */
const UNKNOWN_GATEWAY: APIGatewayBotInfo = {
  url: 'wss://gateway.discord.gg/',
  shards: 1,
  session_start_limit: { total: 0, remaining: 0, reset_after: 0, max_concurrency: 1 },
};

/** What of the library's manager a shard takes; the same in 1.x and 2.x. */
type ManagerOptions = Pick<
  FetchingStrategyOptions,
  | 'compression'
  | 'encoding'
  | 'identifyProperties'
  | 'initialPresence'
  | 'intents'
  | 'largeThreshold'
  | 'version'
  | 'token'
>;

export type HostedShardsOptions = {
  library: GatewayLibrary;
  options: GatewayOptions;
  /** Read anew for every shard. */
  managerOptions: () => ManagerOptions;
  /** GET /gateway/bot. */
  fetchGatewayInfo: () => Promise<APIGatewayBotInfo>;
  /** For orchestrators that do not pace identifies. */
  makeThrottler: (maxConcurrency: number) => IIdentifyThrottler;
  /** What a shard tells, with its values as 2.x has them; the manager's listeners get it. */
  emit: (event: ShardEvent, values: readonly unknown[], shardId: number) => void;
};

/** What one shard has otherwise than the others. */
type Special = Partial<Pick<HostedShardOptions, 'hold' | 'options' | 'emit' | 'redelivers'>>;

export class HostedShards {
  readonly #given: HostedShardsOptions;
  readonly #shards = new Map<number, HostedShard>();
  /** Connections at HELLO, for shards that come here soon. */
  readonly #parked = new Map<number, HostedShard>();
  readonly #gatewayInfo: GatewayInfo;
  #throttler: Promise<IIdentifyThrottler> | null = null;

  constructor(given: HostedShardsOptions) {
    this.#given = given;
    const { clock, random, logger } = given.options;
    this.#gatewayInfo = new GatewayInfo({ fetch: given.fetchGatewayInfo, clock, random, logger });
  }

  get all(): ReadonlyMap<number, HostedShard> {
    return this.#shards;
  }

  start(shardIds: readonly number[], context: HostContext): void {
    for (const shardId of shardIds) {
      if (this.#shards.get(shardId)?.isOpen !== true) {
        this.#host(shardId, null, context).connect();
      }
    }
  }

  /** Until `hold` resolves, what is replayed is kept. */
  async resume(
    shardId: number,
    session: Cursor,
    context: HostContext,
    how: Partial<ResumeHow> & { hold?: Promise<void> } = {},
  ): Promise<ResumeOutcome> {
    const before = this.#shards.get(shardId);
    const parked = this.#parked.get(shardId);
    if (how.hold === undefined && parked?.isParkedFor(session) === true) {
      this.#parked.delete(shardId);
      this.#shards.set(shardId, parked);
      await before?.stop(KEEP_SESSION_CODE);
      return parked.resume(session, how.redelivers === true);
    }
    void this.unpark(shardId);
    // It is there before anything is waited for: a stop that comes meanwhile must find it.
    const shard = this.#host(shardId, session, context, how);
    const settled = shard.whenSettled();
    settled.catch(() => undefined);
    await before?.stop(KEEP_SESSION_CODE);
    if (shard.isOpen) {
      shard.connect();
    }
    return settled;
  }

  async park(shardId: number, session: Cursor, context: HostContext): Promise<void> {
    await this.unpark(shardId);
    const shard = this.#make(shardId, session, context);
    this.#parked.set(shardId, shard);
    shard.park();
  }

  /**
   * A second session of a shard, which nobody else hears of: begins with an IDENTIFY and hands its dispatches to `onDispatch`. For a
   * look at what Discord says at the beginning of a session; the caller stops it.
   */
  aside(shardId: number, context: HostContext, onDispatch: GatewayOptions['onDispatch']): HostedShard {
    const options = { ...this.#given.options, onDispatch };
    return this.#make(shardId, null, context, { options, emit: () => undefined });
  }

  async unpark(shardId: number): Promise<void> {
    const parked = this.#parked.get(shardId);
    this.#parked.delete(shardId);
    await parked?.stop(KEEP_SESSION_CODE);
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

  /** It stays in the map, stopped, so that its phase is shown as frozen until the node says what becomes of it. */
  async close(shardId: number): Promise<Cursor> {
    const shard = this.#hosted(shardId);
    shard.movable();
    const cursor = await shard.stop(KEEP_SESSION_CODE);
    return cursor ?? Promise.reject(new NodeError('DSO_SHARD_NO_SESSION', `Shard ${shardId} has lost its session.`));
  }

  async freeze(shardId: number): Promise<Cursor> {
    return this.#hosted(shardId).freeze();
  }

  unfreeze(shardId: number): void {
    this.#hosted(shardId).unfreeze();
  }

  /** It stays in the map, as after `close`. */
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
    this.#gatewayInfo.close();
    await Promise.all([...this.#parked.keys()].map((shardId) => this.unpark(shardId)));
  }

  report(): readonly ShardReport[] {
    return [...this.#shards.values()].map((shard) => shard.report());
  }

  cursorOf(shardId: number): Cursor | null {
    return this.#shards.get(shardId)?.cursor ?? null;
  }

  #hosted(shardId: number): HostedShard {
    const shard = this.#shards.get(shardId);
    if (shard === undefined) {
      throw notHosted(shardId);
    }
    return shard;
  }

  #host(shardId: number, session: Cursor | null, context: HostContext, special: Special = {}): HostedShard {
    const shard = this.#make(shardId, session, context, special);
    this.#shards.set(shardId, shard);
    return shard;
  }

  #make(shardId: number, session: Cursor | null, context: HostContext, special: Special = {}): HostedShard {
    const { library, options, emit } = this.#given;
    return new HostedShard({
      library,
      shardId,
      session,
      redelivers: false,
      context,
      options,
      gatewayInfo: this.#gatewayInfo,
      fetchingOptions: this.#fetchingOptions(context),
      localThrottler: () => this.#localThrottler(),
      emit: (event, values) => emit(event, values, shardId),
      ...special,
    });
  }

  /** A shard that came back meanwhile has taken the place of the one that was stopped. */
  #forget(shardId: number, shard: HostedShard): void {
    if (this.#shards.get(shardId) === shard) {
      this.#shards.delete(shardId);
    }
  }

  #fetchingOptions(context: HostContext): FetchingStrategyOptions {
    const { managerOptions, options } = this.#given;
    const { timeouts } = options;
    const manager = managerOptions();
    const gatewayInfo = this.#gatewayInfo;
    return {
      compression: manager.compression,
      encoding: manager.encoding,
      identifyProperties: manager.identifyProperties,
      initialPresence: manager.initialPresence,
      intents: manager.intents,
      largeThreshold: manager.largeThreshold,
      version: manager.version,
      token: manager.token,
      useIdentifyCompression: false,
      shardCount: context.totalShards,
      handshakeTimeout: timeouts.handshakeMs,
      // The library counts from the start of the handshake.
      helloTimeout: timeouts.handshakeMs + timeouts.helloMs,
      readyTimeout: timeouts.readyMs,
      get gatewayInformation(): APIGatewayBotInfo {
        return gatewayInfo.known ?? UNKNOWN_GATEWAY;
      },
    };
  }

  #localThrottler(): Promise<IIdentifyThrottler> {
    this.#throttler ??= (async () => {
      const info = await this.#gatewayInfo.get();
      return this.#given.makeThrottler(info.session_start_limit.max_concurrency);
    })();
    return this.#throttler;
  }
}
