/**
 * Which shards move so that every node carries its share. Pure: the same input gives the same moves.
 *
 * What a spread costs: 4 for each unit of weight that a node lacks to the average, 16 for each that it has above, much
 * for a node that has nothing, and 0.25 for the weight that moves (the figures of Dicer). A move is made only if the
 * cost falls with it, so the moves end. Units are what moves together: a shard, or the shards of one bucket.
 */
export type Unit = {
  readonly shards: readonly number[];
  readonly weight: number;
  /** It moved a while ago. */
  readonly rests: boolean;
  /** Where it came from when it moved last; null: it did not, or that is long ago. */
  readonly cameFrom: string | null;
};

export type BalanceNode = {
  readonly id: string;
  readonly host?: string | null;
  readonly zone?: string | null;
  /** What sits there and does not move counts as well. */
  readonly load: number;
  readonly movable: readonly Unit[];
  /** How many more shards it may have. */
  readonly room: number;
  /** New or empty: it is filled at once, also with shards that moved a while ago. */
  readonly isNew: boolean;
};

export type PlannedMove = { readonly shard: number; readonly origin: string; readonly destination: string };

const OVER = 16;
const UNDER = 4;
const MOVED = 0.25;
const EMPTY = 1_000;
const NOTHING = 1e-9;

function averageOf(nodes: readonly Pick<BalanceNode, 'load'>[]): number {
  return nodes.length === 0 ? 0 : nodes.reduce((sum, { load }) => sum + load, 0) / nodes.length;
}

export function costOf(nodes: readonly Pick<BalanceNode, 'load'>[]): number {
  const average = averageOf(nodes);
  return nodes.reduce((sum, { load }) => sum + nodeCost(load, average), 0);
}

function nodeCost(load: number, average: number): number {
  if (average <= NOTHING) return 0;
  if (load <= NOTHING) return UNDER * average + EMPTY;
  return load > average ? OVER * (load - average) : UNDER * (average - load);
}

/** How much of the highest load is above the average: 1.5 is half as much again. */
export function excessOf(nodes: readonly Pick<BalanceNode, 'load'>[]): number {
  const average = averageOf(nodes);
  return average === 0 ? 1 : Math.max(...nodes.map(({ load }) => load)) / average;
}

export type Bounds = {
  /** Only to nodes that are new. */
  readonly fillOnly: boolean;
  /** No further move once the highest load is at most so many times the average. */
  readonly stopAt: number;
  /** The most shards that move. */
  readonly most: number;
};

export function planMoves(given: readonly BalanceNode[], bounds: Bounds): readonly PlannedMove[] {
  const nodes = given.map((node) => ({ ...node }));
  const moves: PlannedMove[] = [];
  while (moves.length < bounds.most && (bounds.fillOnly || excessOf(nodes) > bounds.stopAt)) {
    const found = bestMove(nodes, bounds);
    if (found === null || moves.length + found.unit.shards.length > bounds.most) break;
    const { origin, destination, unit } = found;
    for (const shard of unit.shards) moves.push({ shard, origin: origin.id, destination: destination.id });
    origin.load -= unit.weight;
    origin.movable = origin.movable.filter((each) => each !== unit);
    origin.room += unit.shards.length;
    destination.load += unit.weight;
    destination.room -= unit.shards.length;
  }
  return moves;
}

type PlannedNode = { -readonly [K in keyof BalanceNode]: BalanceNode[K] };
type Found = { origin: PlannedNode; destination: PlannedNode; unit: Unit };

/** From the fullest node that has something worth moving to the emptiest node with room. */
function bestMove(nodes: PlannedNode[], { fillOnly }: Bounds): Found | null {
  const average = averageOf(nodes);
  const [zones, hosts] = [sharesOf(nodes, zoneOf), sharesOf(nodes, hostOf)];
  // Among equals the zone that has the least for each of its nodes, then the host, as where shards are placed.
  const byLoad = nodes.toSorted(
    (a, b) =>
      a.load - b.load ||
      (zones.get(zoneOf(a)) ?? 0) - (zones.get(zoneOf(b)) ?? 0) ||
      (hosts.get(hostOf(a)) ?? 0) - (hosts.get(hostOf(b)) ?? 0) ||
      (a.id < b.id ? -1 : 1),
  );
  const destination = byLoad.find(({ room, isNew }) => room > 0 && (isNew || !fillOnly));
  if (destination === undefined) return null;
  for (const origin of byLoad.toReversed()) {
    if (origin.load <= destination.load) return null;
    // What rests moves only where the destination is to be filled, and nothing else is left.
    const rested = origin.movable.filter((unit) => !unit.rests && unit.cameFrom !== destination.id);
    const unit =
      bestUnit(rested, origin, destination, average) ??
      (destination.isNew ? bestUnit(origin.movable, origin, destination, average) : null);
    if (unit !== null) return { origin, destination, unit };
  }
  return null;
}

function zoneOf({ zone }: PlannedNode): string {
  return zone ?? '';
}

function hostOf({ host, id }: PlannedNode): string {
  return host ?? id;
}

/** What each group has for each of its nodes. */
function sharesOf(nodes: readonly PlannedNode[], groupOf: (node: PlannedNode) => string): Map<string, number> {
  const sums = new Map<string, { load: number; nodes: number }>();
  for (const node of nodes) {
    const sum = sums.get(groupOf(node)) ?? { load: 0, nodes: 0 };
    sums.set(groupOf(node), { load: sum.load + node.load, nodes: sum.nodes + 1 });
  }
  return new Map([...sums].map(([group, sum]) => [group, sum.load / sum.nodes]));
}

function bestUnit(units: readonly Unit[], origin: PlannedNode, destination: PlannedNode, average: number): Unit | null {
  const before = nodeCost(origin.load, average) + nodeCost(destination.load, average);
  let best: Unit | null = null;
  let bestGain = NOTHING;
  for (const unit of units) {
    if (unit.shards.length > destination.room) continue;
    const { weight } = unit;
    const after = nodeCost(origin.load - weight, average) + nodeCost(destination.load + weight, average);
    const gain = before - after - MOVED * weight;
    if (gain > bestGain) [best, bestGain] = [unit, gain];
  }
  return best;
}
