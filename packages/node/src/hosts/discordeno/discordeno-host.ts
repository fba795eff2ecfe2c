/**
 * The shard host for discordeno: the bot that `createBot` made, with its handlers, transformers and `sendPayload`,
 * whose shards come and go at the orchestrator's word. `bot.start()` is not called. See ../../gateway-shard/decide.ts
 * for how one shard is kept.
 */
import type { Dispatch } from '../../gateway-shard/cursor.js';
import { ShardPool } from '../../gateway-shard/shard-pool.js';
import type { GatewaySocket, SocketRequest } from '../../gateway-shard/socket.js';
import type { Delivery } from '../../gateway-shard/options.js';
import type { Cursor } from '../../session/state.js';
import type { HostContext, HostTimeouts, ResumeHow, ResumeOutcome, ShardHost } from '../../shard-host.js';
import { FirstReady, type Identity } from '../first-ready.js';
import { PoolHost } from '../pool-host.js';
import { codeMethods, isSpentInteraction, stateMethods, UserCode, type StateHooks } from '../user-code.js';
import { Sends } from '../sends.js';
import { BotShard, DiscordenoSocket, type BotShardOptions, type Packet } from './discordeno-socket.js';
import { localThrottler, resolveDiscordenoOptions } from './options.js';
import type { DiscordenoHostOptions, ResolvedDiscordenoOptions } from './options.js';

/** Throws `DSO_NODE_OPTIONS_INVALID`. Nothing connects before a node tells it to. */
export function createDiscordenoHost(options: DiscordenoHostOptions): ShardHost {
  const resolved = resolveDiscordenoOptions(options);
  const host = new DiscordenoHost(resolved);
  return Object.assign(host, stateMethods(resolved.state), codeMethods(host.code));
}

class DiscordenoHost extends PoolHost {
  readonly client: object;
  readonly #options: ResolvedDiscordenoOptions;
  readonly timeouts: HostTimeouts;
  readonly pool: ShardPool;
  protected readonly state: StateHooks;
  readonly code: UserCode;
  /** null: nobody can say who the bot is. */
  readonly #ready: FirstReady | null;
  readonly #sends: Sends;
  /** By shard that runs here or comes soon: what the bot sends by. */
  readonly #botShards = new Map<number, BotShard>();

  constructor(options: ResolvedDiscordenoOptions) {
    super();
    const { bot, clock, random, logger, timeouts } = options;
    const { gateway } = bot;
    this.#options = options;
    this.client = bot;
    this.timeouts = timeouts;
    this.state = options.state;
    this.code = new UserCode(options);
    const { rest } = bot;
    this.#ready =
      rest === undefined
        ? null
        : new FirstReady({
            clock,
            logger,
            readyMs: timeouts.readyMs,
            identity: () => identityByRest(rest),
            hand: (packet, shardId) => this.#botShards.get(shardId)?.hand(packet),
          });
    this.#sends = new Sends({
      logger,
      hosted: (shardId) => this.pool.all.get(shardId),
      isComing: (shardId) => gateway.shards.has(shardId),
      accepted: () => undefined,
      dropped: () => undefined,
      waits: () => this.#ready?.endWait(),
    });
    this.pool = new ShardPool({
      options: {
        clock,
        random,
        logger,
        timeouts,
        deliver: (payload, shardId, how) => this.#deliver(payload, shardId, how),
        missed: (missed) => this.code.missed(missed),
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

  override async startShards(shardIds: readonly number[], context: HostContext): Promise<void> {
    this.pool.start(shardIds, context);
    shardIds.forEach((shardId) => this.#show(shardId, context));
  }

  /** READY comes before what is replayed, also where `warm` did not come. */
  async resumeShard(shardId: number, session: Cursor, context: HostContext, how?: ResumeHow): Promise<ResumeOutcome> {
    this.#show(shardId, context);
    const { totalShards } = context;
    const hold = this.#ready?.beforeEvents({ shardId, totalShards, session });
    const resumed = this.pool.resume(shardId, session, context, { ...how, ...(hold && { hold }) });
    // By a connection that waited at HELLO, if there was one.
    this.#show(shardId, context);
    try {
      return await resumed;
    } finally {
      this.#sends.arrived(shardId);
    }
  }

  /** The bot finds the shard in `gateway.shards` from now on, and what it sends there waits. */
  async warm(shardId: number, session: Cursor | null, context: HostContext): Promise<void> {
    this.#show(shardId, context);
    await this.#ready?.make({ shardId, totalShards: context.totalShards, session }).handled;
  }

  override async stopShard(shardId: number, options: { keepSession: boolean }): Promise<Cursor | null> {
    const cursor = await super.stopShard(shardId, options);
    this.#forget(shardId);
    return cursor;
  }

  protected left(shardId: number): void {
    this.#forget(shardId);
    this.code.moved(shardId);
  }

  override async abortTransferTo(shardId: number): Promise<void> {
    await this.pool.closePreconnected(shardId);
    this.#sends.left(shardId);
    this.#forget(shardId);
    await super.abortTransferTo(shardId);
  }

  shutdown(): Promise<void> {
    this.code.close();
    return this.pool.shutdown();
  }

  /** The library throws away what handlers return. */
  #deliver(payload: Dispatch, shardId: number, delivery: Delivery): Promise<void> | undefined {
    const { t: type } = payload;
    if (isSpentInteraction(payload, delivery)) return undefined;
    if (type === 'READY') this.#ready?.seen();
    this.code.took(type);
    return this.#botShards.get(shardId)?.hand(payload as unknown as Packet);
  }

  #openSocket(request: SocketRequest): GatewaySocket {
    const { shardId, totalShards } = request;
    const socket = new DiscordenoSocket(this.#botShardOptions(shardId, totalShards), request);
    this.#botShards.set(shardId, socket.shard);
    if (this.pool.all.has(shardId)) this.#options.bot.gateway.shards.set(shardId, socket.shard);
    return socket;
  }

  #botShardOptions(shardId: number, totalShards: number): BotShardOptions {
    return {
      shardId,
      totalShards,
      options: this.#options,
      onSend: async (payload) => void this.#sends.send(shardId, payload),
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
    if (this.pool.all.has(shardId)) return;
    this.#botShards.delete(shardId);
    this.#options.bot.gateway.shards.delete(shardId);
  }
}

/** As Discord says it: `get` of the library's REST would change the names. */
async function identityByRest(rest: NonNullable<ResolvedDiscordenoOptions['bot']['rest']>): Promise<Identity> {
  const [user, application] = await Promise.all([
    rest.makeRequest('GET', '/users/@me'),
    rest.makeRequest('GET', '/applications/@me'),
  ]);
  return { user: user as Identity['user'], application: application as Identity['application'] };
}
