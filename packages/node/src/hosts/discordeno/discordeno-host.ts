/**
 * The shard host for discordeno: the bot that `createBot` made, with its handlers, transformers and `sendPayload`, whose shards come and
 * go at the orchestrator's word. `bot.start()` is not called. See ../../gateway-shard/decide.ts for how one shard is kept.
 */
import type { ShardReport } from '@dshard/protocol';
import type { Dispatch } from '../../gateway-shard/cursor.js';
import { ShardPool } from '../../gateway-shard/shard-pool.js';
import type { GatewaySocket, SocketRequest } from '../../gateway-shard/socket.js';
import type { Delivery } from '../../gateway-shard/timeouts.js';
import type { Cursor } from '../../session/state.js';
import type { HostContext, ResumeHow, ResumeOutcome, ShardHost } from '../../shard-host.js';
import { isSpentInteraction } from '../replayed-interactions.js';
import { stateMethods } from '../state-hooks.js';
import { BotShard, DiscordenoSocket } from './discordeno-socket.js';
import type { BotShardOptions, Packet } from './discordeno-socket.js';
import { localThrottler } from './local-throttler.js';
import { resolveDiscordenoOptions } from './options.js';
import type { DiscordenoHostOptions, ResolvedDiscordenoOptions } from './options.js';

/** Throws `DSO_NODE_OPTIONS_INVALID`. Nothing connects before a node tells it to. */
export function createDiscordenoHost(options: DiscordenoHostOptions): ShardHost {
  const resolved = resolveDiscordenoOptions(options);
  return Object.assign(new DiscordenoHost(resolved), stateMethods(resolved.state));
}

class DiscordenoHost implements ShardHost {
  readonly client: object;
  readonly #options: ResolvedDiscordenoOptions;
  readonly #shards: ShardPool;
  /** By shard that runs here or comes soon: what the bot sends by. */
  readonly #botShards = new Map<number, BotShard>();

  constructor(options: ResolvedDiscordenoOptions) {
    const { bot, clock, random, logger, timeouts } = options;
    const { gateway } = bot;
    this.#options = options;
    this.client = bot;
    this.#shards = new ShardPool({
      options: {
        clock,
        random,
        logger,
        timeouts,
        deliver: (payload, shardId, how) => this.#deliver(payload, shardId, how),
      },
      openSocket: (request) => this.#openSocket(request),
      gatewayUrl: () => gateway.url,
      locate: () => Promise.resolve(gateway.url),
      localThrottler: () => Promise.resolve(localThrottler(clock, gateway.connection.sessionStartLimit.maxConcurrency)),
      tell: () => undefined,
    });
  }

  sessionEstablished({ totalShards }: HostContext): void {
    this.#options.bot.gateway.totalShards = totalShards;
  }

  async startShards(shardIds: readonly number[], context: HostContext): Promise<void> {
    this.#shards.start(shardIds, context);
    shardIds.forEach((shardId) => this.#show(shardId, context));
  }

  resumeShard(shardId: number, session: Cursor, context: HostContext, how?: ResumeHow): Promise<ResumeOutcome> {
    const resumed = this.#shards.resume(shardId, session, context, how);
    this.#show(shardId, context);
    return resumed;
  }

  preconnect(shardId: number, session: Cursor, context: HostContext): Promise<void> {
    return this.#shards.park(shardId, session, context);
  }

  async stopShard(shardId: number, options: { keepSession: boolean }): Promise<Cursor | null> {
    const cursor = await this.#shards.stop(shardId, options);
    this.#forget(shardId);
    return cursor;
  }

  prepareTransferFrom(shardId: number): Promise<Cursor> {
    return this.#shards.close(shardId);
  }

  freeze(shardId: number): Promise<Cursor> {
    return this.#shards.freeze(shardId);
  }

  unfreeze(shardId: number): void {
    this.#shards.unfreeze(shardId);
  }

  release(shardId: number): Promise<void> {
    return this.#shards.release(shardId);
  }

  async released(shardId: number, how: { takenOver: boolean } = { takenOver: false }): Promise<void> {
    await this.#shards.released(shardId);
    this.#forget(shardId);
    await this.#options.state.released?.(shardId, how);
  }

  async abortTransferTo(shardId: number): Promise<void> {
    await this.#shards.unpark(shardId);
    this.#forget(shardId);
    await this.#options.state.abortTransferTo?.(shardId);
  }

  async stateLost(shardId: number): Promise<void> {
    await this.#options.state.stateLost?.(shardId);
  }

  shutdown(): Promise<void> {
    return this.#shards.shutdown();
  }

  report(): readonly ShardReport[] {
    return this.#shards.report();
  }

  cursorOf(shardId: number): Cursor | null {
    return this.#shards.cursorOf(shardId);
  }

  #deliver(payload: Dispatch, shardId: number, delivery: Delivery): Promise<void> | undefined {
    if (isSpentInteraction(payload, delivery)) return undefined;
    return this.#botShards.get(shardId)?.hand(payload as unknown as Packet);
  }

  #openSocket(request: SocketRequest): GatewaySocket {
    const { shardId, totalShards } = request;
    const socket = new DiscordenoSocket(this.#botShardOptions(shardId, totalShards), request);
    this.#botShards.set(shardId, socket.shard);
    if (this.#shards.all.has(shardId)) this.#options.bot.gateway.shards.set(shardId, socket.shard);
    return socket;
  }

  #botShardOptions(shardId: number, totalShards: number): BotShardOptions {
    return {
      shardId,
      totalShards,
      options: this.#options,
      onSend: (payload) => this.#shards.send(shardId, payload),
    };
  }

  /** What the bot sends by (`gateway.sendPayload`), before the first connection too. */
  #show(shardId: number, { totalShards }: HostContext): void {
    const shard = this.#botShards.get(shardId) ?? new BotShard(this.#botShardOptions(shardId, totalShards));
    this.#botShards.set(shardId, shard);
    this.#options.bot.gateway.shards.set(shardId, shard);
  }

  /** It does not run here any more, unless it came back meanwhile. */
  #forget(shardId: number): void {
    if (this.#shards.all.has(shardId)) return;
    this.#botShards.delete(shardId);
    this.#options.bot.gateway.shards.delete(shardId);
  }
}
