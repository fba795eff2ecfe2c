/** A binary heap: the least of all is looked at in no time, and taken or changed in O(log n). */
export class Heap<T> {
  readonly #items: T[];
  readonly #compare: (one: T, other: T) => number;

  constructor(items: Iterable<T>, compare: (one: T, other: T) => number) {
    this.#items = [...items].sort(compare);
    this.#compare = compare;
  }

  /** The least, if there is any. */
  get first(): T | undefined {
    return this.#items[0];
  }

  dropFirst(): void {
    const last = this.#items.pop();
    if (last === undefined || this.#items.length === 0) return;
    this.#items[0] = last;
    this.firstHasGrown();
  }

  /** It may not be the least any more. */
  firstHasGrown(): void {
    const items = this.#items;
    const moved = items[0];
    if (moved === undefined) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const [one, other] = [items[left], items[left + 1]];
      if (one === undefined) break;
      const isOther = other !== undefined && this.#compare(other, one) < 0;
      const least = isOther ? other : one;
      if (this.#compare(moved, least) <= 0) break;
      items[at] = least;
      at = isOther ? left + 1 : left;
    }
    items[at] = moved;
  }
}
