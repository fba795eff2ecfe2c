/**
 * The fleet as readers of `/v1/live` have it, kept up to date by looking at the state now and then. One view serves all
 * readers. Records of the state are immutable, so what has changed is seen by comparing references: a look costs what
 * has changed, and some comparisons. What is the same is the same object in the next snapshot.
 */
import { shardRanges, type Alarm } from '@dshard/api';
import { LIVE_HISTORY, LIVE_KEYS, type LiveAlarm, type LiveSnapshot } from '@dshard/api/live';
import { wallClockAheadMs, type Clock } from '@dshard/transport';
import type { OrchestratorState } from '../../domain/state/state.js';
import type { OrchestratorHandle, RecordedEntry } from '../../runtime/contract.js';
import { migrationStatus } from '../v1-status.js';
import { shiftedBy } from '../wall-time.js';
import { fleetOf, liveOperationsOf, liveRolloutOf, type About } from './live-fleet.js';
import { hostsOf, LiveNodes } from './live-nodes.js';
import { sameList, sameOr } from './same.js';
import { ShardColumns } from './shard-columns.js';

/** The two clocks are read one after the other; a difference beyond that is a clock that was set. */
const CLOCK_SET_MS = 1_000;
/** Progress, and sums of the fleet, are counted anew over all shards, so they are not looked at with every step. */
const PROGRESS_EVERY_MS = 250;

export class LiveView {
  readonly #orchestrator: OrchestratorHandle;
  readonly #clock: Clock;
  readonly #about: About;
  readonly #nodes = new LiveNodes();
  readonly #columns = new ShardColumns();
  #aheadMs: number;
  #state: OrchestratorState | null = null;
  #progressAt = -Infinity;
  #fleetAt = -Infinity;
  #snapshot: LiveSnapshot | null = null;
  #entries: RecordedEntry[] = [];

  constructor(orchestrator: OrchestratorHandle, clock: Clock, about: About) {
    this.#orchestrator = orchestrator;
    this.#clock = clock;
    this.#about = about;
    this.#aheadMs = wallClockAheadMs(clock);
  }

  /** An entry of the history that no snapshot has yet. */
  note(entry: RecordedEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length > LIVE_HISTORY) this.#entries.shift();
  }

  /** Whether the machine's clock was set, so that no time in this view is right any more. */
  isOutdated(): boolean {
    return Math.abs(wallClockAheadMs(this.#clock) - this.#aheadMs) > CLOCK_SET_MS;
  }

  /** As it is now. */
  look(): LiveSnapshot {
    const { state } = this.#orchestrator;
    const now = this.#clock.now();
    const aheadMs = this.#aheadMs;
    const before = this.#snapshot;
    const rated = this.#nodes.hear(state, now, aheadMs);
    const { rates } = this.#nodes;
    const placeOf = (id: string): number => this.#nodes.placeOf(id);
    const shards = this.#columns.next({ state, now, aheadMs, placeOf, rates }, before === null ? null : rated);
    const { nodes, figures } = this.#nodes.addSuspicions(state, now, aheadMs, this.#columns.deaf);
    const next: LiveSnapshot = {
      now: now + aheadMs,
      fleet: this.#fleet(shards, now, before),
      hosts: this.#hosts(state, before),
      nodes,
      figures,
      shards,
      migrations: this.#migrations(state, before),
      ...this.#progress(state, now, before),
      alarms: this.#alarms(before),
      history: this.#history(before),
    };
    this.#state = state;
    this.#snapshot = next;
    return next;
  }

  #fleet(shards: LiveSnapshot['shards'], now: number, before: LiveSnapshot | null): LiveSnapshot['fleet'] {
    if (before !== null && now - this.#fleetAt < PROGRESS_EVERY_MS) return before.fleet;
    this.#fleetAt = now;
    const fleet = fleetOf(this.#orchestrator, this.#about, shards, { now, aheadMs: this.#aheadMs });
    return before === null ? fleet : sameOr(before.fleet, fleet);
  }

  #hosts(state: OrchestratorState, before: LiveSnapshot | null): LiveSnapshot['hosts'] {
    if (before !== null && this.#state?.nodes === state.nodes && this.#state.hosts === state.hosts) return before.hosts;
    return sameList(before?.hosts ?? [], hostsOf(state, this.#aheadMs), LIVE_KEYS.hosts);
  }

  #migrations(state: OrchestratorState, before: LiveSnapshot | null): LiveSnapshot['migrations'] {
    if (before !== null && this.#state?.migrations === state.migrations) return before.migrations;
    const told = [...state.migrations.values()].map((each) => shiftedBy(migrationStatus(each), this.#aheadMs));
    return sameList(before?.migrations ?? [], sorted(told, LIVE_KEYS.migrations), LIVE_KEYS.migrations);
  }

  #progress(
    state: OrchestratorState,
    now: number,
    before: LiveSnapshot | null,
  ): Pick<LiveSnapshot, 'operations' | 'rollout'> {
    const isSame =
      state.operations === this.#state?.operations && state.endedOperations === this.#state.endedOperations;
    const isEarly = now - this.#progressAt < PROGRESS_EVERY_MS;
    // Without one under way nothing moves; with one, its text and its rest change with its shards, and with time.
    if (before !== null && isSame && (isEarly || state.operations.size === 0)) {
      return { operations: before.operations, rollout: before.rollout };
    }
    this.#progressAt = now;
    const operations = liveOperationsOf(state, now, this.#aheadMs);
    const rollout = liveRolloutOf(state, now, this.#aheadMs);
    return {
      operations: sameList(before?.operations ?? [], operations, LIVE_KEYS.operations),
      rollout: sameOr(before?.rollout ?? null, rollout),
    };
  }

  #alarms(before: LiveSnapshot | null): LiveSnapshot['alarms'] {
    const standing = this.#orchestrator.alarms();
    if (standing.length === 0) return before?.alarms.length === 0 ? before.alarms : [];
    const told = standing.map((alarm) => alarmOf(alarm, this.#aheadMs));
    return sameList(before?.alarms ?? [], sorted(told, LIVE_KEYS.alarms), LIVE_KEYS.alarms);
  }

  #history(before: LiveSnapshot | null): LiveSnapshot['history'] {
    const fresh = this.#entries;
    if (before === null) {
      this.#entries = [];
      return this.#orchestrator.history().slice(-LIVE_HISTORY);
    }
    if (fresh.length === 0) return before.history;
    this.#entries = [];
    return [...before.history, ...fresh].slice(-LIVE_HISTORY);
  }
}

function alarmOf({ shards, ...alarm }: Alarm, aheadMs: number): LiveAlarm {
  return { ...shiftedBy(alarm, aheadMs), shards: shardRanges(shards, '-').replaceAll(' ', '') };
}

function sorted<T>(list: readonly T[], keyOf: (thing: T) => string): readonly T[] {
  return list.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
