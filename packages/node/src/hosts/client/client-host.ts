/**
 * The shard host for a library's own client, which is fed with dispatches: its caches, events and ways to send stay the
 * library's, its connections are those of the host for @discordjs/ws.
 *
 * A client learns of guilds by READY and GUILD_CREATE, which a RESUME does not bring. So the guilds of every shard are
 * kept as Discord sends them (../../guild-state), they move with it, and where it comes the client is given a READY
 * made for it and a GUILD_CREATE for each, before the first replayed event. The states of a shard here:
 *
 *     staged     it is on its way: what has come of it is in none of the caches
 *     shown      its guilds are in the caches, and it still serves elsewhere (`warm`)
 *     hosted     it runs here
 *     loading    hosted, but its guilds died with another node and still come from Discord; its events are kept until then
 *     departed   it left; its guilds answer for a while where they are looked up (departed.ts)
 */
import { WebSocketShardEvents, type WebSocketManager } from '@discordjs/ws';
import { messageOf, type ShardReport } from '@dshard/protocol';
import type { Logger } from '@dshard/transport';
import type { GatewayDispatchPayload, GatewaySendPayload } from 'discord-api-types/v10';
import { emptyState, reduce, type ShardState } from '../../guild-state/reduce.js';
import type { Cursor } from '../../session/state.js';
import type { HostContext, HostTimeouts, ResumeHow, ResumeOutcome } from '../../shard-host.js';
import type { Delivery } from '../../gateway-shard/options.js';
import { WebSocketHost } from '../ws/web-socket-host.js';
import { resolveWsOptions } from '../ws/resolve-options.js';
import type { WsHostOptions } from '../ws/options.js';
import type { ShardPool } from '../../gateway-shard/shard-pool.js';
import type { Turns } from '../turns.js';
import { CacheHost } from '../pool-host.js';
import { isSpentInteraction, type StateHooks } from '../user-code.js';
import { Arrivals } from './arrivals.js';
import type { Departed } from './departed.js';
import { GuildTransfer, notReady } from './guild-transfer.js';
import type { ClientHostOptions } from './options.js';
import type { ClientPort, Packet, Sent } from './port.js';

/** How shards of this bot connect. */
export type GatewaySettings = Pick<
  WsHostOptions,
  'token' | 'intents' | 'rest' | 'largeThreshold' | 'initialPresence' | 'identifyProperties' | 'compression'
>;

export type ClientHostParts = {
  port: ClientPort;
  settings: GatewaySettings;
  options: ClientHostOptions;
  logger: Logger;
  departed: Departed;
};

export class ClientHost extends CacheHost {
  readonly client: object;
  readonly timeouts: HostTimeouts;
  readonly pool: ShardPool;
  protected readonly state: StateHooks;
  protected readonly transfer: GuildTransfer;
  protected readonly turns: Turns;
  protected readonly work: ClientPort['work'];
  readonly #port: ClientPort;
  readonly #options: ClientHostOptions;
  readonly #logger: Logger;
  readonly #departed: Departed;
  readonly #gateway: WebSocketHost;
  /** Of shards that are in the client. */
  readonly #states = new Map<number, ShardState>();
  readonly #arrivals: Arrivals;

  /** Throws `DSO_NODE_OPTIONS_INVALID`. */
  constructor({ port, settings, options, logger, departed }: ClientHostParts) {
    super();
    this.client = port.client;
    this.timeouts = options.timeouts;
    this.state = options.state ?? {};
    this.#port = port;
    this.#options = options;
    this.#logger = logger;
    this.#departed = departed;
    const { clock, random, gatewayTimeouts } = options;
    const gateway = new WebSocketHost(
      resolveWsOptions({
        ...settings,
        timeouts: gatewayTimeouts,
        logger,
        clock,
        random,
        onDispatch: (payload, shardId, delivery) => this.#deliver(payload, shardId, delivery),
        onMissed: (missed) => void this.#port.tell('shardMissed', missed),
      }),
    );
    this.#gateway = gateway;
    this.pool = gateway.pool;
    this.work = port.work;
    this.transfer = new GuildTransfer({ options, stateOf: (shardId) => this.#movable(shardId) });
    this.turns = this.transfer.turns;
    this.#arrivals = new Arrivals({
      port,
      options,
      logger,
      gateway,
      states: this.#states,
      transfer: this.transfer,
      sendNow: (shardId, payload) => void this.#sendNow(shardId, payload),
    });
    this.#watchConnections();
  }

  /** From the bot to Discord, when the shard can; dropped when it leaves before. Never throws. */
  send(shardId: number, sent: Sent): void {
    const payload = sent as GatewaySendPayload;
    if (!this.#arrivals.keep(shardId, payload)) void this.#sendNow(shardId, payload);
  }

  async #sendNow(shardId: number, payload: GatewaySendPayload): Promise<void> {
    try {
      await this.#gateway.manager.send(shardId, payload);
    } catch (error) {
      const text = `What was sent to shard ${shardId} is dropped: ${messageOf(error)}`;
      this.#logger.debug({ shard: shardId, op: payload.op }, text);
    }
  }

  /** As WebSocketManager has it. */
  fetchStatus(): ReturnType<WebSocketManager['fetchStatus']> {
    return this.#gateway.manager.fetchStatus();
  }

  #deliver(payload: GatewayDispatchPayload, shardId: number, delivery: Delivery): Promise<void> | undefined {
    const packet = payload as Packet;
    if (packet.t === 'READY') this.#arrivals.onReady(shardId);
    const state = this.#states.get(shardId);
    if (state !== undefined) this.#reduce(state, shardId, packet);
    if (isSpentInteraction(packet, delivery)) return undefined;
    this.isRedelivering = delivery.redelivered;
    try {
      return this.#port.inject(shardId, packet);
    } finally {
      this.isRedelivering = false;
    }
  }

  /** An event in a shape that nobody expected must not keep the library from it. */
  #reduce(state: ShardState, shardId: number, packet: Packet): void {
    try {
      reduce(state, packet);
    } catch (error) {
      const text = `What ${packet.t} changes in a guild was not understood, and will be missing where the shard moves: ${messageOf(error)}`;
      this.#logger.warn({ shard: shardId, event: packet.t, error }, text);
    }
  }

  sessionEstablished(context: HostContext): void {
    this.#gateway.sessionEstablished(context);
    this.#port.totalShardsKnown(context.totalShards);
  }

  override async startShards(shardIds: readonly number[], context: HostContext): Promise<void> {
    for (const shardId of shardIds) {
      if (this.#states.has(shardId)) continue;
      this.#states.set(shardId, emptyState(this.#options.keep));
      this.#port.addShard(shardId);
    }
    await super.startShards(shardIds, context);
  }

  protected resume(
    shardId: number,
    session: Cursor,
    context: HostContext,
    how: Partial<ResumeHow>,
  ): Promise<ResumeOutcome> {
    return this.#arrivals.resume({ shardId, session, context, how });
  }

  warm(shardId: number, session: Cursor | null, context: HostContext): Promise<void> {
    return this.#arrivals.warm(shardId, session, context);
  }

  override async abortTransferTo(shardId: number): Promise<void> {
    this.turns.over(shardId);
    await this.#arrivals.abort(shardId);
    await super.abortTransferTo(shardId);
  }

  protected tell(...told: Parameters<ClientPort['tell']>): Promise<void> | undefined {
    return this.#port.tell(...told);
  }

  override stays(shardId: number): void {
    this.transfer.stays(shardId);
    super.stays(shardId);
  }

  override unfreeze(shardId: number): void {
    this.transfer.stays(shardId);
    super.unfreeze(shardId);
  }

  override async release(shardId: number): Promise<void> {
    await super.release(shardId);
    this.turns.over(shardId);
  }

  /** null: its guilds are not known yet, as long as there is no READY, or they still come from Discord. */
  #movable(shardId: number): ShardState | null {
    const state = this.#states.get(shardId);
    return state === undefined || state.user === null || this.#arrivals.isLoading(shardId) ? null : state;
  }

  protected mustBeMovable(shardId: number): void {
    if (this.#arrivals.isLoading(shardId)) throw notReady(shardId);
  }

  override async released(shardId: number, how?: { takenOver: boolean }): Promise<void> {
    this.#arrivals.leaves(shardId);
    await super.released(shardId, how);
  }

  override async stopShard(shardId: number, options: { keepSession: boolean }): Promise<Cursor | null> {
    this.turns.over(shardId);
    this.#arrivals.leaves(shardId);
    const cursor = await super.stopShard(shardId, options);
    await this.left(shardId);
    return cursor;
  }

  protected async left(shardId: number): Promise<void> {
    this.transfer.forget(shardId);
    const state = this.#states.get(shardId);
    if (state === undefined) return;
    this.#states.delete(shardId);
    await this.#port.removeShard(shardId, [...state.guilds.keys()]);
    void this.#port.tell('shardMoved', shardId);
  }

  shutdown(): Promise<void> {
    this.#departed.nodeEnded();
    return this.#gateway.shutdown();
  }

  /** What fleet calls may take `client` to speak for. */
  shardsInClient(): readonly number[] | null {
    const shardIds = [...this.#states.keys()];
    return shardIds.every((shardId) => this.#movable(shardId) !== null) ? shardIds : null;
  }

  override report(): readonly ShardReport[] {
    return super.report().map((report) => {
      const state = this.#states.get(report.shardId);
      return state === undefined || state.user === null ? report : { ...report, guilds: state.guilds.size };
    });
  }

  #watchConnections(): void {
    const { manager } = this.#gateway;
    const { Hello, Closed, HeartbeatComplete, Debug, Ready, Resumed } = WebSocketShardEvents;
    for (const event of [Hello, Closed, HeartbeatComplete, Debug, Ready, Resumed] as const) {
      manager.on(event, (...values: unknown[]) => this.#port.told(event, values.at(-1) as number, values.slice(0, -1)));
    }
    manager.on(WebSocketShardEvents.Error, (error, shardId) => {
      const text = `The gateway connection of shard ${shardId} reported an error: ${messageOf(error)}`;
      this.#logger.warn({ shard: shardId, error }, text);
      this.#port.told('error', shardId, [error]);
    });
  }
}
