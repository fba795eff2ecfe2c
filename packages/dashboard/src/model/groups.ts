/**
 * Which cells the map shows, and where they belong: by host and node, or all in the order of their ids. A shard that
 * nobody has keeps its place on the node that had it last, as a hole; the total never shrinks.
 */
import { NOBODY, type LiveNode, type LiveSnapshot } from '@dshard/api/live';
import { isPast, nodeEntries, shardCount } from './fleet.js';

/** Shard → node id that had it last, as far as this page has seen it. */
export type LastNodes = ReadonlyMap<number, string>;

export type CellGroup = {
  /** Unique. */
  readonly key: string;
  readonly host: string | null;
  readonly node: LiveNode | null;
  readonly title: string;
  readonly shards: readonly number[];
};

export function groupsByNode(snapshot: LiveSnapshot, lastNodes: LastNodes): readonly CellGroup[] {
  const entries = nodeEntries(snapshot);
  const holes = new Map<string, number[]>();
  const unowned: number[] = [];
  const known = new Set(entries.map(({ node }) => node.id));
  snapshot.shards.node.forEach((place, shard) => {
    if (place !== NOBODY && snapshot.nodes[place] !== null && snapshot.nodes[place] !== undefined) return;
    const last = lastNodes.get(shard);
    if (last === undefined || !known.has(last)) unowned.push(shard);
    else holes.set(last, [...(holes.get(last) ?? []), shard]);
  });
  const groups = entries
    .filter((entry) => !isPast(entry) || holes.has(entry.node.id))
    .map(({ node, shards }) => ({
      key: `node ${node.id}`,
      host: node.host,
      node,
      title: node.id,
      shards: [...shards, ...(holes.get(node.id) ?? [])].sort((a, b) => a - b),
    }));
  const nobody = { key: 'nobody', host: null, node: null, title: 'Nobody has these', shards: unowned };
  return unowned.length === 0 ? groups : [nobody, ...groups];
}

/** One group: each shard has its fixed place. */
export function groupsById(snapshot: LiveSnapshot): readonly CellGroup[] {
  const shards = Array.from({ length: shardCount(snapshot) }, (_, shard) => shard);
  return [{ key: 'all', host: null, node: null, title: 'All shards, by id', shards }];
}

/** Who had each shard last: what is known now goes over what was known before. */
export function rememberNodes(before: LastNodes, snapshot: LiveSnapshot): LastNodes {
  let next: Map<number, string> | null = null;
  snapshot.shards.node.forEach((place, shard) => {
    const id = place === NOBODY ? undefined : snapshot.nodes[place]?.id;
    if (id === undefined || before.get(shard) === id) return;
    next ??= new Map(before);
    next.set(shard, id);
  });
  return next ?? before;
}
