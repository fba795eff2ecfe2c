/** How many shards a message names at once: no honest message names more than the fleet has. */
import type { Message, MessageKind, MessageOf } from './messages.js';

const LISTS: { readonly [K in MessageKind]?: (message: MessageOf<K>) => number } = {
  identify: ({ runningShards, heldSessions, runningEpochs = [] }) =>
    Math.max(runningShards.length, heldSessions.length, runningEpochs.length),
  heartbeat: ({ shards }) => shards.length,
  shutdown: ({ sessions }) => sessions.length,
  startShards: ({ shardIds, epochs = [] }) => Math.max(shardIds.length, epochs.length),
  resumeShards: ({ shards }) => shards.length,
  callStart: ({ shards }) => shards.length,
  callAsk: ({ shards }) => shards.length,
  callAnswer: ({ answers }) => Math.max(answers.length, sum(answers)),
  callEnded: ({ answers, missing }) => Math.max(answers.length, missing.length, sum(answers), sum(missing)),
};

/** The length of its longest list of shards; lists within a list count together. */
export function longestShardList(message: Message): number {
  const lengthOf = LISTS[message.kind] as ((message: Message) => number) | undefined;
  return lengthOf?.(message) ?? 0;
}

function sum(parts: readonly { readonly shards: readonly number[] }[]): number {
  return parts.reduce((total, { shards }) => total + shards.length, 0);
}
