/**
 * What a bot on @discordjs/ws makes its host with: the gateway shards, and what the bot's own code may rely on when
 * they come and go.
 */
import type { REST } from '@discordjs/rest';
import type { WebSocketManager } from '@discordjs/ws';
import type { ShardReport } from '@dshard/protocol';
import type { GatewayDispatchPayload } from 'discord-api-types/v10';
import type { Cursor } from '../../session/state.js';
import type { HostContext, HostTimeouts, LeavingHow, ResumeHow, ResumeOutcome } from '../../shard-host.js';
import { FirstReady } from '../first-ready.js';
import type { Identity } from '../first-ready.js';
import { stateMethods, UserCode } from '../user-code.js';
import type { WsHost, WsHostOptions } from './options.js';
import { resolveWsOptions } from './resolve-options.js';
import type { ResolvedWsOptions } from './resolve-options.js';
import { WebSocketHost } from './web-socket-host.js';

/** Throws `DSO_NODE_OPTIONS_INVALID`. Nothing connects before a node tells it to. */
export function createWsHost(options: WsHostOptions): WsHost {
  const resolved = resolveWsOptions(options);
  return Object.assign(new BotHost(resolved), stateMethods(resolved.state));
}

class BotHost implements WsHost {
  readonly manager: WebSocketManager;
  readonly timeouts: HostTimeouts;
  readonly #options: ResolvedWsOptions;
  readonly #gateway: WebSocketHost;
  readonly #code: UserCode;
  readonly #ready: FirstReady;

  constructor(options: ResolvedWsOptions) {
    const { rest, timeouts, clock, logger, hooks } = options;
    this.#options = options;
    this.timeouts = timeouts;
    this.#code = new UserCode({ hooks, clock, logger });
    this.#gateway = new WebSocketHost({
      ...options,
      onDispatch: (payload, shardId, delivery) => this.#onDispatch(payload, shardId, delivery),
    });
    this.manager = this.#gateway.manager;
    this.#ready = new FirstReady({
      clock,
      logger,
      readyMs: timeouts.readyMs,
      identity: () => identityByRest(rest),
      hand: (packet, shardId) =>
        this.#gateway.hand(packet as unknown as GatewayDispatchPayload, shardId, { redelivered: false }),
    });
    this.#gateway.onWait = () => this.#ready.endWait();
  }

  readonly #onDispatch: ResolvedWsOptions['onDispatch'] = (payload, shardId, delivery) => {
    if ((payload.t as string) === 'READY') this.#ready.seen();
    let work: void | Promise<void> = undefined;
    // Who rejects is told by whoever waits for it.
    const done = this.#code.call(() =>
      (work = this.#options.onDispatch(payload, shardId, delivery))?.catch(() => undefined),
    );
    if (done === undefined) this.#code.took(payload.t);
    return work;
  };

  sessionEstablished(context: HostContext): void {
    this.#gateway.sessionEstablished(context);
  }

  startShards(shardIds: readonly number[], context: HostContext): Promise<void> {
    return this.#gateway.startShards(shardIds, context);
  }

  stateLost(shardId: number): Promise<void> {
    return this.#gateway.stateLost(shardId);
  }

  /** READY comes before what is replayed, also where `warm` did not come. */
  async resumeShard(shardId: number, session: Cursor, context: HostContext, how?: ResumeHow): Promise<ResumeOutcome> {
    const { totalShards } = context;
    const hold = this.#ready.beforeEvents({ shardId, totalShards, session });
    try {
      return await this.#gateway.resumeShard(shardId, session, context, { ...how, hold });
    } finally {
      this.#gateway.arrived(shardId);
    }
  }

  async warm(shardId: number, session: Cursor | null, { totalShards }: HostContext): Promise<void> {
    this.#gateway.expect(shardId);
    await this.#ready.make({ shardId, totalShards, session }).handled;
  }

  preconnect(shardId: number, session: Cursor, context: HostContext): Promise<void> {
    return this.#gateway.preconnect(shardId, session, context);
  }

  async abortTransferTo(shardId: number): Promise<void> {
    this.#gateway.left(shardId);
    await this.#gateway.abortTransferTo(shardId);
  }

  leaving(shardId: number, how: LeavingHow): Promise<void> {
    return this.#code.leaving(shardId, how);
  }

  stays(shardId: number): void {
    this.#code.stays(shardId);
  }

  stopShard(shardId: number, options: { keepSession: boolean }): Promise<Cursor | null> {
    return this.#gateway.stopShard(shardId, options);
  }

  freeze(shardId: number): Promise<Cursor> {
    return this.#gateway.freeze(shardId);
  }

  unfreeze(shardId: number): void {
    this.#gateway.unfreeze(shardId);
  }

  release(shardId: number): Promise<void> {
    return this.#gateway.release(shardId);
  }

  async released(shardId: number, how: { takenOver: boolean } = { takenOver: false }): Promise<void> {
    await this.#gateway.released(shardId, how);
    this.#code.moved(shardId);
  }

  closing(): void {
    this.#code.closing();
  }

  settled(): Promise<void> {
    return this.#code.settled();
  }

  shutdown(): Promise<void> {
    this.#code.close();
    return this.#gateway.shutdown();
  }

  report(): readonly ShardReport[] {
    return this.#gateway.report();
  }

  cursorOf(shardId: number): Cursor | null {
    return this.#gateway.cursorOf(shardId);
  }
}

/** Rejects as the REST client does. */
async function identityByRest(rest: REST): Promise<Identity> {
  const [user, application] = await Promise.all([rest.get('/users/@me'), rest.get('/applications/@me')]);
  return { user: user as Identity['user'], application: application as Identity['application'] };
}
