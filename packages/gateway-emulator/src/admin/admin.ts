/**
 * The operator's hand: faults on demand, now or later, and what is going on. Faults of sessions return how many they
 * hit. Everything that says `forMs` ends by itself after so long; without it, it stays until undone.
 */
import type { Clock } from '@dshard/transport';
import { beginOutage, endOutage } from '../core/availability.js';
import type { FaultResult, SessionSelector } from '../core/faults.js';
import {
  askToReconnect,
  connectionsOf,
  deafen,
  drop,
  expire,
  invalidate,
  requestHeartbeat,
  throttleStarts,
} from '../core/faults.js';
import { closeCodes } from '../core/discord.js';
import type { Effect } from '../core/effects.js';
import { holdSessions, releaseSessions } from '../core/sessions.js';
import { leaveStarts, refillBudget } from '../core/limits.js';
import { setStartAnswer, type StartAnswer, type StartKind } from '../core/start-answers.js';
import type { GatewayState, GreetingFault } from '../core/state.js';
import { grantIntents, revokeIntents, revokeToken } from '../core/token.js';
import type { GatewayEdge } from '../server/gateway-edge.js';
import type { GatewayHost, HostFailure, HostMode } from '../server/gateway-host.js';
import { goodLine, type LineCondition } from '../server/line.js';
import type { VoiceEdge } from '../server/voice-edge.js';
import type { Traffic } from '../world/traffic.js';
import { EmulatorError } from '../errors.js';
import { Schedule, type Scheduled, type Timing } from './schedule.js';
import { statusOf, type EmulatorStatus } from './status.js';

export type AdminOptions = {
  state: GatewayState;
  clock: Clock;
  edge: GatewayEdge;
  gatewayHost: GatewayHost;
  resumeHost: GatewayHost;
  traffic: Traffic;
  /** Null: without TLS there is none. */
  voice: VoiceEdge | null;
};

/** How long something lasts; without it, until it is undone. */
export type Lasting = { forMs?: number };

/** Some shards, or all. */
export type ShardSelector = { shards?: readonly number[] };

export type GatewayAbsence = Lasting & {
  /** How it is away. Default `hang-up`. */
  how?: HostFailure;
  /** Whether REST is served all the same, which it cannot be with `refuse`. Default: wherever it can. */
  rest?: boolean;
};

export class Admin {
  readonly #options: AdminOptions;
  readonly #schedule: Schedule;
  /** The ends of what does not last, apart from what the operator scheduled. */
  readonly #ends: Schedule;
  #gatewayBack: Scheduled | null = null;

  constructor(options: AdminOptions) {
    this.#options = options;
    this.#schedule = new Schedule(options.clock);
    this.#ends = new Schedule(options.clock);
  }

  /** RECONNECT (op 7). Sockets that stay longer than `reconnectGraceMs` are closed. */
  reconnect(selector: SessionSelector = {}): number {
    return this.#apply((now) => askToReconnect(this.#options.state, selector, now));
  }

  /** INVALID_SESSION (op 9). Not resumable unless said so. */
  invalidate(selector: SessionSelector = {}, { resumable = false }: { resumable?: boolean } = {}): number {
    return this.#apply((now) => invalidate(this.#options.state, selector, resumable, now));
  }

  /** Closes sockets with `code` (1000, 1001, 3000–4999), or ends them without a close frame. Sessions are kept. */
  drop(selector: SessionSelector = {}, { code = null }: { code?: number | null } = {}): number {
    return this.#apply((now) => drop(this.#options.state, selector, code, now));
  }

  /** Resets the TCP connections (RST). Sessions are kept. */
  reset(selector: SessionSelector = {}): number {
    return this.#apply((now) => drop(this.#options.state, selector, 'reset', now));
  }

  /** Nothing passes any more, in either direction, on sockets that stay open: zombies. */
  stall(selector: SessionSelector = {}, lasting: Lasting = {}): number {
    return this.#changeLines(selector, { ...goodLine, stalled: true }, lasting);
  }

  /** What the gateway says arrives late, or at so many bytes a second. */
  slow(
    selector: SessionSelector = {},
    { latencyMs = 0, bytesPerSecond = null, ...lasting }: Lasting & Partial<Omit<LineCondition, 'stalled'>> = {},
  ): number {
    return this.#changeLines(selector, { stalled: false, latencyMs, bytesPerSecond }, lasting);
  }

  /** Ends `stall` and `slow`. What was held is delivered at once. */
  heal(selector: SessionSelector = {}): number {
    return this.#changeLines(selector, goodLine, {});
  }

  /** Closes voice sockets with `code` (4014: stay away, 4015: RESUME, 4006: IDENTIFY), or without a close frame. */
  dropVoice({ guilds = null, code = null }: { guilds?: readonly string[] | null; code?: number | null } = {}): number {
    return this.#options.voice?.drop({ guilds, code }) ?? 0;
  }

  /** No event goes out on these sockets any more, and their heartbeats are acknowledged; a RESUME ends it. */
  deafen(selector: SessionSelector = {}): number {
    return this.#apply(() => deafen(this.#options.state, selector));
  }

  /** Ends sessions as if their time were over. */
  expire(selector: SessionSelector = {}): number {
    return this.#apply((now) => expire(this.#options.state, selector, now));
  }

  /** Asks for a heartbeat at once (op 1). */
  requestHeartbeat(selector: SessionSelector = {}): number {
    return this.#apply(() => requestHeartbeat(this.#options.state, selector));
  }

  /** The next sockets, of whatever shard, are told to reconnect (op 7) before they are greeted, or instead. */
  reconnectNextSockets({ times = 1, hello = true }: { times?: number; hello?: boolean } = {}): void {
    const kind: GreetingFault = hello ? 'reconnect-before-hello' : 'reconnect-instead-of-hello';
    this.#options.state.greeting = times > 0 ? { kind, left: times } : null;
  }

  /** Answers every IDENTIFY and RESUME with op 9 (RESUME with `true`), as Discord may while it recovers. */
  throttleStarts({ forMs }: { forMs: number }): void {
    const { state, clock } = this.#options;
    throttleStarts(state, forMs > 0 ? clock.now() + forMs : null);
  }

  /** How RESUMEs are answered: `never`, `resumable` (op 9 `true`), `refuse` (op 9 `false`), or `serve` again. */
  answerResumes(answer: StartAnswer, selector: ShardSelector = {}, lasting: Lasting = {}): void {
    this.#answerStarts('resume', answer, selector, lasting);
  }

  /** The same of IDENTIFYs. They cost no session start. */
  answerIdentifies(answer: StartAnswer, selector: ShardSelector = {}, lasting: Lasting = {}): void {
    this.#answerStarts('identify', answer, selector, lasting);
  }

  /**
   * The gateway is away while sessions live on: both hosts cut their sockets and fail, no session expires, and replay
   * buffers keep everything until each session is resumed. Throws `DSO_EMULATOR_BAD_REQUEST` when REST is to be kept
   * where it cannot.
   */
  async takeGatewayAway({ how = 'hang-up', rest = how !== 'refuse', forMs }: GatewayAbsence = {}): Promise<void> {
    if (rest && how === 'refuse') {
      const message =
        'REST has the port of the gateway: with "refuse" it is away too. Say rest: false, or use "hang-up".';
      throw new EmulatorError('DSO_EMULATOR_BAD_REQUEST', message);
    }
    const { state, gatewayHost, resumeHost } = this.#options;
    holdSessions(state);
    this.#cancelGatewayBack();
    if (forMs !== undefined)
      this.#gatewayBack = this.#ends.add('gateway back', { inMs: forMs }, () => this.bringGatewayBack());
    await Promise.all([gatewayHost.setMode(how, { keepRest: rest }), resumeHost.setMode(how, { keepRest: rest })]);
  }

  /** It is back. The time of sessions that wait for a RESUME begins. */
  async bringGatewayBack(): Promise<void> {
    const { state, clock, gatewayHost, resumeHost } = this.#options;
    this.#cancelGatewayBack();
    await Promise.all([gatewayHost.setMode('up'), resumeHost.setMode('up')]);
    releaseSessions(state, clock.now());
  }

  /** The host of `resume_gateway_url` fails (`refuse`, `unavailable`, `silent`, `hang-up`) or serves again (`up`). */
  async setResumeHost(mode: HostMode, lasting: Lasting = {}): Promise<void> {
    await this.#setHost(this.#options.resumeHost, mode, lasting);
  }

  /** The same for the generic host, Discord's REST included. Only `refuse` shuts the admin interface out as well. */
  async setGatewayHost(mode: HostMode, lasting: Lasting = {}): Promise<void> {
    await this.#setHost(this.#options.gatewayHost, mode, lasting);
  }

  /** Guilds become unavailable: GUILD_DELETE, and nothing more of them until the end of it. Returns how many did. */
  beginOutage(guildIds: readonly string[], { forMs }: Lasting = {}): number {
    if (forMs !== undefined) this.#ends.add('end of an outage', { inMs: forMs }, () => this.endOutage(guildIds));
    return this.#apply(() => beginOutage(this.#options.state, guildIds));
  }

  /** They are back: GUILD_CREATE. */
  endOutage(guildIds: readonly string[]): number {
    return this.#apply(() => endOutage(this.#options.state, guildIds));
  }

  /** Resets the token: all sessions are closed with 4003, IDENTIFY fails with 4004 until `issueToken`. */
  revokeToken(): void {
    this.#run((now, out) => revokeToken(this.#options.state, now, out));
  }

  /** Issues a token: after a reset, or in place of the one in force (sessions live on). */
  issueToken(token: string): void {
    this.#options.state.token = token;
  }

  /** Takes intents away: all sessions are closed with `code` (default 4003), IDENTIFY with one of them by 4014. */
  revokeIntents(bits: number, { code = closeCodes.notAuthenticated }: { code?: number } = {}): void {
    this.#run((now, out) => revokeIntents(this.#options.state, bits, code, now, out));
  }

  /** Gives intents back. */
  grantIntents(bits: number): void {
    grantIntents(this.#options.state, bits);
  }

  /** Gives back the day's session starts, or leaves so many of them. */
  refillSessionStarts({ remaining }: { remaining?: number } = {}): void {
    const { state, clock } = this.#options;
    if (remaining === undefined) refillBudget(state.budget, clock.now());
    else leaveStarts(state.budget, remaining, clock.now());
  }

  /**
   * Does something later, once or again and again:
   *
   *     admin.schedule('drops', { inMs: 5_000, everyMs: 30_000 }, () => admin.drop({ shards: [0, 1, 2, 3] }));
   */
  schedule(name: string, timing: Timing, action: () => unknown): Scheduled {
    return this.#schedule.add(name, timing, action);
  }

  scheduled(): Scheduled[] {
    return this.#schedule.list();
  }

  /** False: there is nothing of that id. */
  cancelScheduled(id: number): boolean {
    return this.#schedule.cancel(id);
  }

  status(): EmulatorStatus {
    return statusOf(this.#options);
  }

  /** Cancels whatever is scheduled. */
  close(): void {
    this.#schedule.close();
    this.#ends.close();
  }

  #answerStarts(kind: StartKind, answer: StartAnswer, { shards }: ShardSelector, { forMs }: Lasting): void {
    const { state, clock } = this.#options;
    const now = clock.now();
    const until = forMs === undefined ? null : now + forMs;
    setStartAnswer(state.answers, kind, { answer, shards: shards === undefined ? null : new Set(shards), until }, now);
  }

  #cancelGatewayBack(): void {
    if (this.#gatewayBack !== null) this.#ends.cancel(this.#gatewayBack.id);
    this.#gatewayBack = null;
  }

  async #setHost(host: GatewayHost, mode: HostMode, { forMs }: Lasting): Promise<void> {
    await host.setMode(mode);
    if (forMs !== undefined) this.#ends.add('host up again', { inMs: forMs }, () => host.setMode('up'));
  }

  #changeLines(selector: SessionSelector, condition: LineCondition, { forMs }: Lasting): number {
    const { state, edge } = this.#options;
    const connections = connectionsOf(state, selector);
    if (forMs !== undefined)
      this.#ends.add('lines heal', { inMs: forMs }, () => edge.changeLines(connections, goodLine));
    return edge.changeLines(connections, condition);
  }

  #apply(fault: (now: number) => FaultResult): number {
    const { effects, affected } = fault(this.#options.clock.now());
    this.#options.edge.run(effects);
    return affected;
  }

  #run(act: (now: number, out: Effect[]) => void): void {
    const out: Effect[] = [];
    act(this.#options.clock.now(), out);
    this.#options.edge.run(out);
  }
}
