/**
 * The events a session could replay on RESUME: the newest `capacity` of them, sent or not. Adding to a full buffer
 * pushes the oldest out; who resumes from before that one has lost it, and the session with it.
 *
 * READY and RESUMED take a sequence number but belong to one socket: they are never put in here.
 * Invariant: entries are in ascending `s`, and every entry has `s > evictedThrough`.
 */

export type ReplayEntry = {
  readonly s: number;
  readonly type: string;
  readonly json: string;
  readonly eventId: string | null;
};

export type ReplayBuffer = {
  readonly capacity: number;
  /** A ring that grows to `capacity` and then wraps at `oldest`. */
  readonly entries: ReplayEntry[];
  oldest: number;
  evictedThrough: number;
};

export function createReplayBuffer(capacity: number): ReplayBuffer {
  return { capacity, entries: [], oldest: 0, evictedThrough: 0 };
}

/**
 * What Discord's staff said in 2016 of its size: `max(100, min(3500, guilds * 75))` events.
 * https://github.com/discord/discord-api-docs/issues/24
 */
export function replayCapacityFor(guilds: number): number {
  return Math.max(100, Math.min(3500, guilds * 75));
}

export function addToReplay(buffer: ReplayBuffer, entry: ReplayEntry): void {
  if (buffer.entries.length < buffer.capacity) {
    buffer.entries.push(entry);
    return;
  }
  const evicted = buffer.entries[buffer.oldest];
  buffer.evictedThrough = evicted?.s ?? entry.s;
  if (evicted !== undefined) buffer.entries[buffer.oldest] = entry;
  buffer.oldest = (buffer.oldest + 1) % Math.max(1, buffer.capacity);
}

/** Everything after `seq`, in order; null when some of it was pushed out. */
export function replayAfter(buffer: ReplayBuffer, seq: number): ReplayEntry[] | null {
  if (seq < buffer.evictedThrough) return null;
  const inOrder = [...buffer.entries.slice(buffer.oldest), ...buffer.entries.slice(0, buffer.oldest)];
  return inOrder.filter((entry) => entry.s > seq);
}
