/** `dso status`: the fleet at a glance. With --json the whole of `/v1/status`. */
import { counted } from '@dshard/protocol';
import { printable } from '@dshard/protocol';
import { shardRanges, type CrashStatus, type NodeStatus, type ShardConditionKind, type StatusV1 } from '@dshard/api';
import { alarmLines, CONDITION_WORDS, conditionLines } from './health.js';
import { identifyLines } from './identify-lines.js';

const STEP_NAMES: Readonly<Record<StatusV1['migrations'][number]['step'], string>> = {
  closing: 'closing',
  preparing: 'preparing',
  transferring: 'transferring',
  resuming: 'resuming',
  announcing: 'announced, serves',
  openingOrigin: 'opening at the origin',
  openingDestination: 'opening at the destination',
  copying: 'copying, serves',
  warming: 'warming up, serves',
  freezing: 'freezing',
  verifying: 'verifying',
  releasing: 'releasing',
  activating: 'activating',
};

/**
 * The table, nodes in trouble first, and below it what is not about a node. On a terminal each line fits: what is too
 * long for its cell ends in an ellipsis, and `dso shards` has all of it. @param columns null: it goes to a file.
 */
export async function describeStatus(
  status: StatusV1,
  columns: number | null = process.stdout.isTTY ? process.stdout.columns : null,
): Promise<string> {
  const { default: Table } = await import('cli-table3');
  const table = new Table({
    head: ['id', 'version', 'connected', 'shards', 'extra'],
    style: { head: [], border: [], compact: true },
  });
  const rows = status.nodes.map((node): Row => {
    const connected = node.connection === 'connected' ? 'yes' : node.connection === 'awaitingTotal' ? 'waiting' : 'no';
    const shards = shardRanges(node.shards.map((shard) => shard.id));
    return [printable(node.id), printable(node.version), connected, shards, extrasOf(node, status).join(', ')];
  });
  const isInTrouble = ([, , connected, , extra]: Row): boolean => connected !== 'yes' || extra !== '';
  const sorted = [...rows.filter(isInTrouble), ...rows.filter((row) => !isInTrouble(row))];
  table.push(...(columns === null ? sorted : fitted(sorted, columns)));
  const nodes = status.nodes.length === 0 ? 'No nodes are connected.' : table.toString();
  return [nodes, ...summary(status)].join('\n');
}

type Row = [id: string, version: string, connected: string, shards: string, extra: string];

/** What the cells of a column have besides their text, and what their headings need. */
const CELL_EDGES = 3;
const HEADINGS: Readonly<Row> = ['id', 'version', 'connected', 'shards', 'extra'];

/** Every cell gets what it needs, the longest columns no more than there is room for. */
function fitted(rows: readonly Row[], columns: number): Row[] {
  const widths = HEADINGS.map((heading, at) => Math.max(heading.length, ...rows.map((row) => (row[at] ?? '').length)));
  const room = columns - 1 - CELL_EDGES * widths.length;
  for (let excess = widths.reduce((sum, width) => sum + width, 0) - room; excess > 0; excess -= 1) {
    const longest = widths.indexOf(Math.max(...widths));
    widths[longest] = Math.max(1, (widths[longest] ?? 1) - 1);
  }
  const cut = (text: string, at: number): string => {
    const width = widths[at] ?? 1;
    return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
  };
  return rows.map(([id, version, connected, shards, extra]) => [
    cut(id, 0),
    cut(version, 1),
    cut(connected, 2),
    cut(shards, 3),
    cut(extra, 4),
  ]);
}

const SHOWN_AT_NODES = [
  'refused',
  'unreachable',
  'disconnected',
  'stopping',
  'starting',
  'waitingToIdentify',
] as const satisfies readonly ShardConditionKind[];

/** Reasons that a screen has room for; `dso shards` has all of them. */
const MOST_REASONS = 8;

function notUpLines({ notUp, now }: StatusV1): string[] {
  // Quarantined ones are told with what to do, and moving ones stand at their nodes.
  const told = notUp.filter(({ condition: { kind } }) => kind !== 'quarantined' && kind !== 'migrating');
  const lines = conditionLines(told, now);
  const more = lines.length - MOST_REASONS;
  return more > 0 ? [...lines.slice(0, MOST_REASONS), `and ${more} more: dso shards --condition notUp`] : lines;
}

function extrasOf(node: NodeStatus, status: StatusV1): string[] {
  const moving = status.migrations.flatMap(({ shard, origin, destination, step }) => {
    if (origin === node.id) return [`migrating ${shard} to ${printable(destination)} (${STEP_NAMES[step]})`];
    return destination === node.id ? [`migrating ${shard} from ${printable(origin)} (${STEP_NAMES[step]})`] : [];
  });
  const conditions = SHOWN_AT_NODES.flatMap((kind) => {
    const shards = node.shards.filter(({ condition }) => condition.kind === kind);
    return shards.length === 0 ? [] : [`${CONDITION_WORDS[kind]} ${shardRanges(shards.map((shard) => shard.id))}`];
  });
  return [
    ...(node.gone ? ['gone'] : []),
    ...(node.intent === 'cordoned' ? ['cordoned'] : []),
    ...(node.intent === 'leaving' ? ['leaving'] : []),
    ...(node.intent === 'shuttingDown' ? ['shutting down'] : []),
    ...(node.intent === 'lingering' ? ['lingering'] : []),
    ...(status.drains.some((drain) => drain.origin === node.id) ? ['draining'] : []),
    ...moving,
    ...conditions,
  ];
}

const ALARM_MEANS = '  This orchestrator may be cut off, so nothing is taken over, launched or moved. What is dead:';

function summary(status: StatusV1): string[] {
  const total =
    status.totalShards === null ? 'total shard count not decided yet' : counted(status.totalShards, 'shard');
  const kinds = Object.keys(status.conditionCounts) as ShardConditionKind[];
  const counts = kinds
    .filter((kind) => kind === 'up' || status.conditionCounts[kind] > 0)
    .sort((a, b) => Number(b === 'up') - Number(a === 'up'))
    .map((kind) => `${status.conditionCounts[kind]} ${CONDITION_WORDS[kind]}`);
  const seconds = status.graceUntil === null ? 0 : Math.ceil((status.graceUntil - status.now) / 1000);
  const { alarm, disruption } = status;
  return [
    ...(alarm === null
      ? []
      : [
          `ALARM: ${alarm.silent.length} nodes are silent (${alarm.silent.map((node) => printable(node)).join(', ')})${onHosts(alarm.hosts ?? [])}.`,
          `${ALARM_MEANS} dso takeover ${(alarm.hosts ?? []).length > 0 ? '--host <host>' : '<node>'}`,
        ]),
    ...alarmLines(
      status.alarms.filter(({ kind }) => kind !== 'orchestratorCutOff'),
      status.now,
    ),
    `${total}${status.totalShards === null ? '' : `: ${counts.join(', ')}`}`,
    ...notUpLines(status),
    ...identifyLines(status),
    ...status.crashes.filter(({ inARow }) => inARow > 0).map((crashes) => describeCrashes(crashes, status.now)),
    ...status.quarantined.map(
      ({ shard, nodes }) =>
        `quarantined: shard ${shard}, because nodes ${nodes.map((node) => printable(node)).join(', ')} died when it was started there; dso unquarantine ${shard}`,
    ),
    ...(status.gatewayProblem === null ? [] : [gatewayLine(status.gatewayProblem, status)]),
    ...(status.store.problem === null ? [] : [`nothing can be changed: ${printable(status.store.problem)}`]),
    ...hostLines(status),
    ...(seconds > 0 ? [`waiting up to ${seconds} s for running nodes to come back`] : []),
    ...(status.launches.length === 0 ? [] : [`launching ${counted(status.launches.length, 'node')}`]),
    ...status.operations.filter(({ endedAt }) => endedAt === null).map(describeOperation),
    ...(disruption.moving + disruption.down === 0
      ? []
      : [
          `moving or down: ${disruption.moving + disruption.down}, at most ${disruption.limit} by plan (maxUnavailable)`,
        ]),
    ...(status.ending ? ['the fleet is shutting down'] : []),
  ];
}

function onHosts(hosts: readonly string[]): string {
  return hosts.length === 0 ? '' : `, on most hosts (${hosts.map((host) => printable(host)).join(', ')})`;
}

function hostLines({ hosts = [] }: Partial<Pick<StatusV1, 'hosts'>>): string[] {
  return hosts.flatMap(({ name, cordoned, deadSince, nodes }) => [
    ...(cordoned === null
      ? []
      : [`host ${printable(name)} is cordoned (${printable(cordoned.by)}): dso uncordon --host ${printable(name)}`]),
    ...(deadSince === null || nodes.length > 0 ? [] : [`host ${printable(name)} counts as dead`]),
  ]);
}

function gatewayLine(problem: string, { gatewayRetryAt, now }: StatusV1): string {
  const seconds = gatewayRetryAt === null ? 0 : Math.ceil((gatewayRetryAt - now) / 1000);
  const again =
    seconds <= 0 ? '' : `; asked again in ${seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`}`;
  return `Discord could not be asked: ${printable(problem)}${again}`;
}

function describeCrashes({ version, inARow, total, loop, nextLaunchAt, reason }: CrashStatus, now: number): string {
  const name = version === '' || version === 'unknown' ? 'the bot' : `version ${printable(version)}`;
  const seconds = nextLaunchAt === null ? 0 : Math.ceil((nextLaunchAt - now) / 1000);
  const next = seconds > 0 ? `; the next is launched in ${seconds} s` : '';
  const head = `${loop ? 'CRASH LOOP' : 'died'}: ${name}, ${inARow} in a row, ${total} in all${next}`;
  return [head, ...reason.split('\n')].map((line, index) => (index === 0 ? line : `  ${printable(line)}`)).join('\n');
}

function describeOperation({ id, kind, text, by }: StatusV1['operations'][number]): string {
  return `${kind} ${id} (${printable(by)}): ${printable(text)}`;
}
