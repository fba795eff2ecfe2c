/**
 * One shard on discordeno's own gateway connection, from start or resume until it is stopped or handed over. It is never reused.
 *
 * States: `open` (kept connected) ⇄ `frozen` (events are kept; a connection that ends is not made anew before `unfreeze`) → `stopped`
 * (nothing is handed over any more, the cursor is final) or `refused` (Discord will never take it).
 *
 * How the library is kept to our rules: it is asked to connect, identify, resume and heartbeat, and everything that it would decide by
 * itself when a connection ends, or at op 7 and op 9, is decided here. It would identify without asking anybody, give a session up
 * after one failed resume, and try a dead resume URL for ever.
 */
import { DiscordenoShard } from '@discordeno/gateway';
import type { ShardReport, ShardPhase } from '@dshard/protocol';
import { delay } from '@dshard/transport';
import type { GatewayDispatchPayload } from 'discord-api-types/v10';
import { messageOf } from '../../errors.js';
import type { NodeError } from '../../errors.js';
import { trustedResumeUrl } from '../../gateway-shard/resume-url.js';
import type { Cursor } from '../../session/state.js';
import type { HostContext, LossCause, ResumeOutcome } from '../../shard-host.js';
import { KEEP_SESSION_CODE, REFUSALS, SESSION_GONE_CODES } from '../gateway/close-codes.js';
import { ConnectionTimers } from '../gateway/connection-timers.js';
import { EventIntake } from '../gateway/event-intake.js';
import { IdentifyGate } from '../gateway/identify-gate.js';
import { Outcomes } from '../gateway/outcomes.js';
import { QUIET } from '../gateway/quiet-watch.js';
import { ResumeGate } from '../gateway/resume-gate.js';
import { ShardCursor } from '../gateway/shard-cursor.js';
import { refusedByDiscord, stopped } from '../gateway/shard-errors.js';
import { localThrottler } from './local-throttler.js';
import type { ResolvedDiscordenoOptions } from './options.js';
import { causeOf, PHASES } from './step.js';
import type { Step } from './step.js';

type Packet = Parameters<DiscordenoShard['handleDiscordPacket']>[0];
type CloseEvent = Parameters<DiscordenoShard['handleClose']>[0];

type State = { kind: 'open' | 'frozen' | 'stopped' } | { kind: 'refused'; error: NodeError };

const OP = { dispatch: 0, resume: 6, reconnect: 7, invalidSession: 9 } as const;
/** The code for which the library only tidies up: what follows is decided here. */
const TIDY_UP = 3_000;

export type HostedDiscordenoOptions = {
  shardId: number;
  options: ResolvedDiscordenoOptions;
  context: HostContext;
  session: Cursor | null;
  redelivers: boolean;
};

export class HostedDiscordenoShard extends DiscordenoShard {
  readonly #given: HostedDiscordenoOptions;
  readonly #cursor: ShardCursor;
  readonly #stopped = new AbortController();
  readonly #timers: ConnectionTimers;
  readonly #resumeGate: ResumeGate;
  readonly #intake: EventIntake;
  readonly #identifyGate: IdentifyGate;
  readonly #outcomes = new Outcomes();
  readonly #forward: (packet: Packet) => unknown;
  #state: State = { kind: 'open' };
  #step: Step = 'connecting';
  /** Attempts in a row that ended before READY or RESUMED. */
  #failures = 0;
  /** A connection of ours is being closed, to be followed by another. */
  #replacing = false;

  constructor(given: HostedDiscordenoOptions) {
    const { shardId, options, context, session, redelivers } = given;
    const { gateway } = options.bot;
    const { compress, transportCompression, intents, properties, token, url, version, events, logger } = gateway;
    const { totalShards } = context;
    super({
      id: shardId,
      connection: { compress, transportCompression, intents, properties, token, url, version, totalShards },
      events,
      logger,
      makePresence: gateway.makePresence,
    });
    this.#given = given;
    this.#cursor = new ShardCursor(session);
    this.#timers = new ConnectionTimers(shardId, options);
    const { signal } = this.#stopped;
    const maxConcurrency = gateway.connection.sessionStartLimit.maxConcurrency;
    this.#identifyGate = new IdentifyGate({
      shardId,
      context,
      localThrottler: () => Promise.resolve(localThrottler(options.clock, maxConcurrency)),
      stopped: signal,
    });
    const contested = (): void => this.#intake.contested();
    const { tenancy } = context;
    this.#resumeGate = new ResumeGate({ cursor: this.#cursor, tenancy, contested, stopped: signal });
    this.#intake = new EventIntake({
      shardId,
      begins: { redelivers },
      options: {
        ...options,
        onDispatch: async (payload) => void (await this.#forward(payload as unknown as Packet)),
      },
      cursor: this.#cursor,
      emit: () => undefined,
      overflowed: () => this.#lose('too many events wait for a frozen shard', 'attached'),
      quiet: () => {
        if (this.#state.kind === 'open' && this.#step === 'up') this.#lose(QUIET, 'displaced');
      },
      tenancy,
      distrusted: () => this.#lose('the process slept, and nobody could say whether the shard is its own', 'attached'),
    });
    // As the manager does for its own shards: bots get payloads as they came, others in camel case.
    this.#forward = gateway.preferSnakeCase
      ? (packet) => gateway.events.message?.(this, packet)
      : (packet) => super.forwardToBot(packet);
  }

  get isHosted(): boolean {
    return this.#state.kind === 'open' || this.#state.kind === 'frozen';
  }

  /** What could be resumed if the shard stopped now. */
  get cursor(): Cursor | null {
    return this.#cursor.current;
  }

  /** See EventIntake. */
  movable(): Cursor {
    return this.#intake.movable();
  }

  report(): ShardReport {
    return {
      shardId: this.id,
      phase: this.#phase(),
      pingMs: this.heart.rtt ?? -1,
      guilds: this.#intake.guilds,
      events: this.#intake.events,
      session: this.cursor,
    };
  }

  #phase(): ShardPhase {
    if (this.#state.kind === 'refused') return 'disconnected';
    return this.#state.kind === 'open' ? PHASES[this.#step] : 'frozen';
  }

  /** Begins to connect, and keeps the shard connected from then on: with its session where there is one. */
  begin(): void {
    if (this.#state.kind !== 'open') return;
    this.#step = 'connecting';
    void this.#begin().catch((error: unknown) => {
      this.#given.options.logger.debug({ shard: this.id }, `Connecting ended: ${messageOf(error)}`);
    });
  }

  async #begin(): Promise<void> {
    await this.#backOff();
    await this.#resumeGate.beforeConnecting();
    if (this.#state.kind !== 'open') return;
    const session = this.#cursor.current;
    if (session === null) {
      await this.identify();
      return;
    }
    this.sessionId = session.sessionId;
    this.previousSequenceNumber = session.sequence;
    this.resumeGatewayUrl = trustedResumeUrl(session.resumeGatewayUrl, this.gatewayConfig.url);
    this.#step = 'resuming';
    const { handshakeMs, helloMs } = this.#given.options.timeouts;
    this.#expect(handshakeMs + helloMs, 'RESUME was not answered');
    await super.resume();
  }

  async #backOff(): Promise<void> {
    const { clock, random, timeouts } = this.#given.options;
    if (this.#failures < 2) return;
    const full = Math.min(timeouts.backoffMaxMs, timeouts.backoffMinMs * 2 ** Math.min(this.#failures - 2, 20));
    await delay(clock, full / 2 + (full / 2) * random.next(), this.#stopped.signal);
  }

  /** Resolves at the next READY or RESUMED, or when the session turns out to be gone; rejects when neither can come. */
  whenSettled(): Promise<ResumeOutcome> {
    return this.isHosted ? this.#outcomes.next() : Promise.reject(this.#endError());
  }

  /** See ShardHost. */
  async freeze(): Promise<Cursor> {
    if (this.#state.kind !== 'open') throw this.#endError();
    const cursor = this.movable();
    this.#state = { kind: 'frozen' };
    this.#intake.freeze();
    await this.#handlersDone();
    return cursor;
  }

  unfreeze(): void {
    if (this.#state.kind !== 'frozen') return;
    this.#state = { kind: 'open' };
    this.#intake.thaw();
    if (this.#step === 'down') this.begin();
  }

  /** From the first instruction on nothing is handed over any more and the cursor is final. Idempotent. */
  async stop(code: number): Promise<Cursor | null> {
    const cursor = this.#intake.last;
    if (this.#state.kind === 'stopped') return cursor;
    this.#state = { kind: 'stopped' };
    this.#intake.shut();
    this.#timers.clear();
    this.#identifyGate.ended(false);
    this.#stopped.abort(this.#endError());
    this.#outcomes.fail(this.#endError());
    const { closeMs } = this.#given.options.timeouts;
    await this.#timers.atMost(
      this.close(code, 'The shard leaves'),
      closeMs,
      'Discord did not answer the close; it was cut.',
    );
    this.#cut();
    this.stopHeartbeating();
    forgetTimer(this.bucket.timeoutId);
    await this.#handlersDone();
    return cursor;
  }

  #handlersDone(): Promise<void> {
    const { handlersMs } = this.#given.options.timeouts;
    return this.#timers.atMost(this.#intake.settled(), handlersMs, 'A handler did not finish before the shard left.');
  }

  // ——— what the library does by itself ———

  override async connect(): Promise<DiscordenoShard> {
    if (!this.isHosted) return new Promise(() => undefined);
    return super.connect();
  }

  /** Discord was seen to refuse a RESUME whose token begins with `Bot `, which the library writes there as in IDENTIFY. */
  override async send(message: Parameters<DiscordenoShard['send']>[0], highPriority = false): Promise<void> {
    const op: number = message.op;
    if (op !== OP.resume) return super.send(message, highPriority);
    await this.#resumeGate.beforeResuming();
    const resume = message.d as { token: string };
    return super.send({ ...message, d: { ...resume, token: resume.token.replace(/^Bot /, '') } }, highPriority);
  }

  /** Only with a permit. */
  override async identify(): Promise<void> {
    this.#step = 'awaitingPermit';
    await this.#identifyGate.pass(this.#stopped.signal);
    this.#step = 'identifying';
    // What the library remembers of an earlier session must not lead to its host.
    this.resumeGatewayUrl = '';
    const { handshakeMs, readyMs } = this.#given.options.timeouts;
    this.#expect(handshakeMs + readyMs, 'READY did not come');
    await super.identify();
  }

  /** The library calls it for a connection that does not answer heartbeats. */
  override resume(): Promise<void> {
    this.#lose('the connection did not answer', 'unproven');
    return Promise.resolve();
  }

  override async handleDiscordPacket(packet: Packet): Promise<void> {
    if (packet.op === OP.reconnect) {
      this.#lose('Discord asked to reconnect (op 7)', 'attached');
    } else if (packet.op === OP.invalidSession) {
      this.#invalidSession(packet.d === true);
    } else {
      const { bucket } = this;
      await super.handleDiscordPacket(packet);
      // At HELLO the library makes a new one, and leaves the old one's timer running for a minute.
      if (this.bucket !== bucket) forgetTimer(bucket.timeoutId);
    }
  }

  override forwardToBot(packet: Packet): void {
    if (packet.op !== OP.dispatch) {
      this.#forward(packet);
      return;
    }
    if (packet.t === 'READY') this.#ready(packet);
    if (packet.t === 'RESUMED') this.#up();
    else if (this.#step === 'resuming') this.#expect(this.#given.options.timeouts.resumeMs, 'The replay stopped');
    this.#intake.take(packet as unknown as GatewayDispatchPayload);
    if (packet.t === 'READY') this.#outcomes.settle('sessionLost');
    if (packet.t === 'RESUMED') this.#outcomes.settle('resumed');
  }

  #ready(packet: Packet): void {
    const { session_id: sessionId, resume_gateway_url: resumeGatewayUrl } = packet.d as {
      session_id: string;
      resume_gateway_url: string;
    };
    this.#cursor.begin({ sessionId, resumeGatewayUrl, sequence: packet.s ?? 1 });
    this.#up();
    this.#identifyGate.ended(true);
  }

  #up(): void {
    this.#timers.noResume();
    this.#step = 'up';
    this.#failures = 0;
  }

  #invalidSession(resumable: boolean): void {
    if (!resumable) {
      this.#cursor.forget();
      this.#outcomes.settle('sessionLost');
    }
    this.#lose(`Discord says that the session is invalid (op 9, ${resumable ? 'resumable' : 'gone'})`, 'attached');
  }

  override async handleClose(close: CloseEvent): Promise<void> {
    const wasUp = this.#step === 'up';
    await super.handleClose({ ...close, code: TIDY_UP, reason: close.reason } as CloseEvent);
    if (this.#replacing || !this.isHosted) return;
    this.#timers.noResume();
    this.#identifyGate.ended(false);
    this.#step = 'down';
    if (close.code in REFUSALS) {
      this.#refuse(close.code);
      return;
    }
    if (SESSION_GONE_CODES.has(close.code)) {
      this.#cursor.forget();
      this.#outcomes.settle('sessionLost');
    }
    this.#resumeGate.connectionEnded(causeOf(close.code));
    if (!wasUp) this.#attemptFailed();
    this.begin();
  }

  #attemptFailed(): void {
    this.#failures += 1;
    this.#cursor.useGenericUrl();
  }

  /** Ends the connection with the session kept, and makes the next. */
  #lose(reason: string, cause: LossCause): void {
    if (!this.isHosted || this.#replacing) return;
    this.#given.options.logger.debug({ shard: this.id, reason }, 'The gateway connection is made anew.');
    this.#resumeGate.connectionEnded(cause);
    void this.#replace();
  }

  async #replace(): Promise<void> {
    const { closeMs } = this.#given.options.timeouts;
    this.#timers.noResume();
    this.#identifyGate.ended(false);
    this.#replacing = true;
    this.#step = 'down';
    await this.#timers.atMost(
      this.close(KEEP_SESSION_CODE, 'Reconnecting'),
      closeMs,
      'Discord did not answer the close; it was cut.',
    );
    this.#cut();
    this.#replacing = false;
    this.begin();
  }

  #expect(ms: number, complaint: string): void {
    this.#timers.expectResume(() => this.#late(complaint), ms);
  }

  #late(complaint: string): void {
    this.#given.options.logger.debug({ shard: this.id }, `${complaint} in time.`);
    this.#cut();
  }

  /** Ends a connection that does not end by itself; `handleClose` hears of it. */
  #cut(): void {
    const socket = this.socket as { terminate?: () => void } | undefined;
    socket?.terminate?.();
  }

  override handleError(error: Event): void {
    this.#given.options.logger.debug({ shard: this.id, error: messageOf(error) }, 'The gateway connection failed.');
  }

  #refuse(code: number): void {
    const error = refusedByDiscord(this.id, code);
    this.#intake.thaw();
    this.#state = { kind: 'refused', error };
    this.#given.options.logger.error({ shard: this.id, code }, error.message);
    this.#outcomes.fail(error);
  }

  #endError(): NodeError {
    return this.#state.kind === 'refused' ? this.#state.error : stopped(this.id);
  }
}

/** A timer of the library's own. */
function forgetTimer(timer: NodeJS.Timeout | undefined): void {
  // oxlint-disable-next-line no-restricted-globals -- it was not set by a Clock
  clearTimeout(timer);
}
