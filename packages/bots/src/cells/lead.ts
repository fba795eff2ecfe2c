/** What runs once per fleet. */
import type { Cell } from '../cell.js';
import { check, type Rig } from '../rig.js';
import type { WatchEntry } from '../watch.js';

const SOON_MS = 15_000;

export type Reign = { pid: number; from: number; to: number };

export const lead: Cell = {
  name: 'lead',
  title: 'onLead runs in one process, that of the lowest shard, through a rollout and a kill -9: never in two at once',
  phase: 'kill',
  does: ['lead'],
  run: (rig) => ({
    started: () => oneLeads(rig),
    afterRollout: () => oneLeads(rig),
    afterKill: () => oneLeads(rig),
  }),
};

async function oneLeads(rig: Rig): Promise<void> {
  const reigns = (): Reign[] => reignsOf(rig.watch.entries(), rig.killed);
  await rig.until('the process of the lowest shard to lead', SOON_MS, async () => {
    const first = (await rig.nodes()).find(({ shards }) => shards.includes(0));
    return reigns().some(({ pid, to }) => pid === first?.pid && to === Infinity);
  });
  const both = overlap(reigns());
  check(both === null, () => {
    const [a, b] = both ?? [];
    return `processes ${a?.pid ?? 0} and ${b?.pid ?? 0} led at once, for ${Math.min(a?.to ?? 0, b?.to ?? 0) - (b?.from ?? 0)} ms`;
  });
}

/** Who led from when to when. A process that ended leads no more, whatever it said. */
export function reignsOf(entries: readonly WatchEntry[], killed: ReadonlyMap<number, number>): Reign[] {
  const reigns: Reign[] = [];
  for (const { pid, at, kind, text } of entries) {
    const own = reigns.find((reign) => reign.pid === pid && reign.to === Infinity);
    if (kind === 'line' && text === 'lead on') reigns.push({ pid, from: at, to: Infinity });
    if (own !== undefined && (kind === 'exit' || (kind === 'line' && text === 'lead off'))) own.to = at;
  }
  return reigns.map((reign) => ({ ...reign, to: Math.min(reign.to, killed.get(reign.pid) ?? Infinity) }));
}

/** Two that led at the same time, the earlier one first; null when there are none. */
export function overlap(reigns: readonly Reign[]): [Reign, Reign] | null {
  const sorted = reigns.toSorted((a, b) => a.from - b.from);
  for (const [index, earlier] of sorted.entries()) {
    const later = sorted.slice(index + 1).find(({ from }) => from < earlier.to);
    if (later !== undefined) return [earlier, later];
  }
  return null;
}
