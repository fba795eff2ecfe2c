/** Shard lists as people write them: `0-15,20`, `[0, 1, 2]`, or a list that mixes both. */

import { MAX_SHARDS } from '@dshard/protocol';

const MAX_LENGTH = 100_000;

/**
 * Sorted and without repeats, or null for what is no shard list. All its parts together, repeats counted, name
 * `MAX_SHARDS` at most: some thousand ranges of everything would hold up the fleet for minutes.
 */
export function parseShardList(written: unknown): number[] | null {
  const text = textOf(written);
  if (text === null) return null;
  const shards = new Set<number>();
  let named = 0;
  for (const part of text.split(',')) {
    const match = /^\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?$/.exec(part);
    if (!match) return null;
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    named += last - first + 1;
    if (last < first || last >= MAX_SHARDS || named > MAX_SHARDS) return null;
    for (let shard = first; shard <= last; shard++) shards.add(shard);
  }
  return [...shards].sort((a, b) => a - b);
}

/** A list that is too long is not looked into. */
function textOf(written: unknown): string | null {
  if (typeof written === 'number') return String(written);
  if (typeof written === 'string') return written.length <= MAX_LENGTH ? written : null;
  if (!Array.isArray(written) || written.length > MAX_SHARDS) return null;
  const parts: readonly unknown[] = written;
  return parts.every((part) => typeof part === 'number' || typeof part === 'string') ? parts.join(',') : null;
}

/** `0 - 4, 7`, as the ancestor's command line shows them. */
export function shardRanges(shards: readonly number[], dash = ' - '): string {
  const ranges: [first: number, last: number][] = [];
  for (const shard of [...shards].sort((a, b) => a - b)) {
    const range = ranges.at(-1);
    if (range && shard <= range[1] + 1) range[1] = shard;
    else ranges.push([shard, shard]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}${dash}${last}`)).join(', ');
}
