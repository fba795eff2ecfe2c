/** What goes wrong with one hosted shard, in sentences. */
import { NodeError } from '../../errors.js';
import { REFUSALS } from './close-codes.js';

export function noSession(shardId: number): NodeError {
  return new NodeError(
    'DSO_SHARD_NO_SESSION',
    `Shard ${shardId} has no gateway session yet; it can be moved when it is ready.`,
  );
}

export function replaying(shardId: number): NodeError {
  return new NodeError(
    'DSO_SHARD_NO_SESSION',
    `Shard ${shardId} was taken over and is still replaying; it can be moved when its replay has been handled.`,
  );
}

export function notHosted(shardId: number): NodeError {
  return new NodeError('DSO_SHARD_NOT_HOSTED', `Shard ${shardId} does not run in this process.`);
}

export function stopped(shardId: number): NodeError {
  return new NodeError('DSO_SHARD_STOPPED', `Shard ${shardId} was stopped on this node.`);
}

/** Discord closed with a code after which connecting again is of no use. */
export function refusedByDiscord(shardId: number, code: number | undefined): NodeError {
  const remedy = REFUSALS[code ?? 0] ?? 'see its documentation';
  return new NodeError(
    'DSO_SHARD_REFUSED',
    `Discord refuses shard ${shardId} (close code ${code ?? 'none'}): ${remedy}.`,
  );
}
