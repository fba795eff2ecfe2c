/**
 * The bot's own code, for the hosts that know it as handlers only: what it is told of a shard that leaves, and what it is still doing when its
 * process ends.
 */
import type { Clock, Logger } from '@dshard/transport';
import { delay } from '@dshard/transport';
import { messageOf } from '@dshard/protocol';
import type { LeavingHow } from '../shard-host.js';
import { LeaveNotice } from './leave-notice.js';
import type { ShardLeaving } from './leave-notice.js';
import { WorkInFlight } from './work-in-flight.js';

export type LeaveHooks = {
  /**
   * A shard is to leave this process, and still serves. It stays until what is returned, or given to `waitUntil`, has ended, as long as the
   * node's patience lasts.
   */
  onLeaving?: (shardId: number, notice: ShardLeaving) => void | Promise<void>;
  /** It does not leave after all. */
  onStays?: (shardId: number) => void;
  /** It runs in another process now. */
  onMoved?: (shardId: number) => void;
};

/** As long as the answer to a command may take whose handler's promise nobody has; the node's `lingerMs` bounds it. */
const INTERACTION_MS = 15_000;
const MESSAGE_MS = 3_000;
const LOOK_EVERY_MS = 50;

export type UserCodeOptions = { hooks: LeaveHooks; clock: Clock; logger: Logger };

export class UserCode {
  readonly #given: UserCodeOptions;
  readonly #work = new WorkInFlight((error) => this.#failed(error));
  readonly #ended = new AbortController();
  /** Until when a command may be at work that nobody knows of. */
  #openUntil = -Infinity;

  constructor(given: UserCodeOptions) {
    this.#given = given;
  }

  /** Calls it. What it promises is waited for when the process ends; the promise that is returned never rejects. */
  call(userCode: () => unknown): Promise<void> | undefined {
    return this.#work.call(userCode);
  }

  /** It got an event, and nobody knows what it does with it. */
  took(type: string): void {
    const ms = type === 'INTERACTION_CREATE' ? INTERACTION_MS : type === 'MESSAGE_CREATE' ? MESSAGE_MS : 0;
    if (ms > 0) this.#openUntil = Math.max(this.#openUntil, this.#given.clock.monotonicMs() + ms);
  }

  /** See ShardHost. */
  async leaving(shardId: number, how: LeavingHow): Promise<void> {
    const notice = new LeaveNotice(how, (work) => this.#work.add(work));
    await this.call(async () => this.#given.hooks.onLeaving?.(shardId, notice));
    await notice.ended();
  }

  stays(shardId: number): void {
    void this.call(async () => this.#given.hooks.onStays?.(shardId));
  }

  moved(shardId: number): void {
    void this.call(async () => this.#given.hooks.onMoved?.(shardId));
  }

  async settled(): Promise<void> {
    const { clock } = this.#given;
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
    this.#given.logger.error({ error }, `The bot's own code failed: ${messageOf(error)}`);
  }
}
