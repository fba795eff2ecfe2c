/**
 * The shard host of a simulated bot: the product's gateway shards on a simulated library, and user code whose state
 * moves with them. It is one of before live migration; `live-host.ts` adds that.
 */
import type { Cursor, HostContext, LossCause, ResumeHow, ShardHost, TransferContext } from '@dshard/node';
import { UserEventRegistry } from '@dshard/node';
import type { Decide, Dispatch, GatewaySocket, ShardNews, SocketRequest } from '@dshard/node/gateway-shard';
import { ShardPool } from '@dshard/node/gateway-shard';
import type { ShardReport } from '@dshard/protocol';
import { delay, silentLogger, type Clock, type Transport } from '@dshard/transport';
import { GENERIC_GATEWAY } from '../discord/discord.js';
import type { Observe, UserState } from '../observation.js';
import type { Draw } from '../random.js';
import { SimSocket, TIMEOUTS, type MessageEvent } from './sim-socket.js';

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
  /** Sessions come with resume URLs that Discord never gave. */
  strangeUrls: boolean;
  observe: Observe;
};

/** State on its way in, and how many pieces of it came. */
type Arriving = { state: Map<string, number>; pieces: number };

export class SimHost implements ShardHost {
  protected readonly options: SimHostOptions;
  protected readonly user: UserCode = new UserCode();
  protected readonly pool: ShardPool;
  /** By shard that was closed to be handed over: the cursor that its state belongs to. */
  readonly #kept = new Map<number, Cursor>();
  readonly #arriving = new Map<number, Arriving>();
  /** By shard that may identify: who said so. */
  readonly #permits = new Map<number, 'granted' | 'uncoordinated'>();
  /** Of the connection that is being made: how the one before ended. */
  #cause: LossCause = 'attached';
  /** By shard: its last connection. */
  readonly #sockets = new Map<number, SimSocket>();
  #localIdentifyAt = 0;

  constructor(options: SimHostOptions) {
    this.options = options;
    const { clock, random } = options;
    this.pool = new ShardPool({
      options: {
        clock,
        random,
        logger: silentLogger,
        timeouts: TIMEOUTS,
        deliver: (payload, shardId, { redelivered }) => this.#deliver(payload, shardId, redelivered),
      },
      openSocket: (request) => this.#openSocket(request),
      gatewayUrl: () => GENERIC_GATEWAY,
      locate: () => Promise.resolve(GENERIC_GATEWAY),
      localThrottler: () => Promise.resolve({ waitForIdentify: (_, signal) => this.#paceLocally(signal) }),
      tell: (event, _, shardId) => this.#tell(event, shardId),
      decide: (state, event, now) => this.#decide(state, event, now),
    });
  }

  /** Shards that are not stopped, and whether they are up. */
  openShards(): ReadonlyMap<number, boolean> {
    const open = [...this.pool.all].filter(([, { isOpen }]) => isOpen);
    return new Map(open.map(([shardId, shard]) => [shardId, shard.report().phase === 'ready']));
  }

  async startShards(shardIds: readonly number[], context: HostContext): Promise<void> {
    for (const shardId of shardIds) {
      if (this.pool.all.get(shardId)?.isOpen === true) continue;
      this.user.forget(shardId);
      this.#kept.delete(shardId);
      this.pool.start([shardId], this.withPermits(shardId, context));
    }
  }

  async resumeShard(
    shardId: number,
    session: Cursor,
    context: HostContext,
    how: ResumeHow = { stateLost: false, redelivers: false },
  ): Promise<void> {
    const { node, observe } = this.options;
    const arrived = this.#arriving.get(shardId);
    this.#arriving.delete(shardId);
    const received = arrived?.pieces ?? 0;
    const kept = this.#kept.get(shardId);
    this.#kept.delete(shardId);
    const isOwn = kept?.sessionId === session.sessionId && kept.sequence === session.sequence;
    if (received > 0 || !isOwn) this.user.adopt(shardId, arrived?.state ?? new Map());
    const state = this.user.stateOf(shardId);
    const { redelivers, stateLost } = how;
    observe({ kind: 'resuming', node, shard: shardId, cursor: session, state, received, stateLost });
    const loading = this.loading(how);
    const resumed = this.pool.resume(shardId, this.asItComes(session), this.withPermits(shardId, context), {
      redelivers,
      ...(loading !== null && { hold: loading }),
    });
    await resumed;
    observe({ kind: 'resumed', node, shard: shardId, isUp: this.pool.all.get(shardId)?.link === 'ready' });
  }

  async stopShard(shardId: number, { keepSession }: { keepSession: boolean }): Promise<Cursor | null> {
    const shard = this.pool.all.get(shardId);
    if (shard === undefined) return null;
    const stopping = this.pool.stop(shardId, { keepSession });
    this.#observeStopped(shardId);
    const cursor = await stopping;
    const now = this.pool.all.get(shardId);
    if (now === undefined || now === shard) {
      this.#kept.delete(shardId);
      this.user.forget(shardId);
    }
    return cursor;
  }

  /** Cannot keep events: closes the connection. */
  async freeze(shardId: number): Promise<Cursor> {
    const cursor = await this.pool.freeze(shardId);
    await this.close(shardId);
    this.observeFrozen(shardId, cursor);
    return cursor;
  }

  /** Closes the connection of a frozen shard; its state is kept. */
  protected async close(shardId: number): Promise<void> {
    const closing = this.pool.release(shardId);
    this.#observeStopped(shardId);
    await closing;
    const cursor = this.pool.cursorOf(shardId);
    if (cursor !== null) this.#kept.set(shardId, cursor);
  }

  #observeStopped(shardId: number): void {
    this.options.observe({ kind: 'stopped', node: this.options.node, shard: shardId });
  }

  protected observeFrozen(shardId: number, cursor: Cursor): void {
    const { node, observe } = this.options;
    observe({ kind: 'frozen', node, shard: shardId, cursor, state: this.user.stateOf(shardId) });
  }

  /** Until when user code cannot take the shard's events; null: it can at once. */
  protected loading(_how: ResumeHow): Promise<void> | null {
    return null;
  }

  /** A session that has been through other hands. */
  protected asItComes(session: Cursor): Cursor {
    const { strangeUrls, random } = this.options;
    return strangeUrls && random.chance(0.3) ? { ...session, resumeGatewayUrl: 'wss://gateway.example.com/' } : session;
  }

  /** The state of the channel is another one now. */
  protected changed(_shardId: number, _channel: string): void {}

  async warm(shardId: number, _session: Cursor | null): Promise<void> {
    this.isReady(shardId);
  }

  protected isReady(shardId: number): void {
    const { node, observe } = this.options;
    observe({ kind: 'ready', node, shard: shardId });
  }

  prepareTransferTo(shardId: number): void {
    this.#arriving.set(shardId, { state: new Map(), pieces: 0 });
  }

  async exportDelta(shardId: number, transfer: TransferContext): Promise<void> {
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
    const shard = this.pool.all.get(shardId);
    if (shard === undefined || shard.isOpen) return;
    await this.pool.released(shardId);
    this.#kept.delete(shardId);
    this.user.forget(shardId);
  }

  report(): readonly ShardReport[] {
    return this.pool.report();
  }

  cursorOf(shardId: number): Cursor | null {
    return this.pool.cursorOf(shardId);
  }

  /** Notes who let the shard identify. */
  protected withPermits(shardId: number, context: HostContext): HostContext {
    return {
      ...context,
      requestIdentify: async (id, signal) => {
        const permit = await context.requestIdentify(id, signal);
        this.#permits.set(shardId, permit.coordinated ? 'granted' : 'uncoordinated');
        return permit;
      },
    };
  }

  /** The machine, seeded bugs included, and a look at why it connects. */
  #decide(...[state, event, now]: Parameters<Decide>): ReturnType<Decide> {
    const decision = this.options.behaviour.decideShard(state, event, now);
    if ('cause' in state.link && decision.effects.some(({ kind }) => kind === 'open')) this.#cause = state.link.cause;
    return decision;
  }

  #openSocket(request: SocketRequest): GatewaySocket {
    const { clock, random, gateway, handlingMs, observe, node } = this.options;
    const { shardId: shard } = request;
    const cause = request.resumes ? this.#cause : 'attached';
    const socket = new SimSocket(
      {
        clock,
        random,
        gateway,
        handlingMs,
        onStart: (what) => {
          if (what === 'resume') observe({ kind: 'begins', node, shard, cause });
          else observe({ kind: 'identify', node, shard, permit: this.#permits.get(shard) ?? 'none' });
          this.#permits.delete(shard);
        },
        onInvalidated: () => observe({ kind: 'invalidated', node, shard }),
      },
      request,
    );
    this.#sockets.set(shard, socket);
    return socket;
  }

  #tell(event: ShardNews, shardId: number): void {
    if (event !== 'ready' && event !== 'resumed') return;
    const { node, observe } = this.options;
    const sessionId = this.pool.cursorOf(shardId)?.sessionId ?? '';
    observe({ kind: 'up', node, shard: shardId, sessionId, how: event });
  }

  #deliver({ t, s, d }: Dispatch, shardId: number, redelivered: boolean): void {
    if (t === 'READY') return this.#begins(shardId);
    if (t !== 'MESSAGE_CREATE') return;
    const { node, observe } = this.options;
    const { id: eventId, channel_id: channel, number, sessionId } = d as MessageEvent;
    const expected = this.user.handle(shardId, channel, number);
    this.changed(shardId, channel);
    const late = this.#sockets.get(shardId)?.isTaken === true;
    const event = { sessionId, sequence: s, eventId, channel, number, expected, redelivered, late };
    observe({ kind: 'handed', node, shard: shardId, ...event });
  }

  /** The session is new: what was remembered may have gaps now. */
  #begins(shardId: number): void {
    for (const channel of this.user.stateOf(shardId).keys()) this.changed(shardId, channel);
    this.user.forget(shardId);
  }

  async #paceLocally(signal: AbortSignal): Promise<void> {
    const { clock } = this.options;
    const at = Math.max(clock.now(), this.#localIdentifyAt);
    this.#localIdentifyAt = at + LOCAL_IDENTIFY_PAUSE_MS;
    await delay(clock, at - clock.now(), signal);
  }
}

/**
 * What a simulated host may do wrong: mutants switch one of them on to prove that somebody notices. Bugs of the gateway
 * shard are in its machine.
 */
export type HostBehaviour = {
  /** The machine of its gateway shards. */
  decideShard: Decide;
  /** Whether all of a shard's state is sent. */
  sendsWholeState: boolean;
  /** Whether what changes while the state is copied is sent once more. */
  sendsChanges: boolean;
};

/**
 * The bot's own code: it remembers of every channel the number of its last message, and that memory moves with the
 * shard. So it knows which number must come next, and notices what was lost, repeated or reordered.
 */
export class UserCode {
  readonly #shards = new Map<number, Map<string, number>>();

  /** The number that had to come, null when nothing is remembered of the channel. Remembers the one that came. */
  handle(shard: number, channel: string, number: number): number | null {
    const channels = this.#channels(shard);
    const last = channels.get(channel);
    channels.set(channel, number);
    return last === undefined ? null : last + 1;
  }

  stateOf(shard: number): UserState {
    return new Map(this.#channels(shard));
  }

  adopt(shard: number, state: UserState): void {
    this.#shards.set(shard, new Map(state));
  }

  forget(shard: number): void {
    this.#shards.delete(shard);
  }

  #channels(shard: number): Map<string, number> {
    let channels = this.#shards.get(shard);
    if (channels === undefined) this.#shards.set(shard, (channels = new Map()));
    return channels;
  }
}
