/** `[0,1,2,3,7]` → `0-3, 7`; nothing → `–`. */
export function shardRanges(shards: readonly number[]): string {
  const ranges: { from: number; to: number }[] = [];
  for (const shard of shards.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last.to === shard - 1) last.to = shard;
    else ranges.push({ from: shard, to: shard });
  }
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(', ') || '–';
}
