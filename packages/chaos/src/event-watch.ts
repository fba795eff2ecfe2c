/**
 * When each event was emitted and when the bots handled it, so that whatever the ledger finds amiss can be said of the
 * fault it belongs to. The verdict is the ledger's; this only knows the times.
 */
import type { Ms } from '@dshard/transport';

type Seen = { id: string; shard: number; emittedAt: Ms; handled: number };

export type Repeat = { id: string; shard: number; at: Ms; node: string; before: string; marked: boolean };

export class EventWatch {
  readonly #seen = new Map<string, Seen & { node: string }>();
  /** Not yet handled, in the order in which they were emitted. */
  readonly #open = new Map<string, Seen>();
  readonly repeats: Repeat[] = [];

  emitted(id: string, shard: number, at: Ms): void {
    const seen = { id, shard, emittedAt: at, handled: 0, node: '' };
    this.#seen.set(id, seen);
    this.#open.set(id, seen);
  }

  handled(node: string, id: string, marked: boolean, at: Ms): void {
    const seen = this.#seen.get(id);
    // One that was never emitted is the ledger's to complain about.
    if (seen === undefined) return;
    if (seen.handled > 0) this.repeats.push({ id, shard: seen.shard, at, node, before: seen.node, marked });
    seen.handled += 1;
    seen.node = node;
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
