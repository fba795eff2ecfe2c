/**
 * The events a session could replay on RESUME: the newest `capacity` of them, sent or not, and no more than `maxBytes`.
 * Adding to a full buffer pushes the oldest out; who resumes from before that one has lost it, and the session with it.
 *
 * READY and RESUMED take a sequence number but belong to one socket: they are never put in here. While a buffer keeps
 * everything (`keepsAll`, during an outage that sessions outlive) only `maxBytes` bounds it. Invariant: what is kept,
 * `entries` from `first` on, is in ascending `s`, and every entry of it has `s > evictedThrough`.
 */

export type ReplayEntry = {
  readonly s: number;
  readonly type: string;
  readonly json: string;
  readonly eventId: string | null;
};

export type ReplayBuffer = {
  readonly capacity: number;
  readonly maxBytes: number;
  /** Those before `first` are gone; they are cleared away from time to time. */
  entries: ReplayEntry[];
  first: number;
  bytes: number;
  evictedThrough: number;
  keepsAll: boolean;
};

export function createReplayBuffer(capacity: number, maxBytes: number): ReplayBuffer {
  return { capacity, maxBytes, entries: [], first: 0, bytes: 0, evictedThrough: 0, keepsAll: false };
}

/**
 * What Discord's staff said in 2016 of its size: `max(100, min(3500, guilds * 75))` events.
 * https://github.com/discord/discord-api-docs/issues/24
 */
export function replayCapacityFor(guilds: number): number {
  return Math.max(100, Math.min(3500, guilds * 75));
}

export function addToReplay(buffer: ReplayBuffer, entry: ReplayEntry): void {
  buffer.entries.push(entry);
  buffer.bytes += entry.json.length;
  const isFull = (): boolean => !buffer.keepsAll && replayableCount(buffer) > buffer.capacity;
  while (isFull() || buffer.bytes > buffer.maxBytes) {
    const evicted = buffer.entries[buffer.first];
    if (evicted === undefined) return;
    buffer.evictedThrough = evicted.s;
    buffer.bytes -= evicted.json.length;
    buffer.first += 1;
  }
  if (buffer.first < clearedFrom || buffer.first < buffer.entries.length / 2) return;
  buffer.entries = buffer.entries.slice(buffer.first);
  buffer.first = 0;
}

export function replayableCount(buffer: ReplayBuffer): number {
  return buffer.entries.length - buffer.first;
}

/** Everything after `seq`, in order; null when some of it was pushed out. */
export function replayAfter(buffer: ReplayBuffer, seq: number): ReplayEntry[] | null {
  if (seq < buffer.evictedThrough) return null;
  return buffer.entries.slice(buffer.first).filter((entry) => entry.s > seq);
}

/** Fewer dead entries than that are not worth a copy of the others. */
const clearedFrom = 32;
