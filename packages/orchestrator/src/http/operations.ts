/**
 * What can be asked of the orchestrator by POST: the ancestor's endpoints with its parameter names, and ours in the same manner.
 * One line each; the server makes the routes from this table.
 */
import { flag, shardList, text, wholeNumber, type Field } from '../config/field.js';
import { MAX_SHARDS } from '../config/shard-list.js';
import type { OperatorCommand } from '../domain/state/commands.js';
import { readParameters, type Parameters } from './parameters.js';

type OperationRead = { ok: true; command: OperatorCommand } | { ok: false; message: string };

export type Operation = {
  path: string;
  parameters: Parameters<object>;
  read(query: unknown, body: unknown): OperationRead;
};

/** The protocol's bound on node ids. */
const nodeId: Field<string> = text({ expected: 'the id of a node', maxLength: 128 });
const shardId: Field<number> = wholeNumber({ min: 0, max: MAX_SHARDS - 1 });

function operation<T extends object>(
  path: string,
  parameters: Parameters<T>,
  command: (values: T) => OperatorCommand,
): Operation {
  return {
    path,
    parameters,
    read(query, body) {
      const read = readParameters(parameters, query, body);
      return read.ok ? { ok: true, command: command(read.values) } : read;
    },
  };
}

const node: Parameters<{ node: string }> = { node: { field: nodeId } };

export const OPERATIONS: readonly Operation[] = [
  operation('/startnode', {}, () => ({ kind: 'startNode' })),
  operation<{ node_id: string }>('/shutdownnode', { node_id: { field: nodeId } }, (given) => ({
    kind: 'shutdownNode',
    node: given.node_id,
  })),
  operation<{ destination_node: string; shard: number }>(
    '/migrateshard',
    { destination_node: { field: nodeId }, shard: { field: shardId } },
    (given) => ({ kind: 'migrateShard', shard: given.shard, destination: given.destination_node }),
  ),
  // Absent, `shutdown` means no: the harmless reading, and the ancestor's.
  operation<{ origin_node: string; destination_node: string; shutdown: boolean }>(
    '/migratenode',
    {
      origin_node: { field: nodeId },
      destination_node: { field: nodeId },
      shutdown: { field: flag(), fallback: false },
    },
    (given) => ({
      kind: 'migrateNode',
      origin: given.origin_node,
      destination: given.destination_node,
      shutdown: given.shutdown,
    }),
  ),
  operation('/fullmigration', {}, () => ({ kind: 'rollout' })),
  operation<{ shard: number }>('/stopshard', { shard: { field: shardId } }, (given) => ({
    kind: 'stopShard',
    shard: given.shard,
  })),
  operation<{ node: string; shards: readonly number[] }>(
    '/startshards',
    { node: { field: nodeId }, shards: { field: shardList() } },
    (given) => ({ kind: 'startShards', node: given.node, shards: given.shards }),
  ),
  operation<{ count: number }>(
    '/allowidentifies',
    { count: { field: wholeNumber({ min: 0, max: 1000 }) } },
    (given) => ({
      kind: 'allowIdentifies',
      count: given.count,
    }),
  ),
  operation('/blacklistnode', node, (given) => ({ kind: 'cordonNode', node: given.node })),
  operation('/cordonnode', node, (given) => ({ kind: 'cordonNode', node: given.node })),
  operation<{ shard: number }>('/releaseshard', { shard: { field: shardId } }, (given) => ({
    kind: 'unquarantineShard',
    shard: given.shard,
  })),
  operation('/takeover', node, (given) => ({ kind: 'takeOverNode', node: given.node })),
  operation('/uncordonnode', node, (given) => ({ kind: 'uncordonNode', node: given.node })),
];
