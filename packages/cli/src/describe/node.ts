/** `dso describe node`. */
import { shardRanges, type MigrationStatus, type NodeStatus, type OperationStatus } from '@dshard/api';
import type { Client } from '../client.js';
import { conditionLines } from '../commands/health.js';
import { nodeState } from '../get/views.js';
import { entriesAbout } from '../history/history.js';
import { momentText, shortSpan, sizeText } from '../output/times.js';
import type { Described } from './describe.js';

export async function nodePage(client: Client, id: string, now: number): Promise<Described> {
  const node = await client.ask('node', { node: id });
  const [{ alarms }, { migrations }, operations, { crashes }, entries] = await Promise.all([
    client.ask('alarms'),
    client.ask('migrations'),
    client.ask('operations'),
    client.ask('versions'),
    entriesAbout(client, 'node', id),
  ]);
  const about = {
    alarms: alarms.filter(({ nodes }) => nodes.includes(id)),
    migrations: migrations.filter(({ origin, destination }) => origin === id || destination === id),
    operations: operations.filter((each) => each.endedAt === null && isAbout(each, id)),
    crashes: crashes.find(({ version, inARow }) => version === node.version && inARow > 0) ?? null,
  };
  const notUp = node.shards.filter(({ condition }) => condition.kind !== 'up');
  const crashed =
    about.crashes === null ? [] : [`Processes of ${node.version} die: ${about.crashes.reason.split('\n')[0] ?? ''}`];
  return {
    document: { node, ...about, history: entries },
    page: {
      title: `Node ${id} is ${nodeState(node)}, with ${node.shards.length} shard(s), ${notUp.length} of them not up.`,
      trouble: [...conditionLines(notUp, now).map((line) => `shards ${line}`), ...crashed],
      alarms: about.alarms,
      todo: todoFor(node, notUp.length > 0 || about.crashes !== null),
      facts: factsAbout(node, now),
      parts: [
        ...(node.shards.length === 0
          ? []
          : [{ heading: 'Shards', lines: [shardRanges(node.shards.map((shard) => shard.id))] }]),
        ...(about.migrations.length === 0
          ? []
          : [{ heading: 'Migrations', lines: about.migrations.map((each) => migrationLine(each, now)) }]),
        ...(about.operations.length === 0
          ? []
          : [
              {
                heading: 'Operations',
                lines: about.operations.map(({ kind, id: name, text }) => `${kind} ${name}: ${text}`),
              },
            ]),
      ],
      entries,
      more: `dso history node ${id}`,
      now,
    },
  };
}

function isAbout({ origin, destination }: OperationStatus, id: string): boolean {
  return [origin, destination].some((each) => each?.split(', ').includes(id) === true);
}

export function migrationLine(
  { id, shard, origin, destination, step, startedAt }: MigrationStatus,
  now: number,
): string {
  return `${id}: shard ${shard} from ${origin} to ${destination}, ${step}, for ${shortSpan(now - startedAt)}`;
}

function todoFor({ id, connection, gone, intent }: NodeStatus, isUnwell: boolean): readonly string[] {
  return [
    ...(connection === 'disconnected' && !gone
      ? [`dso takeover ${id}    if it is dead for certain: its shards are resumed elsewhere at once`]
      : []),
    ...(intent === 'cordoned' ? [`dso uncordon ${id}    lets it have new shards again`] : []),
    ...(isUnwell ? [`dso logs ${id}    what its process said`] : []),
    ...(isUnwell && connection === 'connected' ? [`dso drain ${id}    moves its shards to the other nodes, live`] : []),
  ];
}

function factsAbout(node: NodeStatus, now: number): readonly (readonly [string, string | null])[] {
  const { version, host, pid, connection, since, lastHeardAt, intent, process, signals, capabilities } = node;
  return [
    ['version', version],
    ['host', host],
    ['pid', pid === null ? null : String(pid)],
    ['connection', `${connection} since ${momentText(since, now)}`],
    ['last heard', lastHeardAt === null ? null : `${shortSpan(now - lastHeardAt)} ago`],
    ['intent', intent],
    ['memory', process === null ? null : sizeText(process.memoryBytes)],
    ['cpu', process === null ? null : `${process.cpuPercent} % of a core`],
    ['loop delay', process === null ? null : shortSpan(process.eventLoopDelayMs)],
    ['uptime', process === null ? null : shortSpan(process.uptimeMs)],
    ['signals', signals === null ? null : JSON.stringify(signals)],
    ['speaks', capabilities.length === 0 ? null : [...capabilities].sort().join(' ')],
  ];
}
