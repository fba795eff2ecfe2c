/**
 * What a bot says of itself, in IDENTIFY and with op 3 ("Gateway Events: Update Presence"). Fields that are missing have their
 * usual value (our reading); fields of the wrong kind are an invalid payload, 4001.
 */
import { isObject } from './json.js';

export type Presence = { status: PresenceStatus; activities: readonly string[]; afk: boolean };

const statuses = ['online', 'dnd', 'idle', 'invisible', 'offline'] as const;
type PresenceStatus = (typeof statuses)[number];

export const plainPresence: Presence = { status: 'online', activities: [], afk: false };

/** Null: not a presence. */
export function readPresence(value: unknown): Presence | null {
  if (!isObject(value)) return null;
  const { since = null, activities = [], status = 'online', afk = false } = value;
  const known = statuses.find((candidate) => candidate === status);
  if (known === undefined || typeof afk !== 'boolean') return null;
  if (since !== null && typeof since !== 'number') return null;
  const names = readActivities(activities ?? []);
  return names === null ? null : { status: known, activities: names, afk };
}

function readActivities(value: unknown): string[] | null {
  if (!Array.isArray(value)) return null;
  const names: string[] = [];
  for (const activity of value) {
    if (!isObject(activity) || typeof activity['name'] !== 'string' || typeof activity['type'] !== 'number')
      return null;
    names.push(activity['name']);
  }
  return names;
}
