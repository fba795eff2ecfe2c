/** `dso operations` and `dso operations show`: how far operations are, and how the last ones ended. */
import { shardRanges, type OperationStatus } from '@dshard/api';

export function describeOperations(operations: readonly OperationStatus[]): string {
  return operations.length === 0 ? 'There is none.' : operations.map(lineOf).join('\n');
}

function lineOf({ id, kind, state, text, by, startedAt }: OperationStatus): string {
  const head = `${id.padEnd(6)} ${kind.padEnd(9)} ${state.padEnd(10)}`;
  return `${head} ${text} (${by}, ${new Date(startedAt).toISOString()})`;
}

export function describeOperation(operation: OperationStatus): string {
  const { id, kind, state, text, by, cancelledBy, parent, startedAt, endedAt, shards, failed } = operation;
  const rows: readonly (readonly [string, string | null])[] = [
    ['operation', `${kind} ${id}`],
    ['state', state],
    ['a step of', parent],
    ['asked for by', by],
    ['cancelled by', cancelledBy],
    ['started', new Date(startedAt).toISOString()],
    ['ended', endedAt === null ? null : new Date(endedAt).toISOString()],
    ['moving', shards === null || shards.moving.length === 0 ? null : shardRanges(shards.moving)],
    ['waiting', shards === null || shards.waiting.length === 0 ? null : shardRanges(shards.waiting)],
    ...failed.map(({ shard, reason }) => ['not moved', `${shard}: ${reason}`] as const),
    ['so far', text],
  ];
  return rows.flatMap(([name, value]) => (value === null ? [] : [`${name.padEnd(13)} ${value}`])).join('\n');
}
