/**
 * The traffic: what people do, at a steady rate over all guilds in turn, so that every shard gets its share. Messages
 * by default; a mix says what else.
 *
 * What is due follows from the time that passed, not from how often the timer fired: a late timer is made up for, up to
 * `maxBacklogMs`. Messages of one timer go out together (20 each 10 ms at 2000/s).
 */
import type { Cancel, Clock, Random } from '@dshard/transport';
import type { TrafficEvent } from '../core/dispatch.js';
import { guildChurn } from './guild-churn.js';
import type { Guild } from './guild.js';
import type { EventMeta } from './member-events.js';
import { memberChurn, presenceChurn, reactionChurn, somebody, typingStarted, voiceChurn } from './member-events.js';
import { MessageWriter } from './messages.js';
import { pick } from './chance.js';
import type { SnowflakeSource } from './snowflakes.js';
import { kindDrawer, type TrafficKind, type TrafficMix } from './traffic-mix.js';
import type { World } from './world.js';

export type TrafficOptions = {
  world: World;
  clock: Clock;
  random: Random;
  /** One message in so many is a direct one, which goes to shard 0. 0: none. */
  directEvery: number;
  mix: TrafficMix;
  nextId: SnowflakeSource;
  /** Somebody uses a command of the bot; null when it has none. */
  interaction: (guild: Guild, meta: EventMeta) => TrafficEvent | null;
  emit: (event: TrafficEvent) => void;
};

const timerMs = 10;
const maxBacklogMs = 5_000;

export class Traffic {
  readonly #options: TrafficOptions;
  readonly #messages: MessageWriter;
  #mix: TrafficMix;
  #drawKind: () => TrafficKind;
  #state: { kind: 'stopped' } | { kind: 'running'; rate: number; since: number; done: number; cancel: Cancel } = {
    kind: 'stopped',
  };
  #made = 0;
  #guildTurn = 0;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#messages = new MessageWriter(options.world, options.random);
    this.#mix = options.mix;
    this.#drawKind = kindDrawer(options.mix, options.random);
  }

  get mix(): TrafficMix {
    return this.#mix;
  }

  /** From now on. Throws RangeError when no kind has a weight. */
  setMix(mix: TrafficMix): void {
    this.#drawKind = kindDrawer(mix, this.#options.random);
    this.#mix = mix;
  }

  /** Events per second; 0 when stopped. */
  get rate(): number {
    return this.#state.kind === 'running' ? this.#state.rate : 0;
  }

  /** Events made so far, whether or not a session got them. */
  get made(): number {
    return this.#made;
  }

  /** Starts, or goes on at another rate. `ratePerSecond` above 0. */
  start(ratePerSecond: number): void {
    if (!Number.isFinite(ratePerSecond) || ratePerSecond <= 0)
      throw new RangeError(`A rate of ${ratePerSecond} events a second cannot be kept.`);
    this.stop();
    const { clock } = this.#options;
    const cancel = clock.every(timerMs, () => this.#makeDue());
    this.#state = { kind: 'running', rate: ratePerSecond, since: clock.monotonicMs(), done: 0, cancel };
  }

  stop(): void {
    if (this.#state.kind === 'running') this.#state.cancel();
    this.#state = { kind: 'stopped' };
  }

  /** Makes `count` events at once, running or not. */
  burst(count: number): void {
    for (let index = 0; index < count; index += 1) this.#makeOne();
  }

  #makeDue(): void {
    const state = this.#state;
    if (state.kind !== 'running') return;
    const { clock } = this.#options;
    const elapsedMs = clock.monotonicMs() - state.since;
    const target = Math.floor((elapsedMs * state.rate) / 1000);
    const maxDue = Math.ceil((maxBacklogMs * state.rate) / 1000);
    const due = Math.min(target - state.done, maxDue);
    state.done = target;
    this.burst(due);
  }

  #makeOne(): void {
    const { world, clock, directEvery, emit } = this.#options;
    this.#made += 1;
    const now = clock.now();
    const meta = { id: this.#options.nextId(now), now };
    if (world.guildCount === 0 || (directEvery > 0 && this.#made % directEvery === 0)) {
      emit(this.#messages.direct(pick(this.#options.random, world.directChannels), meta.id, now));
      return;
    }
    const guild = world.guildAt(this.#guildTurn);
    this.#guildTurn = (this.#guildTurn + 1) % world.guildCount;
    const kind = this.#drawKind();
    if (kind === 'guilds') {
      guildChurn(guild, this.#options.random, meta).forEach(emit);
      return;
    }
    emit(this.#memberEvent(kind, guild, meta) ?? this.#messages.inGuild(guild, meta.id, now));
  }

  /** Null: it cannot happen here, such as a reaction where nobody has written yet. */
  #memberEvent(kind: Exclude<TrafficKind, 'guilds'>, guild: Guild, meta: EventMeta): TrafficEvent | null {
    const { world, random, interaction } = this.#options;
    switch (kind) {
      case 'messages':
        return null;
      case 'reactions':
        return reactionChurn(guild, random, (channelId) => world.lastMessageId(channelId), meta);
      case 'presences':
        return presenceChurn(guild, random, meta);
      case 'voice':
        return voiceChurn(guild, random, meta);
      case 'members':
        return memberChurn(guild, random, meta);
      case 'typing':
        return typingStarted(guild, pick(random, guild.textChannels), somebody(guild, random), meta);
      case 'interactions':
        return interaction(guild, meta);
    }
  }
}
