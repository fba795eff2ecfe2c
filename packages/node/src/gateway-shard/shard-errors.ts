/** What goes wrong with one gateway shard, in sentences. */
import { NodeError } from '../errors.js';
import { remedyFor } from './close-codes.js';

const NOT_MOVABLE = {
  noSession: 'has no gateway session yet; it can be moved when it is ready',
  replaying: 'was taken over and is still replaying; it can be moved when its replay has been handled',
  loading: 'is still being loaded; it can be moved when its guilds are there',
} as const;

export function notMovable(shardId: number, why: keyof typeof NOT_MOVABLE): NodeError {
  return new NodeError('DSO_SHARD_NO_SESSION', `Shard ${shardId} ${NOT_MOVABLE[why]}.`);
}

export function sessionLost(shardId: number): NodeError {
  return new NodeError('DSO_SHARD_NO_SESSION', `Shard ${shardId} has lost its session.`);
}

export function notHosted(shardId: number): NodeError {
  return new NodeError('DSO_SHARD_NOT_HOSTED', `Shard ${shardId} does not run in this process.`);
}

export function stopped(shardId: number): NodeError {
  return new NodeError('DSO_SHARD_STOPPED', `Shard ${shardId} was stopped on this node.`);
}

/** Discord closed with a code after which connecting again is of no use. */
export function refusedByDiscord(shardId: number, code: number): NodeError {
  return new NodeError(
    'DSO_SHARD_REFUSED',
    `Discord refuses shard ${shardId} (close code ${code}): ${remedyFor(code)}.`,
  );
}

export function preconnectFailed(shardId: number, reason: string): NodeError {
  return new NodeError('DSO_GATEWAY_UNREACHABLE', `Shard ${shardId} could not connect to the gateway: ${reason}.`);
}
