/**
 * One gateway shard at work: tells its machine (decide.ts) what happens, and carries out what that decides. It owns the
 * timer, the promises and the connection, and decides nothing; nothing else calls `deliver` (the linter sees to it).
 *
 * What happens while effects are carried out (a handler that freezes its shard, an answer that is there at once) waits
 * for its turn, so that each decision is made after all that the one before wanted.
 */
import type { Cancel } from '@dshard/transport';
import { messageOf, type ShardReport } from '@dshard/protocol';
import type { NodeError } from '../errors.js';
import type { Cursor } from '../session/state.js';
import type { HostContext, ResumeOutcome } from '../shard-host.js';
import { ABNORMAL_CODE, notMovable, preconnectFailed, refusedByDiscord, stopped } from './close-codes.js';
import { isPreconnectedFor } from './connecting.js';
import type { Dispatch } from './cursor.js';
import { decide as decideShard, dueAt, whyNotMovable, type Decide } from './decide.js';
import type { GatewayShardEffect, GatewayShardEvent, Moment } from './events.js';
import { GuildCount } from './gateway-info.js';
import type { HandlerCounts } from './handler-counts.js';
import { HandlersInFlight, Outcomes, settled, WaitingSends, type Settled } from './outcomes.js';
import type { GatewayOptions } from './options.js';
import { PermitRequest, type LocalThrottler } from './permit-request.js';
import { Questions } from './questions.js';
import type { GatewaySocket, OpenSocket, Sending, SocketNews } from './socket.js';
import {
  canSend,
  cursorOf,
  FIXED_RULES,
  initialShard,
  isFrozen,
  isOpen,
  phaseOf,
  silentMsOf,
  standingOf,
} from './state.js';
import type { GatewayShardState, Link } from './state.js';

export type GatewayShardOptions = {
  shardId: number;
  /** Where to go on, or null for a new session. */
  session: Cursor | null;
  /** Whether what is replayed of it may have been handled before. */
  redelivers: boolean;
  /** User code cannot take events before `loaded()`. */
  loading: boolean;
  context: HostContext;
  options: GatewayOptions;
  /** Of all shards of the process. */
  counts: HandlerCounts;
  openSocket: OpenSocket;
  /** The generic gateway URL; null: it has to be asked for. */
  gatewayUrl: string | null;
  /** Never rejects while the shard runs. */
  locate: () => Promise<string>;
  /** For orchestrators that do not pace identifies. */
  localThrottler: () => Promise<LocalThrottler>;
  /** READY, RESUMED, and what else the connection tells. */
  tell: (event: ShardNews, values: readonly unknown[]) => void;
  /** Another machine than the product's: seeded bugs. */
  decide?: Decide;
};

export type ShardNews = SocketNews | 'ready' | 'resumed';

export class GatewayShard {
  readonly #setup: GatewayShardOptions;
  readonly #decide: Decide;
  readonly #outcomes = new Outcomes();
  readonly #sends = new WaitingSends();
  readonly #handlers: HandlersInFlight;
  readonly #guilds = new GuildCount();
  readonly #permit: PermitRequest;
  readonly #questions: Questions;
  /** Aborts when the shard stops. */
  readonly #stopping = new AbortController();
  readonly #gone: Settled<void> = settled();
  readonly #preconnected: Settled<string | null> = settled();
  #state: GatewayShardState;
  #queue: GatewayShardEvent[] = [];
  #isDeciding = false;
  #socket: GatewaySocket | null = null;
  #timer: { at: number; cancel: Cancel } | null = null;
  /** A shard that leaves waits once for handlers. */
  #handlersDone: Promise<void> | null = null;
  #events = 0;
  /** When the connection was made, or brought a dispatch, by the monotonic clock. */
  #heardMs = 0;
  #pingMs = -1;

  constructor(setup: GatewayShardOptions) {
    const { session, redelivers, loading, options, gatewayUrl, shardId, context, localThrottler } = setup;
    this.#setup = setup;
    this.#decide = setup.decide ?? decideShard;
    const rules = { ...FIXED_RULES, ...options.timeouts };
    this.#state = { ...initialShard({ session, redelivers, loading, rules }), gatewayUrl };
    this.#handlers = new HandlersInFlight(options.clock);
    const granted = (): void => this.#handle({ kind: 'permit' });
    this.#permit = new PermitRequest({ shardId, context, localThrottler, granted });
    this.#questions = new Questions({
      lease: context.lease,
      locate: setup.locate,
      stopping: this.#stopping.signal,
      answer: (event) => this.#answered(event),
    });
  }

  /** Begins to connect, and keeps the shard connected from then on. `ageMs`: how old its session is. */
  connect(ageMs = 0): void {
    this.#handle({ kind: 'connect', ageMs });
  }

  /** Connects up to HELLO, and waits there for `resume`. Resolves at HELLO; rejects when its one attempt failed. */
  async preconnect(): Promise<void> {
    this.#handle({ kind: 'preconnect' });
    const failure = await this.#preconnected.promise;
    if (failure !== null) throw preconnectFailed(this.#setup.shardId, failure);
  }

  /** Whether a preconnected connection leads, or will lead, to where this session has to be resumed. */
  isPreconnectedFor(session: Cursor): boolean {
    return isPreconnectedFor(this.#state, session);
  }

  /** RESUMEs a preconnected shard, from `session`. `redelivers`: what comes up to RESUMED, or READY, is marked. */
  resume(session: Cursor, redelivers: boolean, ageMs = 0): Promise<ResumeOutcome> {
    const outcome = this.whenSettled();
    this.#handle({ kind: 'resume', session, redelivers, ageMs });
    return outcome;
  }

  /** User code can take events now. */
  loaded(): void {
    this.#handle({ kind: 'loaded' });
  }

  /**
   * From the first instruction on nothing is handed to user code; what comes is kept. Resolves with the cursor when the
   * handlers under way are done or out of time: those go on.
   */
  async freeze(): Promise<Cursor> {
    if (this.#state.mode.kind !== 'open') throw this.#endError();
    this.#handle({ kind: 'freeze' });
    // Within a handler its turn comes later.
    const isRefused = this.#isDeciding ? whyNotMovable(this.#state) !== null : !isFrozen(this.#state);
    const { session } = this.#state;
    if (isRefused || session === null) throw this.#notMovable();
    await this.#waitForHandlers();
    return session;
  }

  /** What was kept is handed over, and the shard goes on. */
  unfreeze(): void {
    this.#handlersDone = null;
    this.#handle({ kind: 'unfreeze' });
  }

  /**
   * From the first instruction on nothing is handed over any more and the cursor is final. Resolves when the connection
   * is closed (cut, if Discord does not answer) and the handlers under way are done or out of time. Idempotent.
   */
  async stop(code: number): Promise<Cursor | null> {
    this.#handle({ kind: 'stop', code });
    await this.#gone.promise;
    await this.#waitForHandlers();
    return cursorOf(this.#state);
  }

  /** Resolves at the next READY (`sessionLost`) or RESUMED; rejects when neither can come. */
  whenSettled(): Promise<ResumeOutcome> {
    return this.isOpen ? this.#outcomes.next() : Promise.reject(this.#endError());
  }

  /** Resolves with true when the shard can send, with false when it left, or was refused, before. Never rejects. */
  whenCanSend(): Promise<boolean> {
    if (canSend(this.#state)) return Promise.resolve(true);
    return this.isOpen ? this.#sends.wait() : Promise.resolve(false);
  }

  /** Sends when the shard can. What waits when it leaves is dropped. Never rejects. */
  async send(payload: Sending): Promise<void> {
    const { shardId, options } = this.#setup;
    while (!canSend(this.#state)) {
      if (!(await this.whenCanSend())) {
        options.logger.debug({ shard: shardId, op: payload.op }, 'What waited to be sent is dropped: the shard left.');
        return;
      }
    }
    await this.#socket?.send(payload).catch((error: unknown) => {
      options.logger.debug({ shard: shardId, op: payload.op }, `It could not be sent: ${messageOf(error)}`);
    });
  }

  /** False: stopped, or refused by Discord; it will not come back. */
  get isOpen(): boolean {
    return isOpen(this.#state);
  }

  get link(): Link['kind'] {
    return this.#state.link.kind;
  }

  /** Dispatches that wait for user code. */
  get waiting(): number {
    const { delivery } = this.#state;
    return delivery.kind === 'hold' ? (delivery.kept?.count ?? 0) : 0;
  }

  /** What could be resumed if the shard stopped now. */
  get cursor(): Cursor | null {
    return cursorOf(this.#state);
  }

  report(): ShardReport {
    const { mode, trouble } = this.#state;
    const silentMs = silentMsOf(this.#state);
    return {
      shardId: this.#setup.shardId,
      phase: phaseOf(this.#state),
      pingMs: this.#pingMs,
      guilds: this.#guilds.count,
      events: this.#events,
      session: this.cursor,
      ...(mode.kind === 'refused' && { refused: mode.code }),
      ...(trouble !== null && { reason: trouble }),
      ...(silentMs !== null && { silentMs }),
    };
  }

  #handle(event: GatewayShardEvent): void {
    this.#queue.push(event);
    if (this.#isDeciding) return;
    this.#isDeciding = true;
    const before = standingOf(this.#state);
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const { link, session } = this.#state;
      const { state, effects } = this.#decide(this.#state, next, this.#moment(next));
      this.#state = state;
      if (link.kind === 'resuming' && session !== null && state.session === null) this.#setup.counts.resumeRefused();
      for (const effect of effects) this.#carryOut(effect);
    }
    this.#isDeciding = false;
    this.#setTimer();
    if (standingOf(this.#state) !== before) this.#setup.context.reportSoon?.();
  }

  /** The question whether what was kept is stale took a while, and its connection may be another's by now. */
  #answered(event: GatewayShardEvent): void {
    if (event.kind === 'trust' && this.#socket?.isClosing === true) this.#handle({ kind: 'closing' });
    this.#handle(event);
  }

  #moment({ kind }: GatewayShardEvent): Moment {
    const { options } = this.#setup;
    const ms = options.clock.monotonicMs();
    const trusted = this.#mayDeliver(kind, ms);
    if (kind === 'dispatch' || kind === 'hello') this.#heardMs = ms;
    return { ms, draw: options.random.next(), trusted };
  }

  #mayDeliver(kind: GatewayShardEvent['kind'], ms: number): boolean {
    const { lease } = this.#setup.context;
    if (lease === undefined) return true;
    return kind === 'trust' ? lease.isAwake() : lease.mayDeliver(kind === 'dispatch' ? ms - this.#heardMs : 0);
  }

  /** A timer that comes too early, by less than clocks can tell, asks again. */
  #setTimer(): void {
    const at = dueAt(this.#state);
    if (this.#timer !== null && this.#timer.at <= at && at !== Infinity) return;
    this.#timer?.cancel();
    this.#timer = null;
    if (at === Infinity) return;
    const { clock } = this.#setup.options;
    const cancel = clock.after(Math.max(1, at - clock.monotonicMs()), () => {
      this.#timer = null;
      this.#handle({ kind: 'tick' });
    });
    this.#timer = { at, cancel };
  }

  #carryOut(effect: GatewayShardEffect): void {
    switch (effect.kind) {
      case 'deliver':
        return this.#deliver(effect.payload, effect.redelivered);
      case 'open':
        return this.#open(effect.url, effect.resumes);
      case 'identify':
        return this.#socket?.identify();
      case 'resume':
        return this.#socket?.resume(effect.session);
      case 'close':
        return this.#socket?.close(effect.code);
      case 'cut':
        return this.#cut();
      case 'gone':
        return this.#gone.resolve();
      case 'up':
        return this.#isUp(effect.payload);
      case 'requestPermit':
        return this.#permit.request();
      case 'endPermit':
        return this.#permit.end(effect.ready);
      case 'askLease':
        return this.#questions.askLease(effect.cause);
      case 'askTrust':
        return this.#questions.askTrust();
      case 'locate':
        return this.#questions.locate();
      case 'missed':
        return this.#missed(effect);
      case 'settle':
        return this.#outcomes.settle(effect.outcome);
      case 'fail':
        return this.#fail();
      case 'preconnected':
        return this.#preconnected.resolve(effect.failure);
      case 'log':
        return this.#log(effect.level, effect.text);
    }
  }

  #deliver(payload: Dispatch, redelivered: boolean): void {
    const { shardId, options, counts } = this.#setup;
    this.#events += 1;
    this.#guilds.see(payload);
    const complain = (error: unknown): void => {
      counts.failed();
      options.logger.error({ shard: shardId, event: payload.t, error }, `onDispatch failed: ${messageOf(error)}`);
    };
    const began = counts.began();
    try {
      const work = options.deliver(payload, shardId, { redelivered });
      if (work instanceof Promise) this.#handlers.add(work, { complain, ended: counts.goesOn(began) });
      else counts.ended(began);
    } catch (error) {
      counts.ended(began);
      complain(error);
    }
  }

  #missed({ from, to, ready }: Extract<GatewayShardEffect, { kind: 'missed' }>): void {
    const { shardId, options } = this.#setup;
    const { guilds = [] } = ready.d as { guilds?: readonly { id: string }[] };
    const atStart = options.clock.wallClock() - options.clock.monotonicMs();
    const [lostFrom, lostTo] = [from, to].map((ms) => new Date(atStart + ms)) as [Date, Date];
    const seconds = Math.round((to - from) / 1000);
    this.#log(
      'warn',
      `What came in the last ${seconds} s is missed: its gateway session was lost, and a new one began.`,
    );
    try {
      options.missed?.({ shardId, lostFrom, lostTo, guilds: guilds.map(({ id }) => id) });
    } catch (error) {
      this.#log('error', `What was told of missed events threw: ${messageOf(error)}`);
    }
  }

  #open(url: string, resumes: boolean): void {
    const { shardId, context, openSocket } = this.#setup;
    const ifCurrent =
      <A extends readonly unknown[]>(listener: (...args: A) => void) =>
      (...args: A): void => {
        if (this.#socket === socket) listener(...args);
      };
    let socket: GatewaySocket | null = null;
    try {
      socket = openSocket({
        shardId,
        totalShards: context.totalShards,
        url,
        resumes,
        cursor: () => this.#state.session,
        event: ifCurrent((event) => {
          if (event.kind === 'closed') this.#socket = null;
          this.#handle(event);
        }),
        ping: (ms) => (this.#pingMs = ms),
        resend: (payload) => void this.send(payload),
        tell: (event, values) => this.#tell(event, values),
      });
      this.#socket = socket;
    } catch (error) {
      this.#log('error', `No connection could be made: ${messageOf(error)}`);
      this.#handle({ kind: 'closed', code: ABNORMAL_CODE });
    }
  }

  #cut(): void {
    this.#socket?.cut();
    this.#socket = null;
  }

  #isUp({ t, d }: Dispatch): void {
    this.#sends.end(true);
    this.#tell(t === 'READY' ? 'ready' : 'resumed', t === 'READY' ? [d] : []);
  }

  /** It will not come up. */
  #fail(): void {
    const error = this.#endError();
    this.#outcomes.fail(error);
    this.#sends.end(false);
    if (this.#state.mode.kind !== 'stopped') return;
    this.#preconnected.resolve(null);
    this.#stopping.abort(error);
  }

  /** Once: who froze before does not wait again. */
  #waitForHandlers(): Promise<void> {
    const { handlersMs } = this.#setup.options.timeouts;
    this.#handlersDone ??= this.#handlers.done(handlersMs).then((late) => {
      if (late > 0) this.#log('info', `${late} handlers are still at work; they end in this process.`);
    });
    return this.#handlersDone;
  }

  #log(level: 'debug' | 'info' | 'warn' | 'error', text: string): void {
    const { shardId, options } = this.#setup;
    options.logger[level]({ shard: shardId }, `Shard ${shardId}: ${text}`);
  }

  /** Listeners of the bot must not break the shard, and a stopped shard is silent. */
  #tell(event: ShardNews, values: readonly unknown[]): void {
    if (this.#state.mode.kind === 'stopped') return;
    try {
      this.#setup.tell(event, values);
    } catch (error) {
      this.#log('error', `A listener for "${event}" threw: ${messageOf(error)}`);
    }
  }

  #notMovable(): NodeError {
    return notMovable(this.#setup.shardId, whyNotMovable(this.#state) ?? 'noSession');
  }

  #endError(): NodeError {
    const { shardId } = this.#setup;
    const { mode } = this.#state;
    return mode.kind === 'refused' ? refusedByDiscord(shardId, mode.code) : stopped(shardId);
  }
}
