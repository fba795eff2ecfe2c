/**
 * Where the dispatches of one shard go to user code: in order, each noted in the cursor as it is handed over.
 *
 * States: `open`; `frozen` (what comes is kept, in order, and the cursor stands still) ⇄ `open`; `held` (the same, by itself: the process
 * slept, and does not know whether the shard is its own) → `open`, or `skipping` when nobody could say (nothing is kept or handed over
 * until the next connection replays it); `shut` (what comes is nobody's here: Discord replays it to whoever resumes the session).
 *
 * What is kept is bounded: beyond `MAX_KEPT_EVENTS` the rest is left to Discord, too. `overflowed` is told once, and has to end
 * the connection, so that the shard resumes after the last event that was kept.
 */
import type { GatewayDispatchPayload } from 'discord-api-types/v10';
import { messageOf } from '../../errors.js';
import type { Cursor } from '../../session/state.js';
import type { Tenancy } from '../../tenancy.js';
import { GuildCount } from './guild-count.js';
import type { GatewayOptions } from './gateway-options.js';
import type { HostedShardOptions } from './hosted-shard-options.js';
import type { ShardCursor } from './shard-cursor.js';
import { noSession, replaying } from './shard-errors.js';

/** At 5 s, the usual freeze timeout, 2000 events a second on one shard. */
const MAX_KEPT_EVENTS = 10_000;

export type EventIntakeOptions = {
  shardId: number;
  /** `redelivers`: what comes up to RESUMED, or READY, is marked. `hold`: begins frozen, until then. */
  begins: Pick<HostedShardOptions, 'redelivers' | 'hold'>;
  options: Pick<GatewayOptions, 'onDispatch' | 'logger'>;
  cursor: ShardCursor;
  /** After `onDispatch`: the manager's listeners. */
  emit: (payload: GatewayDispatchPayload) => void;
  overflowed: () => void;
  tenancy: Tenancy | undefined;
  /** Nobody could say whether what was kept is stale: a new connection has to be made, from the cursor. */
  distrusted: () => void;
};

type State =
  | { kind: 'open' }
  | { kind: 'frozen'; kept: GatewayDispatchPayload[] }
  | { kind: 'held'; kept: GatewayDispatchPayload[] }
  | { kind: 'skipping' }
  | { kind: 'shut' };

export class EventIntake {
  readonly #given: EventIntakeOptions;
  readonly #guilds = new GuildCount();
  /** Calls of `onDispatch` under way. */
  readonly #handlers = new Set<Promise<void>>();
  #state: State = { kind: 'open' };
  #redelivers: boolean;
  #events = 0;

  constructor(given: EventIntakeOptions) {
    this.#given = given;
    const { hold, redelivers } = given.begins;
    this.#redelivers = redelivers;
    if (hold !== undefined) {
      this.freeze();
      void hold.then(() => this.thaw());
    }
  }

  /** A connection that was parked is for use now, and this is how. */
  begin({ redelivers }: { redelivers: boolean }): void {
    this.#redelivers = redelivers;
  }

  /** Where another node could go on. Throws while there is no such place: it would not know which events of a replay are marked. */
  movable(): Cursor {
    const { cursor, shardId } = this.#given;
    if (cursor.current === null) throw noSession(shardId);
    if (this.#redelivers) throw replaying(shardId);
    return cursor.current;
  }

  /** Where the shard stops. What comes after it may have been handled if a replay was under way that another node may have handled. */
  get last(): Cursor | null {
    const { current } = this.#given.cursor;
    return current !== null && this.#redelivers ? { ...current, redelivers: true } : current;
  }

  /** Dispatches handed to user code. */
  get events(): number {
    return this.#events;
  }

  get guilds(): number {
    return this.#guilds.count;
  }

  take(payload: GatewayDispatchPayload): void {
    const { tenancy } = this.#given;
    if (this.#state.kind === 'open' && tenancy?.mayHandOver() === false) {
      this.#hold(tenancy);
    }
    if (this.#state.kind === 'open') {
      this.#handOver(payload);
    } else if (this.#state.kind === 'frozen' || this.#state.kind === 'held') {
      this.#keep(this.#state.kept, payload);
    }
  }

  /** From the first instruction on nothing is handed over. */
  freeze(): void {
    if (this.#state.kind === 'open' || this.#state.kind === 'held') {
      const kept = this.#state.kind === 'held' ? this.#state.kept : [];
      this.#state = { kind: 'frozen', kept };
    }
  }

  #hold(tenancy: Tenancy): void {
    this.#state = { kind: 'held', kept: [] };
    void tenancy.trusted().then((outcome) => {
      if (this.#state.kind !== 'held') {
        return;
      }
      if (outcome === 'confirmed') {
        this.thaw();
      } else {
        this.#state = { kind: 'skipping' };
        this.#given.distrusted();
      }
    });
  }

  /** A new connection: what comes on it is what Discord has for the cursor. */
  connected(): void {
    if (this.#state.kind === 'skipping') {
      this.#state = { kind: 'open' };
    }
  }

  /** Hands over what was kept, before anything newer. */
  thaw(): void {
    if (this.#state.kind !== 'frozen' && this.#state.kind !== 'held') {
      return;
    }
    const { kept } = this.#state;
    this.#state = { kind: 'open' };
    // All in this turn, so that nothing newer comes in between. A handler may freeze or stop the shard again.
    for (const payload of kept) {
      this.take(payload);
    }
  }

  shut(): void {
    this.#state = { kind: 'shut' };
  }

  /** Resolves when the handlers that are under way now have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#handlers);
  }

  #keep(kept: GatewayDispatchPayload[], payload: GatewayDispatchPayload): void {
    if (kept.length < MAX_KEPT_EVENTS) {
      kept.push(payload);
      if (kept.length === MAX_KEPT_EVENTS) {
        this.#given.overflowed();
      }
    }
  }

  #handOver(payload: GatewayDispatchPayload): void {
    if (this.#wasHandedOver(payload)) {
      return;
    }
    const type: string = payload.t;
    this.#redelivers &&= type !== 'RESUMED' && type !== 'READY';
    this.#given.cursor.handed(payload.s);
    this.#events++;
    this.#guilds.see(payload);
    this.#callOnDispatch(payload);
    this.#given.emit(payload);
  }

  /**
   * At op 9 (resumable) the library asks for the sequence before it has emitted what came just before, and RESUMEs from there: Discord then
   * replays what user code has had. READY and RESUMED belong to the connection, not to the stream.
   */
  #wasHandedOver({ t, s }: GatewayDispatchPayload): boolean {
    const type: string = t;
    return type !== 'READY' && type !== 'RESUMED' && this.#given.cursor.isBeyond(s);
  }

  #callOnDispatch(payload: GatewayDispatchPayload): void {
    const { options, shardId } = this.#given;
    const complain = (error: unknown): void =>
      options.logger.error({ shard: shardId, event: payload.t, error }, `onDispatch failed: ${messageOf(error)}`);
    try {
      const work = options.onDispatch(payload, shardId, { redelivered: this.#redelivers });
      if (work instanceof Promise) {
        const done: Promise<void> = work.catch(complain).finally(() => this.#handlers.delete(done));
        this.#handlers.add(done);
      }
    } catch (error) {
      complain(error);
    }
  }
}
