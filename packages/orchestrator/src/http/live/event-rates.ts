/**
 * How many events a second each shard and each node has, from the counts in its heartbeats. What is shown of a shard
 * goes in steps of a third and stays on its step until the rate has clearly left it: noise changes nothing.
 */
import { UNKNOWN_RATE } from '@dshard/api/live';
import type { NodeState } from '../../domain/state/state.js';

const STEPS_A_DECADE = 8;
/** Below that a shard is quiet. */
const LEAST_RATE = 0.1;
/** How far a rate leaves its step before another one is shown, in steps. */
const STAY = 0.75;

type Counted = { readonly events: number; readonly rate: number };
type CountsOfNode = { readonly at: number; readonly shards: ReadonlyMap<number, Counted> };

export class EventRates {
  readonly #byNode = new Map<string, CountsOfNode>();

  /** @returns the shards of the heartbeat whose rate is shown in another way now. */
  note({ id, shardReports }: NodeState, now: number): readonly number[] {
    const before = this.#byNode.get(id);
    const seconds = before === undefined ? 0 : (now - before.at) / 1_000;
    const changed: number[] = [];
    const shards = new Map<number, Counted>();
    for (const { shardId, events } of shardReports) {
      const known = before?.shards.get(shardId);
      const isCounted = known !== undefined && known.events >= 0 && events >= known.events && seconds > 0;
      const rate = isCounted ? (events - known.events) / seconds : UNKNOWN_RATE;
      const shown = isCounted ? stepOf(rate, known.rate) : (known?.rate ?? UNKNOWN_RATE);
      if (shown !== known?.rate) changed.push(shardId);
      shards.set(shardId, { events, rate: shown });
    }
    this.#byNode.set(id, { at: now, shards });
    return changed;
  }

  /** As it is shown. */
  of(shard: number, node: string): number {
    return this.#byNode.get(node)?.shards.get(shard)?.rate ?? UNKNOWN_RATE;
  }

  forget(node: string): void {
    this.#byNode.delete(node);
  }
}

/** The same step, or the one that is nearest. */
export function stepOf(rate: number, shown: number): number {
  if (rate < LEAST_RATE) return 0;
  const exact = Math.log10(rate) * STEPS_A_DECADE;
  if (shown > 0 && Math.abs(exact - Math.log10(shown) * STEPS_A_DECADE) < STAY) return shown;
  return Number((10 ** (Math.round(exact) / STEPS_A_DECADE)).toPrecision(2));
}

/** Of all shards of a node, between two heartbeats. null: it does not say, or has not said it twice. */
export function eventsPerSecond(before: NodeState | undefined, after: NodeState, ms: number): number | null {
  if (before === undefined || ms <= 0) return null;
  const counts = new Map(before.shardReports.map(({ shardId, events }) => [shardId, events]));
  let sum = 0;
  let isKnown = false;
  for (const { shardId, events } of after.shardReports) {
    const known = counts.get(shardId);
    if (known === undefined || known < 0 || events < known) continue;
    sum += events - known;
    isKnown = true;
  }
  return isKnown ? Math.round((sum * 10_000) / ms) / 10 : null;
}
