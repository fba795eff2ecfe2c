/**
 * How a shard that ran elsewhere comes here, in the order that user code can rely on:
 *
 *     its session is resumed; what Discord replays is held back
 *     it is hosted: its guilds are in the caches as they are now, and what waited to be sent is sent
 *     the end of what listens to `clientReady`, for as long as `warm` would have waited for that
 *     `importShard`, awaited; when it fails the shard leaves again, and nothing was told
 *     guildAvailable, shardReady, shardResume
 *     what was replayed, then what comes
 *     the voice channels that it was in are joined anew, where the bot has not done so itself
 *
 * A shard whose guilds died with another node is resumed first, for its session must not expire; its guilds come from
 * Discord, while what is replayed is held back, and discord.js is told nothing of the connection.
 */
import type { Client } from 'discord.js';
import { messageOf } from '@dshard/protocol';
import { Breather } from '../../breather.js';
import { withinDeadline } from '../../deadline.js';
import { NodeError } from '../../errors.js';
import type { Cursor } from '../../session/state.js';
import type { HostContext, ResumeHow, ResumeOutcome } from '../../shard-host.js';
import type { GatewayOptions } from '../../gateway-shard/options.js';
import type { ShardPool } from '../../gateway-shard/shard-pool.js';
import { Gate } from '../turns.js';
import { loadBeginning, deliverBeginning, deliverStaged, type Beginning, type Deliver } from './cache-loader.js';
import type { ClientShards } from './client-shards.js';
import { emitOn, packet, showSession, type GatewayManager } from './gateway-manager.js';
import { setShardReady } from './internals.js';
import type { ListenersInFlight } from './listeners-in-flight.js';
import type { OrchestratedOptions } from './options.js';
import type { Readiness } from './readiness.js';
import type { Sends } from '../sends.js';
import type { Staged } from './shard-transfer.js';
import type { WholeState } from './staged-state.js';
import { joining, type VoiceChannels } from './voice-channels.js';

/** `gate` opens when user code can take the shard's events; `givenUp` aborts when the shard leaves before. */
type Arrival = {
  readonly gate: Gate;
  readonly givenUp: AbortController;
  /** Its guilds came from its origin. */
  readonly isStaged: boolean;
  /** READY of a new session, which came instead of RESUMED; null: it did not. */
  ready: unknown;
};

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
  readyMs: number;
  /** What a shard tells, to discord.js. */
  tell: (event: 'hello' | 'ready' | 'resumed', value: unknown, shardId: number) => void;
};

type Resume = { shardId: number; session: Cursor; context: HostContext; how: Partial<ResumeHow> };

export class Arrivals {
  readonly #setup: ArrivalsOptions;
  readonly #arriving = new Map<number, Arrival>();
  /** Shards of which shardResume was told before RESUMED is handed over. */
  readonly #toldResume = new Set<number>();

  constructor(setup: ArrivalsOptions) {
    this.#setup = setup;
  }

  has(shardId: number): boolean {
    return this.#arriving.has(shardId);
  }

  /** Discord began a new session after all, and sends the guilds. Returns whether discord.js is to be told now. */
  onReady(shardId: number, data: unknown): boolean {
    const arrival = this.#arriving.get(shardId);
    if (arrival?.isStaged === true) {
      arrival.ready = data;
      return false;
    }
    this.leaves(shardId);
    arrival?.gate.open();
    return true;
  }

  /** RESUMED is handed over. Returns whether shardResume was told before. */
  onResumed(shardId: number): boolean {
    return this.#toldResume.delete(shardId);
  }

  /** The shard leaves before it has come. */
  leaves(shardId: number): void {
    this.#arriving.get(shardId)?.givenUp.abort();
    this.#arriving.delete(shardId);
    this.#toldResume.delete(shardId);
  }

  /** The shard never left, or comes back as it was. */
  async back({ shardId, session, context, how }: Resume): Promise<ResumeOutcome> {
    const { manager, shards, hosted } = this.#setup;
    shards.add(shardId);
    // A connection that waits at HELLO was of nobody's interest when it got there.
    showSession(manager, shardId, session);
    emitOn(manager, 'hello', {}, shardId);
    return hosted.resume(shardId, session, context, how);
  }

  /** With what came from its origin. Rejects with `DSO_IMPORT_FAILED` when user code does not take it. */
  async withState(resume: Resume, staged: Staged, state: WholeState): Promise<ResumeOutcome> {
    const { shardId } = resume;
    const arrival = this.#begin(shardId, true);
    const outcome = await this.#resume(resume, arrival);
    if (this.#arriving.get(shardId) !== arrival) return outcome;
    this.#place(resume, state, outcome);
    await this.#untilReady();
    await this.#import(shardId, arrival, staged);
    if (this.#arriving.get(shardId) === arrival) this.#complete(shardId, arrival, state);
    return outcome;
  }

  /** Where the shard did not wait for what listens to `clientReady` before it was resumed, it does now. */
  async #untilReady(): Promise<void> {
    const { readiness, options, readyMs } = this.#setup;
    if (readiness.isMade) await readiness.heard(options.clock, readyMs);
  }

  #begin(shardId: number, isStaged: boolean): Arrival {
    this.leaves(shardId);
    const arrival: Arrival = { gate: new Gate(), givenUp: new AbortController(), isStaged, ready: null };
    this.#arriving.set(shardId, arrival);
    return arrival;
  }

  async #resume({ shardId, session, context, how }: Resume, arrival: Arrival): Promise<ResumeOutcome> {
    try {
      return await this.#setup.hosted.resume(shardId, session, context, { ...how, hold: arrival.gate.opened });
    } catch (error) {
      if (this.#arriving.get(shardId) === arrival) this.leaves(shardId);
      throw error;
    }
  }

  /** It runs here, with its guilds, and can send. */
  #place({ shardId, session }: Resume, state: WholeState, outcome: ResumeOutcome): void {
    const { client, manager, shards, sends, voice } = this.#setup;
    shards.add(shardId);
    shards.place(shardId, state.guilds);
    state.voice.forEach((channel) => voice.inherit(shardId, channel));
    if (outcome === 'resumed') {
      showSession(manager, shardId, session);
      setShardReady(client, shardId);
    }
    sends.arrived(shardId);
  }

  async #import(shardId: number, arrival: Arrival, { own }: Staged): Promise<void> {
    const { importShard, importMs, options, hosted } = this.#setup;
    if (own === null || importShard === undefined) return;
    const deadline = { what: 'importShard', ms: importMs, limit: 'timeouts.importMs' };
    try {
      await withinDeadline(options.clock, (async () => importShard(shardId, own.state))(), deadline);
    } catch (error) {
      if (this.#arriving.get(shardId) !== arrival) return;
      await hosted.stop(shardId, { keepSession: true });
      const message = `Shard ${shardId} cannot run here, because importShard did not take its state: ${messageOf(error)}`;
      throw new NodeError('DSO_IMPORT_FAILED', message, { cause: error });
    }
  }

  #complete(shardId: number, arrival: Arrival, state: WholeState): void {
    const { client, listeners, readiness, hosted, voice, sends, tell } = this.#setup;
    this.#arriving.delete(shardId);
    if (arrival.ready === null) {
      const available = state.guilds.filter((guild) => guild.available);
      const replayed = hosted.all.get(shardId)?.waiting ?? 0;
      readiness.make();
      void listeners.during(() => available.forEach((guild) => client.emit('guildAvailable', guild)));
      deliverStaged(state, this.#deliverTo(shardId));
      tell('hello', {}, shardId);
      tell('resumed', {}, shardId);
      this.#toldResume.add(shardId);
      // RESUMED itself is one of those that wait.
      void listeners.during(() => client.emit('shardResume', shardId, Math.max(0, replayed - 1)));
    } else {
      tell('ready', arrival.ready, shardId);
    }
    arrival.gate.open();
    joining(voice.inherited(shardId)).forEach((payload) => sends.send(shardId, payload));
  }

  /** The session first, for it expires; then the guilds, from Discord; then the events that were kept meanwhile. */
  async withoutState(resume: Resume): Promise<ResumeOutcome> {
    const { shardId, context } = resume;
    this.#setup.shards.add(shardId);
    const arrival = this.#begin(shardId, false);
    const outcome = await this.#resume(resume, arrival);
    if (outcome === 'resumed' && this.#arriving.get(shardId) === arrival) {
      void this.#load(shardId, arrival, context);
    } else {
      this.#end(shardId);
    }
    return outcome;
  }

  async #load(shardId: number, arrival: Arrival, context: HostContext): Promise<void> {
    const { options, hosted, tell } = this.#setup;
    const { clock, logger } = options;
    const { signal } = arrival.givenUp;
    try {
      const beginning = await loadBeginning(hosted, shardId, context, clock, signal);
      await this.#deliverLoaded(shardId, arrival, beginning);
      this.#end(shardId);
      tell('hello', {}, shardId);
      tell('resumed', {}, shardId);
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
    const { shards, options, readiness } = this.#setup;
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
    const { listeners, manager } = this.#setup;
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
