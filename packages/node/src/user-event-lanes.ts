/**
 * The destination's side of moving state: one lane per staging, in which the shard's user events are handled in the
 * order they came, the next when the last has ended. A lane that was dropped hands nothing more to the host; a lane
 * stops for good at the first event that fails. A full lane does not hold up the shards that serve here.
 */
import type { Clock } from '@dshard/transport';
import { messageOf } from '@dshard/protocol';
import { Breather } from './breather.js';
import { NodeError } from './errors.js';
import type { UserEventCodec } from './options.js';
import type { ShardHost } from './shard-host.js';

/** So many bytes may be handled before they are told. */
const TOLD_BYTES = 64 * 1024;

type Waiting = { eventId: number; body: Uint8Array };
type Lane = { shardId: number; queue: Waiting[]; working: Promise<void> | null };

export type UserEventLanesOptions = {
  host: ShardHost;
  clock: Clock;
  userEvents: UserEventCodec;
  /** Bounds one call of the host. */
  inTime: (work: Promise<void>) => Promise<void>;
  handled: (stage: number, shardId: number, what: { events: number; bytes: number }, failure: string | null) => void;
};

export class UserEventLanes {
  readonly #options: UserEventLanesOptions;
  readonly #lanes = new Map<number, Lane>();

  constructor(options: UserEventLanesOptions) {
    this.#options = options;
  }

  add(stage: number, shardId: number, eventId: number, body: Uint8Array): void {
    const lane = this.#lanes.get(stage) ?? { shardId, queue: [], working: null };
    this.#lanes.set(stage, lane);
    lane.queue.push({ eventId, body });
    // Behind this turn, so that what came in one piece is handled in one go.
    lane.working ??= Promise.resolve().then(() => this.#work(stage, lane));
  }

  /** Resolves when the event being handled, if any, has ended; no other follows it. */
  async drop(stage: number): Promise<void> {
    const lane = this.#lanes.get(stage);
    this.#lanes.delete(stage);
    await lane?.working;
  }

  async #work(stage: number, lane: Lane): Promise<void> {
    const breather = new Breather(this.#options.clock);
    const told = { events: 0, bytes: 0 };
    // What was handled is told together, though not once anything is waited for: credit hangs on the telling.
    const tell = (failure: string | null): void => {
      const { events, bytes } = told;
      Object.assign(told, { events: 0, bytes: 0 });
      if (events > 0) this.#options.handled(stage, lane.shardId, { events, bytes }, failure);
    };
    // The array is worked off in batches: shifting each event off a long one would be quadratic.
    while (lane.queue.length > 0) {
      const batch = lane.queue;
      lane.queue = [];
      for (const { eventId, body } of batch) {
        if (this.#lanes.get(stage) !== lane) {
          return;
        }
        const work = this.#handle(lane.shardId, eventId, body);
        if (work instanceof Promise) tell(null);
        const failure = work instanceof Promise ? await work : work;
        if (failure !== null) {
          this.#lanes.delete(stage);
        }
        told.events += 1;
        told.bytes += body.byteLength;
        const isTired = breather.isTired;
        if (failure !== null || isTired || told.bytes >= TOLD_BYTES) tell(failure);
        if (isTired) await breather.breathe();
      }
      tell(null);
    }
    lane.working = null;
    // An idle lane is made anew by the next event.
    if (this.#lanes.get(stage) === lane) {
      this.#lanes.delete(stage);
    }
  }

  /** What went wrong, or null; a promise of that only where the host has something to wait for. */
  #handle(shardId: number, eventId: number, body: Uint8Array): Promise<string | null> | string | null {
    const { host, userEvents, inTime } = this.#options;
    const failed = (error: unknown): string =>
      `User event ${eventId} of shard ${shardId} was not handled: ${messageOf(error)}`;
    try {
      if (host.handleUserEvent === undefined) {
        throw new NodeError('DSO_HOST_INCOMPLETE', `The host has no handleUserEvent for user event ${eventId}.`);
      }
      const { name, value } = userEvents.decode(eventId, body);
      const work = host.handleUserEvent(shardId, name, value);
      return work instanceof Promise ? inTime(work).then(() => null, failed) : null;
    } catch (error) {
      return failed(error);
    }
  }
}
