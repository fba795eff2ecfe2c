/**
 * The shards of a snapshot, as columns. The condition of a shard that is up depends on the shard alone, so only
 * those whose record is another one are looked at, and those not up, where what they wait for may have changed.
 */
import { LIVE_CONDITIONS, NOBODY, type LiveShards } from '@dshard/api/live';
import { conditionsOf } from '../../domain/shards/condition.js';
import type { OrchestratorState, ShardState } from '../../domain/state/state.js';
import { survey } from '../../domain/state/survey.js';
import type { EventRates } from './event-rates.js';

const PLACES: ReadonlyMap<string, number> = new Map(LIVE_CONDITIONS.map((kind, place) => [kind, place]));

type Columns = { -readonly [Name in keyof LiveShards]: number[] };
export type Deaf = ReadonlyMap<number, { readonly node: string; readonly since: number }>;

/** What is the same for all shards at one moment. */
export type Moment = {
  readonly state: OrchestratorState;
  readonly now: number;
  /** How far times for people are ahead. */
  readonly aheadMs: number;
  /** NOBODY: there is no such node now. */
  placeOf(this: void, node: string): number;
  readonly rates: EventRates;
};

export class ShardColumns {
  #state: OrchestratorState | null = null;
  #columns: LiveShards = { node: [], condition: [], since: [], rate: [] };
  readonly #deaf = new Map<number, { node: string; since: number }>();

  /** Up by their own word, and without events for an unusual time. */
  get deaf(): Deaf {
    return this.#deaf;
  }

  /** @param also shards to look at whatever has become of their records. null: all. The same object: no change. */
  next(moment: Moment, also: Iterable<number> | null): LiveShards {
    const ids = also === null ? [...moment.state.shards.keys()] : this.#touched(moment.state, also);
    const isResized = moment.state.shards.length !== this.#columns.node.length;
    this.#state = moment.state;
    if (ids.length > 0 || isResized) this.#columns = this.#rewritten(moment, ids);
    return this.#columns;
  }

  #touched(state: OrchestratorState, also: Iterable<number>): readonly number[] {
    const before = this.#state;
    const touched = new Set(also);
    if (before?.shards !== state.shards) {
      for (let id = 0; id < state.shards.length; id += 1) if (before?.shards[id] !== state.shards[id]) touched.add(id);
    }
    if (before !== null && !mayWaitForOther(before, state)) return [...touched];
    const { vacant, parked, starting, stopping, unreachable, unready } = survey(state.shards);
    for (const list of [vacant, parked, starting, stopping, unreachable, unready])
      for (const id of list) touched.add(id);
    for (const { shard } of state.migrations.values()) touched.add(shard);
    return [...touched];
  }

  /** The same columns where nothing in them has changed after all. */
  #rewritten({ state, now, aheadMs, placeOf, rates }: Moment, ids: readonly number[]): LiveShards {
    const { length } = state.shards;
    const before = this.#columns;
    const after: Columns = {
      node: before.node.slice(0, length),
      condition: before.condition.slice(0, length),
      since: before.since.slice(0, length),
      rate: before.rate.slice(0, length),
    };
    const conditionOf = conditionsOf(state, now);
    let changed = before.node.length !== length;
    for (const id of ids) {
      const shard = state.shards[id];
      if (shard === undefined) continue;
      const { kind, since, node } = conditionOf(id);
      this.#noteDeaf(id, shard, now + aheadMs);
      const row = {
        node: node === null ? NOBODY : placeOf(node),
        condition: PLACES.get(kind) ?? 0,
        since: since + aheadMs,
        rate: rates.of(id, node ?? ''),
      };
      for (const name of ['node', 'condition', 'since', 'rate'] as const) {
        if (after[name][id] === row[name]) continue;
        after[name][id] = row[name];
        changed = true;
      }
    }
    return changed ? after : before;
  }

  #noteDeaf(id: number, shard: ShardState, at: number): void {
    const silentMs = shard.kind === 'running' ? shard.link?.silentMs : undefined;
    if (shard.kind !== 'running' || silentMs === undefined) this.#deaf.delete(id);
    else if (!this.#deaf.has(id)) this.#deaf.set(id, { node: shard.node, since: at - silentMs });
  }
}

/** Whether something has changed that shards which are not up wait for, or are told by. */
function mayWaitForOther(before: OrchestratorState, after: OrchestratorState): boolean {
  return (
    before.identifies.waiting !== after.identifies.waiting ||
    before.crashRecords !== after.crashRecords ||
    before.migrations !== after.migrations ||
    before.nodes !== after.nodes
  );
}
