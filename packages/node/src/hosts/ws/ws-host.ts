/** What a bot on @discordjs/ws makes its host with: the gateway shards, and what its code may rely on meanwhile. */
import type { REST } from '@discordjs/rest';
import type { GatewayDispatchPayload } from 'discord-api-types/v10';
import type { Cursor } from '../../session/state.js';
import type { Delivery, MissedEvents } from '../../gateway-shard/options.js';
import type { HostContext, ResumeHow, ResumeOutcome } from '../../shard-host.js';
import { FirstReady, type Identity } from '../first-ready.js';
import { codeMethods, stateMethods, UserCode } from '../user-code.js';
import type { WsHost, WsHostOptions } from './options.js';
import { resolveWsOptions, type ResolvedWsOptions } from './resolve-options.js';
import { WebSocketHost } from './web-socket-host.js';

/** Throws `DSO_NODE_OPTIONS_INVALID`. Nothing connects before a node tells it to. */
export function createWsHost(options: WsHostOptions): WsHost {
  const resolved = resolveWsOptions(options);
  const host = new BotHost(resolved);
  return Object.assign(host, stateMethods(resolved.state), codeMethods(host.code));
}

class BotHost extends WebSocketHost {
  readonly code: UserCode;
  readonly #ready: FirstReady;

  constructor(options: ResolvedWsOptions) {
    super(options);
    const { rest, timeouts, clock, logger } = options;
    this.code = new UserCode(options);
    this.#ready = new FirstReady({
      clock,
      logger,
      readyMs: timeouts.readyMs,
      identity: () => identityByRest(rest),
      hand: (packet, shardId) =>
        this.hand(packet as unknown as GatewayDispatchPayload, shardId, { redelivered: false }),
    });
  }

  protected override dispatch(
    payload: GatewayDispatchPayload,
    shardId: number,
    delivery: Delivery,
  ): void | Promise<void> {
    if ((payload.t as string) === 'READY') this.#ready.seen();
    let work: void | Promise<void> = undefined;
    // Who rejects is told by whoever waits for it.
    const done = this.code.call(() => (work = super.dispatch(payload, shardId, delivery))?.catch(() => undefined));
    if (done === undefined) this.code.took(payload.t);
    return work;
  }

  protected override missed(missed: MissedEvents): void {
    this.code.missed(missed);
  }

  protected override waits(): void {
    this.#ready.endWait();
  }

  /** READY comes before what is replayed, also where `warm` did not come. */
  override async resumeShard(
    shardId: number,
    session: Cursor,
    context: HostContext,
    how?: ResumeHow,
  ): Promise<ResumeOutcome> {
    const hold = this.#ready.beforeEvents({ shardId, totalShards: context.totalShards, session });
    try {
      return await super.resumeShard(shardId, session, context, { ...how, hold });
    } finally {
      this.arrived(shardId);
    }
  }

  async warm(shardId: number, session: Cursor | null, { totalShards }: HostContext): Promise<void> {
    this.expect(shardId);
    await this.#ready.make({ shardId, totalShards, session }).handled;
  }

  override async abortTransferTo(shardId: number): Promise<void> {
    this.absent(shardId);
    await super.abortTransferTo(shardId);
  }

  protected override left(shardId: number): void {
    this.code.moved(shardId);
  }

  override shutdown(): Promise<void> {
    this.code.close();
    return super.shutdown();
  }
}

/** Rejects as the REST client does. */
async function identityByRest(rest: REST): Promise<Identity> {
  const [user, application] = await Promise.all([rest.get('/users/@me'), rest.get('/applications/@me')]);
  return { user: user as Identity['user'], application: application as Identity['application'] };
}
