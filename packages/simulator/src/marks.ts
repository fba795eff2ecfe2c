/** Counts how often rare branches were reached: a simulation that never aborts a migration proves nothing about aborts. */
export class Marks {
  readonly #counts = new Map<string, number>();

  reach(mark: string): void {
    this.#counts.set(mark, (this.#counts.get(mark) ?? 0) + 1);
  }

  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => a.localeCompare(b)));
  }
}

/** Adds up the marks of several runs. */
export function addMarks(sum: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [mark, count] of Object.entries(more)) sum[mark] = (sum[mark] ?? 0) + count;
}
