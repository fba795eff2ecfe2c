/** What the things in the lists of a snapshot are known by. */
import type { LiveSnapshot } from './snapshot.js';

export type LiveLists = Pick<LiveSnapshot, 'hosts' | 'migrations' | 'operations' | 'alarms'>;
export type LiveListName = keyof LiveLists;

export const LIVE_KEYS: { readonly [Name in LiveListName]: (thing: LiveLists[Name][number]) => string } = {
  hosts: ({ name }) => name,
  migrations: ({ id }) => id,
  operations: ({ id }) => id,
  alarms: ({ key }) => key,
};

export const LIVE_LISTS: readonly LiveListName[] = Object.keys(LIVE_KEYS) as LiveListName[];

/** As lists in snapshots are. */
export function byKey(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
