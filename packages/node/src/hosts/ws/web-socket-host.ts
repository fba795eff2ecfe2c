/**
 * The shard host for @discordjs/ws: a real `WebSocketManager` that the bot listens on and sends with, whose shards come
 * and go at the orchestrator's word. See ../../gateway-shard/decide.ts for how one shard is kept.
 */
import { SimpleIdentifyThrottler, WebSocketManager, WebSocketShard, WebSocketShardEvents } from '@discordjs/ws';
import type { GatewayDispatchPayload, GatewayOpcodes, GatewaySendPayload } from 'discord-api-types/v10';
import { messageOf } from '@dshard/protocol';
import type { Cursor } from '../../session/state.js';
import type { HostContext, HostTimeouts, ResumeOutcome } from '../../shard-host.js';
import type { GatewayShard, ShardNews } from '../../gateway-shard/driver.js';
import { notHosted } from '../../gateway-shard/close-codes.js';
import type { GatewayInfo } from '../../gateway-shard/gateway-info.js';
import type { Delivery, MissedEvents } from '../../gateway-shard/options.js';
import type { ShardPool } from '../../gateway-shard/shard-pool.js';
import { PoolHost } from '../pool-host.js';
import { Sends } from '../sends.js';
import type { WsHost } from './options.js';
import type { ResolvedWsOptions } from './resolve-options.js';
import { OrchestratedStrategy } from './strategy.js';
import { wsPool } from './ws-socket.js';
import { isSpentInteraction, type StateHooks } from '../user-code.js';

const MEMBERS_OPCODE: GatewayOpcodes.RequestGuildMembers = 8;

export class WebSocketHost extends PoolHost implements WsHost {
  readonly manager: WebSocketManager;
  readonly timeouts: HostTimeouts;
  readonly pool: ShardPool;
  protected readonly state: StateHooks;
  readonly #options: ResolvedWsOptions;
  readonly #gatewayInfo: GatewayInfo;
  readonly #sends: Sends;
  /** Shards that are on their way here, of which the bot knows: what is sent to them waits. */
  readonly #coming = new Set<number>();

  constructor(options: ResolvedWsOptions) {
    super();
    this.#options = options;
    this.timeouts = options.timeouts;
    this.state = options.state;
    const { token, intents, rest, passthrough } = options;
    this.manager = new WebSocketManager({
      ...passthrough,
      token,
      intents,
      rest,
      buildStrategy: (manager) =>
        new OrchestratedStrategy(manager, {
          shards: () => this.pool.all,
          send: (shardId, payload) => this.#send(shardId, payload),
        }),
    });
    // Those that run here; without this it counts them.
    this.manager.getShardIds = async () => [...new Set([...this.pool.all.keys(), ...this.#coming])];
    // As it is, so that a rejection which nobody waits for ends no process.
    this.manager.send = (shardId, payload) => this.#send(shardId, payload);
    const { clock, random, logger, timeouts } = options;
    this.#sends = new Sends({
      logger,
      hosted: (shardId) => this.pool.all.get(shardId),
      isComing: (shardId) => this.#coming.has(shardId),
      accepted: () => undefined,
      dropped: () => undefined,
      waits: () => this.waits(),
    });
    const { pool, gatewayInfo } = wsPool({
      manager: this.manager,
      options: {
        clock,
        random,
        logger,
        timeouts,
        missed: (missed) => this.missed(missed),
        deliver: (payload, shardId, how) => this.hand(payload as GatewayDispatchPayload, shardId, how),
      },
      library: { WebSocketShard, valuesOf: (args) => args },
      managerOptions: () => ({ ...this.manager.options, token }),
      Throttler: SimpleIdentifyThrottler,
      tell: (event, values, shardId) => this.#emit(event, values, shardId),
    });
    this.pool = pool;
    this.#gatewayInfo = gatewayInfo;
  }

  /** A session was lost for good. */
  protected missed(missed: MissedEvents): void {
    void this.#options.hooks.onMissed?.(missed);
  }

  sessionEstablished({ totalShards }: HostContext): void {
    this.manager.options.shardCount = totalShards;
  }

  /** Until `how.hold` resolves, what is replayed is kept. */
  resumeShard(
    shardId: number,
    session: Cursor,
    context: HostContext,
    how?: Parameters<ShardPool['resume']>[3],
  ): Promise<ResumeOutcome> {
    return this.pool.resume(shardId, session, context, how);
  }

  shutdown(): Promise<void> {
    this.#gatewayInfo.close();
    return this.pool.shutdown();
  }

  protected left(_shardId: number): void {}

  /** User code may wait for an answer that comes when its shard does, and not before. */
  protected waits(): void {}

  /** The bot knows of a shard that is on its way. */
  expect(shardId: number): void {
    this.#coming.add(shardId);
  }

  /** It is here. */
  arrived(shardId: number): void {
    this.#coming.delete(shardId);
    this.#sends.arrived(shardId);
  }

  /** It does not come. */
  absent(shardId: number): void {
    this.#coming.delete(shardId);
    this.#sends.left(shardId);
  }

  /** Resolves when it is sent, kept for a shard on its way, or dropped. A request rejects when no answer can come. */
  #send(shardId: number, payload: GatewaySendPayload): Promise<void> {
    const shard = this.pool.all.get(shardId);
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

  /** To user code. */
  protected dispatch(payload: GatewayDispatchPayload, shardId: number, delivery: Delivery): void | Promise<void> {
    return this.#options.onDispatch(payload, shardId, delivery);
  }

  /**
   * To `onDispatch`, then to the manager's listeners: one that throws keeps no other from the event. The listeners are
   * not told what may have been handled before.
   */
  hand(payload: GatewayDispatchPayload, shardId: number, delivery: Delivery): void | Promise<void> {
    try {
      return this.dispatch(payload, shardId, delivery);
    } finally {
      if (!isSpentInteraction(payload, delivery)) this.#emitDispatch(payload, shardId);
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
