/**
 * How a shard that ran elsewhere comes here (see client-host.ts for its states). With its guilds: they are in the
 * caches as they are now, `importShard` is awaited, the library tells what it tells of a shard that is ready, its
 * session is resumed, what waited to be sent is sent.
 *
 * A shard whose guilds died with another node is resumed first, for its session must not expire; its guilds come from
 * Discord, while what is replayed is held back (docs/decisions/007-caches-of-a-dead-node.md).
 */
import type { Logger } from '@dshard/transport';
import type { GatewayOpcodes, GatewaySendPayload } from 'discord-api-types/v10';
import { messageOf } from '@dshard/protocol';
import { Breather } from '../../breather.js';
import { withinDeadline } from '../../deadline.js';
import { NodeError } from '../../errors.js';
import { guildCreateOf, type Payload } from '../../guild-state/raw-guild.js';
import { emptyState, reduce, type ShardState } from '../../guild-state/reduce.js';
import type { Cursor } from '../../session/state.js';
import type { HostContext, ResumeHow, ResumeOutcome } from '../../shard-host.js';
import { loadBeginning } from '../discordjs/cache-loader.js';
import { Gate } from '../turns.js';
import type { WebSocketHost } from '../ws/web-socket-host.js';
import type { GuildTransfer, Staged } from './guild-transfer.js';
import type { ClientHostOptions } from './options.js';
import type { ClientPort, Packet } from './port.js';

const PRESENCE_OPCODE: GatewayOpcodes.PresenceUpdate = 3;

/** A bot that sends on and on to a shard that does not come must not fill the memory. */
const MOST_WAITING = 1_000;

/** `tellLater` tells what the bot was not told when the guilds were put into the caches. */
type Shown = { readonly wasTold: boolean; readonly tellLater: () => void; readonly waiting: GatewaySendPayload[] };

/** `gate` opens when the library can take the shard's events; `givenUp` aborts when the shard leaves before. */
type Loading = { readonly gate: Gate; readonly givenUp: AbortController };

export type ArrivalsOptions = {
  port: ClientPort;
  options: ClientHostOptions;
  logger: Logger;
  gateway: WebSocketHost;
  states: Map<number, ShardState>;
  transfer: GuildTransfer;
  /** To a shard that runs here. */
  sendNow: (shardId: number, payload: GatewaySendPayload) => void;
};

export type Resume = { shardId: number; session: Cursor; context: HostContext; how: Partial<ResumeHow> };

export class Arrivals {
  readonly #setup: ArrivalsOptions;
  readonly #shown = new Map<number, Shown>();
  readonly #loading = new Map<number, Loading>();
  /** What the bot does when it is ready; null: it is not, or that is over. */
  #readyWork: Promise<void> | null = null;
  /** Opens when the bot waits for what comes only after the shard. */
  #readyWaits = new Gate();

  constructor(setup: ArrivalsOptions) {
    this.#setup = setup;
  }

  isLoading(shardId: number): boolean {
    return this.#loading.has(shardId);
  }

  /** Whether this has to wait for the shard to come. */
  keep(shardId: number, payload: GatewaySendPayload): boolean {
    const shown = this.#shown.get(shardId);
    if (shown === undefined) return false;
    if (shown.waiting.length < MOST_WAITING) shown.waiting.push(payload);
    // Nobody can wait for what a presence leads to.
    if (payload.op !== PRESENCE_OPCODE) this.#readyWaits.open();
    return true;
  }

  /**
   * The first shard that comes makes the client ready: its guilds are shown, and what listens is waited for. Of those
   * that come later the guilds are put into the caches without a word, so that this is done when the shard is frozen.
   */
  async warm(shardId: number, session: Cursor | null, context: HostContext): Promise<void> {
    const { port, transfer, options } = this.#setup;
    const state = transfer.staged(shardId)?.guilds.whole() ?? null;
    if (state !== null && !this.#shown.has(shardId) && !this.#setup.states.has(shardId)) {
      if (port.isReady) this.#showQuietly(shardId, state, session, context);
      else this.#showFirst(shardId, state, session, context);
    }
    if (this.#readyWork === null) return;
    const deadline = {
      what: 'what the bot does when it is ready',
      ms: options.timeouts.readyMs,
      limit: 'timeouts.readyListenersMs',
    };
    await withinDeadline(options.clock, Promise.race([this.#readyWork, this.#readyWaits.opened]), deadline).catch(
      () => undefined,
    );
  }

  #showFirst(shardId: number, state: ShardState, session: Cursor | null, context: HostContext): void {
    this.#shown.set(shardId, { wasTold: true, tellLater: () => undefined, waiting: [] });
    const work = this.#show(shardId, state, session, context);
    this.#readyWaits = new Gate();
    this.#readyWork = work.then(() => {
      this.#readyWork = null;
    });
  }

  #showQuietly(shardId: number, state: ShardState, session: Cursor | null, context: HostContext): void {
    const { port } = this.#setup;
    if (port.quietly === undefined) return;
    const shown = { wasTold: false, tellLater: (): void => undefined, waiting: [] };
    this.#shown.set(shardId, shown);
    shown.tellLater = port.quietly(() => void this.#show(shardId, state, session, context));
  }

  /** The guilds to the library, as if a session began. Resolves when what listens has ended. */
  #show(shardId: number, state: ShardState, session: Cursor | null, { totalShards }: HostContext): Promise<void> {
    const { port, states, transfer } = this.#setup;
    port.addShard(shardId);
    states.set(shardId, state);
    transfer.staged(shardId)?.guilds.seen();
    const work = [...beginningOf(state, shardId, totalShards, session)].map((packet) => port.inject(shardId, packet));
    port.complete(shardId);
    return ended(work);
  }

  async resume(resume: Resume): Promise<ResumeOutcome> {
    const { shardId } = resume;
    const { states, transfer, gateway } = this.#setup;
    const staged = transfer.staged(shardId);
    const isShown = this.#shown.has(shardId);
    // It never left, or comes back as it was.
    if (states.has(shardId) && !isShown)
      return gateway.resumeShard(shardId, resume.session, resume.context, resume.how);
    const state = staged?.guilds.whole() ?? null;
    if (staged === null || state === null) {
      await this.abort(shardId);
      return this.#withoutGuilds(resume);
    }
    if (!isShown) this.#showNow(resume, state);
    return this.#withGuilds(resume, staged, state);
  }

  #showNow({ shardId, session, context }: Resume, state: ShardState): void {
    if (this.#setup.port.quietly === undefined) this.#showFirst(shardId, state, session, context);
    else this.#showQuietly(shardId, state, session, context);
  }

  async #withGuilds(
    { shardId, session, context, how }: Resume,
    staged: Staged,
    state: ShardState,
  ): Promise<ResumeOutcome> {
    const { port, gateway, transfer, sendNow } = this.#setup;
    for (const guildId of staged.guilds.seen()) {
      const guild = state.guilds.get(guildId);
      if (guild === undefined) port.removeGuild(shardId, guildId);
      else port.refreshGuild(shardId, guildId, guild && guildCreateOf(guild));
    }
    port.sessionIs(shardId, session);
    await this.#import(shardId, staged);
    const shown = this.#shown.get(shardId);
    if (shown === undefined) throw leftMeanwhile(shardId);
    this.#shown.delete(shardId);
    transfer.forget(shardId);
    const outcome = gateway.resumeShard(shardId, session, context, how);
    shown.tellLater();
    shown.waiting.forEach((payload) => sendNow(shardId, payload));
    return outcome;
  }

  async #import(shardId: number, { own }: Staged): Promise<void> {
    const { importShard, timeouts, clock } = this.#setup.options;
    if (own === null || importShard === undefined) return;
    const deadline = { what: 'importShard', ms: timeouts.importMs, limit: 'timeouts.importMs' };
    try {
      await withinDeadline(clock, (async () => importShard(shardId, own.state))(), deadline);
    } catch (error) {
      await this.abort(shardId);
      const text = `Shard ${shardId} cannot run here, because importShard did not take its state: ${messageOf(error)}`;
      throw new NodeError('DSO_IMPORT_FAILED', text, { cause: error });
    }
  }

  /** The session first, for it expires; then the guilds, from Discord; then the events that were kept meanwhile. */
  async #withoutGuilds({ shardId, session, context, how }: Resume): Promise<ResumeOutcome> {
    const { port, states, options, gateway } = this.#setup;
    port.addShard(shardId);
    port.sessionIs(shardId, session);
    states.set(shardId, emptyState(options.keep));
    const loading: Loading = { gate: new Gate(), givenUp: new AbortController() };
    this.#loading.set(shardId, loading);
    const outcome = await gateway.resumeShard(shardId, session, context, { ...how, hold: loading.gate.opened });
    if (outcome === 'resumed' && this.#loading.get(shardId) === loading)
      void this.#load(shardId, loading, session, context);
    else this.onReady(shardId);
    return outcome;
  }

  async #load(shardId: number, { givenUp: { signal } }: Loading, session: Cursor, context: HostContext): Promise<void> {
    const { options, gateway, port, states, logger } = this.#setup;
    try {
      const { ready, guilds } = await loadBeginning(gateway.pool, shardId, context, options.clock, signal);
      const state = states.get(shardId) ?? emptyState(options.keep);
      reduce(state, { t: 'READY', d: ready });
      for (const { type, data } of guilds) reduce(state, { t: type, d: data });
      await this.#deliverLoaded(shardId, state, session, context, signal);
      port.complete(shardId);
    } catch (error) {
      if (signal.aborted) return;
      logger.error(
        { shard: shardId, error },
        `The guilds of shard ${shardId} could not be loaded: ${messageOf(error)}`,
      );
    }
    this.onReady(shardId);
  }

  async #deliverLoaded(
    shardId: number,
    state: ShardState,
    session: Cursor,
    { totalShards }: HostContext,
    signal: AbortSignal,
  ): Promise<void> {
    const { port, options } = this.#setup;
    const breather = new Breather(options.clock);
    for (const packet of beginningOf(state, shardId, totalShards, session)) {
      signal.throwIfAborted();
      void port.inject(shardId, packet);
      await breather.breathe();
    }
    signal.throwIfAborted();
  }

  /** The guilds are there, or Discord has begun a new session and sends them. */
  onReady(shardId: number): void {
    const loading = this.#loading.get(shardId);
    this.leaves(shardId);
    loading?.gate.open();
  }

  /** A hosted shard leaves. */
  leaves(shardId: number): void {
    this.#loading.get(shardId)?.givenUp.abort();
    this.#loading.delete(shardId);
  }

  /** A shard that was on its way does not come, or not with its guilds. */
  async abort(shardId: number): Promise<void> {
    const { port, states, transfer } = this.#setup;
    transfer.forget(shardId);
    const shown = this.#shown.get(shardId);
    if (shown === undefined) return;
    this.#shown.delete(shardId);
    const guildIds = [...(states.get(shardId)?.guilds.keys() ?? [])];
    states.delete(shardId);
    await port.removeShard(shardId, guildIds);
    if (shown.wasTold) void port.tell('shardMoved', shardId);
  }
}

async function ended(work: readonly (Promise<void> | undefined)[]): Promise<void> {
  await Promise.all(work.filter((one) => one !== undefined));
}

/** What Discord says at the beginning of a session. Guilds that READY does not announce would be taken for new ones. */
function* beginningOf(
  state: ShardState,
  shardId: number,
  totalShards: number,
  session: Cursor | null,
): Generator<Packet> {
  const { user, application, guilds } = state;
  yield packet('READY', {
    v: 10,
    user: JSON.parse(user?.json ?? '{}') as Payload,
    application: JSON.parse(application ?? '{}') as Payload,
    guilds: [...guilds.keys()].map((id) => ({ id, unavailable: true })),
    private_channels: [],
    session_id: session?.sessionId ?? '',
    resume_gateway_url: session?.resumeGatewayUrl ?? '',
    shard: [shardId, totalShards],
  });
  for (const guild of guilds.values()) {
    if (guild !== null) yield packet('GUILD_CREATE', guildCreateOf(guild));
  }
}

/** Sequence 0: it is none of the session's. */
function packet(t: string, d: Payload): Packet {
  return { op: 0, t, s: 0, d };
}

function leftMeanwhile(shardId: number): NodeError {
  return new NodeError('DSO_SHARD_STOPPED', `Shard ${shardId} was stopped on this node.`);
}
