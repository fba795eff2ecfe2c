/** `dso nodes`: the nodes that a query asks for, a line each. */
import type { NodeList, NodeRow } from '@dshard/api';

export function describeNodes({ nodes }: NodeList): string {
  if (nodes.length === 0) return 'There is none.';
  const width = Math.max(4, ...nodes.map(({ id }) => id.length));
  return nodes.map((node) => lineOf(node, width)).join('\n');
}

function lineOf({ id, connection, intent, host, version, shards, notUp, process }: NodeRow, width: number): string {
  const memory = process === null ? '' : `  ${Math.round(process.memoryBytes / 1e6)} MB`;
  const down = notUp === 0 ? '' : `, ${notUp} not up`;
  return `${id.padEnd(width)}  ${connection.padEnd(12)}  ${intent.padEnd(12)}  ${shards} shard(s)${down}${memory}  ${version} on ${host ?? 'an unknown host'}`;
}
