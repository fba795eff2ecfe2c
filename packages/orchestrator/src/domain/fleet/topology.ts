/**
 * Where the next shard goes, of many nodes on hosts in zones: the emptiest node; of equally empty ones a node in the
 * zone that has the least for each of its nodes, then on the host that has. What is placed by that rule on empty nodes
 * is even over nodes, and no zone gets more than the share of its nodes, rounded up.
 *
 * Heaps in each other (nodes of a host, hosts of a zone, zones), so that a shard costs O(log nodes).
 */
import { Heap } from './heap.js';

/** What a node is compared by. All of it only ever grows while shards are placed. */
export type Placeable = {
  readonly id: string;
  readonly host: string | null;
  readonly zone: string | null;
  load: number;
};

/** A node, or a host or zone of such: `first` is the best node in it. */
class Tier<N extends Placeable> {
  readonly #name: string;
  readonly #node: N | null;
  readonly #below: Heap<Tier<N>>;
  readonly #size: number;
  #load: number;

  constructor(name: string, node: N | null, below: readonly Tier<N>[], compare: (one: N, other: N) => number) {
    this.#name = name;
    this.#node = node;
    this.#below = new Heap(below, (one, other) => {
      const [a, b] = [one.first, other.first];
      const byNode =
        a === undefined || b === undefined ? Number(a === undefined) - Number(b === undefined) : compare(a, b);
      if (byNode !== 0) return byNode;
      return one.#average - other.#average || (one.#name < other.#name ? -1 : 1);
    });
    this.#size = node === null ? below.reduce((sum, tier) => sum + tier.#size, 0) : 1;
    this.#load = node?.load ?? below.reduce((sum, tier) => sum + tier.#load, 0);
  }

  get #average(): number {
    return this.#load / this.#size;
  }

  get first(): N | undefined {
    return this.#node ?? this.#below.first?.first;
  }

  /** The first node has got so much more. */
  grow(by: number): void {
    this.#load += by;
    if (this.#node !== null) this.#node.load += by;
    this.#below.first?.grow(by);
    this.#below.firstHasGrown();
  }

  /** The first node takes no more. */
  dropFirst(): void {
    const { first } = this.#below;
    if (first === undefined) return;
    first.dropFirst();
    if (first.#node !== null || first.first === undefined) this.#below.dropFirst();
    else this.#below.firstHasGrown();
  }
}

/** @param compare which of two nodes is the better one, whatever their hosts and zones are. */
export function topologyOf<N extends Placeable>(
  nodes: readonly N[],
  compare: (one: N, other: N) => number,
): Pick<Tier<N>, 'first' | 'grow' | 'dropFirst'> {
  const tiers = (of: ReadonlyMap<string, readonly N[]>, below: (some: readonly N[]) => Tier<N>[]): Tier<N>[] =>
    [...of].map(([name, some]) => new Tier(name, null, below(some), compare));
  const nodesOf = (some: readonly N[]): Tier<N>[] => some.map((node) => new Tier(node.id, node, [], compare));
  const hostsOf = (some: readonly N[]): Tier<N>[] =>
    tiers(
      groupsOf(some, ({ host, id }) => host ?? id),
      nodesOf,
    );
  return new Tier(
    '',
    null,
    tiers(
      groupsOf(nodes, ({ zone }) => zone ?? ''),
      hostsOf,
    ),
    compare,
  );
}

function groupsOf<N>(nodes: readonly N[], nameOf: (node: N) => string): Map<string, N[]> {
  const groups = new Map<string, N[]>();
  for (const node of nodes) {
    const group = groups.get(nameOf(node));
    if (group === undefined) groups.set(nameOf(node), [node]);
    else group.push(node);
  }
  return groups;
}
