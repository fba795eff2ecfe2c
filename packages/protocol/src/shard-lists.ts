/** How many shards a message names at once: no honest message names more than the fleet has. */
import type { Message } from './messages.js';

/** The length of its longest list of shards; lists within a list count together. */
export function longestShardList(message: Message): number {
  switch (message.kind) {
    case 'identify':
      return longest(message.runningShards, message.heldSessions, message.runningEpochs ?? []);
    case 'heartbeat':
      return message.shards.length;
    case 'shutdown':
      return message.sessions.length;
    case 'startShards':
      return longest(message.shardIds, message.epochs ?? []);
    case 'resumeShards':
    case 'callStart':
    case 'callAsk':
      return message.shards.length;
    case 'callAnswer':
      return Math.max(message.answers.length, sum(message.answers));
    case 'callEnded':
      return Math.max(message.answers.length, message.missing.length, sum(message.answers), sum(message.missing));
    default:
      return 0;
  }
}

function longest(...lists: readonly (readonly unknown[])[]): number {
  return Math.max(...lists.map(({ length }) => length));
}

function sum(parts: readonly { readonly shards: readonly number[] }[]): number {
  return parts.reduce((total, { shards }) => total + shards.length, 0);
}
