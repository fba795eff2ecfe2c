/**
 * The shard host of a simulated bot: shards of a simulated library, and user code whose state moves with them. It is one of before live
 * migration; `live-host.ts` adds that.
 */
import { NodeError, UserEventRegistry } from '@dshard/node';
import type { Cursor, HostContext, ResumeHow, ShardHost, TransferContext } from '@dshard/node';
import type { ShardReport } from '@dshard/protocol';
import { delay } from '@dshard/transport';
import type { Clock, Transport } from '@dshard/transport';
import type { Observe } from '../observation.js';
import type { Draw } from '../random.js';
import type { HostBehaviour } from './behaviour.js';
import { SimShard } from './sim-shard.js';
import { UserCode } from './user-code.js';

/** `last` null: the channel is forgotten. */
type StateEntry = { index: number; channel: string; last: number | null };

export const userEvents: UserEventRegistry<{ entry: StateEntry }> = new UserEventRegistry<{
  entry: StateEntry;
}>().register(100, 'entry');

/** Discord admits one IDENTIFY per key and 5 s; who is not coordinated keeps to one per window for all its shards. */
const LOCAL_IDENTIFY_PAUSE_MS = 5_200;

export type SimHostOptions = {
  node: string;
  clock: Clock;
  random: Draw;
  gateway: Transport;
  behaviour: HostBehaviour;
  /** How long each piece of state takes to be sent. */
  sendMs: number;
  /** What user code takes for an event at most. */
  handlingMs: number;
  /** How often user code, or the gateway, is not ready for a shard that comes. */
  failsToGetReady: number;
  observe: Observe;
};

/** `kept`: the state of a shard that was closed to be handed over, with the cursor it belongs to. */
type Hosted = { shard: SimShard; kept: Cursor | null };
/** State on its way in, and how many pieces of it came. */
type Arriving = { state: Map<string, number>; pieces: number };

export class SimHost implements ShardHost {
  protected readonly options: SimHostOptions;
  protected readonly user: UserCode = new UserCode();
  readonly #shards = new Map<number, Hosted>();
  readonly #arriving = new Map<number, Arriving>();
  #localIdentifyAt = 0;

  constructor(options: SimHostOptions) {
    this.options = options;
  }

  /** Shards that are not stopped, and whether they are up. */
  openShards(): ReadonlyMap<number, boolean> {
    const open = [...this.#shards].filter(([, { shard }]) => !shard.isStopped);
    return new Map(open.map(([shardId, { shard }]) => [shardId, shard.isUp]));
  }

  async startShards(shardIds: readonly number[], context: HostContext): Promise<void> {
    for (const shardId of shardIds) {
      if (this.#shards.get(shardId)?.shard.isStopped === false) continue;
      this.user.forget(shardId);
      const shard = this.make(shardId, null, context);
      this.#shards.set(shardId, { shard, kept: null });
      shard.open();
    }
  }

  async resumeShard(shardId: number, session: Cursor, context: HostContext, how?: ResumeHow): Promise<void> {
    const { node, observe } = this.options;
    const before = this.#shards.get(shardId);
    const arrived = this.#arriving.get(shardId);
    this.#arriving.delete(shardId);
    const received = arrived?.pieces ?? 0;
    const isOwn = before?.kept?.sessionId === session.sessionId && before.kept.sequence === session.sequence;
    if (received > 0 || !isOwn) this.user.adopt(shardId, arrived?.state ?? new Map());
    // It is there before anything is waited for: a stop that comes meanwhile must find it.
    const parked = this.takeParked(shardId, session);
    const redelivers = how?.redelivers === true && this.options.behaviour.marksRedeliveries;
    const shard = parked ?? this.make(shardId, session, context, redelivers);
    this.#shards.set(shardId, { shard, kept: null });
    const settled = shard.whenSettled();
    settled.catch(() => undefined);
    await before?.shard.stop({ keepSession: true });
    if (!shard.isStopped) {
      const state = this.user.stateOf(shardId);
      observe({ kind: 'resuming', node, shard: shardId, cursor: session, state, received });
      if (parked === null) shard.open();
      else shard.resumeParked(session, redelivers);
    }
    await settled;
  }

  async stopShard(shardId: number, { keepSession }: { keepSession: boolean }): Promise<Cursor | null> {
    const hosted = this.#shards.get(shardId);
    if (hosted === undefined) return null;
    const cursor = await this.stop(shardId, hosted.shard, keepSession);
    if (this.#shards.get(shardId) === hosted) {
      this.#shards.delete(shardId);
      this.user.forget(shardId);
    }
    return keepSession ? cursor : null;
  }

  async prepareTransferFrom(shardId: number): Promise<Cursor> {
    const hosted = this.#shards.get(shardId);
    if (hosted === undefined || hosted.shard.cursor === null || hosted.shard.redelivers) {
      throw new NodeError('DSO_SHARD_NO_SESSION', `Shard ${shardId} cannot be moved yet.`);
    }
    const cursor = await this.stop(shardId, hosted.shard, true);
    if (cursor === null) throw new NodeError('DSO_SHARD_NO_SESSION', `Shard ${shardId} has lost its session.`);
    hosted.kept = cursor;
    this.observeFrozen(shardId, cursor);
    return cursor;
  }

  protected observeFrozen(shardId: number, cursor: Cursor): void {
    const { node, observe } = this.options;
    observe({ kind: 'frozen', node, shard: shardId, cursor, state: this.user.stateOf(shardId) });
  }

  /** A connection that waits for this session to be resumed, if there is one. */
  protected takeParked(_shardId: number, _session: Cursor): SimShard | null {
    return null;
  }

  /** The state of the channel is another one now. */
  protected changed(_shardId: number, _channel: string): void {}

  protected hosted(shardId: number): Hosted {
    const hosted = this.#shards.get(shardId);
    if (hosted === undefined) throw new NodeError('DSO_SHARD_NOT_HOSTED', `Shard ${shardId} is not here.`);
    return hosted;
  }

  prepareTransferTo(shardId: number): void {
    this.#arriving.set(shardId, { state: new Map(), pieces: 0 });
  }

  async transferFrom(shardId: number, transfer: TransferContext): Promise<void> {
    await this.send([...this.user.stateOf(shardId)], 0, transfer);
  }

  /** @param from the place of the first of them among all that are sent. */
  protected async send(
    entries: readonly (readonly [channel: string, last: number | null])[],
    from: number,
    transfer: TransferContext,
  ): Promise<void> {
    const { clock, sendMs, behaviour } = this.options;
    const sent = behaviour.sendsWholeState || from > 0 ? entries : entries.slice(1);
    for (const [place, [channel, last]] of sent.entries()) {
      await transfer.send('entry', { index: from + place, channel, last });
      if (sendMs > 0) await delay(clock, sendMs, transfer.signal);
    }
  }

  handleUserEvent(shardId: number, _name: string, value: unknown): void {
    const { index, channel, last } = value as StateEntry;
    const arriving = this.#arriving.get(shardId);
    if (arriving === undefined) return;
    const { node, observe } = this.options;
    observe({ kind: 'stateArrived', node, shard: shardId, index, expected: arriving.pieces });
    arriving.pieces += 1;
    if (last === null) arriving.state.delete(channel);
    else arriving.state.set(channel, last);
  }

  async abortTransferTo(shardId: number): Promise<void> {
    this.#arriving.delete(shardId);
  }

  async released(shardId: number): Promise<void> {
    const hosted = this.#shards.get(shardId);
    if (hosted === undefined || !hosted.shard.isStopped) return;
    this.#shards.delete(shardId);
    this.user.forget(shardId);
  }

  cursorOf(shardId: number): Cursor | null {
    return this.#shards.get(shardId)?.shard.cursor ?? null;
  }

  report(): readonly ShardReport[] {
    return [...this.#shards].map(([shardId, { shard }]) => ({
      shardId,
      phase: shard.phase,
      pingMs: -1,
      guilds: 0,
      events: shard.events,
      session: shard.isStopped ? null : shard.cursor,
    }));
  }

  protected async stop(shardId: number, shard: SimShard, keepSession: boolean): Promise<Cursor | null> {
    const stopping = shard.stop({ keepSession });
    this.options.observe({ kind: 'stopped', node: this.options.node, shard: shardId });
    return stopping;
  }

  protected make(shardId: number, session: Cursor | null, context: HostContext, redelivers = false): SimShard {
    const { node, clock, random, gateway, behaviour, handlingMs, observe } = this.options;
    return new SimShard({
      shardId,
      session,
      redelivers,
      context,
      clock,
      random,
      gateway,
      behaviour,
      handlingMs,
      paceLocally: (signal) => this.#paceLocally(signal),
      onMessage: ({ id: eventId, channel_id: channel, number }, { sessionId, sequence }, redelivered) => {
        const expected = this.user.handle(shardId, channel, number);
        this.changed(shardId, channel);
        const event = { sessionId, sequence, eventId, channel, number, expected, redelivered };
        observe({ kind: 'handed', node, shard: shardId, ...event });
      },
      onResume: (cause) => observe({ kind: 'begins', node, shard: shardId, cause }),
      onUp: ({ sessionId }, how) => {
        // The session is new: what was remembered may have gaps now.
        if (how === 'ready') {
          for (const channel of this.user.stateOf(shardId).keys()) this.changed(shardId, channel);
          this.user.forget(shardId);
        }
        observe({ kind: 'up', node, shard: shardId, sessionId, how });
      },
      onIdentify: (permit) => observe({ kind: 'identify', node, shard: shardId, permit }),
    });
  }

  async #paceLocally(signal: AbortSignal): Promise<void> {
    const { clock } = this.options;
    const at = Math.max(clock.now(), this.#localIdentifyAt);
    this.#localIdentifyAt = at + LOCAL_IDENTIFY_PAUSE_MS;
    await delay(clock, at - clock.now(), signal);
  }
}
