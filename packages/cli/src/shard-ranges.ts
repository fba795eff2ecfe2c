/** Shards as the ancestor's command line shows them: `0 - 4, 7`. */
export function shardRanges(shards: readonly number[]): string {
  const sorted = [...shards].sort((a, b) => a - b);
  const ranges: [first: number, last: number][] = [];
  for (const shard of sorted) {
    const range = ranges.at(-1);
    if (range && shard <= range[1] + 1) range[1] = shard;
    else ranges.push([shard, shard]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first} - ${last}`)).join(', ');
}
