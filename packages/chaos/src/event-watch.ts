/**
 * When each event was emitted and when the bots handled it, so that whatever the ledger finds amiss can be said of the
 * fault it belongs to. The verdict is the ledger's; this only knows the times.
 */
import type { Ms } from '@dshard/transport';

type Seen = { id: string; shard: number; emittedAt: Ms };
/** What a bot process reports of an event. */
type Report = { id: string; at: Ms; redelivered?: boolean };
type Handling = { node: string; at: Ms; marked: boolean };

/**
 * `at`: when the repeat was heard of. `before`: the node that handled the event last, with or without the mark, and how
 * long ago by the machine's monotonic clock, which all bots share.
 */
export type Repeat = {
  id: string;
  shard: number;
  at: Ms;
  node: string;
  before: string;
  beforeMarked: boolean;
  agoMs: Ms;
  marked: boolean;
};

export class EventWatch {
  readonly #seen = new Map<string, Seen & { last: Handling | null }>();
  /** Not yet handled, in the order in which they were emitted. */
  readonly #open = new Map<string, Seen>();
  readonly repeats: Repeat[] = [];

  emitted(id: string, shard: number, at: Ms): void {
    const seen = { id, shard, emittedAt: at, last: null };
    this.#seen.set(id, seen);
    this.#open.set(id, seen);
  }

  handled(node: string, { id, at, redelivered = false }: Report, now: Ms): void {
    const seen = this.#seen.get(id);
    // One that was never emitted is the ledger's to complain about.
    if (seen === undefined) return;
    const { shard, last } = seen;
    if (last !== null) {
      const before = { before: last.node, beforeMarked: last.marked, agoMs: Math.round(at - last.at) };
      this.repeats.push({ id, shard, at: now, node, ...before, marked: redelivered });
    }
    seen.last = { node, at, marked: redelivered };
    this.#open.delete(id);
  }

  /** Emitted before `at`, and handled by nobody so far. */
  openBefore(at: Ms): readonly Readonly<Seen>[] {
    const open: Seen[] = [];
    for (const seen of this.#open.values()) {
      if (seen.emittedAt >= at) break;
      open.push(seen);
    }
    return open;
  }

  /** Takes what is open before `at` as lost: nobody waits for it any more. */
  countAsLost(at: Ms): readonly Readonly<Seen>[] {
    const lost = this.openBefore(at);
    for (const { id } of lost) this.#open.delete(id);
    return lost;
  }
}
