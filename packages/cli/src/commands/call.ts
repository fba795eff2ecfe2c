/** `dso call`: what the handlers of the bot (`node.fleet.handle`) answered, on every node with shards. */
import { shardRanges, type CallReport } from '@dshard/api';

/** A line per answer. */
export function describeReport({ Message, answers, failures }: CallReport): string {
  const line = (node: string | null, shards: readonly number[], what: string): string =>
    `${node ?? '(nobody)'}  shard ${shardRanges(shards)}: ${what}`;
  return [
    ...answers.map(({ node, shards, value }) => line(node, shards, JSON.stringify(value))),
    ...failures.map(({ node, shards, reason }) => line(node, shards, `no answer: ${reason}`)),
    Message,
  ].join('\n');
}
