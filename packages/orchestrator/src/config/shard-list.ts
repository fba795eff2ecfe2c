/** Shard lists as people write them: `0-15,20`, `[0, 1, 2]`, or a list that mixes both. */

/** The most shards one fleet may have; what is written beyond it is a mistake, not a wish. */
export const MAX_SHARDS = 100_000;

/** Sorted and without repeats, or null when the text is no shard list. */
export function parseShardList(text: string): number[] | null {
  const shards = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?$/.exec(part);
    if (!match) return null;
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    if (last < first || last >= MAX_SHARDS) return null;
    for (let shard = first; shard <= last; shard++) shards.add(shard);
  }
  return [...shards].sort((a, b) => a - b);
}
