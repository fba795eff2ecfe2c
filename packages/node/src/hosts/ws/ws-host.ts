/**
 * The shard host for @discordjs/ws: a real `WebSocketManager` that the bot listens on and sends with, whose shards come and
 * go at the orchestrator's word. See ../gateway/hosted-shard.ts for how one shard is kept.
 */
import { SimpleIdentifyThrottler, WebSocketManager, WebSocketShard, WebSocketShardEvents } from '@discordjs/ws';
import type { ShardReport } from '@dshard/protocol';
import type { Cursor } from '../../session/state.js';
import type { HostContext, ResumeHow, ResumeOutcome, ShardHost } from '../../shard-host.js';
import type { GatewayOptions } from '../gateway/gateway-options.js';
import { HostedShards } from '../gateway/hosted-shards.js';
import type { ShardEvent } from '../gateway/library.js';
import { stateMethods } from '../gateway/state-hooks.js';
import type { WsHostOptions } from './options.js';
import { resolveWsOptions } from './resolve-options.js';
import type { ResolvedWsOptions } from './resolve-options.js';
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

export type HoldingResume = Partial<ResumeHow> & { hold?: Promise<void> };

/** `whenSettled` resolves at READY, and rejects when there can be none. `stop` closes with a code. */
export type AsideSession = {
  connect(): void;
  whenSettled(): Promise<unknown>;
  stop(code: number): Promise<unknown>;
};

/** Throws `DSO_NODE_OPTIONS_INVALID`. Nothing connects before a node tells it to. */
export function createWsHost(options: WsHostOptions): WsHost {
  const resolved = resolveWsOptions(options);
  return Object.assign(new WebSocketHost(resolved), stateMethods(resolved.state));
}

/** What the hosts for libraries on top of it use besides. */
export class WebSocketHost implements WsHost {
  readonly manager: WebSocketManager;
  readonly #options: ResolvedWsOptions;
  readonly #shards: HostedShards;

  constructor(options: ResolvedWsOptions) {
    this.#options = options;
    const { token, intents, rest, passthrough } = options;
    this.manager = new WebSocketManager({
      ...passthrough,
      token,
      intents,
      rest,
      buildStrategy: (manager) => new OrchestratedStrategy(manager, () => this.#shards.all),
    });
    this.#shards = new HostedShards({
      library: { WebSocketShard, valuesOf: (args) => args },
      options,
      managerOptions: () => ({ ...this.manager.options, token }),
      fetchGatewayInfo: () => this.manager.fetchGatewayInformation(true),
      makeThrottler: (maxConcurrency) => new SimpleIdentifyThrottler(maxConcurrency),
      emit: (event, values, shardId) => this.#emit(event, values, shardId),
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

  /** Until `how.hold` resolves, what is replayed is kept. */
  resumeShard(shardId: number, session: Cursor, context: HostContext, how?: HoldingResume): Promise<ResumeOutcome> {
    return this.#shards.resume(shardId, session, context, how);
  }

  /**
   * A second session of a shard, which nobody else hears of: begins with an IDENTIFY and hands its dispatches to `see`. For a look at what
   * Discord says at the beginning of a session; the caller stops it.
   */
  aside(shardId: number, context: HostContext, see: GatewayOptions['onDispatch']): AsideSession {
    return this.#shards.aside(shardId, context, see);
  }

  preconnect(shardId: number, session: Cursor, context: HostContext): Promise<void> {
    return this.#shards.park(shardId, session, context);
  }

  async abortTransferTo(shardId: number): Promise<void> {
    await this.#shards.unpark(shardId);
    await this.#options.state.abortTransferTo?.(shardId);
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
    await this.#options.state.released?.(shardId, how);
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

  /** An 'error' that nobody listens for would be thrown; it is in the log then. */
  #emit(event: ShardEvent, values: readonly unknown[], shardId: number): void {
    if (event === 'error' && this.manager.listenerCount(WebSocketShardEvents.Error) === 0) {
      this.#options.logger.error({ shard: shardId, error: values[0] }, 'The gateway connection reported an error.');
      return;
    }
    const manager: { emit(event: string, ...args: readonly unknown[]): boolean } = this.manager;
    manager.emit(event, ...values, shardId);
  }
}
