/**
 * One shard on @discordjs/ws, from start or resume until it is stopped or handed over. It is never reused: what comes
 * back to this process gets a new one.
 *
 * States: `open` (the library keeps it connected, resuming by itself) → `stopped` (nothing is emitted any more, the cursor
 * is final) or `refused` (Discord will never take it: wrong token, intents, shard count).
 *
 * How the library is kept to our rules:
 * - Its sessions come from and go to `ShardCursor`; the nulls it writes are ignored, see `#beforeDestroy`.
 * - An attempt to connect that fails before READY or RESUMED demotes the resume URL: the next goes to the generic one and
 *   still RESUMEs. Further failures wait longer each time.
 * - `resume()` of the library waits for ever; here a RESUME that is not answered is cut and tried again.
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
import type { HostContext, IdentifyPermit } from '../../shard-host.js';
import type { GatewayInfo } from './gateway-info.js';
import { GuildCount } from './guild-count.js';
import { LibraryShard } from './library-shard.js';
import type { ResolvedWsOptions } from './options.js';
import { ShardCursor } from './shard-cursor.js';

/** Any code from 4000 that is not in Discord's table keeps the session; the library uses this one itself. */
export const KEEP_SESSION_CODE = 4200;
export const END_SESSION_CODE = 1000;

/** Close codes after which the session is gone for good: not authenticated (invalidated while active), invalid seq. */
const SESSION_GONE_CODES: ReadonlySet<number> = new Set([4003, 4007]);

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

/** What `whenResumed` tells. `sessionLost`: the shard goes through IDENTIFY. */
export type ResumeOutcome = 'resumed' | 'sessionLost';

type State = { kind: 'open' } | { kind: 'refused'; error: NodeError } | { kind: 'stopped'; cursor: Cursor | null };

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
  readonly #guilds = new GuildCount();
  readonly #handlers = new Set<Promise<void>>();
  #state: State = { kind: 'open' };
  #step: Step = 'connecting';
  #permit: IdentifyPermit | null = null;
  /** Attempts in a row that ended before READY or RESUMED. */
  #failures = 0;
  #cancelResumeTimer: Cancel = () => undefined;
  #cancelCut: Cancel = () => undefined;
  #pingMs = -1;
  #events = 0;
  #waiters: { settled: (outcome: ResumeOutcome) => void; failed: (error: NodeError) => void }[] = [];

  constructor(given: HostedShardOptions) {
    this.#given = given;
    this.#cursor = new ShardCursor(given.session);
    this.#library = new LibraryShard(this.#strategy(), given.shardId, {
      beforeDestroy: (options) => this.#beforeDestroy(options),
      closing: (cut) => this.#cutIfSilent(cut),
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

  /** Resolves at the next READY or RESUMED, or when the session turns out to be gone; rejects when neither can come. */
  whenSettled(): Promise<ResumeOutcome> {
    if (this.#state.kind !== 'open') {
      return Promise.reject(this.#endError());
    }
    return new Promise((settled, failed) => {
      this.#waiters.push({ settled, failed });
    });
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
    return this.#state.kind === 'open';
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
      guilds: this.#guilds.count,
      events: this.#events,
      session: this.cursor,
    };
  }

  #phase(): ShardPhase {
    if (this.#state.kind !== 'open') {
      return this.#state.kind === 'stopped' ? 'frozen' : 'disconnected';
    }
    const { status } = this.#library;
    if (status === WebSocketShardStatus.Connecting && this.#step !== 'up') {
      return STEP_PHASES[this.#step];
    }
    if (status === WebSocketShardStatus.Idle) {
      return this.#failures === 0 && this.#events === 0 ? 'connecting' : 'disconnected';
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
    this.#cancelResumeTimer();
    this.#cancelCut();
    this.#endPermit(false);
    this.#stopped.abort(this.#endError());
    this.#failWaiters();
    const { timeouts } = this.#given.options;
    await this.#atMost(this.#library.shutDown(code), timeouts.closeMs, 'Discord did not answer the close; it was cut.');
    this.#library.cut();
    await this.#atMost(
      Promise.all(this.#handlers),
      timeouts.handlersMs,
      'onDispatch did not finish before the shard left.',
    );
    return cursor;
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
    if (this.#state.kind !== 'open') {
      return forever();
    }
    if (this.#library.status !== WebSocketShardStatus.Idle) {
      return this.#sessionInfo();
    }
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
    return this.#state.kind === 'open' ? this.#sessionInfo() : forever();
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

  /** Rejects only when the library itself has given the attempt up: any other rejection would make it IDENTIFY at once. */
  async #waitForIdentify(signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([signal, this.#stopped.signal]);
    this.#step = 'awaitingPermit';
    try {
      const permit = await this.#given.context.requestIdentify(this.#given.shardId, either);
      this.#permit = permit;
      if (!permit.coordinated) {
        await (await this.#given.localThrottler()).waitForIdentify(this.#given.shardId, either);
      }
      either.throwIfAborted();
      this.#step = 'identifying';
    } catch (error) {
      this.#endPermit(false);
      if (!signal.aborted) {
        await aborted(signal);
      }
      throw error;
    }
  }

  #endPermit(ready: boolean): void {
    this.#permit?.finished(ready);
    this.#permit = null;
  }

  /**
   * The library ends a connection, with `options` as it wants them. Returns what it shall do instead, or null for nothing. While it is
   * ending one already it often calls again (what waited for HELLO or READY is aborted by the first call): that would
   * forget the session, or connect twice.
   */
  #beforeDestroy(options: WebSocketShardDestroyOptions): WebSocketShardDestroyOptions | null {
    const idle = this.#library.status === WebSocketShardStatus.Idle;
    if (this.#state.kind !== 'open' || this.#step === 'ending' || idle) {
      return null;
    }
    const { code, recover } = options;
    const wasUp = this.#step === 'up';
    this.#cancelResumeTimer();
    this.#endPermit(false);
    this.#step = 'ending';
    if (recover === undefined) {
      this.#refuse(code);
      return options;
    }
    // Without a code the library ends the connection on Discord's word (op 7, op 9) or for want of an ack: no failed attempt.
    if (code !== undefined && !wasUp) {
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
      this.#settle('sessionLost');
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
    this.#state = { kind: 'refused', error };
    options.logger.error({ shard: shardId, code }, error.message);
    this.#failWaiters();
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
      this.#endPermit(true);
      this.#emit(WebSocketShardEvents.Ready, [data]);
      this.#settle('sessionLost');
    });
    this.#library.on(WebSocketShardEvents.Resumed, () => {
      this.#isUp();
      this.#emit(WebSocketShardEvents.Resumed, []);
      this.#settle('resumed');
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
    if (this.#state.kind === 'stopped') {
      return;
    }
    this.#cursor.handed(payload.s);
    this.#events++;
    this.#guilds.see(payload);
    if (this.#library.status === WebSocketShardStatus.Resuming) {
      this.#watchResume();
    }
    this.#callOnDispatch(payload);
    this.#emit(WebSocketShardEvents.Dispatch, [payload]);
  }

  #callOnDispatch(payload: GatewayDispatchPayload): void {
    const { options, shardId } = this.#given;
    const complain = (error: unknown): void =>
      options.logger.error({ shard: shardId, event: payload.t, error }, `onDispatch failed: ${messageOf(error)}`);
    try {
      const work = options.onDispatch(payload, shardId);
      if (work instanceof Promise) {
        const done: Promise<void> = work.catch(complain).finally(() => this.#handlers.delete(done));
        this.#handlers.add(done);
      }
    } catch (error) {
      complain(error);
    }
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
    this.#cancelResumeTimer = clock.after(timeouts.resumeMs, () => {
      void this.#library.destroy({
        code: KEEP_SESSION_CODE,
        reason: 'RESUME was not answered',
        recover: WebSocketShardDestroyRecovery.Resume,
      });
    });
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

  #settle(outcome: ResumeOutcome): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { settled } of waiters) {
      settled(outcome);
    }
  }

  #failWaiters(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { failed } of waiters) {
      failed(this.#endError());
    }
  }

  #endError(): NodeError {
    return this.#state.kind === 'refused'
      ? this.#state.error
      : new NodeError('DSO_SHARD_STOPPED', `Shard ${this.#given.shardId} was stopped on this node.`);
  }
}

/** What to do about the close codes after which Discord does not want the shard back. */
const REFUSALS: Readonly<Record<number, string>> = {
  4004: 'the bot token is wrong; correct it and restart the bot',
  4010: 'the shard id or the shard count is wrong; correct the total shard count',
  4011: 'the shard would hold too many guilds; raise the total shard count',
  4012: 'the API version is wrong; update @discordjs/ws',
  4013: 'the intents are wrong; correct them',
  4014: "intents are used that the bot was not given; enable them in Discord's developer portal",
};

function forever(): Promise<never> {
  return new Promise(() => undefined);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    } else {
      signal.addEventListener('abort', () => resolve(), { once: true });
    }
  });
}
