/**
 * The bot's own code, for the hosts that know it as handlers only: what it is told of a shard that leaves, and what it
 * is still doing when its process ends.
 */
import { delay, type Clock, type Logger } from '@dshard/transport';
import { messageOf } from '@dshard/protocol';
import type { Delivery, MissedEvents } from '../gateway-shard/options.js';
import type { LeavingHow, ShardHost } from '../shard-host.js';
import { WorkInFlight } from './work-in-flight.js';

export type LeaveHooks = {
  /**
   * A shard is to leave this process, and still serves. It stays until what is returned, or given to `waitUntil`, has
   * ended, as long as the node's patience lasts.
   */
  onLeaving?: (shardId: number, notice: ShardLeaving) => void | Promise<void>;
  /** It does not leave after all. */
  onStays?: (shardId: number) => void;
  /** It runs in another process now. */
  onMoved?: (shardId: number) => void;
  /** Its gateway session was lost for good: what came until the new one began is missed, unless the bot fetches it. */
  onMissed?: (missed: MissedEvents) => void | Promise<void>;
};

/** As long as the answer to a command may take whose handler's promise nobody has; the node's `lingerMs` bounds it. */
const INTERACTION_MS = 15_000;
const MESSAGE_MS = 3_000;
const LOOK_EVERY_MS = 50;

export type UserCodeOptions = { hooks: LeaveHooks; clock: Clock; logger: Logger };

export class UserCode {
  readonly #options: UserCodeOptions;
  readonly #work = new WorkInFlight((error) => this.#failed(error));
  readonly #ended = new AbortController();
  /** Until when a command may be at work that nobody knows of. */
  #openUntil = -Infinity;

  constructor(options: UserCodeOptions) {
    this.#options = options;
  }

  /** Calls it. What it promises is waited for when the process ends; the promise that is returned never rejects. */
  call(userCode: () => unknown): Promise<void> | undefined {
    return this.#work.call(userCode);
  }

  /** It got an event, and nobody knows what it does with it. */
  took(type: string): void {
    const ms = type === 'INTERACTION_CREATE' ? INTERACTION_MS : type === 'MESSAGE_CREATE' ? MESSAGE_MS : 0;
    if (ms > 0) this.#openUntil = Math.max(this.#openUntil, this.#options.clock.monotonicMs() + ms);
  }

  /** See ShardHost. */
  async leaving(shardId: number, how: LeavingHow): Promise<void> {
    const notice = new LeaveNotice(how, (work) => this.#work.add(work));
    await this.call(async () => this.#options.hooks.onLeaving?.(shardId, notice));
    await notice.ended();
  }

  stays(shardId: number): void {
    void this.call(async () => this.#options.hooks.onStays?.(shardId));
  }

  moved(shardId: number): void {
    void this.call(async () => this.#options.hooks.onMoved?.(shardId));
  }

  missed(missed: MissedEvents): void {
    void this.call(async () => this.#options.hooks.onMissed?.(missed));
  }

  async settled(): Promise<void> {
    const { clock } = this.#options;
    await this.#work.settled();
    while (clock.monotonicMs() < this.#openUntil && !this.#ended.signal.aborted) {
      await delay(clock, LOOK_EVERY_MS, this.#ended.signal).catch(() => undefined);
    }
  }

  /** See ShardHost. */
  closing(): void {
    this.#work.closing();
  }

  /** Nobody waits any more. */
  close(): void {
    this.#ended.abort();
  }

  #failed(error: unknown): void {
    this.#options.logger.error({ error }, `The bot's own code failed: ${messageOf(error)}`);
  }
}

/** A shard is to leave this process, and still serves. */
export type ShardLeaving = {
  /** The shard stays until the promise has ended, while the patience lasts. To be called while the notice is told. */
  readonly waitUntil: (work: Promise<unknown>) => void;
  /** How long the shard can stay, in milliseconds. */
  readonly patienceMs: number;
  /** Aborts when nobody waits any more: the patience is over, or the shard stays after all. */
  readonly signal: AbortSignal;
};

export class LeaveNotice implements ShardLeaving {
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly waitUntil: ShardLeaving['waitUntil'];
  readonly #works: Promise<void>[] = [];

  /** `track` is shown everything that is waited for; what it returns never rejects. */
  constructor(how: Pick<ShardLeaving, 'patienceMs' | 'signal'>, track: (work: Promise<unknown>) => Promise<void>) {
    this.patienceMs = how.patienceMs;
    this.signal = how.signal;
    this.waitUntil = (work) => void this.#works.push(track(Promise.resolve(work)));
  }

  /** Resolves when all that is waited for has ended, what was added meanwhile included. */
  async ended(): Promise<void> {
    for (let seen = 0; seen < this.#works.length;) {
      seen = this.#works.length;
      await Promise.all(this.#works);
    }
  }
}

/** The bot's own state per shard, to be moved with it. */
export type StateHooks = Pick<ShardHost, Moving | 'abortTransferTo' | 'released' | 'stateLost'>;

type Moving = 'prepareTransferTo' | 'exportState' | 'exportDelta' | 'handleUserEvent';

/** A host's methods for the state of its shards: those the bot has given hooks for: a node sees what the bot can. */
export function stateMethods(state: StateHooks): Pick<ShardHost, Moving> {
  const { exportState, exportDelta, handleUserEvent } = state;
  return {
    prepareTransferTo: async (shardId, session) => state.prepareTransferTo?.(shardId, session),
    ...(exportState && { exportState: async (shardId, transfer) => exportState.call(state, shardId, transfer) }),
    ...(exportDelta && { exportDelta: async (shardId, transfer) => exportDelta.call(state, shardId, transfer) }),
    ...(handleUserEvent && { handleUserEvent: handleUserEvent.bind(state) }),
  };
}

/** A host's methods for the bot's own code. */
export function codeMethods(code: UserCode): Pick<UserCode, 'leaving' | 'stays' | 'settled' | 'closing'> {
  return {
    leaving: (shardId, how) => code.leaving(shardId, how),
    stays: (shardId) => code.stays(shardId),
    settled: () => code.settled(),
    closing: () => code.closing(),
  };
}

/**
 * Interactions (commands, buttons, modals) of a shard that is taken over from a node that was lost. Discord takes one
 * first answer for each, within 3 s, and the lost node may have given it: what a handler says then is refused
 * ("Interaction has already been acknowledged", "Unknown interaction"), and most bots die of that, on one node after
 * the other. So user code that is not told what may have been handled before does not get them again. See
 * docs/decisions/012-interactions-come-once.md.
 */
export function isSpentInteraction({ t }: { readonly t: string | null }, { redelivered }: Delivery): boolean {
  return redelivered && t === 'INTERACTION_CREATE';
}
