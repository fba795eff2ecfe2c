/** What `dso status` says of the session starts: how many are left, who waits for one, and how fast they go. */
import { counted } from '@dshard/protocol';
import { shardRanges, type StatusV1 } from '@dshard/api';
import { spanText } from '../output/times.js';

export function identifyLines({ identifies, now }: StatusV1): string[] {
  const { budget, waiting, busyKeys, maxConcurrency, windowMs, shortSince } = identifies;
  const { total, remaining, reserve, allowed, resetAt } = budget;
  const resets = resetAt === null ? '' : `, more in ${spanText(resetAt - now)}`;
  const beyond = allowed === 0 ? '' : `, ${allowed} of them allowed now`;
  const lines = [
    `identifies: ${remaining} of ${total} left (${reserve} in reserve${beyond})${resets}; ` +
      `${busyKeys.length} of ${counted(maxConcurrency, 'key')} in use, ${windowMs / 1000} s each`,
  ];
  if (waiting.length > 0) {
    const why = shortSince === null ? '' : ' for want of session starts: see `dso help allowidentifies`';
    lines.push(`waiting to identify: ${shardRanges(waiting.map(({ shard }) => shard))}${why}`);
  }
  return lines;
}
