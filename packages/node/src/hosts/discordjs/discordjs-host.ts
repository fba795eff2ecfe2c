/**
 * The shard host for discord.js: shards come and go on a client that is logged in, with their guilds.
 *
 * A shard that comes here is, in this order: in `client.ws.shards`; its guilds in the caches (from its origin, or from Discord if that
 * died); the bot's own state imported; its session resumed. So the first replayed event finds everything in place. One that
 * leaves is frozen with its caches as they are, and its guilds are put aside when the connection is closed for the other node.
 *
 * `arriving`: the shard's session is resumed already, for it must not expire, while its guilds still come from Discord. Its
 * events are kept until then, and discord.js is told nothing of the connection.
 */
import { Events, SimpleIdentifyThrottler } from 'discord.js';
import type { Client } from 'discord.js';
import type { ShardReport } from '@dshard/protocol';
import type { Logger } from '@dshard/transport';
import { Breather } from '../../breather.js';
import { messageOf } from '../../errors.js';
import type { Cursor } from '../../session/state.js';
import type { HostContext, ResumeHow, ResumeOutcome, ShardHost, TransferContext } from '../../shard-host.js';
import { Gate } from './gate.js';
import type { GatewayOptions } from '../../gateway-shard/options.js';
import { GatewayInfo } from '../../gateway-shard/gateway-info.js';
import { ShardPool } from '../../gateway-shard/shard-pool.js';
import { wsSockets } from '../ws/ws-socket.js';
import type { ManagerOptions } from '../ws/ws-socket.js';
import type { ShardNews } from '../../gateway-shard/driver.js';
import { loadBeginning } from './cache-loader.js';
import { ClientShards } from './client-shards.js';
import { emitOn, packet, showSession } from './gateway-manager.js';
import type { GatewayManager } from './gateway-manager.js';
import { libraryOfDiscordJs } from './internals.js';
import { ListenersInFlight } from './listeners-in-flight.js';
import type { OrchestratedOptions } from './options.js';
import { deliverBeginning, deliverStaged } from './packets.js';
import type { Deliver } from './packets.js';
import { Readiness } from './readiness.js';
import { gatewayOptions } from './resolve-options.js';
import { notReady, ShardTransfer } from './shard-transfer.js';
import type { WholeState } from './staged-state.js';
import { Turns } from './turns.js';

/** Opens when discord.js can take the shard's events; `given up` aborts when the shard leaves before. */
type Arrival = { gate: Gate; givenUp: AbortController };

export class DiscordjsHost implements ShardHost {
  /** What fleet calls look at. */
  readonly client: Client;
  readonly hosted: ShardPool;
  readonly #gatewayInfo: GatewayInfo;
  /** Whether what is being emitted just now may have been handled before, by a node that was lost. */
  isRedelivering = false;
  readonly #manager: GatewayManager;
  readonly #given: OrchestratedOptions;
  readonly #options: GatewayOptions;
  readonly #shards: ClientShards;
  readonly #transfer: ShardTransfer;
  readonly #listeners: ListenersInFlight;
  readonly #turns: Turns;
  readonly #readiness: Readiness;
  readonly #arriving = new Map<number, Arrival>();

  /** Throws `DSO_DISCORDJS_UNSUPPORTED`. */
  constructor(client: Client, manager: GatewayManager, given: OrchestratedOptions, logger: Logger) {
    this.client = client;
    this.#manager = manager;
    this.#given = given;
    this.#shards = new ClientShards(client);
    this.#listeners = ListenersInFlight.of(client);
    this.#readiness = Readiness.of(client);
    this.#options = gatewayOptions(
      given,
      (payload, shardId, { redelivered }) => {
        this.#transfer.happened(shardId, payload);
        this.isRedelivering = redelivered;
        const work = this.#listeners.during(() => emitOn(manager, 'dispatch', payload, shardId));
        this.isRedelivering = false;
        return work;
      },
      logger,
    );
    const { clock } = this.#options;
    this.#turns = new Turns(clock);
    this.#transfer = new ShardTransfer({ client, shards: this.#shards, options: given, clock, turns: this.#turns });
    const { random, timeouts } = this.#options;
    const gatewayInfo = new GatewayInfo({ fetch: () => manager.fetchGatewayInformation(true), clock, random, logger });
    this.#gatewayInfo = gatewayInfo;
    this.hosted = new ShardPool({
      options: this.#options,
      openSocket: wsSockets({
        library: libraryOfDiscordJs(),
        managerOptions: () => manager.options as unknown as ManagerOptions,
        handshakeMs: timeouts.handshakeMs,
      }),
      gatewayUrl: () => gatewayInfo.known?.url ?? null,
      locate: async () => (await gatewayInfo.get()).url,
      localThrottler: () => gatewayInfo.throttler((maxConcurrency) => new SimpleIdentifyThrottler(maxConcurrency)),
      tell: (event, values, shardId) => this.#tell(event, values[0], shardId),
    });
  }

  /** Those that run here. */
  get shardIds(): readonly number[] {
    return this.#shards.ids;
  }

  sessionEstablished({ totalShards }: HostContext): void {
    this.#manager.options.shardCount = totalShards;
    this.client.options.shardCount = totalShards;
  }

  async startShards(shardIds: readonly number[], context: HostContext): Promise<void> {
    shardIds.forEach((shardId) => this.#shards.add(shardId));
    this.hosted.start(shardIds, context);
  }

  async resumeShard(
    shardId: number,
    session: Cursor,
    context: HostContext,
    how: Partial<ResumeHow> = {},
  ): Promise<ResumeOutcome> {
    this.#turns.frozen(shardId);
    try {
      return await this.#resume(shardId, session, context, how);
    } finally {
      this.#turns.over(shardId);
    }
  }

  async #resume(
    shardId: number,
    session: Cursor,
    context: HostContext,
    how: Partial<ResumeHow>,
  ): Promise<ResumeOutcome> {
    const staged = this.#transfer.staged(shardId);
    const caches = staged?.caches.whole() ?? null;
    const isKnown = this.#shards.add(shardId);
    if (isKnown || caches === null) {
      this.#shards.giveUp(shardId);
    } else {
      this.#show(shardId, caches);
    }
    if (!isKnown && caches === null) {
      return this.#resumeWithoutCaches(shardId, session, context, how);
    }
    if (staged !== null && staged.own !== null) {
      await this.#given.importShard?.(shardId, staged.own.state);
    }
    // A connection that waits at HELLO was of nobody's interest when it got there.
    showSession(this.#manager, shardId, session);
    emitOn(this.#manager, 'hello', {}, shardId);
    return this.hosted.resume(shardId, session, context, how);
  }

  /** The session first, for it expires; then the guilds, from Discord; then the events that were kept meanwhile. */
  async #resumeWithoutCaches(
    shardId: number,
    session: Cursor,
    context: HostContext,
    how: Partial<ResumeHow>,
  ): Promise<ResumeOutcome> {
    const arrival = this.#arrives(shardId);
    const outcome = await this.hosted.resume(shardId, session, context, { ...how, hold: arrival.gate.opened });
    if (outcome === 'resumed' && this.#arriving.get(shardId) === arrival) {
      void this.#load(shardId, arrival, context);
    } else {
      this.#arrived(shardId);
    }
    return outcome;
  }

  async #load(shardId: number, arrival: Arrival, context: HostContext): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = arrival.givenUp;
    try {
      const beginning = await loadBeginning(this.hosted, shardId, context, clock, signal);
      await this.#deliver(shardId, arrival, (deliver, breather) => deliverBeginning(beginning, deliver, breather));
      this.#arrived(shardId);
      showSession(this.#manager, shardId, this.hosted.cursorOf(shardId));
      this.#tell('hello', {}, shardId);
      this.#tell('resumed', {}, shardId);
    } catch (error) {
      if (!signal.aborted) {
        logger.error(
          { shard: shardId, error },
          `The guilds of shard ${shardId} could not be loaded: ${messageOf(error)}`,
        );
        this.#arrived(shardId);
      }
    }
  }

  /** Guilds of the shard to discord.js. Rejects when the shard leaves meanwhile. */
  async #deliver(
    shardId: number,
    { givenUp: { signal } }: Arrival,
    work: (deliver: Deliver, breather: Breather) => Promise<void>,
  ): Promise<void> {
    this.#shards.begins(shardId);
    await work(this.#deliverTo(shardId, signal), new Breather(this.#options.clock));
    signal.throwIfAborted();
    void this.#readiness.make();
  }

  #deliverTo(shardId: number, signal?: AbortSignal): Deliver {
    const send = (event: 'ready' | 'dispatch', value: object): void => {
      signal?.throwIfAborted();
      void this.#listeners.during(() => emitOn(this.#manager, event, value, shardId));
    };
    return {
      ready: (data) => send('ready', data),
      dispatch: (type, data) => send('dispatch', packet(type, data)),
    };
  }

  /** The guilds were built while the shard served elsewhere: in one turn, they are in the caches and the shard is ready. */
  #show(shardId: number, caches: WholeState): void {
    const available = caches.guilds.filter((guild) => guild.available);
    this.#shards.show(shardId, caches.guilds);
    void this.#listeners.during(() => available.forEach((guild) => this.client.emit(Events.GuildAvailable, guild)));
    deliverStaged(caches, this.#deliverTo(shardId));
    void this.#readiness.make();
  }

  #arrives(shardId: number): Arrival {
    const arrival: Arrival = { gate: new Gate(), givenUp: new AbortController() };
    this.#arriving.set(shardId, arrival);
    return arrival;
  }

  #arrived(shardId: number): void {
    this.#arriving.get(shardId)?.gate.open();
    this.#arriving.delete(shardId);
  }

  #leaves(shardId: number): void {
    this.#arriving.get(shardId)?.givenUp.abort();
    this.#arriving.delete(shardId);
  }

  preconnect(shardId: number, session: Cursor, context: HostContext): Promise<void> {
    return this.hosted.park(shardId, session, context);
  }

  prepareTransferTo(shardId: number, session: Cursor | null): void | Promise<void> {
    this.#transfer.prepare(shardId);
    return this.#given.state?.prepareTransferTo?.(shardId, session);
  }

  handleUserEvent(shardId: number, name: string, value: unknown): Promise<void> {
    return this.#transfer.take(shardId, name, value);
  }

  async abortTransferTo(shardId: number): Promise<void> {
    this.#turns.over(shardId);
    this.#transfer.forget(shardId);
    await this.hosted.unpark(shardId);
    await this.#given.state?.abortTransferTo?.(shardId);
  }

  exportState(shardId: number, transfer: TransferContext): Promise<void> {
    return this.#transfer.exportState(shardId, transfer);
  }

  exportDelta(shardId: number, transfer: TransferContext): Promise<void> {
    return this.#transfer.exportDelta(shardId, transfer);
  }

  async freeze(shardId: number): Promise<Cursor> {
    this.#mustBeComplete(shardId);
    this.#turns.frozen(shardId);
    try {
      return await this.hosted.freeze(shardId);
    } catch (error) {
      this.#turns.over(shardId);
      throw error;
    }
  }

  unfreeze(shardId: number): void {
    this.#turns.over(shardId);
    this.hosted.unfreeze(shardId);
  }

  async release(shardId: number): Promise<void> {
    await this.hosted.release(shardId);
    this.#shards.setAside(shardId);
    this.#turns.over(shardId);
  }

  async prepareTransferFrom(shardId: number): Promise<Cursor> {
    this.#mustBeComplete(shardId);
    return this.hosted.close(shardId);
  }

  #mustBeComplete(shardId: number): void {
    if (this.hosted.all.has(shardId) && (this.#arriving.has(shardId) || !this.#shards.isComplete(shardId))) {
      throw notReady(shardId);
    }
  }

  async stateLost(shardId: number): Promise<void> {
    await this.#given.state?.stateLost?.(shardId);
  }

  async released(shardId: number, how: { takenOver: boolean } = { takenOver: false }): Promise<void> {
    await this.hosted.released(shardId);
    this.#shards.forget(shardId);
    this.#transfer.forget(shardId);
    await this.#given.state?.released?.(shardId, how);
  }

  async stopShard(shardId: number, options: { keepSession: boolean }): Promise<Cursor | null> {
    this.#turns.over(shardId);
    this.#leaves(shardId);
    const cursor = await this.hosted.stop(shardId, options);
    this.#shards.forget(shardId);
    this.#transfer.forget(shardId);
    return cursor;
  }

  async shutdown(): Promise<void> {
    this.#gatewayInfo.close();
    await this.hosted.shutdown();
  }

  /** What fleet calls may take `client` to speak for. */
  shardsInClient(): readonly number[] | null {
    return this.#shards.whole();
  }

  report(): readonly ShardReport[] {
    const guilds = this.#shards.counts();
    return this.hosted.report().map((report) => ({
      ...report,
      guilds: this.#shards.has(report.shardId) ? (guilds.get(report.shardId) ?? 0) : report.guilds,
    }));
  }

  cursorOf(shardId: number): Cursor | null {
    return this.hosted.cursorOf(shardId);
  }

  /** What a shard tells, to discord.js. Dispatches come by themselves, see above. */
  #tell(event: ShardNews, value: unknown, shardId: number): void {
    if (event === 'ready') {
      // A new session after all: Discord sends the guilds.
      this.#arriving.get(shardId)?.givenUp.abort();
      this.#arrived(shardId);
      this.#shards.begins(shardId);
    }
    if (event === 'socketError' || this.#arriving.has(shardId) || !this.#shards.has(shardId)) {
      return;
    }
    if (event === 'hello' || event === 'ready' || event === 'resumed') {
      showSession(this.#manager, shardId, this.hosted.cursorOf(shardId));
    }
    emitOn(this.#manager, event, value ?? {}, shardId);
  }
}
