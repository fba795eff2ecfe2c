/**
 * A world as text, the same for worlds that nothing can tell apart. Times count from now, and those that only say since when something is
 * so are left out; ids stay, for they are given in order.
 */
import type { World } from './world.js';

/** Facts that no decision depends on here. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'settings',
  'startedAt',
  'since',
  'joinedAt',
  'lastHeardAt',
  'progressAt',
  'staleTransfers',
  'endedOperations',
  'reason',
  'limits',
  'identity',
  // Of gateway shards: there is no wait between attempts here.
  'rules',
  'retries',
]);
/** The clock of the world starts here; ids and sizes are far below. */
export const FIRST_INSTANT = 1_000_000_000_000;

export function canonical(world: World): string {
  const { now } = world;
  return JSON.stringify(world, (key, value: unknown) => {
    if (LEFT_OUT.has(key)) return undefined;
    if (value instanceof Map) return [...(value as Map<string, unknown>)].sort(([a], [b]) => (a < b ? -1 : 1));
    if (typeof value === 'number' && value >= FIRST_INSTANT) return key === 'now' ? 0 : `+${Math.max(-1, value - now)}`;
    return value;
  });
}
