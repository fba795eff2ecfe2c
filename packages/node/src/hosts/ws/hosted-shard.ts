/**
 * One shard on @discordjs/ws, from start or resume until it is stopped or handed over. It is never reused: what comes
 * back to this process gets a new one.
 *
 * States: `parked` (connected up to HELLO, RESUME is held back) → `open` (the library keeps it connected, resuming by itself)
 * ⇄ `frozen` (events are kept, see event-intake.ts; a connection that ends is not made anew) → `stopped` (nothing is
 * emitted any more, the cursor is final) or `refused` (Discord will never take it: wrong token, intents, shard count).
 *
 * How the library is kept to our rules:
 * - Its sessions come from and go to `ShardCursor`; the nulls it writes are ignored, see `#beforeDestroy`.
 * - An attempt to connect that fails before READY or RESUMED demotes the resume URL: the next goes to the generic one and
 *   still RESUMEs. Further failures wait longer each time.
 * - `resume()` of the library waits for ever; here a RESUME that is not answered is cut and tried again.
 * - While parked or frozen the `gate` is closed: the library may connect once, but a RESUME waits at the gate.
 * - After the stop the library may still start connecting by itself: it asks for the session first, and never gets an answer.
 */
import { WebSocketShardDestroyRecovery, WebSocketShardEvents, WebSocketShardStatus } from '@discordjs/ws';
import type {
  FetchingStrategyOptions,
  IContextFetchingStrategy,
  IIdentifyThrottler,
  SessionInfo,
  WebSocketShardDestroyOptions,
} from '@discordjs/ws';
import type { ShardPhase, ShardReport } from '@dshard/protocol';
import { delay } from '@dshard/transport';
import type { Cancel } from '@dshard/transport';
import type { GatewayDispatchPayload, GatewaySendPayload } from 'discord-api-types/v10';
import { messageOf, NodeError } from '../../errors.js';
import type { Cursor } from '../../session/state.js';
import type { HostContext, ResumeOutcome } from '../../shard-host.js';
import { KEEP_SESSION_CODE, REFUSALS, SESSION_GONE_CODES } from './close-codes.js';
import { EventIntake } from './event-intake.js';
import { Gate } from './gate.js';
import type { GatewayInfo } from './gateway-info.js';
import { IdentifyGate } from './identify-gate.js';
import { LibraryShard } from './library-shard.js';
import type { ResolvedWsOptions } from './options.js';
import { Outcomes } from './outcomes.js';
import { ShardCursor, usableUrl } from './shard-cursor.js';

type ShardEmit = (event: WebSocketShardEvents, args: readonly unknown[]) => void;

export type HostedShardOptions = {
  shardId: number;
  /** Where to go on, or null for a new session. */
  session: Cursor | null;
  context: HostContext;
  options: ResolvedWsOptions;
  gatewayInfo: GatewayInfo;
  /** Everything of @discordjs/ws that does not depend on the shard. */
  fetchingOptions: FetchingStrategyOptions;
  /** For orchestrators that do not pace identifies. */
  localThrottler: () => Promise<IIdentifyThrottler>;
  emit: ShardEmit;
};

type State =
  | { kind: 'open' }
  /** `attempts` to connect so far: there is one only. */
  | { kind: 'parked'; gate: Gate; attempts: number }
  | { kind: 'frozen'; gate: Gate }
  | { kind: 'refused'; error: NodeError }
  | { kind: 'stopped'; cursor: Cursor | null };

/** What the current connection is at, beyond what the library's status says. `ending`: the library is closing it. */
type Step = 'ending' | 'connecting' | 'awaitingPermit' | 'identifying' | 'up';

const STEP_PHASES: Readonly<Record<Exclude<Step, 'up'>, ShardPhase>> = {
  ending: 'disconnected',
  connecting: 'connecting',
  awaitingPermit: 'waiting',
  identifying: 'identifying',
};

export class HostedShard {
  readonly #given: HostedShardOptions;
  readonly #cursor: ShardCursor;
  readonly #library: LibraryShard;
  readonly #stopped = new AbortController();
  readonly #intake: EventIntake;
  readonly #identifyGate: IdentifyGate;
  readonly #outcomes = new Outcomes();
  #state: State = { kind: 'open' };
  #step: Step = 'connecting';
  /** Where the connection leads, as far as the session says. */
  #parkedUrl = '';
  /** Attempts in a row that ended before READY or RESUMED. */
  #failures = 0;
  #cancelResumeTimer: Cancel = () => undefined;
  #cancelCut: Cancel = () => undefined;
  #pingMs = -1;

  constructor(given: HostedShardOptions) {
    this.#given = given;
    this.#cursor = new ShardCursor(given.session);
    this.#library = new LibraryShard(this.#strategy(), given.shardId, {
      beforeDestroy: (options) => this.#beforeDestroy(options),
      closing: (cut) => this.#cutIfSilent(cut),
      beforeResume: () => this.#beforeResume(),
    });
    const { shardId, options, context, localThrottler } = given;
    this.#identifyGate = new IdentifyGate({ shardId, context, localThrottler, stopped: this.#stopped.signal });
    this.#intake = new EventIntake({
      shardId,
      options,
      cursor: this.#cursor,
      emit: (payload) => this.#emit(WebSocketShardEvents.Dispatch, [payload]),
      overflowed: () => this.#reconnect('too many events wait for a frozen shard'),
    });
    this.#listen();
  }

  /** Begins to connect, and keeps the shard connected from then on. */
  connect(): void {
    // The library rejects this when an 'error' comes first; that is handled where it is emitted.
    this.#library.connect().catch((error: unknown) => {
      this.#given.options.logger.debug(
        { shard: this.#given.shardId },
        `connect() of the library ended: ${messageOf(error)}`,
      );
    });
  }

  /** Connects up to HELLO, and waits there for `resume`. One attempt: if it fails, `resume` makes the next. */
  park(): void {
    this.#state = { kind: 'parked', gate: new Gate(), attempts: 0 };
    this.connect();
  }

  /** Whether a parked connection leads to where this session has to be resumed. */
  isParkedFor(session: Cursor): boolean {
    return this.#state.kind === 'parked' && this.#parkedUrl === usableUrl(session.resumeGatewayUrl);
  }

  /** RESUMEs a parked shard, from `session`. */
  resume(session: Cursor): Promise<ResumeOutcome> {
    this.#cursor.begin(session);
    const settled = this.#outcomes.next();
    this.#openGate();
    return settled;
  }

  /**
   * From the first instruction on nothing is handed to user code; what comes is kept. Resolves with the cursor when the handlers
   * under way are done or out of time.
   */
  async freeze(): Promise<Cursor> {
    const cursor = this.#cursor.current;
    if (this.#state.kind !== 'open') {
      throw this.#endError();
    }
    if (cursor === null) {
      throw noSession(this.#given.shardId);
    }
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
    return this.#isOver ? Promise.reject(this.#endError()) : this.#outcomes.next();
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
    return !this.#isOver;
  }

  get #isOver(): boolean {
    return this.#state.kind === 'stopped' || this.#state.kind === 'refused';
  }

  get status(): WebSocketShardStatus {
    return this.#library.status;
  }

  /** What could be resumed if the shard stopped now. */
  get cursor(): Cursor | null {
    return this.#state.kind === 'stopped' ? this.#state.cursor : this.#cursor.current;
  }

  report(): ShardReport {
    return {
      shardId: this.#given.shardId,
      phase: this.#phase(),
      pingMs: this.#pingMs,
      guilds: this.#intake.guilds,
      events: this.#intake.events,
    };
  }

  #phase(): ShardPhase {
    if (this.#state.kind !== 'open') {
      return this.#state.kind === 'refused' ? 'disconnected' : 'frozen';
    }
    const { status } = this.#library;
    if (status === WebSocketShardStatus.Connecting && this.#step !== 'up') {
      return STEP_PHASES[this.#step];
    }
    if (status === WebSocketShardStatus.Idle) {
      return this.#failures === 0 && this.#intake.events === 0 ? 'connecting' : 'disconnected';
    }
    return status === WebSocketShardStatus.Resuming ? 'resuming' : 'ready';
  }

  /**
   * From the first instruction on nothing is emitted any more and the cursor is final. Resolves when the connection is closed
   * (cut, if Discord does not answer) and the handlers under way are done or out of time. Idempotent.
   */
  async stop(code: number): Promise<Cursor | null> {
    if (this.#state.kind === 'stopped') {
      return this.#state.cursor;
    }
    const cursor = this.#cursor.current;
    this.#state = { kind: 'stopped', cursor };
    this.#intake.shut();
    this.#cancelResumeTimer();
    this.#cancelCut();
    this.#identifyGate.ended(false);
    this.#stopped.abort(this.#endError());
    this.#outcomes.fail(this.#endError());
    const { timeouts } = this.#given.options;
    await this.#atMost(this.#library.shutDown(code), timeouts.closeMs, 'Discord did not answer the close; it was cut.');
    this.#library.cut();
    await this.#handlersDone();
    return cursor;
  }

  #handlersDone(): Promise<void> {
    const { handlersMs } = this.#given.options.timeouts;
    return this.#atMost(this.#intake.settled(), handlersMs, 'onDispatch did not finish before the shard left.');
  }

  async #atMost(work: Promise<unknown>, ms: number, complaint: string): Promise<void> {
    const { clock, logger } = this.#given.options;
    let cancel = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = clock.after(ms, () => {
        logger.warn({ shard: this.#given.shardId }, complaint);
        resolve();
      });
    });
    await Promise.race([work.catch(() => undefined), late]);
    cancel();
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
    if (this.#isOver) {
      return forever();
    }
    if (this.#library.status !== WebSocketShardStatus.Idle) {
      return this.#sessionInfo();
    }
    if (this.#state.kind === 'frozen' || (this.#state.kind === 'parked' && this.#state.attempts++ > 0)) {
      return this.#state.gate.opened.then(() => this.#retrieveSessionInfo());
    }
    this.#parkedUrl = this.#cursor.current?.resumeGatewayUrl ?? '';
    this.#step = 'connecting';
    const session = this.#cursor.current;
    const mustWait = this.#failures > 1 || session === null || session.resumeGatewayUrl === '';
    return mustWait ? this.#beforeConnecting() : this.#sessionInfo();
  }

  async #beforeConnecting(): Promise<SessionInfo | null> {
    try {
      await this.#backOff();
      await this.#given.gatewayInfo.get();
    } catch {
      // Stopped meanwhile.
      return forever();
    }
    return this.#isOver ? forever() : this.#sessionInfo();
  }

  async #backOff(): Promise<void> {
    if (this.#failures > 1) {
      const { clock, random, timeouts } = this.#given.options;
      const full = Math.min(timeouts.backoffMaxMs, timeouts.backoffMinMs * 2 ** Math.min(this.#failures - 2, 20));
      await delay(clock, full / 2 + (full / 2) * random.next(), this.#stopped.signal);
    }
  }

  #sessionInfo(): SessionInfo | null {
    const session = this.#cursor.current;
    const { shardId, gatewayInfo, fetchingOptions } = this.#given;
    return session === null
      ? null
      : {
          shardId,
          shardCount: fetchingOptions.shardCount,
          sessionId: session.sessionId,
          sequence: session.sequence,
          resumeURL: session.resumeGatewayUrl === '' ? (gatewayInfo.known?.url ?? '') : session.resumeGatewayUrl,
        };
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
    if (this.#isOver || this.#step === 'ending' || idle) {
      return null;
    }
    const { code, recover } = options;
    const wasUp = this.#step === 'up';
    this.#cancelResumeTimer();
    this.#identifyGate.ended(false);
    this.#step = 'ending';
    if (recover === undefined) {
      this.#refuse(code);
      return options;
    }
    // Without a code the library ends the connection on Discord's word (op 7, op 9) or for want of an ack: no failed attempt.
    if (code !== undefined && !wasUp && this.#state.kind !== 'parked') {
      this.#failures++;
      this.#cursor.useGenericUrl();
    }
    if (recover === WebSocketShardDestroyRecovery.Resume || this.#cursor.current === null) {
      return options;
    }
    // "Reconnect": the library would start anew. That is right after op 9 `false`, its only such call without a code, and after two
    // close codes. In all other cases (dead URL, no HELLO, remote 1000, 4005, 4008) the session is as good as before.
    if (code === undefined || SESSION_GONE_CODES.has(code)) {
      this.#cursor.forget();
      this.#outcomes.settle('sessionLost');
      return options;
    }
    return { ...options, code: KEEP_SESSION_CODE, recover: WebSocketShardDestroyRecovery.Resume };
  }

  /** The library would wait half a minute for Discord to answer a close. */
  #cutIfSilent(cut: () => void): void {
    const { clock, timeouts } = this.#given.options;
    this.#cancelCut();
    this.#cancelCut = clock.after(timeouts.closeMs, cut);
  }

  /** Discord closed with a code after which connecting again is of no use. */
  #refuse(code: number | undefined): void {
    const { shardId, options } = this.#given;
    const error = new NodeError(
      'DSO_SHARD_REFUSED',
      `Discord refuses shard ${shardId} (close code ${code ?? 'none'}): ${REFUSALS[code ?? 0] ?? 'see its documentation'}.`,
    );
    this.#intake.thaw();
    this.#state = { kind: 'refused', error };
    options.logger.error({ shard: shardId, code }, error.message);
    this.#outcomes.fail(this.#endError());
  }

  // ——— what the library tells ———

  #listen(): void {
    const forward =
      (event: WebSocketShardEvents) =>
      (...args: unknown[]) =>
        this.#emit(event, args);
    this.#library.on(WebSocketShardEvents.Dispatch, (payload) => this.#onDispatch(payload));
    this.#library.on(WebSocketShardEvents.Hello, () => {
      this.#watchResume();
      this.#emit(WebSocketShardEvents.Hello, []);
    });
    this.#library.on(WebSocketShardEvents.Ready, (data) => {
      this.#isUp();
      this.#identifyGate.ended(true);
      this.#emit(WebSocketShardEvents.Ready, [data]);
      this.#outcomes.settle('sessionLost');
    });
    this.#library.on(WebSocketShardEvents.Resumed, () => {
      this.#isUp();
      this.#emit(WebSocketShardEvents.Resumed, []);
      this.#outcomes.settle('resumed');
    });
    this.#library.on(WebSocketShardEvents.HeartbeatComplete, (stats) => {
      this.#pingMs = stats.latency;
      this.#emit(WebSocketShardEvents.HeartbeatComplete, [stats]);
    });
    for (const event of [
      WebSocketShardEvents.Closed,
      WebSocketShardEvents.Debug,
      WebSocketShardEvents.Error,
      WebSocketShardEvents.SocketError,
    ]) {
      this.#library.on(event, forward(event));
    }
  }

  #onDispatch(payload: GatewayDispatchPayload): void {
    if (this.#library.status === WebSocketShardStatus.Resuming) {
      this.#watchResume();
    }
    this.#intake.take(payload);
  }

  #isUp(): void {
    this.#cancelResumeTimer();
    this.#cancelCut();
    this.#step = 'up';
    this.#failures = 0;
  }

  /** After HELLO with something to resume, and after each replayed event: the next has to come in time. */
  #watchResume(): void {
    this.#cancelResumeTimer();
    if (this.#cursor.current === null || this.#step === 'up' || this.#state.kind !== 'open') {
      return;
    }
    const { clock, timeouts } = this.#given.options;
    this.#cancelResumeTimer = clock.after(timeouts.resumeMs, () => this.#reconnect('RESUME was not answered'));
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
    const wait = this.#state.kind === 'parked' || this.#state.kind === 'frozen' ? this.#state.gate.opened : null;
    return { wait, session: () => this.#cursor.current };
  }

  /** Listeners of the bot must not break the shard, and a stopped shard is silent. */
  #emit(event: WebSocketShardEvents, args: readonly unknown[]): void {
    if (this.#state.kind === 'stopped') {
      return;
    }
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
    return this.#state.kind === 'refused'
      ? this.#state.error
      : new NodeError('DSO_SHARD_STOPPED', `Shard ${this.#given.shardId} was stopped on this node.`);
  }
}

function forever(): Promise<never> {
  return new Promise(() => undefined);
}

export function noSession(shardId: number): NodeError {
  return new NodeError(
    'DSO_SHARD_NO_SESSION',
    `Shard ${shardId} has no gateway session yet; it can be moved when it is ready.`,
  );
}
