/**
 * The timers of the virtual clock, first due first: a binary heap, since a simulation sets and runs millions of them.
 * Cancelled ones stay in it until they come to the top. Invariant: `size` counts those that are neither cancelled nor
 * taken.
 */
import type { Ms } from './clock.js';

export type Timer = { readonly due: Ms; readonly order: number; readonly callback: () => void; live: boolean };

export class TimerHeap {
  readonly #heap: Timer[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(timer, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = timer;
    this.#size += 1;
  }

  cancel(timer: Timer): void {
    if (!timer.live) return;
    timer.live = false;
    this.#size -= 1;
  }

  /** The first timer due by `limitMs`, taken out; null: there is none. */
  takeUntil(limitMs: Ms): Timer | null {
    for (let top = this.#heap[0]; top !== undefined && (!top.live || top.due <= limitMs); top = this.#heap[0]) {
      this.#removeTop();
      if (!top.live) continue;
      this.cancel(top);
      return top;
    }
    return null;
  }

  #removeTop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = heap[left + 1];
      let child = left;
      let below = heap[left];
      if (below === undefined) break;
      if (right !== undefined && isBefore(right, below)) {
        child = left + 1;
        below = right;
      }
      if (!isBefore(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order);
}
