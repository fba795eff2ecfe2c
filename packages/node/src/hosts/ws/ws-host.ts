/**
 * The shard host for @discordjs/ws: a real `WebSocketManager` that the bot listens on and sends with, whose shards come and
 * go at the orchestrator's word. See hosted-shard.ts for how one shard is kept.
 */
import { SimpleIdentifyThrottler, WebSocketManager, WebSocketShardEvents } from '@discordjs/ws';
import type { FetchingStrategyOptions, IIdentifyThrottler } from '@discordjs/ws';
import type { ShardReport } from '@dshard/protocol';
import type { APIGatewayBotInfo } from 'discord-api-types/v10';
import { NodeError } from '../../errors.js';
import type { Cursor } from '../../session/state.js';
import type { HostContext, ResumeHow, ResumeOutcome, ShardHost } from '../../shard-host.js';
import { END_SESSION_CODE, KEEP_SESSION_CODE } from './close-codes.js';
import { GatewayInfo } from './gateway-info.js';
import { HostedShard } from './hosted-shard.js';
import { resolveWsOptions } from './options.js';
import type { ResolvedWsOptions, WsHostOptions } from './options.js';
import { noSession, notHosted } from './shard-errors.js';
import { OrchestratedStrategy } from './strategy.js';

export type WsHost = ShardHost & {
  /**
   * Listen on it and send with it as usual: `manager.on(WebSocketShardEvents.Dispatch, (payload, shardId) => …)`. Its connect(),
   * updateShardCount() and destroy() are refused: the orchestrator decides.
   */
  readonly manager: WebSocketManager;
  /** The cursor of a shard that runs here, or null. */
  cursorOf(shardId: number): Cursor | null;
};

/** Throws `DSO_NODE_OPTIONS_INVALID`. Nothing connects before a node tells it to. */
export function createWsHost(options: WsHostOptions): WsHost {
  return new WebSocketHost(resolveWsOptions(options));
}

/** Until Discord was asked: the address that resumes fall back to is fetched before it is needed. */
const UNKNOWN_GATEWAY: APIGatewayBotInfo = {
  url: 'wss://gateway.discord.gg/',
  shards: 1,
  session_start_limit: { total: 0, remaining: 0, reset_after: 0, max_concurrency: 1 },
};

class WebSocketHost implements WsHost {
  readonly manager: WebSocketManager;
  readonly prepareTransferTo: NonNullable<ShardHost['prepareTransferTo']>;
  readonly transferFrom: NonNullable<ShardHost['transferFrom']>;
  readonly handleUserEvent?: NonNullable<ShardHost['handleUserEvent']>;
  readonly exportState?: NonNullable<ShardHost['exportState']>;
  readonly exportDelta?: NonNullable<ShardHost['exportDelta']>;
  readonly #options: ResolvedWsOptions;
  readonly #shards = new Map<number, HostedShard>();
  /** Connections at HELLO, for shards that come here soon. */
  readonly #parked = new Map<number, HostedShard>();
  readonly #gatewayInfo: GatewayInfo;
  #throttler: Promise<IIdentifyThrottler> | null = null;

  constructor(options: ResolvedWsOptions) {
    this.#options = options;
    const { token, intents, rest, passthrough, state, clock, random, logger } = options;
    this.manager = new WebSocketManager({
      ...passthrough,
      token,
      intents,
      rest,
      buildStrategy: (manager) => new OrchestratedStrategy(manager, this.#shards),
    });
    this.#gatewayInfo = new GatewayInfo({
      fetch: () => this.manager.fetchGatewayInformation(true),
      clock,
      random,
      logger,
    });
    this.prepareTransferTo = async (shardId, session) => state.prepareTransferTo?.(shardId, session);
    this.transferFrom = async (shardId, transfer) => state.transferFrom?.(shardId, transfer);
    if (state.exportState !== undefined) {
      this.exportState = async (shardId, transfer) => state.exportState?.(shardId, transfer);
    }
    if (state.exportDelta !== undefined) {
      this.exportDelta = async (shardId, transfer) => state.exportDelta?.(shardId, transfer);
    }
    if (state.handleUserEvent !== undefined) {
      this.handleUserEvent = (shardId, name, value) => state.handleUserEvent?.(shardId, name, value);
    }
  }

  sessionEstablished({ totalShards }: HostContext): void {
    this.manager.options.shardCount = totalShards;
  }

  async startShards(shardIds: readonly number[], context: HostContext): Promise<void> {
    for (const shardId of shardIds) {
      if (this.#shards.get(shardId)?.isOpen !== true) {
        this.#host(shardId, null, context).connect();
      }
    }
  }

  async stateLost(shardId: number): Promise<void> {
    await this.#options.state.stateLost?.(shardId);
  }

  async resumeShard(
    shardId: number,
    session: Cursor,
    context: HostContext,
    how: ResumeHow = { stateLost: false, redelivers: false },
  ): Promise<ResumeOutcome> {
    const before = this.#shards.get(shardId);
    const parked = this.#parked.get(shardId);
    if (parked?.isParkedFor(session) === true) {
      this.#parked.delete(shardId);
      this.#shards.set(shardId, parked);
      await before?.stop(KEEP_SESSION_CODE);
      return parked.resume(session);
    }
    void this.#unpark(shardId);
    // It is there before anything is waited for: a stop that comes meanwhile must find it.
    const shard = this.#host(shardId, session, context, how.redelivers);
    const settled = shard.whenSettled();
    settled.catch(() => undefined);
    await before?.stop(KEEP_SESSION_CODE);
    if (shard.isOpen) {
      shard.connect();
    }
    return settled;
  }

  async preconnect(shardId: number, session: Cursor, context: HostContext): Promise<void> {
    await this.#unpark(shardId);
    const shard = this.#make(shardId, session, context);
    this.#parked.set(shardId, shard);
    shard.park();
  }

  async #unpark(shardId: number): Promise<void> {
    const parked = this.#parked.get(shardId);
    this.#parked.delete(shardId);
    await parked?.stop(KEEP_SESSION_CODE);
  }

  async abortTransferTo(shardId: number): Promise<void> {
    await this.#unpark(shardId);
    await this.#options.state.abortTransferTo?.(shardId);
  }

  async stopShard(shardId: number, { keepSession }: { keepSession: boolean }): Promise<Cursor | null> {
    const shard = this.#shards.get(shardId);
    if (shard === undefined) {
      return null;
    }
    const cursor = await shard.stop(keepSession ? KEEP_SESSION_CODE : END_SESSION_CODE);
    this.#forget(shardId, shard);
    return keepSession ? cursor : null;
  }

  async prepareTransferFrom(shardId: number): Promise<Cursor> {
    const shard = this.#hosted(shardId);
    if (shard.cursor === null) {
      throw noSession(shardId);
    }
    // It stays in the map, stopped, so that its phase is shown as frozen until the node says what becomes of it.
    const cursor = await shard.stop(KEEP_SESSION_CODE);
    return cursor ?? Promise.reject(new NodeError('DSO_SHARD_NO_SESSION', `Shard ${shardId} has lost its session.`));
  }

  async freeze(shardId: number): Promise<Cursor> {
    return this.#hosted(shardId).freeze();
  }

  unfreeze(shardId: number): void {
    this.#hosted(shardId).unfreeze();
  }

  /** It stays in the map, as after prepareTransferFrom. */
  async release(shardId: number): Promise<void> {
    await this.#hosted(shardId).stop(KEEP_SESSION_CODE);
  }

  #hosted(shardId: number): HostedShard {
    const shard = this.#shards.get(shardId);
    if (shard === undefined) {
      throw notHosted(shardId);
    }
    return shard;
  }

  async released(shardId: number, how: { takenOver: boolean } = { takenOver: false }): Promise<void> {
    const shard = this.#shards.get(shardId);
    if (shard !== undefined) {
      await shard.stop(KEEP_SESSION_CODE);
      this.#forget(shardId, shard);
    }
    await this.#options.state.released?.(shardId, how);
  }

  async shutdown(): Promise<void> {
    this.#gatewayInfo.close();
    await Promise.all([...this.#parked.keys()].map((shardId) => this.#unpark(shardId)));
  }

  report(): readonly ShardReport[] {
    return [...this.#shards.values()].map((shard) => shard.report());
  }

  cursorOf(shardId: number): Cursor | null {
    return this.#shards.get(shardId)?.cursor ?? null;
  }

  #host(shardId: number, session: Cursor | null, context: HostContext, redelivers = false): HostedShard {
    const shard = this.#make(shardId, session, context, redelivers);
    this.#shards.set(shardId, shard);
    return shard;
  }

  #make(shardId: number, session: Cursor | null, context: HostContext, redelivers = false): HostedShard {
    return new HostedShard({
      shardId,
      session,
      redelivers,
      context,
      options: this.#options,
      gatewayInfo: this.#gatewayInfo,
      fetchingOptions: this.#fetchingOptions(context),
      localThrottler: () => this.#localThrottler(),
      emit: (event, args) => this.#emit(event, args, shardId),
    });
  }

  /** A shard that came back meanwhile has taken the place of the one that was stopped. */
  #forget(shardId: number, shard: HostedShard): void {
    if (this.#shards.get(shardId) === shard) {
      this.#shards.delete(shardId);
    }
  }

  #fetchingOptions(context: HostContext): FetchingStrategyOptions {
    const { options } = this.manager;
    const { timeouts, token } = this.#options;
    const gatewayInfo = this.#gatewayInfo;
    return {
      compression: options.compression,
      encoding: options.encoding,
      identifyProperties: options.identifyProperties,
      initialPresence: options.initialPresence,
      intents: options.intents,
      largeThreshold: options.largeThreshold,
      useIdentifyCompression: false,
      version: options.version,
      token,
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
      return new SimpleIdentifyThrottler(info.session_start_limit.max_concurrency);
    })();
    return this.#throttler;
  }

  /** An 'error' that nobody listens for would be thrown; it is in the log then. */
  #emit(event: WebSocketShardEvents, args: readonly unknown[], shardId: number): void {
    if (event === WebSocketShardEvents.Error && this.manager.listenerCount(event) === 0) {
      this.#options.logger.error({ shard: shardId, error: args[0] }, 'The gateway connection reported an error.');
      return;
    }
    const manager: { emit(event: string, ...args: readonly unknown[]): boolean } = this.manager;
    manager.emit(event, ...args, shardId);
  }
}
