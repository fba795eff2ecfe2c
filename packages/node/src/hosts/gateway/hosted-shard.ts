/**
 * One shard on @discordjs/ws, from start or resume until it is stopped or handed over. It is never reused: what comes
 * back to this process gets a new one.
 *
 * States: `parked` (connected up to HELLO, RESUME is held back) → `open` (the library keeps it connected, resuming by itself)
 * ⇄ `frozen` (events are kept, see event-intake.ts; a connection that ends is not made anew) → `stopped` (nothing is
 * emitted any more, the cursor is final) or `refused` (Discord will never take it: wrong token, intents, shard count).
 *
 * How the library is kept to our rules:
 * - Its sessions come from and go to `ShardCursor`; the nulls it writes are ignored, see connection-end.ts.
 * - An attempt to connect that fails before READY or RESUMED demotes the resume URL: the next goes to the generic one and
 *   still RESUMEs. Further failures wait longer each time.
 * - `resume()` of the library waits for ever; here a RESUME that is not answered is cut and tried again.
 * - While parked or frozen the `gate` is closed: the library may connect once, but a RESUME waits at the gate.
 * - After the stop the library may still start connecting by itself: it asks for the session first, and never gets an answer.
 */
import type { IContextFetchingStrategy, SessionInfo, WebSocketShardDestroyOptions } from '@discordjs/ws';
import type { ShardReport } from '@dshard/protocol';
import type { GatewayDispatchPayload, GatewaySendPayload } from 'discord-api-types/v10';
import { messageOf } from '../../errors.js';
import type { NodeError } from '../../errors.js';
import type { Cursor } from '../../session/state.js';
import type { ResumeOutcome } from '../../shard-host.js';
import { KEEP_SESSION_CODE } from './close-codes.js';
import { judgeConnectionEnd } from './connection-end.js';
import { ConnectionTimers } from './connection-timers.js';
import { EventIntake } from './event-intake.js';
import { Gate } from './gate.js';
import type { HostedShardOptions } from './hosted-shard-options.js';
import { IdentifyGate } from './identify-gate.js';
import { FORWARDED, WebSocketShardDestroyRecovery, WebSocketShardEvents, WebSocketShardStatus } from './library.js';
import type { ShardEvent } from './library.js';
import { LibraryShard } from './library-shard.js';
import { Outcomes } from './outcomes.js';
import { phaseOf } from './phase.js';
import type { Step } from './phase.js';
import { QUIET } from './quiet-watch.js';
import { forever, ResumeGate } from './resume-gate.js';
import { SessionSource } from './session-source.js';
import { ShardCursor } from './shard-cursor.js';
import { refusedByDiscord, stopped } from './shard-errors.js';

type State =
  | { kind: 'open' }
  | { kind: 'parked'; gate: Gate }
  | { kind: 'frozen'; gate: Gate }
  | { kind: 'refused'; error: NodeError }
  | { kind: 'stopped'; cursor: Cursor | null };

export class HostedShard {
  readonly #given: HostedShardOptions;
  readonly #cursor: ShardCursor;
  readonly #library: LibraryShard;
  readonly #stopped = new AbortController();
  readonly #timers: ConnectionTimers;
  readonly #source: SessionSource;
  readonly #intake: EventIntake;
  readonly #resumeGate: ResumeGate;
  readonly #identifyGate: IdentifyGate;
  readonly #outcomes = new Outcomes();
  #state: State = { kind: 'open' };
  #step: Step = 'connecting';
  #pingMs = -1;

  constructor(given: HostedShardOptions) {
    this.#given = given;
    this.#cursor = new ShardCursor(given.session);
    this.#library = new LibraryShard(given.library, this.#strategy(), given.shardId, {
      beforeDestroy: (options) => this.#beforeDestroy(options),
      closing: (cut) => this.#timers.expectClose(cut),
      beforeResume: () => this.#beforeResume(),
    });
    const { shardId, options, context, localThrottler, gatewayInfo, fetchingOptions } = given;
    const [cursor, signal] = [this.#cursor, this.#stopped.signal];
    const contested = (): void => this.#intake.contested();
    this.#resumeGate = new ResumeGate({ cursor, tenancy: context.tenancy, contested, stopped: signal });
    this.#timers = new ConnectionTimers(shardId, options);
    this.#source = new SessionSource({ shardId, cursor, options, gatewayInfo, fetchingOptions, stopped: signal });
    this.#identifyGate = new IdentifyGate({ shardId, context, localThrottler, stopped: signal });
    this.#intake = new EventIntake({
      shardId,
      options,
      cursor,
      begins: given,
      emit: (payload) => this.#emit(WebSocketShardEvents.Dispatch, [payload]),
      overflowed: () => this.#reconnect('too many events wait for a frozen shard'),
      quiet: () => this.#isQuiet(),
      tenancy: context.tenancy,
      distrusted: () => this.#reconnect('the process slept, and nobody could say whether the shard is its own'),
    });
    this.#listen();
  }

  /** Begins to connect, and keeps the shard connected from then on. */
  connect(): void {
    // The library rejects this when an 'error' comes first; that is handled where it is emitted.
    this.#library.connect().catch((error: unknown) => {
      const text = `connect() of the library ended: ${messageOf(error)}`;
      this.#given.options.logger.debug({ shard: this.#given.shardId }, text);
    });
  }

  /** Connects up to HELLO, and waits there for `resume`. One attempt: if it fails, `resume` makes the next. */
  park(): void {
    this.#state = { kind: 'parked', gate: new Gate() };
    this.connect();
  }

  /** Whether a parked connection leads to where this session has to be resumed. */
  isParkedFor(session: Cursor): boolean {
    return this.#state.kind === 'parked' && this.#source.leadsTo(session);
  }

  /** RESUMEs a parked shard, from `session`. `redelivers`: what comes up to RESUMED, or READY, is marked. */
  resume(session: Cursor, redelivers: boolean): Promise<ResumeOutcome> {
    this.#intake.begin({ redelivers });
    this.#cursor.begin(session);
    const settled = this.#outcomes.next();
    this.#openGate();
    return settled;
  }

  /** See EventIntake. */
  movable(): Cursor {
    return this.#intake.movable();
  }

  /**
   * From the first instruction on nothing is handed to user code; what comes is kept. Resolves with the cursor when the handlers
   * under way are done or out of time.
   */
  async freeze(): Promise<Cursor> {
    if (this.#state.kind !== 'open') {
      throw this.#endError();
    }
    const cursor = this.movable();
    this.#state = { kind: 'frozen', gate: new Gate() };
    this.#intake.freeze();
    await this.#handlersDone();
    return cursor;
  }

  /** What was kept is handed over, and the shard goes on. */
  unfreeze(): void {
    if (this.#state.kind === 'frozen') {
      this.#intake.thaw();
      this.#openGate();
    }
  }

  #openGate(): void {
    if (this.#state.kind !== 'parked' && this.#state.kind !== 'frozen') {
      return;
    }
    const { gate } = this.#state;
    this.#state = { kind: 'open' };
    gate.open();
    if (this.#library.status === WebSocketShardStatus.Resuming) {
      this.#watchResume();
    }
  }

  /** Resolves at the next READY or RESUMED, or when the session turns out to be gone; rejects when neither can come. */
  whenSettled(): Promise<ResumeOutcome> {
    return this.isOpen ? this.#outcomes.next() : Promise.reject(this.#endError());
  }

  /** Like the library's send, but waits for RESUMED as well as for READY: the library would wait for ever. */
  async send(payload: GatewaySendPayload): Promise<void> {
    while (this.#step !== 'up') {
      await this.whenSettled();
    }
    await this.#library.send(payload);
  }

  /** False: stopped, or refused by Discord; it will not come back. */
  get isOpen(): boolean {
    return this.#state.kind !== 'stopped' && this.#state.kind !== 'refused';
  }

  get status(): LibraryShard['status'] {
    return this.#library.status;
  }

  /** What could be resumed if the shard stopped now. */
  get cursor(): Cursor | null {
    return this.#state.kind === 'stopped' ? this.#state.cursor : this.#cursor.current;
  }

  report(): ShardReport {
    const isNew = this.#source.failures === 0 && this.#intake.events === 0;
    return {
      shardId: this.#given.shardId,
      phase: phaseOf(this.#state.kind, this.#library.status, this.#step, isNew),
      pingMs: this.#pingMs,
      guilds: this.#intake.guilds,
      events: this.#intake.events,
      session: this.cursor,
    };
  }

  /**
   * From the first instruction on nothing is emitted any more and the cursor is final. Resolves when the connection is closed
   * (cut, if Discord does not answer) and the handlers under way are done or out of time. Idempotent.
   */
  async stop(code: number): Promise<Cursor | null> {
    if (this.#state.kind === 'stopped') {
      return this.#state.cursor;
    }
    const cursor = this.#intake.last;
    this.#state = { kind: 'stopped', cursor };
    this.#intake.shut();
    this.#timers.clear();
    this.#identifyGate.ended(false);
    this.#stopped.abort(this.#endError());
    this.#outcomes.fail(this.#endError());
    const { timeouts } = this.#given.options;
    await this.#timers.atMost(
      this.#library.shutDown(code),
      timeouts.closeMs,
      'Discord did not answer the close; it was cut.',
    );
    this.#library.cut();
    await this.#handlersDone();
    return cursor;
  }

  #handlersDone(): Promise<void> {
    const { handlersMs } = this.#given.options.timeouts;
    return this.#timers.atMost(this.#intake.settled(), handlersMs, 'onDispatch did not finish before the shard left.');
  }

  // ——— what the library asks ———

  #strategy(): IContextFetchingStrategy {
    return {
      options: this.#given.fetchingOptions,
      retrieveSessionInfo: () => this.#retrieveSessionInfo(),
      updateSessionInfo: (_, info) => this.#updateSessionInfo(info),
      waitForIdentify: (_, signal) => this.#waitForIdentify(signal),
    };
  }

  /** Answers at once while connected, so that the library handles messages of one turn in their order. */
  #retrieveSessionInfo(): SessionInfo | null | Promise<SessionInfo | null> {
    if (!this.isOpen) {
      return forever();
    }
    if (this.#library.status !== WebSocketShardStatus.Idle) {
      return this.#source.info;
    }
    if (this.#state.kind === 'frozen' || (this.#state.kind === 'parked' && this.#source.url !== null)) {
      return this.#state.gate.opened.then(() => this.#retrieveSessionInfo());
    }
    const wait = this.#resumeGate.beforeConnecting();
    if (wait !== null) {
      return wait.then(() => this.#retrieveSessionInfo());
    }
    this.#step = 'connecting';
    const info = this.#source.forConnection();
    return info instanceof Promise ? info.catch(() => forever()) : info;
  }

  /** Only READY's session is news; sequences move when an event is handed over, and what is gone is decided by us. */
  #updateSessionInfo(info: SessionInfo | null): void {
    if (info !== null && info.sessionId !== this.#cursor.current?.sessionId) {
      const { sessionId, sequence, resumeURL } = info;
      this.#cursor.begin({ sessionId, sequence, resumeGatewayUrl: resumeURL });
    }
  }

  async #waitForIdentify(signal: AbortSignal): Promise<void> {
    this.#step = 'awaitingPermit';
    await this.#identifyGate.pass(signal);
    this.#step = 'identifying';
  }

  /**
   * The library ends a connection, with `options` as it wants them. Returns what it shall do instead, or null for nothing. While it is
   * ending one already it often calls again (what waited for HELLO or READY is aborted by the first call): that would
   * forget the session, or connect twice.
   */
  #beforeDestroy(options: WebSocketShardDestroyOptions): WebSocketShardDestroyOptions | null {
    const idle = this.#library.status === WebSocketShardStatus.Idle;
    if (!this.isOpen || this.#step === 'ending' || idle) {
      return null;
    }
    const wasUp = this.#step === 'up';
    const end = judgeConnectionEnd(options, { wasUp, hasSession: this.#cursor.current !== null });
    this.#timers.noResume();
    this.#identifyGate.ended(false);
    this.#step = 'ending';
    this.#resumeGate.connectionEnded(end.cause);
    if (end.attemptFailed && this.#state.kind !== 'parked') {
      this.#source.failed();
    }
    if (end.session === 'refused') {
      this.#refuse(options.code);
    } else if (end.session === 'gone') {
      this.#cursor.forget();
      this.#outcomes.settle('sessionLost');
    }
    return end.options;
  }

  #refuse(code: number | undefined): void {
    const { shardId, options } = this.#given;
    const error = refusedByDiscord(shardId, code);
    this.#intake.thaw();
    this.#state = { kind: 'refused', error };
    options.logger.error({ shard: shardId, code }, error.message);
    this.#outcomes.fail(error);
  }

  // ——— what the library tells ———

  #listen(): void {
    this.#library.on(WebSocketShardEvents.Dispatch, ([payload]) => this.#onDispatch(payload as GatewayDispatchPayload));
    this.#library.on(WebSocketShardEvents.Hello, () => {
      this.#intake.connected();
      this.#watchResume();
      this.#emit(WebSocketShardEvents.Hello, []);
    });
    this.#library.on(WebSocketShardEvents.Ready, (values) => {
      this.#isUp();
      this.#identifyGate.ended(true);
      this.#emit(WebSocketShardEvents.Ready, values);
      this.#outcomes.settle('sessionLost');
    });
    this.#library.on(WebSocketShardEvents.Resumed, () => {
      this.#isUp();
      this.#emit(WebSocketShardEvents.Resumed, []);
      this.#outcomes.settle('resumed');
    });
    this.#library.on(WebSocketShardEvents.HeartbeatComplete, (values) => {
      this.#pingMs = (values[0] as { latency: number }).latency;
      this.#emit(WebSocketShardEvents.HeartbeatComplete, values);
    });
    FORWARDED.forEach((event) => this.#library.on(event, (values) => this.#emit(event, values)));
  }

  #onDispatch(payload: GatewayDispatchPayload): void {
    if (this.#library.status === WebSocketShardStatus.Resuming) {
      this.#watchResume();
    }
    this.#intake.take(payload);
  }

  #isUp(): void {
    this.#timers.clear();
    this.#step = 'up';
    this.#source.succeeded();
  }

  /** After HELLO with something to resume, and after each replayed event: the next has to come in time. */
  #watchResume(): void {
    this.#timers.noResume();
    if (this.#cursor.current !== null && this.#step !== 'up' && this.#state.kind === 'open') {
      this.#timers.expectResume(() => this.#reconnect('RESUME was not answered'));
    }
  }

  /** Its connection may have lost the session without a word. */
  #isQuiet(): void {
    if (this.#state.kind === 'open' && this.#step === 'up') this.#reconnect(QUIET);
  }

  #reconnect(reason: string): void {
    void this.#library.destroy({
      code: KEEP_SESSION_CODE,
      reason,
      recover: WebSocketShardDestroyRecovery.Resume,
    });
  }

  /** Before the library sends RESUME: what to wait for, if anything, and with what to RESUME then. */
  #beforeResume(): { wait: Promise<void> | null; session: () => Cursor | null } {
    const wait = 'gate' in this.#state ? this.#state.gate.opened : this.#resumeGate.beforeResuming();
    return { wait, session: () => this.#cursor.current };
  }

  /** Listeners of the bot must not break the shard, and a stopped shard is silent. */
  #emit(event: ShardEvent, args: readonly unknown[]): void {
    if (this.#state.kind === 'stopped') return;
    try {
      this.#given.emit(event, args);
    } catch (error) {
      this.#given.options.logger.error(
        { shard: this.#given.shardId, event, error },
        `A listener of the manager's "${event}" threw: ${messageOf(error)}`,
      );
    }
  }

  #endError(): NodeError {
    return this.#state.kind === 'refused' ? this.#state.error : stopped(this.#given.shardId);
  }
}
