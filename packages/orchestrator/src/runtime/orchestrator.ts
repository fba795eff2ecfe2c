/**
 * Drives the domain: takes what happens (connections, messages, commands, processes, time) as events to `decide`, one
 * at a time, and executes the effects it gives back, in order (`effects.ts`).
 *
 * With a store, what must not be forgotten is durable before the first effect (`journal.ts`, in groups: `batch.ts`).
 * While that cannot be done nothing is decided (`domain/suspended.ts`): messages that would have consequences are
 * dropped, and the connections they came by are closed when it can be done again, so that those nodes tell their whole
 * state anew; all other events are handled then, in their order.
 *
 * States: idle → starting → running → closed. A failed start leaves nothing behind. Whatever goes wrong with one event
 * or one effect is logged and ends there: the loop lives on, every command is answered, and the domain is woken again.
 */
import { MAX_SHARDS, messageOf, type Message } from '@dshard/protocol';
import type { Alarm, StoreStatus } from '@dshard/api';
import type { Address, ByteStream, Cancel, Listener } from '@dshard/transport';
import { EventLoop, isLoopback, parseAddress, WakeUp, wallClockAheadMs } from '@dshard/transport';
import type { CommandResult, OperatorCommand } from '../domain/state/commands.js';
import { decide, initialState, type Decide, type InitialState } from '../domain/decide.js';
import type { Effect, HistoryEntry } from '../domain/state/effects.js';
import { afterSuspension } from '../domain/deadlines.js';
import { whileSuspended } from '../domain/suspended.js';
import { correctingWrites } from '../domain/durable/writes.js';
import type { DomainEvent } from '../domain/state/events.js';
import type { OrchestratorState } from '../domain/state/state.js';
import { OrchestratorError } from '../errors.js';
import { decided, gather, type Decided, type GatherOptions } from './batch.js';
import { AlarmWatch } from './alarm-watch.js';
import { Connections } from './connections.js';
import type { CloseMode, CommandMeta, Orchestrator, OrchestratorOptions, RecordedEntry } from './contract.js';
import { executor, type Execute } from './effects.js';
import { Ledger } from '../metrics/ledger.js';
import type { RuntimeFigures } from '../metrics/metric.js';
import { METRICS } from '../metrics/metrics.js';
import type { Eventually } from '../ports/state-store.js';
import type { ProcessExit } from '../ports/surroundings.js';
import { deferred, drawRunId, Requests } from './requests.js';
import { storeLost, storeRecovered, whenDone, Journal } from './journal.js';
import { GatewayQuestion, asReason, Versions } from './questions.js';
import { History } from './history.js';
import { Park } from './park.js';
import { endsWithin, Processes, within } from './processes.js';
import { Pace } from './pace.js';
import { Postponed } from './postponed.js';
import { forgetStopped, recall, settingsOf } from './recall.js';
import { BEHIND, CLOSED, closedByDefault, NOT_RUNNING, overloaded, RESYNC, unavailable } from './refusals.js';
import { decidedTogether, takeTogether } from './together.js';
import { isToCommit, Violations } from './violations.js';

/** How long closed connections may take to flush. */
const CLOSE_TIMEOUT_MS = 3_000;
/** When the domain failed to say when. */
const RETRY_TICK_MS = 1_000;
/** Events that wait while a decision is made durable: some seconds of what thousands of nodes say. */
const MAX_WAITING_EVENTS = 2 ** 16;

/** Who shuts the fleet down when the orchestrator is ended. */
const ENDING = 'the end of the orchestrator';
/** A program that drives the orchestrator in its own process, and does not say who it is. */
const UNNAMED = 'a program';

type Domain = { decide: Decide; initialState: InitialState };

/** Nothing happens before `start()`. */
export function createOrchestrator(
  options: OrchestratorOptions,
  domain: Domain = { decide, initialState },
): Orchestrator {
  return new OrchestratorRuntime(options, domain);
}

class OrchestratorRuntime implements Orchestrator {
  readonly ledger: Ledger = new Ledger(METRICS);
  readonly #options: OrchestratorOptions;
  readonly #domain: Domain;
  readonly #loop = new EventLoop<DomainEvent, Effect>({
    step: (event, next) => this.#step(event, next),
    stepFailed: (event, error) => this.#stepFailed(event, error),
    effectFailed: ({ kind }, error) =>
      this.#options.logger.error({ err: error, effect: kind }, `The effect ${kind} failed: ${messageOf(error)}`),
    capacity: MAX_WAITING_EVENTS,
    overflow: (event) => this.#overflow(event),
    take: takeTogether,
  });
  readonly #pace: Pace;
  readonly #wakeUp: WakeUp;
  readonly #history: History;
  readonly #requests: Requests;
  readonly #versions: Versions;
  readonly #connections: Connections;
  readonly #violations: Violations;
  readonly #processes: Processes;
  readonly #park: Park | null;
  readonly #journal: Journal;
  readonly #alarms: AlarmWatch;
  readonly #execute: Execute;
  readonly #lost = deferred<OrchestratorError>();
  readonly #postponed = new Postponed();
  /** Nodes the launcher said to be dead before there was a state to say it to. */
  readonly #dead: string[] = [];
  #phase: 'idle' | 'starting' | 'running' | 'closed' = 'idle';
  #state: OrchestratorState;
  #address: Address;
  #listener: Listener | null = null;
  #starting: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: OrchestratorOptions, domain: Domain) {
    const { clock, logger, random } = options;
    const runId = drawRunId(random);
    this.#options = options;
    this.#domain = domain;
    this.#address = options.listen;
    this.#state = domain.initialState(settingsOf(options), clock.now());
    this.#pace = new Pace(clock, (events) => this.#loop.pushAll(events));
    this.#wakeUp = new WakeUp(clock, () => this.#pace.push({ kind: 'tick' }));
    this.#journal = new Journal({
      leadership: options.leadership ?? null,
      clock,
      random,
      logger,
      correction: (stored) => correctingWrites(stored, this.#state),
      onCommit: (commit) => this.ledger.commit(commit),
      onSuspended: (problem) => this.#suspended(problem),
      onResumed: (ms) => this.#resumed(ms),
      onLost: (error) => void this.#leadershipLost(error),
    });
    this.#history = new History(clock, logger, (entry) => this.#journal.note(entry));
    this.#history.onEntry((entry) => this.ledger.entry(entry));
    const record = (entry: HistoryEntry): void => this.#history.record(entry);
    const happened = (event: DomainEvent): void => this.#loop.push(event);
    this.#alarms = new AlarmWatch(options, this, record, (alarms) => happened({ kind: 'alarmsNoted', alarms }));
    this.#violations = new Violations(clock, this.#history);
    this.#requests = new Requests(runId);
    this.#versions = new Versions(options.versionSource, (version) => happened({ kind: 'versionDeployed', version }));
    this.#processes = new Processes({ ...options, versions: this.#versions, happened });
    const { spool = null, settings } = options;
    const say = (message: Message): void => happened({ kind: 'parkSaid', message });
    this.#park = spool && new Park({ spool, limits: settings, say, record, logger });
    this.#connections = new Connections({
      runId,
      clock,
      limits: options,
      maxShards: () => this.#state.totalShards ?? MAX_SHARDS,
      token: options.token,
      random,
      onIdentify: (connection, message, peer) => this.#pace.push({ kind: 'identify', connection, message, peer }),
      onMessage: (connection, message) =>
        this.#pace.push({ kind: 'message', connection, message, wallClockAheadMs: wallClockAheadMs(clock) }),
      onUnknownEvent: (connection, eventId) =>
        logger.debug({ connection, eventId }, `Ignored event ${eventId}, which this version does not know.`),
      onClosed: (connection, end) =>
        this.#pace.push({ kind: 'connectionClosed', connection, reason: asReason(end.message) }),
      onViolation: (remote, end) => this.#violations.closed(remote, end),
      delayOf: (remote) => this.#violations.delayOf(remote),
    });
    this.#execute = executor({
      connections: this.#connections,
      park: this.#park,
      requests: this.#requests,
      wakeUp: this.#wakeUp,
      gatewayQuestion: new GatewayQuestion(options.gatewayInfo, happened),
      processes: this.#processes,
      stopGraceMs: options.stopGraceMs,
      violations: this.#violations,
      history: this.#history,
    });
  }

  get address(): Address {
    return this.#address;
  }

  get state(): OrchestratorState {
    return this.#state;
  }

  /**
   * Rejects with `DSO_CLOSED_BY_DEFAULT` when it would listen beyond loopback without a token, and with what the
   * launcher or the transport say when they cannot start.
   */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async command(command: OperatorCommand, by: string = UNNAMED, meta: CommandMeta = {}): Promise<CommandResult> {
    if (this.#phase !== 'running') return { ok: false, error: NOT_RUNNING };
    const { id, result } = this.#requests.open();
    const availableBytes = this.#options.launcher?.availableBytes?.() ?? null;
    this.#loop.push({ kind: 'command', request: id, command, by, availableBytes, ...meta });
    return result;
  }

  deployedVersion(): Promise<CommandResult> {
    return this.#versions.deployed();
  }

  pullNewVersion(): Promise<CommandResult> {
    return this.#versions.pullNew();
  }

  history(): readonly RecordedEntry[] {
    return this.#history.all();
  }

  pastEntries(after: number | null, limit: number): Promise<readonly RecordedEntry[]> {
    return this.#history.past(after, limit, (query) => this.#journal.history(query));
  }

  alarms(): readonly Alarm[] {
    return this.#alarms.alarms();
  }

  get store(): StoreStatus {
    return this.#journal.status;
  }

  get lost(): Promise<OrchestratorError> {
    return this.#lost.promise;
  }

  onEntry(listener: (entry: RecordedEntry) => void): Cancel {
    return this.#history.onEntry(listener);
  }

  figures(): RuntimeFigures {
    const connections = this.#connections.figures();
    return { connections, violations: this.#violations.counts(), waitingEvents: this.#loop.waiting };
  }

  close(mode: CloseMode): Promise<void> {
    this.#closing ??= this.#close(mode);
    return this.#closing;
  }

  async #start(): Promise<void> {
    if (this.#phase !== 'idle') throw new OrchestratorError('DSO_NOT_RUNNING', 'The orchestrator was closed already.');
    const { listen, token, launcher, transport } = this.#options;
    if (token === null && !isLoopback(parseAddress(listen).host)) throw closedByDefault(listen);
    this.#phase = 'starting';
    try {
      await this.#take(async () => launcher?.start({ onExit: (exit) => this.#processExited(exit) }));
      const surroundings = { journal: this.#journal, history: this.#history, dead: this.#dead };
      const { state, writes } = await recall(this.#options, surroundings, this.#domain.initialState);
      this.#state = state;
      if (writes.length > 0) await this.#journal.commit(writes, []);
      await this.#park?.start(state);
      const accept = (stream: ByteStream): void => this.#connections.accept(stream);
      this.#listener = await this.#take(() => transport.listen(listen, accept), listen);
    } catch (error) {
      this.#phase = 'closed';
      this.#loop.close();
      await this.#journal.close();
      await launcher?.close();
      throw error;
    }
    this.#address = this.#listener.address;
    this.#phase = 'running';
    this.#options.logger.info({ address: this.#address }, `The orchestrator listens for nodes on ${this.#address}.`);
    for (const { node, pid } of launcher?.running() ?? [])
      if (!this.#dead.includes(node)) this.#loop.push({ kind: 'processAdopted', node, pid });
    void this.#versions.read();
    this.#loop.open({ kind: 'started' });
    this.#alarms.start();
  }

  #take<T>(take: () => Promise<T>, address?: Address): Promise<T> {
    return this.#options.succession?.take(take, address) ?? take();
  }

  #processExited({ node, description }: ProcessExit): void {
    const event = { kind: 'processExited', node, description } as const;
    const isKnown = this.state.nodes.get(node)?.connection.kind === 'connected';
    if (this.#phase === 'running' && !isKnown) {
      this.#pace.pushEnd(event);
      return;
    }
    if (this.#phase === 'starting') this.#dead.push(node);
    this.#loop.push(event);
  }

  async #close(mode: CloseMode): Promise<void> {
    await this.#starting?.catch(() => undefined);
    if (this.#phase !== 'running') {
      this.#phase = 'closed';
      await this.#journal.close();
      return;
    }
    const { clock, launcher, logger, stopGraceMs } = this.#options;
    if (mode !== 'leave') {
      const keepSessions = mode === 'keepSessions';
      const bound = endsWithin(this.#state, keepSessions) + stopGraceMs;
      await within(clock, bound, this.command({ kind: 'shutdownFleet', keepSessions }, ENDING));
    }
    this.#phase = 'closed';
    this.#pace.close();
    this.#loop.close();
    await this.#alarms.stop();
    this.#wakeUp.set(null);
    this.#violations.close();
    this.#requests.refuseAll(NOT_RUNNING);
    await this.#listener?.close();
    const end = { code: 'DSO_ORCHESTRATOR_LEAVING', message: 'The orchestrator closes.' };
    await this.#connections.closeAll(end, CLOSE_TIMEOUT_MS);
    if (mode !== 'leave') {
      const stopped = await this.#processes.stopAll(stopGraceMs, this.#state);
      this.#state = await forgetStopped(stopped, this.#state, this.#domain.decide, this.#journal, clock.now());
    }
    await this.#park?.close();
    await this.#journal.close();
    await launcher?.close();
    logger.info({ mode }, CLOSED[mode]);
  }

  /** @param next takes the next event that waits, to be made durable together with this one. */
  #step(event: DomainEvent, next: () => DomainEvent | undefined): Eventually<void> {
    if (!this.#journal.ready()) return this.#postpone(event);
    const { clock } = this.#options;
    const failed = this.#stepFailed.bind(this);
    const decide: GatherOptions['decide'] = (state, each) =>
      decidedTogether(this.#domain.decide, state, each, clock.now(), failed);
    const first = decided(this.#state, event, decide(this.#state, event));
    if (first.writes.length === 0) return this.#apply(first, null);
    const { members, writes, history } = gather(first, { next, decide, failed, history: this.#history });
    return whenDone(this.#journal.commit(writes, history), (isDurable) => {
      for (const member of members)
        if (isDurable) this.#apply(member, member.entries);
        else this.#postpone(member.event);
    });
  }

  /** @param committed what happened, where it was made durable with the decision. */
  #apply({ decision, event }: Pick<Decided, 'decision' | 'event'>, committed: RecordedEntry[] | null): void {
    const { state, effects } = decision;
    this.#state = state;
    this.#park?.keep(state);
    this.#options.onState?.(state);
    const cause = event.kind === 'message' ? event.connection : null;
    this.#loop.execute(effects, (effect) => {
      const recorded = isToCommit(effect) ? committed?.shift() : undefined;
      if (recorded === undefined) this.#execute(effect, cause);
      else this.#history.publish(recorded);
    });
  }

  /**
   * Too much waits. What a peer says is dropped, and the peer connects again to tell its whole state; what happened is
   * kept, bounded by the connections and processes there are.
   */
  #overflow(event: DomainEvent): boolean {
    if (event.kind === 'command') this.#requests.answer(event.request, { ok: false, error: overloaded() });
    else if (event.kind === 'identify' || event.kind === 'message') this.#connections.close(event.connection, BEHIND);
    else return true;
    return false;
  }

  /** Nothing can be made durable now. */
  #postpone(event: DomainEvent): void {
    if (event.kind === 'together') return event.events.forEach((each) => this.#postpone(each));
    const decision = whileSuspended(this.#state, event, this.#options.clock.now(), this.#journal.mayLead);
    if (decision !== null) {
      this.#apply({ decision, event }, null);
      return;
    }
    if (event.kind !== 'command') this.#postponed.add(event);
    else this.#requests.answer(event.request, { ok: false, error: unavailable(this.#journal.status.problem) });
  }

  #suspended(problem: string): void {
    this.#history.record(storeLost(problem));
  }

  #resumed(ms: number): void {
    const { clock } = this.#options;
    this.#state = afterSuspension(this.#state, ms, clock.now());
    this.#history.record(storeRecovered(ms));
    const { events, toResync } = this.#postponed.take();
    for (const event of events) this.#loop.push(event);
    for (const connection of toResync) this.#connections.close(connection, RESYNC);
    this.#loop.push({ kind: 'tick' });
  }

  async #leadershipLost(error: OrchestratorError): Promise<void> {
    this.#options.logger.error({ code: error.code }, error.message);
    await this.close('leave');
    this.#lost.resolve(error);
  }

  /** The event is dropped and the state is what it was; whoever waits is answered, and time goes on. */
  #stepFailed(event: DomainEvent, error: unknown): void {
    const message = `Deciding on ${event.kind} failed: ${messageOf(error)}`;
    if (event.kind === 'command') {
      this.#requests.answer(event.request, { ok: false, error: { code: 'DSO_INTERNAL', message, fault: 'fleet' } });
    }
    this.#wakeUp.setIfNone(RETRY_TICK_MS);
    this.#options.logger.error({ err: error, event: event.kind }, message);
  }
}
