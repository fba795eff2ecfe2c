/**
 * The node: drives the pure session (session/decide.ts). Everything that happens becomes an event; the effects of each
 * decision are executed in order before the next event is looked at. What the session does and why is written there;
 * here is only how it touches the world.
 */
import { messageOf } from '@dshard/protocol';
import { EventLoop, WakeUp } from '@dshard/transport';
import { Connections } from './connections.js';
import { withinDeadline } from './deadline.js';
import { Departure } from './departure.js';
import { NodeError } from './errors.js';
import type { Fleet } from './fleet/fleet-api.js';
import { NodeFleet } from './fleet/node-fleet.js';
import { settled } from './gateway-shard/outcomes.js';
import { HealthProbes } from './health-probes.js';
import type { HealthCheck } from './health.js';
import { HostCalls } from './host-calls.js';
import { HostReports } from './host-reports.js';
import { identityOf } from './identity.js';
import { Listeners } from './listeners.js';
import { resolveLeave, type LeaveOptions } from './leave-options.js';
import { boundLog } from './log-bound.js';
import { resolveOptions, type NodeOptions, type ResolvedOptions } from './options.js';
import { Orchestrators } from './orchestrators.js';
import { startRefused, statusOf, type DshardNode, type NodeEnd, type NodeEvents, type NodeStatus } from './node-api.js';
import { PermitClient } from './permit-client.js';
import { ProcessFigures } from './process-figures.js';
import { decide } from './session/decide.js';
import type { HostCall, NodeEffect } from './session/effects.js';
import type { NodeEvent } from './session/events.js';
import { initialState, type NodeState, type ShardStateKind } from './session/state.js';
import type { HostContext } from './shard-host.js';
import { LeaseClient } from './ownership-lease.js';
import { Signals } from './signals.js';
import { Standby, type StandbyHook } from './standby.js';
import { TokenProof } from './token-proof.js';
import { Transfers } from './transfers.js';
import { UserEventLanes } from './user-event-lanes.js';

/** When the session failed to say when to wake it. */
const RETRY_TICK_MS = 1_000;
/** Events that wait while one is decided on. */
const MAX_WAITING_EVENTS = 2 ** 16;

/** Throws `DSO_NODE_OPTIONS_INVALID` for options that cannot work. Nothing happens before `start()`. */
export function createNode(options: NodeOptions): DshardNode {
  return new NodeRuntime(resolveOptions(options));
}

class NodeRuntime implements DshardNode {
  readonly established: Promise<{ totalShards: number }>;
  readonly #end = settled<NodeEnd>();
  readonly closed: Promise<NodeEnd> = this.#end.promise;
  readonly #options: ResolvedOptions;
  readonly #listeners: Listeners<NodeEvents>;
  readonly #connections: Connections;
  readonly #proof: TokenProof;
  readonly #hostCalls: HostCalls;
  readonly #transfers: Transfers;
  readonly #lanes: UserEventLanes;
  readonly #permits: PermitClient;
  readonly #lease: LeaseClient;
  readonly #figures: ProcessFigures;
  readonly #hostReports: HostReports;
  readonly #fleet: NodeFleet;
  readonly #departure: Departure;
  readonly #probes: HealthProbes;
  readonly #signals: Signals;
  readonly #standby: Standby;
  readonly #loop = new EventLoop<NodeEvent, NodeEffect>({
    step: (event) => this.#decide(event),
    stepFailed: ({ kind }, error) => this.#failed(`The node could not decide on ${kind}`, error),
    effectFailed: ({ kind }, error) => this.#failed(`The effect ${kind} failed`, error),
    capacity: MAX_WAITING_EVENTS,
    overflow: (event) => this.#overflow(event),
  });
  readonly #wakeUp: WakeUp;
  #state: NodeState;
  /** Resolves when the host knows who and how many it is; its other calls wait for it. */
  #introduced: Promise<void> | null = null;
  #resolveEstablished: (value: { totalShards: number }) => void = () => undefined;
  #rejectEstablished: (error: NodeError) => void = () => undefined;

  constructor(options: ResolvedOptions) {
    this.#options = options;
    const { clock, host, userEvents, logger } = options;
    this.#proof = new TokenProof(options);
    this.established = new Promise((resolve, reject) => {
      this.#resolveEstablished = resolve;
      this.#rejectEstablished = reject;
    });
    // Nobody has to wait for it: a node that is closed early is no unhandled rejection.
    this.established.catch(() => undefined);
    this.#state = initialState(identityOf(options), options.session, options.host.unfreeze !== undefined);
    this.#wakeUp = new WakeUp(clock, (lateMs) => {
      this.#figures.timerWasLate(lateMs);
      this.#loop.push({ kind: 'tick' });
    });
    this.#listeners = new Listeners((event, error) =>
      logger.error({ event, error: messageOf(error) }, `A listener of the node's "${event}" threw.`),
    );
    this.#figures = new ProcessFigures(clock);
    this.#hostReports = new HostReports(host, (text) => this.#log('error', text, {}));
    this.#lease = new LeaseClient(clock, () => this.#loop.push({ kind: 'confirm' }));
    this.#permits = new PermitClient((event) => this.#loop.push(event));
    this.#fleet = new NodeFleet({
      options,
      state: () => this.#state,
      reports: this.#hostReports,
      lease: this.#lease,
      send: (connection, message) => this.#send(connection, message),
      failed: (text, error) => this.#log('error', text, { error }),
    });
    const problem = (text: string): void => this.#log('error', text, {});
    this.#departure = new Departure({ ...options, problem });
    this.#standby = new Standby(options, problem);
    this.#signals = new Signals(options, { problem, changed: () => this.#loop.push({ kind: 'reportSoon' }) });
    this.#probes = new HealthProbes(options.healthListen, () => this.#state, problem);
    this.#transfers = new Transfers({
      host,
      userEvents,
      produced: (call, shardId, eventId, body) =>
        this.#loop.push({ kind: 'userEventProduced', call, shardId, eventId, body }),
    });
    this.#lanes = new UserEventLanes({
      host,
      clock,
      userEvents,
      inTime: (work) =>
        withinDeadline(clock, work, { what: 'handleUserEvent', ms: options.hostCallMs, limit: 'limits.hostCallMs' }),
      handled: (stage, shardId, what, failure) => {
        if (failure !== null) this.#signals.importFailed();
        this.#loop.push({ kind: 'userEventHandled', stage, shardId, ...what, failure });
      },
    });
    this.#hostCalls = new HostCalls({
      host,
      clock,
      hostCallMs: options.hostCallMs,
      resumeMs: options.resumeMs,
      readyMs: options.hostTimeouts.readyMs,
      slow: (text, shardId) => this.#log('warn', text, { shard: shardId }),
      importFailed: () => this.#signals.importFailed(),
      transfers: this.#transfers,
      lanes: this.#lanes,
      context: () => this.#context(),
      failed: (text, shard) => this.#log('error', text, { shard }),
    });
    this.#connections = new Connections({
      orchestrators: new Orchestrators(options.transport, options.orchestrators, clock),
      timeoutMs: options.connectTimeoutMs,
      connected: (connection) => this.#loop.push({ kind: 'connected', connection, nonce: this.#proof.drawNonce() }),
      connectFailed: (reason) => this.#loop.push({ kind: 'connectFailed', reason, jitter: options.random.next() }),
      message: (connection, message) => {
        if (!this.#fleet.received(connection, message)) this.#loop.push({ kind: 'message', connection, message });
      },
      unknownEvent: (eventId) => logger.debug({ eventId }, 'The orchestrator sent an event that is not known here.'),
      drained: () => this.#transfers.unblock(),
      lost: (connection, reason) =>
        this.#loop.push({ kind: 'disconnected', connection, reason, jitter: options.random.next() }),
    });
    this.#loop.open();
  }

  get nodeId(): string {
    return this.#state.identity.nodeId;
  }

  get status(): NodeStatus {
    return statusOf(this.#state);
  }

  get fleet(): Fleet {
    return this.#fleet.api;
  }

  get shards(): ReadonlyMap<number, ShardStateKind> {
    return new Map([...this.#state.shards].map(([shardId, shard]) => [shardId, shard.kind]));
  }

  onShutdown(hook: () => void | Promise<void>): () => void {
    return this.#departure.onShutdown(hook);
  }

  onStandby(hook: StandbyHook): () => void {
    return this.#standby.add('standby', hook);
  }

  onActive(hook: StandbyHook): () => void {
    return this.#standby.add('active', hook);
  }

  health(check: HealthCheck): () => void {
    return this.#signals.health.add(check);
  }

  on<K extends keyof NodeEvents>(event: K, listener: (value: NodeEvents[K]) => void): () => void {
    return this.#listeners.on(event, listener);
  }

  start(): Promise<void> {
    if (this.#state.link.kind !== 'idle') {
      return Promise.reject(startRefused(this.#state));
    }
    boundLog(this.#options, this.closed);
    this.#probes.start();
    this.#signals.start();
    this.#loop.push({ kind: 'start' });
    this.#departure.heedSignals({ leave: () => this.leave(), hurry: () => this.#loop.push({ kind: 'hurry' }) });
    return Promise.resolve();
  }

  leave(options: LeaveOptions = {}): Promise<NodeEnd> {
    const wish = resolveLeave('leave()', options, this.#options.leave);
    this.#options.host.closing?.();
    this.#loop.push({ kind: 'leave', ...wish });
    return this.closed;
  }

  async close(): Promise<void> {
    this.#options.host.closing?.();
    this.#loop.push({ kind: 'close' });
    await this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What an effect causes on the spot waits its turn. A defect of the session leaves the state, and the bot, alive. */
  #decide(event: NodeEvent): void {
    const before = this.#state;
    const { state, effects } = decide(before, event, this.#options.clock.now());
    this.#state = state;
    // Before the shard is frozen, say.
    this.#fleet.decided();
    this.#loop.execute(effects, (effect) => this.#execute(effect));
    if (before.link.kind !== this.#state.link.kind) this.#fleet.connectionLost();
    if (before.link.kind !== this.#state.link.kind || statusOf(before).kind !== this.status.kind) {
      this.#listeners.emit('status', this.status);
    }
    if (before.shards === this.#state.shards) return;
    this.#standby.look(this.#state);
    if (this.#listeners.has('shards')) this.#listeners.emit('shards', this.shards);
  }

  #execute(effect: NodeEffect): void {
    switch (effect.kind) {
      case 'connect':
        void this.#connections.connect();
        return;
      case 'identify':
      case 'send':
        return this.#send(effect.connection, effect.message);
      case 'checkChallenge':
        return this.#loop.push(this.#proof.checked(effect));
      case 'prove':
        return this.#send(effect.connection, this.#proof.of(effect));
      case 'heartbeat':
        return this.#send(effect.connection, {
          kind: 'heartbeat',
          sequence: effect.sequence,
          shards: this.#hostReports.heartbeat(this.#state),
          process: this.#figures.take(),
          ...this.#signals.told(this.#state),
        });
      case 'leaderIs':
        return this.#connections.leaderIs(effect.address);
      case 'established':
        this.#connections.established(effect.connection);
        return this.#introduce(effect.totalShards);
      case 'leased':
        return this.#lease.leased(effect.leaseMs);
      case 'answered':
        return this.#lease.answered(effect.sentAt);
      case 'reading':
        return this.#connections.reading(effect.connection, effect.paused);
      case 'closeConnection':
        return this.#connections.close(effect.connection, effect.reason);
      case 'dropConnection':
        return this.#connections.drop(effect.connection, effect.reason);
      case 'call':
        this.#fleet.calls(effect.request);
        void this.#call(effect.call, effect.request);
        return;
      case 'opened': {
        const { connection, message } = effect;
        return this.#send(connection, { ...message, session: this.#hostReports.cursorOf(message.shardId) });
      }
      case 'credit':
        return this.#transfers.credit(effect.call, effect.bytes);
      case 'preconnect':
      case 'stays':
      case 'released':
      case 'abortStaging':
        void this.#hostCalls.tell(effect);
        return;
      case 'endPatience':
        return this.#hostCalls.endPatience(effect.call, effect.why);
      case 'abortTransfer':
        return this.#transfers.cancel(effect.call, effect.reason);
      case 'handleUserEvent':
        return this.#lanes.add(effect.stage, effect.shardId, effect.eventId, effect.body);
      case 'grantPermit':
        return this.#permits.grant(effect.shardId, effect.request, effect.coordinated);
      case 'wakeAt':
        return this.#wakeUp.set(effect.at);
      case 'log':
        return this.#log(effect.level, effect.text, effect.fields);
      case 'drained':
        void this.#linger(effect);
        return;
      case 'left':
        void this.#leave(effect);
        return;
    }
  }

  #send(connection: number, message: Parameters<Connections['send']>[1]): void {
    try {
      if (!this.#connections.send(connection, message)) {
        this.#transfers.block();
      }
    } catch (error) {
      this.#log('error', `${message.kind} could not be sent: ${messageOf(error)}`, {});
    }
  }

  #context(): HostContext {
    return {
      nodeId: this.nodeId,
      totalShards: this.#state.totalShards ?? 0,
      requestIdentify: (shardId, signal) => this.#permits.request(shardId, signal),
      lease: this.#lease,
      reportSoon: () => this.#loop.push({ kind: 'reportSoon' }),
    };
  }

  #introduce(totalShards: number): void {
    if (this.#introduced !== null) return;
    this.#introduced = (async () => {
      try {
        await this.#options.host.sessionEstablished?.(this.#context());
      } catch (error) {
        this.#log('error', `The host's sessionEstablished failed: ${messageOf(error)}`, {});
      }
    })();
    this.#resolveEstablished({ totalShards });
  }

  async #call(call: number, request: HostCall): Promise<void> {
    await this.#introduced;
    const outcome = await this.#hostCalls.run(call, request);
    const shardIds = request.method === 'startShards' ? request.shardIds : [request.shardId];
    this.#loop.push({ kind: 'callEnded', call, shardIds, outcome });
  }

  /** Time goes on, whatever failed. */
  #failed(what: string, error: unknown): void {
    if (this.#state.lifecycle.kind !== 'left') this.#wakeUp.setIfNone(RETRY_TICK_MS);
    this.#log('error', `${what}: ${messageOf(error)}`, { error });
  }

  /** Too much waits. The orchestrator's message is dropped with its connection, and comes again on the next one. */
  #overflow(event: NodeEvent): boolean {
    if (event.kind !== 'message') return true;
    const reason = 'The node is behind with what the orchestrator said.';
    this.#connections.drop(event.connection, reason);
    this.#loop.push({ kind: 'disconnected', connection: event.connection, reason, jitter: 0.5 });
    return false;
  }

  #log(level: 'debug' | 'info' | 'warn' | 'error', text: string, fields: Readonly<Record<string, unknown>>): void {
    try {
      this.#options.logger[level]({ node: this.nodeId, ...fields }, text);
    } catch {
      // A log that cannot be written, by a worker that has ended, say, is not to be the end of the bot.
    }
    if (level === 'error') {
      this.#listeners.emit('error', { message: text, fields });
    }
  }

  /** All shards are gone. */
  async #linger({ asked, leaveBy }: Extract<NodeEffect, { kind: 'drained' }>): Promise<void> {
    this.#permits.close();
    this.#lease.close();
    this.#rejectEstablished(new NodeError('DSO_NODE_CLOSED', 'The node was closed before it was established.'));
    await this.#departure.depart(asked, leaveBy);
    this.#loop.push({ kind: 'departed' });
  }

  async #leave({ asked, final, unnoted, late }: Extract<NodeEffect, { kind: 'left' }>): Promise<void> {
    this.#wakeUp.set(null);
    this.#fleet.close();
    this.#probes.close();
    this.#signals.close();
    await this.#departure.within('disconnecting', () => this.#connections.shutdown());
    this.#end.resolve({ asked, final, acknowledged: unnoted.length === 0 && !late });
    this.#departure.end();
  }
}
