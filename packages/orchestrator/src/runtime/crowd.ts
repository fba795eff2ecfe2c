/** Members by the address they come from, bounded for each address and in all. Who joined first goes first. */
export class Crowd<Member> {
  readonly #maxPerSource: number;
  readonly #maxInAll: number;
  readonly #all = new Set<Member>();
  readonly #bySource = new Map<string, Set<Member>>();

  constructor(maxPerSource: number, maxInAll: number) {
    this.#maxPerSource = maxPerSource;
    this.#maxInAll = maxInAll;
  }

  /** @returns who has to go for it, or null. That one is still in. */
  add(source: string, member: Member): Member | null {
    const ofSource = this.#bySource.get(source) ?? new Set<Member>();
    this.#bySource.set(source, ofSource);
    ofSource.add(member);
    this.#all.add(member);
    if (ofSource.size > this.#maxPerSource) return firstOf(ofSource);
    return this.#all.size > this.#maxInAll ? firstOf(this.#all) : null;
  }

  delete(source: string, member: Member): void {
    this.#all.delete(member);
    const ofSource = this.#bySource.get(source);
    ofSource?.delete(member);
    if (ofSource?.size === 0) this.#bySource.delete(source);
  }
}

function firstOf<Member>(members: ReadonlySet<Member>): Member | null {
  const [first = null] = members;
  return first;
}
