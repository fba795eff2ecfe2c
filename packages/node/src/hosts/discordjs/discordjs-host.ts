/**
 * The shard host for discord.js: shards come and go on a client that is logged in, with their guilds.
 *
 * How a shard comes is written in arrivals.ts, what a client has of it and for how long in client-shards.ts. One that
 * leaves is frozen with its caches as they are, and departs when the connection is closed for the other node.
 */
import type { Client } from 'discord.js';
import type { ShardReport } from '@dshard/protocol';
import type { Logger } from '@dshard/transport';
import type { GatewayDispatchPayload, GatewaySendPayload } from 'discord-api-types/v10';
import type { ShardNews } from '../../gateway-shard/driver.js';
import type { GatewayInfo } from '../../gateway-shard/gateway-info.js';
import type { GatewayOptions, Delivery } from '../../gateway-shard/options.js';
import type { ShardPool } from '../../gateway-shard/shard-pool.js';
import { DEFAULT_LINGER_MS } from '../../options.js';
import type { Cursor } from '../../session/state.js';
import type { HostContext, HostTimeouts, ResumeHow, ResumeOutcome } from '../../shard-host.js';
import { CacheHost } from '../pool-host.js';
import { isSpentInteraction, type StateHooks } from '../user-code.js';
import { Arrivals } from './arrivals.js';
import { ClientShards } from './client-shards.js';
import { DepartedObjects } from './departed-objects.js';
import { emitOn, showSession, makePool, type GatewayManager } from './gateway-manager.js';
import { wrapVoiceAdapters } from './internals.js';
import { ListenersInFlight } from './listeners-in-flight.js';
import { MemberRequests } from './member-requests.js';
import { OpenCommands } from './open-commands.js';
import { gatewayOptions, type OrchestratedOptions } from './options.js';
import { Readiness } from './readiness.js';
import { Sends } from '../sends.js';
import { notReady, ShardTransfer } from './shard-transfer.js';
import { Turns } from '../turns.js';
import { VoiceChannels } from './voice-channels.js';
import type { WorkInFlight } from '../work-in-flight.js';

const hosts = new WeakMap<Client, DiscordjsHost>();

export class DiscordjsHost extends CacheHost {
  /** What fleet calls look at. */
  readonly client: Client;
  readonly pool: ShardPool;
  protected readonly state: StateHooks;
  protected readonly transfer: ShardTransfer;
  protected readonly turns: Turns;
  protected readonly work: WorkInFlight;
  readonly #gatewayInfo: GatewayInfo;
  readonly timeouts: HostTimeouts;
  readonly #manager: GatewayManager;
  readonly #options: GatewayOptions;
  readonly #shards: ClientShards;
  readonly #arrivals: Arrivals;
  readonly #listeners: ListenersInFlight;
  readonly #readiness: Readiness;
  readonly #requests: MemberRequests;
  readonly #sends: Sends;
  readonly #voice = new VoiceChannels();
  readonly #commands: OpenCommands;
  readonly #shutDown = new AbortController();

  /** Throws `DSO_DISCORDJS_UNSUPPORTED`. */
  constructor(client: Client, manager: GatewayManager, userOptions: OrchestratedOptions, logger: Logger) {
    super();
    hosts.set(client, this);
    this.client = client;
    this.#manager = manager;
    this.state = userOptions.state ?? {};
    this.#options = gatewayOptions(
      userOptions,
      (payload, shardId, how) => this.#deliver(payload as GatewayDispatchPayload, shardId, how),
      (missed) => void this.tell('shardMissed', missed),
      logger,
    );
    const { clock, timeouts } = this.#options;
    this.timeouts = timeouts;
    const shards = (this.#shards = new ClientShards({
      client,
      clock,
      lingerMs: userOptions.lingerMs ?? DEFAULT_LINGER_MS,
    }));
    const listeners = (this.#listeners = ListenersInFlight.of(client));
    this.work = listeners.work;
    const readiness = (this.#readiness = Readiness.of(client));
    this.#requests = MemberRequests.of(client);
    this.turns = new Turns(clock);
    this.#commands = new OpenCommands(clock);
    listeners.watch((event, args, isAwaited) => this.#commands.seen(event, args, isAwaited));
    const { pool, gatewayInfo } = makePool(manager, this.#options, (event, value, shardId) =>
      this.#tell(event, value, shardId),
    );
    this.pool = pool;
    this.#gatewayInfo = gatewayInfo;
    const sends = (this.#sends = new Sends({
      logger,
      hosted: (shardId) => (shards.has(shardId) ? pool.all.get(shardId) : undefined),
      isComing: (shardId) => shards.isShown(shardId) || shards.has(shardId),
      isHeldBack: (shardId) => this.#arrivals.has(shardId),
      accepted: (shardId, payload) => this.#voice.sent(shardId, payload),
      dropped: (payload) => this.#requests.dropped(payload),
      waits: () => readiness.endWait(),
    }));
    const quietly = (work: () => void): void =>
      DepartedObjects.of(client).hidden(() => listeners.muted(() => true, work));
    const voice = this.#voice;
    this.transfer = new ShardTransfer({
      client,
      shards,
      options: userOptions,
      clock,
      turns: this.turns,
      voice,
      quietly,
    });
    this.#arrivals = new Arrivals({
      client,
      manager,
      hosted: pool,
      shards,
      listeners,
      readiness,
      sends,
      voice,
      options: this.#options,
      importShard: userOptions.importShard,
      importMs: this.timeouts.importMs,
      readyMs: this.timeouts.readyMs,
      tell: (event, value, shardId) => this.#tell(event, value, shardId),
    });
    wrapVoiceAdapters((guild, payload) => hosts.get(guild.client)?.send(guild.shardId, payload) ?? null);
  }

  #deliver(payload: GatewayDispatchPayload, shardId: number, delivery: Delivery): void | Promise<void> {
    this.transfer.happened(shardId, payload);
    this.#voice.happened(shardId, payload, this.client.user?.id, this.pool.cursorOf(shardId)?.sessionId);
    if (isSpentInteraction(payload, delivery)) return undefined;
    this.isRedelivering = delivery.redelivered;
    const work = this.#listeners.during(() => this.#emit(payload, shardId));
    this.isRedelivering = false;
    return work;
  }

  #emit(payload: GatewayDispatchPayload, shardId: number): void {
    const emit = (): void => emitOn(this.#manager, 'dispatch', payload, shardId);
    const isTold = (payload.t as string) === 'RESUMED' && this.#arrivals.onResumed(shardId);
    if (isTold) this.#listeners.muted((event) => event === 'shardResume', emit);
    else emit();
  }

  /** From the bot to Discord. Never throws. Returns whether it will be sent, as far as can be said now. */
  send(shardId: number, payload: GatewaySendPayload): boolean {
    return this.#sends.send(shardId, payload);
  }

  /** Those that run here, or are shown. */
  get shardIds(): readonly number[] {
    return this.#shards.ids;
  }

  sessionEstablished({ totalShards }: HostContext): void {
    this.#manager.options.shardCount = totalShards;
    this.client.options.shardCount = totalShards;
  }

  override async startShards(shardIds: readonly number[], context: HostContext): Promise<void> {
    shardIds.forEach((shardId) => this.#shards.add(shardId));
    await super.startShards(shardIds, context);
  }

  protected resume(
    shardId: number,
    session: Cursor,
    context: HostContext,
    how: Partial<ResumeHow>,
  ): Promise<ResumeOutcome> {
    const resume = { shardId, session, context, how };
    const staged = this.transfer.staged(shardId);
    const state = staged?.caches.whole() ?? null;
    if (this.#shards.isAsItWas(shardId)) {
      this.#shards.abort(shardId);
      return this.#arrivals.back(resume);
    }
    if (staged !== null && state !== null) {
      return this.#arrivals.withState(resume, staged, state);
    }
    this.#abort(shardId);
    return this.#arrivals.withoutState(resume);
  }

  /**
   * The first shard that comes makes the client ready: its guilds are shown, and `clientReady` is emitted. Those that
   * come meanwhile wait for what listens as well. Later ones find it ready. One that nobody serves is not kept from its
   * session by that: what Discord replays waits instead (arrivals.ts).
   */
  async warm(
    shardId: number,
    _session?: Cursor | null,
    _context?: HostContext,
    { isServed = true }: { isServed?: boolean } = {},
  ): Promise<void> {
    if (!this.#readiness.isMade && this.transfer.show(shardId)) {
      this.#readiness.make();
    }
    if (this.#readiness.isMade && isServed) {
      await this.#readiness.heard(this.#options.clock, this.timeouts.readyMs);
    }
  }

  override async abortTransferTo(shardId: number): Promise<void> {
    this.turns.over(shardId);
    this.#abort(shardId);
    this.transfer.forget(shardId);
    await super.abortTransferTo(shardId);
  }

  /** What came of the shard is of no use, and what waits for it waits in vain. */
  #abort(shardId: number): void {
    this.#shards.abort(shardId);
    this.#dropSends(shardId);
  }

  #dropSends(shardId: number): void {
    this.#sends.left(shardId);
    this.#requests.left(shardId);
    this.#voice.left(shardId);
  }

  protected tell(event: string, ...values: unknown[]): Promise<void> | undefined {
    return this.#listeners.during(() => void this.client.emit(event, ...values));
  }

  override async release(shardId: number): Promise<void> {
    await super.release(shardId);
    this.#shards.setAside(shardId);
    this.#dropSends(shardId);
    this.turns.over(shardId);
  }

  protected mustBeMovable(shardId: number): void {
    if (this.pool.all.has(shardId) && (this.#arrivals.has(shardId) || !this.#shards.isComplete(shardId))) {
      throw notReady(shardId);
    }
  }

  protected left(shardId: number): void {
    this.#depart(shardId);
    void this.tell('shardMoved', shardId);
  }

  override async stopShard(shardId: number, options: { keepSession: boolean }): Promise<Cursor | null> {
    this.turns.over(shardId);
    this.#arrivals.leaves(shardId);
    const cursor = await super.stopShard(shardId, options);
    this.#depart(shardId);
    return cursor;
  }

  #depart(shardId: number): void {
    this.#shards.abort(shardId);
    this.#shards.forget(shardId);
    this.transfer.forget(shardId);
    this.#dropSends(shardId);
  }

  override async settled(): Promise<void> {
    await super.settled();
    await this.#commands.settled(this.#shutDown.signal).catch(() => undefined);
  }

  async shutdown(): Promise<void> {
    this.#shutDown.abort();
    this.#shards.nodeEnded();
    this.#gatewayInfo.close();
    await this.pool.shutdown();
  }

  /** Runs `work` while the client holds the shards of `shardsInClient` and no others. */
  speaking<T>(work: () => T): T {
    return this.#shards.speaking(work);
  }

  /** What fleet calls may take `client` to speak for. */
  shardsInClient(): readonly number[] | null {
    return this.#shards.whole();
  }

  override report(): readonly ShardReport[] {
    const guilds = this.#shards.counts();
    return super.report().map((report) => ({
      ...report,
      guilds: this.#shards.has(report.shardId) ? (guilds.get(report.shardId) ?? 0) : report.guilds,
    }));
  }

  /** What a shard tells, to discord.js. Dispatches come by themselves, see above. */
  #tell(event: ShardNews, value: unknown, shardId: number): void {
    if (event === 'ready') {
      if (!this.#arrivals.onReady(shardId, value)) return;
      this.#shards.begins(shardId);
    }
    if (event === 'socketError' || this.#arrivals.has(shardId) || !this.#shards.has(shardId)) {
      return;
    }
    if (event === 'hello' || event === 'ready' || event === 'resumed') {
      showSession(this.#manager, shardId, this.pool.cursorOf(shardId));
    }
    DepartedObjects.of(this.client).hidden(() => emitOn(this.#manager, event, value ?? {}, shardId));
  }
}
