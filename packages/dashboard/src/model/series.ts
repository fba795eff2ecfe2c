/**
 * Figures over time, kept by the page from what the stream tells: one point each few seconds, the last half hour. A
 * time in which the stream was lost is a gap, not a line.
 */
import type { LiveSnapshot } from '@dshard/api/live';
import { nodeEntries, rateOf, shardCount, totalRate } from './fleet.js';

export const STEP_MS = 2_000;
const KEPT = 900;

/** Times in milliseconds, ascending; each column has a value for each time, null where nobody knew. */
export type Series<Name extends string> = {
  readonly at: readonly number[];
  readonly of: Readonly<Record<Name, readonly (number | null)[]>>;
};

export type NodeColumn = 'events' | 'memory' | 'cpu' | 'delay' | 'shards';
export type FleetColumn = 'events' | 'up';

export class Recorder {
  readonly #at: number[] = [];
  readonly #fleet: Record<FleetColumn, (number | null)[]> = { events: [], up: [] };
  readonly #nodes = new Map<string, Record<NodeColumn, (number | null)[]>>();
  readonly #shards: (Float32Array | null)[] = [];

  /** Takes a point, if it is time for the next. Returns whether it did. */
  take(snapshot: LiveSnapshot): boolean {
    const last = this.#at.at(-1);
    if (last !== undefined && snapshot.now - last < STEP_MS) return false;
    if (last !== undefined && snapshot.now - last > 5 * STEP_MS) this.#push(last + STEP_MS, null);
    this.#push(snapshot.now, snapshot);
    return true;
  }

  #push(at: number, snapshot: LiveSnapshot | null): void {
    const before = this.#at.length;
    this.#at.push(at);
    const shards = snapshot === null ? 0 : shardCount(snapshot);
    const up = snapshot === null ? null : snapshot.fleet.conditionCounts.up;
    this.#fleet.events.push(snapshot === null ? null : totalRate(snapshot));
    this.#fleet.up.push(up);
    this.#shards.push(
      snapshot === null ? null : Float32Array.from({ length: shards }, (_, id) => rateOf(snapshot, id) ?? NaN),
    );
    const entries = new Map(snapshot === null ? [] : nodeEntries(snapshot).map((entry) => [entry.node.id, entry]));
    for (const id of new Set([...this.#nodes.keys(), ...entries.keys()])) {
      const columns = this.#nodes.get(id) ?? emptyColumns(before);
      const entry = entries.get(id);
      columns.events.push(entry?.figures?.eventsPerSecond ?? null);
      columns.memory.push(entry?.figures?.memoryBytes ?? null);
      columns.cpu.push(entry?.figures?.cpuPercent ?? null);
      columns.delay.push(entry?.figures?.eventLoopDelayMs ?? null);
      columns.shards.push(entry?.shards.length ?? null);
      this.#nodes.set(id, columns);
    }
    if (this.#at.length > KEPT) this.#forgetOldest();
  }

  #forgetOldest(): void {
    this.#at.shift();
    this.#shards.shift();
    for (const column of Object.values(this.#fleet)) column.shift();
    for (const [id, columns] of this.#nodes) {
      for (const column of Object.values(columns)) column.shift();
      if (columns.shards.every((value) => value === null)) this.#nodes.delete(id);
    }
  }

  fleet(): Series<FleetColumn> {
    return { at: [...this.#at], of: { events: [...this.#fleet.events], up: [...this.#fleet.up] } };
  }

  node(id: string): Series<NodeColumn> {
    const columns = this.#nodes.get(id) ?? emptyColumns(this.#at.length);
    const { events, memory, cpu, delay, shards } = columns;
    return {
      at: [...this.#at],
      of: { events: [...events], memory: [...memory], cpu: [...cpu], delay: [...delay], shards: [...shards] },
    };
  }

  shard(id: number): Series<'events'> {
    const events = this.#shards.map((rates) => {
      const rate = rates?.[id];
      return rate === undefined || Number.isNaN(rate) ? null : rate;
    });
    return { at: [...this.#at], of: { events } };
  }
}

function emptyColumns(length: number): Record<NodeColumn, (number | null)[]> {
  const column = (): (number | null)[] => Array<number | null>(length).fill(null);
  return { events: column(), memory: column(), cpu: column(), delay: column(), shards: column() };
}

/** For a line without axes: the last values, from 0 to 1 of the largest. */
export function sparkOf(values: readonly (number | null)[], points: number): readonly (number | null)[] {
  const last = values.slice(-points);
  const top = Math.max(1e-9, ...last.map((value) => value ?? 0));
  return last.map((value) => (value === null ? null : value / top));
}
