/**
 * The invariants of moving shards (docs/reference/trace.md), checked over an event history: the same checks for the one
 * an operator exported and for what the simulator's orchestrator says. A history shows what the orchestrator did; what
 * user code got is the simulator's to see.
 *
 * Entries come in order. Where ids are missing, what was known before is forgotten, for what is not known can break
 * nothing; but epochs only grow, so they are remembered. Where ids begin anew, the store was lost: that is another
 * history.
 */
import { type Durations, durationsOf } from './figures.js';
import { Facts, type TracedName, type TraceEntry } from './entry.js';
import { IdentifyChecks } from './identify-checks.js';

/** `invariant`: its number in docs/reference/trace.md. `id` and `at`: of the entry that shows it. */
export type TraceViolation = { invariant: number; id: number; at: number; text: string };

export type TraceReport = {
  entries: number;
  /** Unix milliseconds; null: there are no entries. */
  from: number | null;
  to: number | null;
  /** Starts of an orchestrator. */
  starts: number;
  /** Places where entries are missing, or a history begins anew. */
  gaps: number;
  /** How long moved shards were frozen. */
  moves: Durations;
  movesFailed: number;
  /** How long shards of nodes known dead were nobody's, where they could be resumed. */
  losses: Durations;
  identifies: { granted: number; mostInADay: number };
  /** What was still under way when the history ends. */
  open: readonly string[];
  violations: readonly TraceViolation[];
};

const PLANNED_P99_MS = 1_000;
const LOSS_P99_MS = 3_000;
/** No migration takes that long: each step has a deadline. */
const MIGRATION_BOUND_MS = 10 * 60_000;
/** A report that long is read by nobody; all are counted. */
const MAX_VIOLATIONS = 1_000;

/** The orchestrator as one end of a migration: the shard is parked, or given out again. */
const PARK = '/park';

type OpenMigration = { shard: number; destination: string; at: number };

export class TraceChecks {
  readonly #epochs = new Map<number, number>();
  readonly #owners = new Map<number, string>();
  /** Who had a shard before, and until when: a decision's assignments stand before what led to them. */
  readonly #before = new Map<number, { node: string; until: number }>();
  /** Parked still, under the epoch of the node that did not take it after all. */
  readonly #stillParked = new Set<number>();
  readonly #migrations = new Map<string, OpenMigration>();
  readonly #operations = new Map<string, string>();
  /** Shards that were on a node known dead, and since when. */
  readonly #lost = new Map<number, number>();
  readonly #identifies = new IdentifyChecks((text) => this.#violated(3, text));
  readonly #violations: TraceViolation[] = [];
  readonly #frozen: number[] = [];
  readonly #ownerless: number[] = [];
  /** What an entry changes and shows, by its name. All others say nothing here. */
  readonly #rules: Readonly<Record<TracedName, (facts: Facts) => void>> = {
    orchestratorStarted: (facts) => this.#started(facts),
    shardsAssigned: (facts) => this.#assigned(facts),
    shardRunning: (facts) => this.#running(facts),
    shardStopped: (facts) => this.#lost.delete(facts.number('shard') ?? -1),
    shardQuarantined: (facts) => this.#lost.delete(facts.number('shard') ?? -1),
    nodeJoined: (facts) => facts.numbers('shards').forEach((shard) => this.#lost.delete(shard)),
    nodeGone: (facts) => this.#confirmGone(facts),
    migrationStarted: (facts) => this.#migrationStarted(facts),
    migrationCompleted: (facts) => this.#migrationEnded(facts, true),
    migrationFailed: (facts) => this.#migrationEnded(facts, false),
    identifyGranted: (facts) => this.#identifies.granted(facts, facts.number('grantedAt') ?? this.#entry.at),
    operationStarted: (facts) => this.#operations.set(facts.text('operation') ?? '', facts.text('kind') ?? 'operation'),
    operationEnded: (facts) => this.#operations.delete(facts.text('operation') ?? ''),
    alarmRaised: (facts) => this.#alarm(facts, true),
    alarmCleared: (facts) => this.#alarm(facts, false),
  };
  #entry: TraceEntry = { id: 0, at: 0, name: '', text: '', fields: {} };
  #from: number | null = null;
  #entries = 0;
  #starts = 0;
  #gaps = 0;
  #movesFailed = 0;
  #orchestratorEpoch = 0;
  #isAlarmed = false;

  see(entry: TraceEntry): void {
    const isNext = this.#entries === 0 || entry.id === this.#entry.id + 1;
    const isAnew = !isNext && entry.id <= this.#entry.id;
    this.#entry = entry;
    this.#entries += 1;
    this.#from ??= entry.at;
    if (!isNext) {
      this.#gaps += 1;
      this.#forget();
      if (isAnew) this.#forgetEpochs();
    }
    if (Object.hasOwn(this.#rules, entry.name)) this.#rules[entry.name as TracedName](new Facts(entry));
  }

  finish(): TraceReport {
    const { at } = this.#entry;
    const [moves, losses] = [durationsOf(this.#frozen), durationsOf(this.#ownerless)];
    if (moves.p99 > PLANNED_P99_MS) {
      this.#violated(7, `Moved shards were frozen for ${moves.p99} ms at p99; ${PLANNED_P99_MS} ms are allowed.`);
    }
    if (losses.p99 > LOSS_P99_MS) {
      this.#violated(
        7,
        `Shards of dead nodes were nobody's for ${losses.p99} ms at p99; ${LOSS_P99_MS} ms are allowed.`,
      );
    }
    for (const [id, { shard, at: since }] of this.#migrations) {
      if (at - since > MIGRATION_BOUND_MS) this.#violated(12, `Migration ${id} of shard ${shard} never ended.`);
    }
    const migrations = [...this.#migrations].map(([id, { shard }]) => `migration ${id} of shard ${shard}`);
    const operations = [...this.#operations].map(([id, kind]) => `${kind} ${id}`);
    return {
      entries: this.#entries,
      from: this.#from,
      to: this.#entries === 0 ? null : at,
      starts: this.#starts,
      gaps: this.#gaps,
      moves,
      movesFailed: this.#movesFailed,
      losses,
      identifies: this.#identifies.figures(),
      open: [...migrations, ...operations],
      violations: this.#violations,
    };
  }

  #started(facts: Facts): void {
    this.#starts += 1;
    const epoch = facts.number('epoch') ?? 0;
    if (epoch <= this.#orchestratorEpoch) {
      this.#violated(2, `An orchestrator started with epoch ${epoch}, after one with ${this.#orchestratorEpoch}.`);
    }
    this.#orchestratorEpoch = epoch;
    this.#isAlarmed = false;
    // What was under way ended with the run before; its nodes say what came of it.
    this.#migrations.clear();
    this.#lost.clear();
  }

  /** Most nodes are silent: nothing may be moved. All other alarms name their kind, and forbid nothing. */
  #alarm(facts: Facts, isRaised: boolean): void {
    if (facts.text('kind') === null) this.#isAlarmed = isRaised;
  }

  #assigned(facts: Facts): void {
    const epochs = facts.numbers('epochs');
    const node = facts.text('node') ?? '';
    for (const [index, shard] of facts.numbers('shards').entries()) {
      const [epoch, before] = [epochs[index] ?? 0, this.#epochs.get(shard) ?? 0];
      if (epoch <= before) {
        this.#violated(2, `Shard ${shard} was assigned to node ${node} under epoch ${epoch}, after ${before}.`);
      }
      this.#epochs.set(shard, epoch);
      const owner = this.#owners.get(shard);
      if (owner !== undefined) this.#before.set(shard, { node: owner, until: this.#entry.at });
      this.#owners.set(shard, node);
      this.#stillParked.delete(shard);
    }
  }

  #running(facts: Facts): void {
    const [shard, node] = [facts.number('shard') ?? -1, facts.text('node') ?? ''];
    this.#mustBeOwner(shard, node, 'runs on');
    const since = this.#lost.get(shard);
    this.#lost.delete(shard);
    if (since !== undefined && facts.flag('resumed')) this.#ownerless.push(this.#entry.at - since);
  }

  #confirmGone(facts: Facts): void {
    const gone = facts.text('node');
    const { at } = this.#entry;
    for (const [shard, node] of this.#owners) {
      const before = this.#before.get(shard);
      const had = before?.until === at ? before.node : node;
      if (had === gone && !this.#lost.has(shard)) this.#lost.set(shard, at);
    }
  }

  #migrationStarted(facts: Facts): void {
    const [id, shard] = [facts.text('migration') ?? '', facts.number('shard') ?? -1];
    const other = [...this.#migrations].find(([, open]) => open.shard === shard);
    if (other !== undefined) this.#violated(1, `Shard ${shard} is in migrations ${other[0]} and ${id} at once.`);
    const origin = facts.text('origin') ?? '';
    if (origin !== PARK || !this.#stillParked.has(shard)) this.#mustBeOwner(shard, origin, 'is moved away from');
    this.#migrations.set(id, { shard, destination: facts.text('destination') ?? '', at: this.#entry.at });
    const [moving, down, limit] = [facts.number('moving'), facts.number('down'), facts.number('limit')];
    if (moving !== null && down !== null && limit !== null && moving + down > limit) {
      this.#violated(11, `Shard ${shard} is moved while ${moving} move and ${down} are down; ${limit} may be.`);
    }
    const isParking = origin === PARK || facts.text('destination') === PARK;
    if (this.#isAlarmed && !isParking) this.#violated(11, `Shard ${shard} is moved while most nodes are silent.`);
  }

  #migrationEnded(facts: Facts, isCompleted: boolean): void {
    const id = facts.text('migration') ?? '';
    const open = this.#migrations.get(id);
    this.#migrations.delete(id);
    if (!isCompleted) {
      this.#movesFailed += 1;
      if (facts.text('origin') === PARK) this.#stillParked.add(facts.number('shard') ?? -1);
      return;
    }
    this.#frozen.push(facts.number('frozenMs') ?? 0);
    this.#lost.delete(facts.number('shard') ?? -1);
    if (open !== undefined) this.#mustBeOwner(open.shard, open.destination, 'was moved to');
  }

  #mustBeOwner(shard: number, node: string, what: string): void {
    const owner = this.#owners.get(shard);
    if (owner === undefined || owner === node) return;
    this.#violated(1, `Shard ${shard} ${what} node ${node}, and was last assigned to node ${owner}.`);
  }

  #forget(): void {
    this.#owners.clear();
    this.#before.clear();
    this.#stillParked.clear();
    this.#migrations.clear();
    this.#operations.clear();
    this.#lost.clear();
    this.#identifies.forget();
    this.#isAlarmed = false;
  }

  #forgetEpochs(): void {
    this.#epochs.clear();
    this.#orchestratorEpoch = 0;
  }

  #violated(invariant: number, text: string): void {
    const { id, at } = this.#entry;
    if (this.#violations.length < MAX_VIOLATIONS) this.#violations.push({ invariant, id, at, text });
  }
}
