/**
 * How a shard that ran elsewhere comes here. With the state of its origin: its guilds are in the caches as they are now, guildAvailable and
 * shardReady are told, `importShard` is awaited, its session is resumed, what waited to be sent is sent, and the voice channels it was in
 * are joined anew, where the bot has not done so itself.
 *
 * A shard whose guilds died with another node is resumed first, for its session must not expire; its guilds come from Discord, while what
 * is replayed is held back, and discord.js is told nothing of the connection.
 */
import { Events } from 'discord.js';
import type { Client } from 'discord.js';
import { Breather } from '../../breather.js';
import { withinDeadline } from '../../deadline.js';
import { messageOf, NodeError } from '../../errors.js';
import type { Cursor } from '../../session/state.js';
import type { HostContext, ResumeHow, ResumeOutcome } from '../../shard-host.js';
import type { GatewayOptions } from '../../gateway-shard/options.js';
import type { ShardPool } from '../../gateway-shard/shard-pool.js';
import { Gate } from './gate.js';
import { loadBeginning } from './cache-loader.js';
import type { ClientShards } from './client-shards.js';
import { emitOn, packet, showSession } from './gateway-manager.js';
import type { GatewayManager } from './gateway-manager.js';
import type { ListenersInFlight } from './listeners-in-flight.js';
import type { OrchestratedOptions } from './options.js';
import { deliverBeginning, deliverStaged } from './packets.js';
import type { Beginning, Deliver } from './packets.js';
import type { Readiness } from './readiness.js';
import type { Sends } from './sends.js';
import type { Staged } from './shard-transfer.js';
import type { WholeState } from './staged-state.js';
import { joining } from './voice-channels.js';
import type { VoiceChannels } from './voice-channels.js';

/** `gate` opens when discord.js can take the shard's events; `givenUp` aborts when the shard leaves before. */
type Arrival = { readonly gate: Gate; readonly givenUp: AbortController };

export type ArrivalsOptions = {
  client: Client;
  manager: GatewayManager;
  hosted: ShardPool;
  shards: ClientShards;
  listeners: ListenersInFlight;
  readiness: Readiness;
  sends: Sends;
  voice: VoiceChannels;
  options: GatewayOptions;
  importShard: OrchestratedOptions['importShard'];
  importMs: number;
  /** What a shard tells, to discord.js. */
  tell: (event: 'hello' | 'resumed', shardId: number) => void;
};

type Resume = { shardId: number; session: Cursor; context: HostContext; how: Partial<ResumeHow> };

export class Arrivals {
  readonly #given: ArrivalsOptions;
  readonly #arriving = new Map<number, Arrival>();

  constructor(given: ArrivalsOptions) {
    this.#given = given;
  }

  has(shardId: number): boolean {
    return this.#arriving.has(shardId);
  }

  /** Discord began a new session after all, and sends the guilds. */
  onReady(shardId: number): void {
    const arrival = this.#arriving.get(shardId);
    this.leaves(shardId);
    arrival?.gate.open();
  }

  /** The shard leaves before it has come. */
  leaves(shardId: number): void {
    this.#arriving.get(shardId)?.givenUp.abort();
    this.#arriving.delete(shardId);
  }

  /** The shard never left, or comes back as it was. */
  async back({ shardId, session, context, how }: Resume): Promise<ResumeOutcome> {
    const { manager, shards, hosted } = this.#given;
    shards.add(shardId);
    // A connection that waits at HELLO was of nobody's interest when it got there.
    showSession(manager, shardId, session);
    emitOn(manager, 'hello', {}, shardId);
    return hosted.resume(shardId, session, context, how);
  }

  /** With what came from its origin. Rejects with `DSO_IMPORT_FAILED` when user code does not take it. */
  async withState(resume: Resume, staged: Staged, state: WholeState): Promise<ResumeOutcome> {
    const { shards, voice, sends } = this.#given;
    const { shardId } = resume;
    shards.add(shardId);
    shards.place(shardId, state.guilds);
    state.voice.forEach((channel) => voice.inherit(shardId, channel));
    this.#tellOf(shardId, state);
    await this.#import(shardId, staged);
    const outcome = await this.back(resume);
    if (shards.has(shardId)) {
      sends.arrived(shardId);
      joining(voice.inherited(shardId)).forEach((payload) => sends.send(shardId, payload));
    }
    return outcome;
  }

  #tellOf(shardId: number, state: WholeState): void {
    const { listeners, client, readiness } = this.#given;
    const available = state.guilds.filter((guild) => guild.available);
    void listeners.during(() => available.forEach((guild) => client.emit(Events.GuildAvailable, guild)));
    deliverStaged(state, this.#deliverTo(shardId));
    readiness.make();
  }

  async #import(shardId: number, { own }: Staged): Promise<void> {
    const { importShard, importMs, options } = this.#given;
    if (own === null || importShard === undefined) return;
    const deadline = { what: 'importShard', ms: importMs, limit: 'timeouts.importMs' };
    try {
      await withinDeadline(options.clock, (async () => importShard(shardId, own.state))(), deadline);
    } catch (error) {
      const message = `Shard ${shardId} cannot run here, because importShard did not take its state: ${messageOf(error)}`;
      throw new NodeError('DSO_IMPORT_FAILED', message, { cause: error });
    }
  }

  /** The session first, for it expires; then the guilds, from Discord; then the events that were kept meanwhile. */
  async withoutState({ shardId, session, context, how }: Resume): Promise<ResumeOutcome> {
    const { shards, hosted } = this.#given;
    shards.add(shardId);
    const arrival: Arrival = { gate: new Gate(), givenUp: new AbortController() };
    this.#arriving.set(shardId, arrival);
    const outcome = await hosted.resume(shardId, session, context, { ...how, hold: arrival.gate.opened });
    if (outcome === 'resumed' && this.#arriving.get(shardId) === arrival) {
      void this.#load(shardId, arrival, context);
    } else {
      this.#end(shardId);
    }
    return outcome;
  }

  async #load(shardId: number, arrival: Arrival, context: HostContext): Promise<void> {
    const { options, hosted, tell } = this.#given;
    const { clock, logger } = options;
    const { signal } = arrival.givenUp;
    try {
      const beginning = await loadBeginning(hosted, shardId, context, clock, signal);
      await this.#deliverLoaded(shardId, arrival, beginning);
      this.#end(shardId);
      tell('hello', shardId);
      tell('resumed', shardId);
    } catch (error) {
      if (!signal.aborted) {
        logger.error(
          { shard: shardId, error },
          `The guilds of shard ${shardId} could not be loaded: ${messageOf(error)}`,
        );
        this.#end(shardId);
      }
    }
  }

  /** Rejects when the shard leaves meanwhile. */
  async #deliverLoaded(shardId: number, { givenUp: { signal } }: Arrival, beginning: Beginning): Promise<void> {
    const { shards, options, readiness } = this.#given;
    shards.begins(shardId);
    await deliverBeginning(beginning, this.#deliverTo(shardId, signal), new Breather(options.clock));
    signal.throwIfAborted();
    readiness.make();
  }

  #end(shardId: number): void {
    this.#arriving.get(shardId)?.gate.open();
    this.#arriving.delete(shardId);
  }

  #deliverTo(shardId: number, signal?: AbortSignal): Deliver {
    const { listeners, manager } = this.#given;
    const send = (event: 'ready' | 'dispatch', value: object): void => {
      signal?.throwIfAborted();
      void listeners.during(() => emitOn(manager, event, value, shardId));
    };
    return {
      ready: (data) => send('ready', data),
      dispatch: (type, data) => send('dispatch', packet(type, data)),
    };
  }
}
