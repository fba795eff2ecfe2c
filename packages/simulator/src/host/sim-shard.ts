/**
 * One shard of a simulated Discord library, from start or resume until it is stopped. Written after the rules of the host for
 * @discordjs/ws: RESUME wherever there is a session, IDENTIFY only with a permit, a dead resume URL costs one attempt, no word from
 * Discord for too long means a new connection.
 *
 * Received events wait in a queue until user code gets them, one by one; the cursor is the last one it got.
 *
 * States: `parked` (connects up to HELLO once, and holds RESUME back) → `open` (keeps itself connected: `connecting` → `waiting` for a
 * permit or `identifying` / `resuming` → `up`) ⇄ `frozen` (what comes is kept; a connection that ends is not made anew) → `stopped`.
 */
import { opcodes } from '@dshard/gateway-emulator/core';
import { NodeError } from '@dshard/node';
import type { Cursor, IdentifyPermit, LossCause } from '@dshard/node';
import type { ShardPhase } from '@dshard/protocol';
import { delay } from '@dshard/transport';
import type { Cancel, Clock, Transport } from '@dshard/transport';
import { BOT_TOKEN, GENERIC_GATEWAY } from '../world/discord.js';
import { GatewaySocket } from '../world/gateway-socket.js';
import { causeOf, INTENTS, LIMITS, PHASES, SESSION_CODES } from './sim-gateway.js';
import type { Payload, ReadyData, Received, Step } from './sim-gateway.js';
import { QuietWatch } from './quiet-watch.js';
import { SimHeart } from './sim-heart.js';
import { beforeResume, isTrusted, permitFor } from './sim-leave.js';
import type { MessageEvent, SimShardOptions } from './sim-shard-options.js';
import { Waiters } from './waiters.js';

export class SimShard {
  readonly #options: SimShardOptions;
  readonly #waiters = new Waiters();
  #step: Step = 'connecting';
  #stopped: Cursor | null | undefined;
  #mode: 'open' | 'parked' | 'frozen' = 'open';
  /** Parked, and HELLO came: what RESUMEs. */
  #resumeAtHello: (() => void) | null = null;
  #cursor: Cursor | null;
  #receivedSequence = 0;
  #queue: Received[] = [];
  #handling = false;
  /** One attempt to be connected; everything of it ends with it. */
  #attempt = new AbortController();
  #socket: GatewaySocket | null = null;
  #permit: IdentifyPermit | null = null;
  #failures = 0;
  #lost: LossCause = 'attached';
  #cause: LossCause = 'attached';
  #redelivers: boolean;
  #cancelAnswerTimer: Cancel = () => undefined;
  readonly #heart: SimHeart;
  readonly #watch: QuietWatch;
  events = 0;

  constructor(options: SimShardOptions) {
    const { clock, random, session, redelivers } = options;
    this.#options = options;
    this.#cursor = session;
    this.#redelivers = redelivers;
    const send = (): void => this.#send(opcodes.heartbeat, this.#cursor?.sequence ?? null);
    this.#heart = new SimHeart({ clock, random, send, dead: () => this.#failed(this.#attempt) });
    const probe = (): void => (this.isUp ? this.#failed(this.#attempt, 'displaced') : undefined);
    this.#watch = new QuietWatch({ clock, random, quietMs: LIMITS.quietMs, probe });
    if (session !== null && options.behaviour.doubtsSilence) this.#watch.begin();
  }

  get phase(): ShardPhase {
    return this.#stopped === undefined && this.#mode === 'open' ? PHASES[this.#step] : 'frozen';
  }

  get isUp(): boolean {
    return this.#stopped === undefined && this.#mode === 'open' && this.#step === 'up';
  }

  get isStopped(): boolean {
    return this.#stopped !== undefined;
  }

  /** What could be resumed if the shard stopped now. */
  get cursor(): Cursor | null {
    if (this.#cursor === null || this.#options.behaviour.cursor === 'handed') return this.#cursor;
    return { ...this.#cursor, sequence: Math.max(this.#receivedSequence, this.#cursor.sequence) };
  }

  open(): void {
    this.#connect();
  }

  /** Connects up to HELLO and waits there. One attempt: if it fails, `resumeParked` makes the next. */
  park(): void {
    this.#mode = 'parked';
    this.#connect();
  }

  isParkedFor(session: Cursor): boolean {
    return this.#mode === 'parked' && !this.isStopped && this.#cursor?.resumeGatewayUrl === session.resumeGatewayUrl;
  }

  resumeParked(session: Cursor, redelivers: boolean): void {
    this.#redelivers = redelivers;
    this.#cursor = session;
    this.#mode = 'open';
    const resume = this.#resumeAtHello;
    this.#resumeAtHello = null;
    if (resume !== null) resume();
    else if (this.#attempt.signal.aborted) this.#connect();
  }

  /** A replay is being handed over that another node may have handled in part. */
  get redelivers(): boolean {
    return this.#redelivers;
  }

  /** From here on nothing is handed over, and what comes is kept. */
  freeze(): Cursor {
    const { shardId } = this.#options;
    if (this.#stopped !== undefined || this.#mode !== 'open' || this.cursor === null || this.redelivers) {
      throw new NodeError('DSO_SHARD_NO_SESSION', `Shard ${shardId} cannot be frozen now.`);
    }
    this.#mode = 'frozen';
    return this.cursor;
  }

  /** What was kept is handed over in this turn, and the shard goes on. */
  unfreeze(): void {
    if (this.#stopped !== undefined || this.#mode !== 'frozen') return;
    this.#mode = 'open';
    if (isTrusted(this.#options)) for (const next of this.#queue.splice(0)) this.#handOver(next);
    else this.#hold();
    const resume = this.#resumeAtHello;
    this.#resumeAtHello = null;
    if (resume !== null) resume();
    else if (this.#attempt.signal.aborted) this.#connect();
  }

  /** Resolves at READY or RESUMED, or when the session turns out to be gone. */
  whenSettled(): Promise<void> {
    return this.#waiters.next();
  }

  /** From here on nothing is handed over. Resolves with the cursor when the connection is closed, or cut. */
  async stop(end: { keepSession: boolean }): Promise<Cursor | null> {
    if (this.#stopped !== undefined) return this.#stopped;
    const { behaviour, clock, shardId } = this.#options;
    this.#stopped = this.cursor !== null && this.#redelivers ? { ...this.cursor, redelivers: true } : this.cursor;
    if (behaviour.stopsWhenFrozen) this.#queue = [];
    const socket = this.#socket;
    this.#watch.stop();
    this.#leaveAttempt();
    this.#waiters.fail(new NodeError('DSO_SHARD_STOPPED', `Shard ${shardId} was stopped.`));
    if (socket !== null) {
      socket.close(end.keepSession ? behaviour.keepSessionCode : SESSION_CODES.end);
      await Promise.race([this.#goneOf(socket), delay(clock, LIMITS.closeMs)]);
      socket.cut();
    }
    return this.#stopped;
  }

  readonly #gone = new WeakMap<GatewaySocket, { promise: Promise<void>; resolve: () => void }>();

  #goneOf(socket: GatewaySocket): Promise<void> {
    return this.#gone.get(socket)?.promise ?? Promise.resolve();
  }

  #connect(): void {
    if (this.#stopped !== undefined) return;
    this.#step = 'connecting';
    const attempt = new AbortController();
    this.#attempt = attempt;
    const cause = this.#lost;
    this.#cause = cause;
    this.#lost = 'attached';
    this.#whenOurs(cause, attempt, () => this.#dial(attempt));
  }

  /** At once, or when the node knows that the session is its own; not at all when the attempt is over by then. */
  #whenOurs(cause: LossCause, { signal }: AbortController, go: () => void): void {
    const wait = this.#cursor === null ? null : beforeResume(this.#options, cause, signal);
    const goOn = (outcome: 'confirmed' | 'unheard'): void => {
      // Another node may have had the session meanwhile. Who does not ask does not think of that either.
      const { marksRedeliveries, asksBeforeItResumes } = this.#options.behaviour;
      const isContested = asksBeforeItResumes && (outcome === 'unheard' || cause === 'displaced');
      this.#redelivers ||= isContested && this.#cursor !== null && marksRedeliveries;
      go();
    };
    if (wait === null) goOn('confirmed');
    else void wait.then(goOn, () => undefined);
  }

  #dial(attempt: AbortController): void {
    const { gateway } = this.#options;
    const url = this.#cursor?.resumeGatewayUrl ?? '';
    const address = url === '' ? GENERIC_GATEWAY : url;
    gateway.connect(address, { timeoutMs: LIMITS.connectMs, signal: attempt.signal }).then(
      (stream) => (attempt.signal.aborted ? stream.destroy() : this.#adopt(stream, attempt)),
      () => this.#failed(attempt),
    );
  }

  #adopt(stream: Parameters<Parameters<Transport['listen']>[1]>[0], attempt: AbortController): void {
    const isCurrent = (): boolean => !attempt.signal.aborted && this.#stopped === undefined;
    let resolve = (): void => undefined;
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    const socket = new GatewaySocket(stream, {
      onText: (text) => {
        if (isCurrent()) this.#onPayload(JSON.parse(new TextDecoder().decode(text)) as Payload, attempt);
      },
      onClose: (code) => {
        if (!isCurrent()) return;
        if (SESSION_CODES.gone.has(code)) this.#loseSession();
        this.#failed(attempt, causeOf(code));
      },
      onGone: resolve,
    });
    this.#gone.set(socket, { promise, resolve });
    this.#socket = socket;
    this.#expectAnswer(attempt);
  }

  /** HELLO, READY and RESUMED come in time, or the attempt is over. */
  #expectAnswer(attempt: AbortController): void {
    this.#cancelAnswerTimer();
    this.#cancelAnswerTimer = this.#options.clock.after(LIMITS.answerMs, () => {
      if (this.#resumeAtHello === null && !attempt.signal.aborted && this.#step !== 'up' && this.#step !== 'waiting')
        this.#failed(attempt);
    });
  }

  /** The attempt is over; the next one follows. */
  #failed(attempt: AbortController, cause: LossCause = 'unproven'): void {
    if (attempt.signal.aborted || this.#stopped !== undefined) return;
    this.#lost = cause;
    if (this.#step !== 'up') {
      this.#failures += 1;
      if (this.#cursor !== null) this.#cursor = { ...this.#cursor, resumeGatewayUrl: '' };
    }
    if (!this.#options.behaviour.resumes) this.#loseSession();
    const { random, clock } = this.#options;
    const full = Math.min(LIMITS.backoffMaxMs, LIMITS.backoffMinMs * 2 ** Math.min(this.#failures, 10));
    this.#reconnect(clock, full / 2 + (full / 2) * random.next());
  }

  #reconnect(clock: Clock, waitMs: number): void {
    const socket = this.#socket;
    this.#leaveAttempt();
    if (socket !== null) {
      socket.close(this.#options.behaviour.keepSessionCode);
      clock.after(LIMITS.closeMs, () => socket.cut());
    }
    this.#step = 'connecting';
    // Parked or frozen, it connects again when it is told to go on.
    if (this.#mode === 'open') clock.after(waitMs, () => this.#connectUnlessConnected());
  }

  /** It may have been frozen while it waited, or have gone on from that. */
  #connectUnlessConnected(): void {
    if (this.#mode === 'open' && this.#attempt.signal.aborted) this.#connect();
  }

  #leaveAttempt(): void {
    this.#attempt.abort(new NodeError('DSO_SHARD_STOPPED', 'The attempt to connect is over.'));
    this.#permit?.finished(false);
    this.#permit = null;
    this.#socket = null;
    // What was received on it and not handed over yet is replayed on the next one.
    if (this.#options.behaviour.stopsWhenFrozen && this.#mode !== 'frozen') this.#queue = [];
    this.#resumeAtHello = null;
    this.#cancelAnswerTimer();
    this.#heart.stop();
  }

  #loseSession(): void {
    this.#cursor = null;
    this.#receivedSequence = 0;
    if (this.#mode !== 'frozen') this.#queue = [];
    this.#waiters.settle();
  }

  #onPayload(payload: Payload, attempt: AbortController): void {
    const { clock, random } = this.#options;
    switch (payload.op) {
      case opcodes.hello:
        return this.#onHello(payload.d as { heartbeat_interval: number }, attempt);
      case opcodes.dispatch:
        return this.#onDispatch(payload);
      case opcodes.heartbeat:
        return this.#heart.beat();
      case opcodes.heartbeatAck:
        return this.#heart.acknowledged();
      case opcodes.reconnect:
        return this.#reconnect(clock, 0);
      case opcodes.invalidSession:
        if (payload.d !== true) this.#loseSession();
        return this.#reconnect(clock, random.between(500, 2_000));
      default:
        return undefined;
    }
  }

  #onHello({ heartbeat_interval: intervalMs }: { heartbeat_interval: number }, attempt: AbortController): void {
    this.#heart.start(intervalMs);
    if (this.#cursor === null) {
      this.#step = 'waiting';
      void this.#identify(attempt);
      return;
    }
    this.#step = 'resuming';
    if (this.#mode === 'open') this.#resume(attempt);
    else this.#resumeAtHello = () => this.#resume(attempt);
  }

  /** It may have slept since it connected. */
  #resume(attempt: AbortController): void {
    this.#whenOurs('attached', attempt, () => {
      if (this.#cursor === null) return this.#failed(attempt);
      const { sessionId, sequence } = this.#cursor;
      this.#options.onResume(this.#cause);
      this.#send(opcodes.resume, { token: BOT_TOKEN, session_id: sessionId, seq: sequence });
      this.#expectAnswer(attempt);
    });
  }

  async #identify(attempt: AbortController): Promise<void> {
    const { context, shardId, onIdentify } = this.#options;
    const permit = await permitFor(this.#options, attempt.signal);
    if (permit === 'over') return;
    this.#permit = permit;
    this.#step = 'identifying';
    onIdentify(permit === null ? 'none' : permit.coordinated ? 'granted' : 'uncoordinated');
    const shard = [shardId, context.totalShards];
    this.#send(opcodes.identify, { token: BOT_TOKEN, intents: INTENTS, shard, properties: {} });
    this.#expectAnswer(attempt);
  }

  #send(op: number, d: unknown): void {
    this.#socket?.send(JSON.stringify({ op, d }));
  }

  #onDispatch({ t, s, d }: Payload): void {
    if (t === 'READY') {
      this.#redelivers = false;
      this.#watch.stop();
      const { session_id: sessionId, resume_gateway_url: resumeGatewayUrl } = d as ReadyData;
      this.#cursor = { sessionId, resumeGatewayUrl, sequence: s };
      this.#permit?.finished(true);
      this.#permit = null;
      this.#isUp(this.#cursor, 'ready');
      return;
    }
    this.#receivedSequence = s;
    if (this.#cursor !== null) {
      this.#queue.push({ type: t, sequence: s, sessionId: this.#cursor.sessionId, data: d as MessageEvent });
    }
    if (t === 'RESUMED' && this.#cursor !== null) this.#isUp(this.#cursor, 'resumed');
    if (!this.#handling) this.#handleNext();
  }

  #isUp(cursor: Cursor, how: 'ready' | 'resumed'): void {
    this.#step = 'up';
    this.#failures = 0;
    this.#options.onUp(cursor, how);
    this.#waiters.settle();
  }

  /** User code takes its time with each event. */
  #handleNext(): void {
    this.#handling = true;
    const { clock, random, handlingMs } = this.#options;
    clock.after(handlingMs * random.next(), () => {
      this.#handling = false;
      if (this.#mode === 'frozen' && this.#options.behaviour.stopsWhenFrozen) return;
      if (!isTrusted(this.#options)) return this.#hold();
      const next = this.#queue.shift();
      if (next === undefined || this.#cursor === null) return;
      this.#handOver(next);
      if (this.#queue.length > 0) this.#handleNext();
    });
  }

  /** The process slept: what was received may be stale. */
  #hold(): void {
    const attempt = this.#attempt;
    this.#handling = true;
    void this.#options.context.tenancy?.trusted().then((outcome) => {
      this.#handling = false;
      if (outcome === 'unheard') this.#failed(attempt);
      if (this.#queue.length > 0) this.#handleNext();
    });
  }

  /** Also what was kept of a session that is gone meanwhile. */
  #handOver({ type, sequence, sessionId, data }: Received): void {
    const cursor = { ...(this.#cursor ?? { resumeGatewayUrl: '' }), sessionId, sequence };
    if (this.#cursor?.sessionId === sessionId) this.#cursor = cursor;
    this.events += 1;
    if (type !== 'RESUMED') this.#watch.heard();
    if (type === 'RESUMED') this.#redelivers = false;
    if (type === 'MESSAGE_CREATE') this.#options.onMessage(data, cursor, this.#redelivers);
  }
}
