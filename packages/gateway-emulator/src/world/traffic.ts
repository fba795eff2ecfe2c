/**
 * The traffic: messages at a steady rate over all guilds in turn, so that every shard gets its share.
 *
 * What is due follows from the time that passed, not from how often the timer fired: a late timer is made up for, up to
 * `maxBacklogMs`. Messages of one timer go out together (20 each 10 ms at 2000/s).
 */
import type { Cancel, Clock, Random } from '@dshard/transport';
import type { TrafficEvent } from '../core/dispatch.js';
import { directMessage, guildMessage } from './messages.js';
import { pick } from './seeded-random.js';
import { snowflakeSource } from './snowflakes.js';
import type { World } from './world.js';

export type TrafficOptions = {
  world: World;
  clock: Clock;
  random: Random;
  /** One message in so many is a direct one, which goes to shard 0. 0: none. */
  directEvery: number;
  emit: (event: TrafficEvent) => void;
};

const timerMs = 10;
const maxBacklogMs = 5_000;

export class Traffic {
  readonly #options: TrafficOptions;
  readonly #nextId = snowflakeSource();
  #state: { kind: 'stopped' } | { kind: 'running'; rate: number; since: number; done: number; cancel: Cancel } = {
    kind: 'stopped',
  };
  #made = 0;
  #guildTurn = 0;

  constructor(options: TrafficOptions) {
    this.#options = options;
  }

  /** Messages per second; 0 when stopped. */
  get rate(): number {
    return this.#state.kind === 'running' ? this.#state.rate : 0;
  }

  /** Messages made so far, whether or not a session got them. */
  get made(): number {
    return this.#made;
  }

  /** Starts, or goes on at another rate. `ratePerSecond` above 0. */
  start(ratePerSecond: number): void {
    if (!Number.isFinite(ratePerSecond) || ratePerSecond <= 0)
      throw new RangeError(`A rate of ${ratePerSecond} messages a second cannot be kept.`);
    this.stop();
    const { clock } = this.#options;
    const cancel = clock.every(timerMs, () => this.#makeDue());
    this.#state = { kind: 'running', rate: ratePerSecond, since: clock.monotonicMs(), done: 0, cancel };
  }

  stop(): void {
    if (this.#state.kind === 'running') this.#state.cancel();
    this.#state = { kind: 'stopped' };
  }

  /** Makes `count` messages at once, running or not. */
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
    const { world, clock, random, directEvery, emit } = this.#options;
    this.#made += 1;
    const now = clock.now();
    const id = this.#nextId(now);
    if (world.guilds.length === 0 || (directEvery > 0 && this.#made % directEvery === 0)) {
      emit(directMessage(pick(random, world.directChannels), id, now));
      return;
    }
    const guild = world.guilds[this.#guildTurn];
    this.#guildTurn = (this.#guildTurn + 1) % world.guilds.length;
    if (guild !== undefined) emit(guildMessage(guild, random, id, now));
  }
}
