/**
 * One event's worth of work: a copy-on-write draft of the state, and the effects so far.
 *
 * The state that came in is never touched: a collection is copied the first time it is written to. `changes` grows with
 * every write, so that `reconcile` knows when nothing more follows. Handlers write through the methods here only, and
 * effects are listed in the order in which they are to happen.
 */
import type { Message } from '@dshard/protocol';
import type { CommandResult } from './commands.js';
import { AUTOMATIC, type Decision, type Effect, type HistoryEntry, type HistoryName } from './effects.js';
import { withEpoch } from './epochs.js';
import { type DomainErrorCode, commandError } from './errors.js';
import { isPark, toPark } from './park.js';
import type { OperationOutcome, OperationState } from './operations.js';
import type { ProcessState } from './processes.js';
import type { Settings } from './settings.js';
import { withKnownLink } from './shard-link.js';
import type {
  LaunchState,
  MigrationState,
  NodeState,
  OrchestratorState,
  ShardState,
  StartRequest,
  CrashRecord,
  Assignment,
} from './state.js';
import { nodeSurvey, reviseNodeSurvey } from './node-survey.js';
import { type Survey, forgetSurvey, revisedSurvey, survey } from './survey.js';

type WritableState = { -readonly [K in keyof OrchestratorState]: OrchestratorState[K] };

/** The parts of the state that have no methods of their own here. */
type Patch = Partial<
  Omit<
    OrchestratorState,
    | 'settings'
    | 'nodes'
    | 'connections'
    | 'migrations'
    | 'startRequests'
    | 'operations'
    | 'launches'
    | 'processes'
    | 'crashRecords'
  >
>;

export class Transaction {
  readonly now: number;
  readonly #draft: WritableState;
  readonly #effects: Effect[] = [];
  #by = AUTOMATIC;
  #requestId: string | null = null;
  #changes = 0;
  /** The copy of the shards this transaction writes to. */
  #shards: ShardState[] | null = null;
  #assignments: Assignment[] | null = null;
  /** The last survey, and what the shards that changed since were then. */
  #surveyed: Survey | null = null;
  readonly #touched = new Map<number, ShardState>();
  readonly #nodes: OwnedMap<NodeState>;
  readonly #connections: OwnedMap<string>;
  readonly #migrations: OwnedMap<MigrationState>;
  readonly #startRequests: OwnedMap<StartRequest>;
  readonly #operations: OwnedMap<OperationState>;
  readonly #launches: OwnedMap<LaunchState>;
  readonly #processes: OwnedMap<ProcessState>;

  constructor(state: OrchestratorState, now: number) {
    this.now = now;
    this.#draft = { ...state };
    this.#nodes = new OwnedMap(state.nodes);
    this.#connections = new OwnedMap(state.connections);
    this.#migrations = new OwnedMap(state.migrations);
    this.#startRequests = new OwnedMap(state.startRequests);
    this.#operations = new OwnedMap(state.operations);
    this.#launches = new OwnedMap(state.launches);
    this.#processes = new OwnedMap(state.processes);
  }

  /** The draft as it is now. Do not hold on to it across writes. */
  get state(): OrchestratorState {
    return this.#draft;
  }

  get settings(): Settings {
    return this.#draft.settings;
  }

  get changes(): number {
    return this.#changes;
  }

  decision(): Decision {
    return { state: this.#draft, effects: this.#effects };
  }

  /** On whose behalf this part of the transaction is. */
  get by(): string {
    return this.#by;
  }

  /** What happens in `work` is recorded as asked for by `by`. @param requestId in which request, if in one. */
  actingFor<T>(by: string, work: () => T, requestId: string | null = null): T {
    const [before, requestBefore] = [this.#by, this.#requestId];
    this.#by = by;
    this.#requestId = requestId;
    try {
      return work();
    } finally {
      this.#by = before;
      this.#requestId = requestBefore;
    }
  }

  patch(patch: Patch): void {
    Object.assign(this.#draft, patch);
    if (patch.assignments !== undefined) this.#assignments = null;
    if (patch.shards !== undefined) {
      this.#shards = null;
      this.#surveyed = null;
      this.#touched.clear();
    }
    this.#changes += 1;
  }

  /** So many nodes are kept up from now on. */
  scaleTo(nodes: number): void {
    const { settings, scaledTo } = this.#draft;
    if (settings.nodes === nodes) return;
    const configured = scaledTo?.configured ?? settings.nodes;
    this.#draft.settings = { ...settings, nodes };
    this.#draft.scaledTo = nodes === configured ? null : { nodes, configured };
    this.#changes += 1;
  }

  changeSettings(changes: Partial<Settings>): void {
    this.#draft.settings = { ...this.#draft.settings, ...changes };
    if (changes.nodes !== undefined) this.#draft.scaledTo = null;
    this.#changes += 1;
  }

  /** `m7`: unique in this run. */
  nextId(prefix: string): string {
    const id = `${prefix}${this.#draft.nextId}`;
    this.#draft.nextId += 1;
    return id;
  }

  /** `m1n8sqk2f0-7`: unique across runs, because no two start in the same millisecond. */
  nextMigrationId(): string {
    return this.nextId(`m${this.#draft.startedAt.toString(36)}-`);
  }

  /** `c1n8sqk2f0-7`: of calls and their questions, unique across runs. Nothing of them is durable. */
  nextCallId(): string {
    const { nextCall, startedAt } = this.#draft;
    this.#draft.nextCall = nextCall + 1;
    return `c${startedAt.toString(36)}-${nextCall}`;
  }

  shard(shard: number): ShardState | undefined {
    return this.#draft.shards[shard];
  }

  setShard(shard: number, next: ShardState): void {
    const before = this.#draft.shards[shard];
    if (before === undefined) return;
    this.#surveyed ??= survey(this.#draft.shards);
    if (this.#shards === null) {
      this.#shards = this.#draft.shards.slice();
      this.#draft.shards = this.#shards;
    }
    if (!this.#touched.has(shard)) this.#touched.set(shard, before);
    this.#shards[shard] = withKnownLink(before, next);
    forgetSurvey(this.#shards);
    this.#changes += 1;
  }

  setAssignment(shard: number, next: Assignment): void {
    if (this.#assignments === null) {
      this.#assignments = this.#draft.assignments.slice();
      this.#draft.assignments = this.#assignments;
    }
    this.#assignments[shard] = next;
    this.#changes += 1;
  }

  survey(): Survey {
    if (this.#surveyed === null || this.#touched.size === 0) return survey(this.#draft.shards);
    this.#surveyed = revisedSurvey(this.#surveyed, this.#draft.shards, this.#touched);
    this.#touched.clear();
    return this.#surveyed;
  }

  /** The shards that sit on a node, without those it hands over or takes over. */
  shardsOf(node: string): readonly number[] {
    return this.survey().byNode.get(node) ?? [];
  }

  /** How many shards a node has to answer for: its own, those it hands over and those it is about to take over. */
  loadOf(node: string): number {
    let load = this.shardsOf(node).length;
    for (const migration of this.#draft.migrations.values()) {
      if (migration.origin === node || migration.destination === node) load += 1;
    }
    return load;
  }

  node(id: string): NodeState | undefined {
    return this.#draft.nodes.get(id);
  }

  setNode(node: NodeState): void {
    this.#writeNode(node.id, node);
  }

  patchNode(id: string, patch: Partial<Omit<NodeState, 'id'>>): void {
    const node = this.node(id);
    if (node !== undefined) this.setNode({ ...node, ...patch });
  }

  removeNode(id: string): void {
    this.#writeNode(id, undefined);
  }

  #writeNode(id: string, node: NodeState | undefined): void {
    const before = nodeSurvey(this.#draft.nodes);
    const nodes = this.#nodes.own();
    if (node === undefined) nodes.delete(id);
    else nodes.set(id, node);
    reviseNodeSurvey(nodes, before, id, node);
    this.#draft.nodes = nodes;
    this.#changes += 1;
  }

  link(connection: string, node: string): void {
    this.#draft.connections = this.#connections.own().set(connection, node);
  }

  unlink(connection: string): void {
    this.#connections.own().delete(connection);
    this.#draft.connections = this.#connections.own();
  }

  setMigration(migration: MigrationState): void {
    this.#draft.migrations = this.#migrations.own().set(migration.id, migration);
    this.#changes += 1;
  }

  removeMigration(id: string): void {
    this.#migrations.own().delete(id);
    this.#draft.migrations = this.#migrations.own();
    this.#changes += 1;
  }

  setOperation(operation: OperationState): void {
    this.#draft.operations = this.#operations.own().set(operation.id, operation);
    this.#changes += 1;
  }

  patchOperation(id: string, patch: Partial<Pick<OperationState, 'cancelled' | 'stopped' | 'deadline'>>): void {
    const operation = this.#draft.operations.get(id);
    if (operation !== undefined) this.setOperation({ ...operation, ...patch });
  }

  removeOperation(id: string): void {
    this.#operations.own().delete(id);
    this.#draft.operations = this.#operations.own();
    this.#changes += 1;
  }

  /** Says to an operation what became of something that it began. @param id null: it was nobody's step. */
  leaveOutcome(id: string | null, outcome: OperationOutcome): void {
    const operation = id === null ? undefined : this.#draft.operations.get(id);
    if (operation !== undefined) this.setOperation({ ...operation, outcomes: [...operation.outcomes, outcome] });
  }

  setCrashRecord(shard: number, record: CrashRecord): void {
    this.#draft.crashRecords = new Map(this.#draft.crashRecords).set(shard, record);
    this.#changes += 1;
  }

  removeCrashRecord(shard: number): void {
    const crashRecords = new Map(this.#draft.crashRecords);
    crashRecords.delete(shard);
    this.#draft.crashRecords = crashRecords;
    this.#changes += 1;
  }

  setLaunch(launch: LaunchState): void {
    this.#draft.launches = this.#launches.own().set(launch.id, launch);
    this.#changes += 1;
  }

  removeLaunch(id: string): void {
    this.#launches.own().delete(id);
    this.#draft.launches = this.#launches.own();
    this.#changes += 1;
  }

  setProcess(process: ProcessState): void {
    this.#draft.processes = this.#processes.own().set(process.node, process);
    this.#changes += 1;
  }

  removeProcess(node: string): void {
    this.#processes.own().delete(node);
    this.#draft.processes = this.#processes.own();
    this.#changes += 1;
  }

  setStartRequest(request: string, start: StartRequest): void {
    this.#draft.startRequests = this.#startRequests.own().set(request, start);
    this.#changes += 1;
  }

  removeStartRequest(request: string): void {
    this.#startRequests.own().delete(request);
    this.#draft.startRequests = this.#startRequests.own();
    this.#changes += 1;
  }

  /** To a node, if it is connected; what is not sent is made up for by what the node says when it comes back. */
  send(node: string, message: Message): void {
    if (isPark(node)) {
      this.#sendToPark(message);
      return;
    }
    const connection = this.node(node)?.connection;
    if (connection !== undefined && connection.kind !== 'disconnected')
      this.sendOn(connection.connection, withEpoch(this.#draft, node, message));
  }

  #sendToPark(message: Message): void {
    const migration = 'migrationId' in message ? this.#draft.migrations.get(message.migrationId) : undefined;
    const effect = migration === undefined ? null : toPark(migration, message);
    if (effect !== null) this.#effects.push(effect);
  }

  sendOn(connection: string, message: Message): void {
    this.#effects.push({ kind: 'send', connection, message });
  }

  effect(effect: Exclude<Effect, { kind: 'send' | 'reply' | 'record' }>): void {
    this.#effects.push(effect);
  }

  /** Answers an operator's request; nobody waits where there is none. */
  reply(request: string | null, result: CommandResult): void {
    if (request !== null) this.#effects.push({ kind: 'reply', request, result });
  }

  done(request: string | null, message: string, data: Record<string, unknown> = {}): void {
    this.reply(request, { ok: true, message, data });
  }

  fail(request: string | null, code: DomainErrorCode, message: string): void {
    this.reply(request, { ok: false, error: commandError(code, message) });
  }

  /** @param by who asked for it, where that is not whom this part of the transaction is for. */
  record(
    name: HistoryName,
    level: HistoryEntry['level'],
    text: string,
    fields: HistoryEntry['fields'],
    by: string = this.#by,
  ): void {
    const facts = this.#requestId === null ? fields : { ...fields, request: this.#requestId };
    this.#effects.push({ kind: 'record', entry: { name, level, text, by, fields: facts } });
  }
}

/** A map that is copied before its first write. */
class OwnedMap<V> {
  readonly #base: ReadonlyMap<string, V>;
  #copy: Map<string, V> | null = null;

  constructor(base: ReadonlyMap<string, V>) {
    this.#base = base;
  }

  own(): Map<string, V> {
    this.#copy ??= new Map(this.#base);
    return this.#copy;
  }
}
