/**
 * The shard host for @discordjs/ws: a real `WebSocketManager` that the bot listens on and sends with, whose shards come and
 * go at the orchestrator's word. See ../../gateway-shard/decide.ts for how one shard is kept.
 */
import { SimpleIdentifyThrottler, WebSocketManager, WebSocketShard, WebSocketShardEvents } from '@discordjs/ws';
import type { ShardReport } from '@dshard/protocol';
import type { GatewayDispatchPayload, GatewayOpcodes, GatewaySendPayload } from 'discord-api-types/v10';
import { messageOf } from '../../errors.js';
import type { Cursor } from '../../session/state.js';
import type { HostContext, HostTimeouts, LeavingHow, ResumeHow, ResumeOutcome, ShardHost } from '../../shard-host.js';
import type { GatewayShard, ShardNews } from '../../gateway-shard/driver.js';
import { notHosted } from '../../gateway-shard/shard-errors.js';
import { GatewayInfo } from '../../gateway-shard/gateway-info.js';
import type { Delivery } from '../../gateway-shard/timeouts.js';
import { ShardPool } from '../../gateway-shard/shard-pool.js';
import { FirstReady } from '../first-ready.js';
import { Sends } from '../sends.js';
import { stateMethods } from '../state-hooks.js';
import { UserCode } from '../user-code.js';
import { identityByRest } from './identity.js';
import type { WsHostOptions } from './options.js';
import { resolveWsOptions } from './resolve-options.js';
import type { ResolvedWsOptions } from './resolve-options.js';
import { OrchestratedStrategy } from './strategy.js';
import { wsSockets } from './ws-socket.js';

const MEMBERS_OPCODE: GatewayOpcodes.RequestGuildMembers = 8;

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
  const resolved = resolveWsOptions(options);
  return Object.assign(new WebSocketHost(resolved), stateMethods(resolved.state));
}

class WebSocketHost implements WsHost {
  readonly manager: WebSocketManager;
  readonly #options: ResolvedWsOptions;
  readonly #shards: ShardPool;
  readonly #gatewayInfo: GatewayInfo;
  readonly timeouts: HostTimeouts;
  readonly #code: UserCode;
  readonly #ready: FirstReady;
  readonly #sends: Sends;
  /** Shards that are on their way here, of which the bot knows. */
  readonly #warming = new Set<number>();

  constructor(options: ResolvedWsOptions) {
    this.#options = options;
    const { token, intents, rest, passthrough } = options;
    this.manager = new WebSocketManager({
      ...passthrough,
      token,
      intents,
      rest,
      buildStrategy: (manager) =>
        new OrchestratedStrategy(manager, {
          shards: () => this.#shards.all,
          send: (shardId, payload) => this.#send(shardId, payload),
        }),
    });
    // Those that run here; without this it counts them.
    this.manager.getShardIds = async () => [...new Set([...this.#shards.all.keys(), ...this.#warming])];
    // As it is, so that a rejection which nobody waits for ends no process.
    this.manager.send = (shardId, payload) => this.#send(shardId, payload);
    const { clock, random, logger, timeouts } = options;
    this.timeouts = timeouts;
    this.#code = new UserCode({ hooks: options.hooks, clock, logger });
    this.#ready = new FirstReady({
      clock,
      logger,
      readyMs: timeouts.readyMs,
      identity: () => identityByRest(rest),
      hand: (packet, shardId) =>
        this.#hand(packet as unknown as GatewayDispatchPayload, shardId, { redelivered: false }),
    });
    this.#sends = new Sends({
      logger,
      hosted: (shardId) => this.#shards.all.get(shardId),
      isComing: (shardId) => this.#warming.has(shardId),
      accepted: () => undefined,
      dropped: () => undefined,
      waits: () => this.#ready.endWait(),
    });
    const gatewayInfo = new GatewayInfo({
      fetch: () => this.manager.fetchGatewayInformation(true),
      clock,
      random,
      logger,
    });
    this.#gatewayInfo = gatewayInfo;
    this.#shards = new ShardPool({
      options: {
        clock,
        random,
        logger,
        timeouts,
        deliver: (payload, shardId, how) => this.#deliver(payload, shardId, how),
      },
      openSocket: wsSockets({
        library: { WebSocketShard, valuesOf: (args) => args },
        managerOptions: () => ({ ...this.manager.options, token }),
        handshakeMs: timeouts.handshakeMs,
      }),
      gatewayUrl: () => gatewayInfo.known?.url ?? null,
      locate: async () => (await gatewayInfo.get()).url,
      localThrottler: () => gatewayInfo.throttler((maxConcurrency) => new SimpleIdentifyThrottler(maxConcurrency)),
      tell: (event, values, shardId) => this.#emit(event, values, shardId),
    });
  }

  sessionEstablished({ totalShards }: HostContext): void {
    this.manager.options.shardCount = totalShards;
  }

  async startShards(shardIds: readonly number[], context: HostContext): Promise<void> {
    this.#shards.start(shardIds, context);
  }

  async stateLost(shardId: number): Promise<void> {
    await this.#options.state.stateLost?.(shardId);
  }

  /** READY comes before what is replayed, also where `warm` did not come. */
  async resumeShard(shardId: number, session: Cursor, context: HostContext, how?: ResumeHow): Promise<ResumeOutcome> {
    const { totalShards } = context;
    const hold = this.#ready.make({ shardId, totalShards, session }).handed.catch((error: unknown) => {
      this.#options.logger.error({ shard: shardId, error }, `READY could not be made: ${messageOf(error)}`);
    });
    try {
      return await this.#shards.resume(shardId, session, context, { ...how, hold });
    } finally {
      this.#warming.delete(shardId);
      this.#sends.arrived(shardId);
    }
  }

  async warm(shardId: number, session: Cursor | null, { totalShards }: HostContext): Promise<void> {
    this.#warming.add(shardId);
    await this.#ready.make({ shardId, totalShards, session }).handled;
  }

  preconnect(shardId: number, session: Cursor, context: HostContext): Promise<void> {
    return this.#shards.park(shardId, session, context);
  }

  async abortTransferTo(shardId: number): Promise<void> {
    this.#warming.delete(shardId);
    this.#sends.left(shardId);
    await this.#shards.unpark(shardId);
    await this.#options.state.abortTransferTo?.(shardId);
  }

  leaving(shardId: number, how: LeavingHow): Promise<void> {
    return this.#code.leaving(shardId, how);
  }

  stays(shardId: number): void {
    this.#code.stays(shardId);
  }

  stopShard(shardId: number, options: { keepSession: boolean }): Promise<Cursor | null> {
    return this.#shards.stop(shardId, options);
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
    this.#code.moved(shardId);
    await this.#options.state.released?.(shardId, how);
  }

  settled(): Promise<void> {
    return this.#code.settled();
  }

  shutdown(): Promise<void> {
    this.#code.close();
    this.#gatewayInfo.close();
    return this.#shards.shutdown();
  }

  report(): readonly ShardReport[] {
    return this.#shards.report();
  }

  cursorOf(shardId: number): Cursor | null {
    return this.#shards.cursorOf(shardId);
  }

  /** Resolves when it is sent, waits for a shard on its way here, or is dropped. A request rejects when its answer cannot come. */
  #send(shardId: number, payload: GatewaySendPayload): Promise<void> {
    const shard = this.#shards.all.get(shardId);
    const sent = shard === undefined ? this.#sends.send(shardId, payload) : this.#sendTo(shard, payload);
    const done = Promise.resolve(sent).then((isSent) => {
      if (!isSent && payload.op === MEMBERS_OPCODE) throw notHosted(shardId);
    });
    // Who does not wait for it ends no process by that.
    done.catch(() => undefined);
    return done;
  }

  async #sendTo(shard: GatewayShard, payload: GatewaySendPayload): Promise<boolean> {
    const canSend = await shard.whenCanSend();
    await shard.send(payload);
    return canSend;
  }

  #deliver(payload: GatewayDispatchPayload, shardId: number, delivery: Delivery): void | Promise<void> {
    if ((payload.t as string) === 'READY') this.#ready.seen();
    return this.#hand(payload, shardId, delivery);
  }

  /** To `onDispatch`, then to the manager's listeners: one that throws keeps no other from the event. */
  #hand(payload: GatewayDispatchPayload, shardId: number, delivery: Delivery): void | Promise<void> {
    try {
      const work = this.#options.onDispatch(payload, shardId, delivery);
      if (work instanceof Promise) {
        // Who rejects is told by whoever waits for it.
        void this.#code.track(work.catch(() => undefined));
      } else {
        this.#code.took(payload.t);
      }
      return work;
    } finally {
      this.#emitDispatch(payload, shardId);
    }
  }

  #emitDispatch(payload: GatewayDispatchPayload, shardId: number): void {
    try {
      this.manager.emit(WebSocketShardEvents.Dispatch, payload, shardId);
    } catch (error) {
      const text = `A listener of the manager's "dispatch" threw: ${messageOf(error)}`;
      this.#options.logger.error({ shard: shardId, event: payload.t, error }, text);
    }
  }

  /** An 'error' that nobody listens for would be thrown; it is in the log then. */
  #emit(event: ShardNews, values: readonly unknown[], shardId: number): void {
    if (event === 'error' && this.manager.listenerCount(WebSocketShardEvents.Error) === 0) {
      this.#options.logger.error({ shard: shardId, error: values[0] }, 'The gateway connection reported an error.');
      return;
    }
    const manager: { emit(event: string, ...args: readonly unknown[]): boolean } = this.manager;
    manager.emit(event, ...values, shardId);
  }
}
