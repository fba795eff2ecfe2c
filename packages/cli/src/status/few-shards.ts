/** Shards by their numbers where these are few, else how many there are. */
import { shardRanges, type ListedShard } from '@dshard/api';
import { CONDITION_WORDS } from '../commands/health.js';
import { spanText } from '../output/times.js';

const MOST_CHARACTERS = 32;
const MOST_NODES = 2;

/** Names, as far as a line has room for them. */
export function fewNames(names: readonly string[], most: number = 5): string {
  const more = names.length - most;
  return more > 0 ? `${names.slice(0, most).join(', ')} and ${more} more` : names.join(', ');
}

export function fewShards(ids: readonly number[]): string {
  const ranges = shardRanges(ids);
  return ranges.length <= MOST_CHARACTERS ? ranges : `${ids.length} shards`;
}

/** One line for all shards that are the same way for the same reason, on whichever nodes. */
export function outageLines(shards: readonly ListedShard[], now: number): readonly string[] {
  const groups = new Map<string, ListedShard[]>();
  for (const shard of shards) {
    const { kind, code } = shard.condition;
    const key = JSON.stringify([kind, code, whyOf(shard)]);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [shard]);
    else known.push(shard);
  }
  return [...groups.values()].map((group) => {
    const [one] = group as [ListedShard];
    const { condition: first } = one;
    const nodes = [...new Set(group.map(({ condition }) => condition.node).filter((node) => node !== null))];
    const since = leastOf(group, ({ condition }) => condition.since);
    const eta = leastOf(group, ({ condition }) => condition.eta ?? Infinity);
    const where = nodes.length === 0 ? '' : nodes.length <= MOST_NODES ? nodes.join(' and ') : `${nodes.length} nodes`;
    return [
      `${fewShards(group.map(({ id }) => id))} ${CONDITION_WORDS[first.kind]}`,
      first.code === null ? '' : ` with ${first.code}`,
      where === '' ? '' : ` on ${where}`,
      ` for ${spanText(now - since)}`,
      Number.isFinite(eta) ? `, the first in ${spanText(eta - now)} at the earliest` : '',
      first.why === null ? '' : `: ${nodes.length > 1 ? whyOf(one) : first.why}`,
    ].join('');
  });
}

/** The same for all nodes, whose names stand elsewhere. */
function whyOf({ condition: { why, node } }: ListedShard): string | null {
  return node === null || why === null ? why : why.replaceAll(`node ${node}`, 'its node');
}

function leastOf(group: readonly ListedShard[], of: (shard: ListedShard) => number): number {
  return group.reduce((least, shard) => Math.min(least, of(shard)), Infinity);
}
