/** The nodes of `dso status`: those in trouble first, then those where something goes on, the healthy in a line. */
import { counted } from '@dshard/protocol';
import { shardRanges, type NodeStatus, type ShardConditionKind, type StatusV1 } from '@dshard/api';
import { CONDITION_WORDS } from '../commands/health.js';
import { nodeState } from '../get/views.js';
import { tableOf, type Column } from '../output/table.js';
import { sizeText } from '../output/times.js';
import type { Terminal } from '../output/terminal.js';
import { wrapped } from '../output/wrap.js';
import { fewShards } from './few-shards.js';

type Row = { node: NodeStatus; state: string; notes: readonly string[]; rank: Rank };
type Rank = 'trouble' | 'busy' | 'healthy';

/** So many healthy nodes have a row of their own. */
const FEW = 8;
/** Rows that a screen has room for. */
const MOST_ROWS = 20;
/** Below so many columns the memory of a node has no room. */
const ROOMY = 100;
const SHORT = 18;
const RANKS: readonly Rank[] = ['trouble', 'busy', 'healthy'];

export function nodeLines(status: StatusV1, terminal: Terminal): readonly string[] {
  if (status.nodes.length === 0) return ['No nodes are connected.'];
  const notesOf = notesOn(status);
  const rows = status.nodes.map((node) => rowOf(node, notesOf(node)));
  const healthy = rows.filter(({ rank }) => rank === 'healthy');
  const isFew = healthy.length <= FEW;
  const own = RANKS.flatMap((wanted) => rows.filter(({ rank }) => rank === wanted && (isFew || rank !== 'healthy')));
  const room = terminal.columns === null ? Infinity : MOST_ROWS;
  const more = own.length - room;
  const isRoomy = terminal.columns === null || terminal.columns >= ROOMY;
  const columns = isRoomy ? COLUMNS : NARROW;
  return [
    ...(own.length === 0 ? [] : tableOf(columns, own.slice(0, room), terminal)),
    ...(more > 0 ? [`and ${counted(more, 'node')} more: dso get nodes`] : []),
    ...(isFew ? [] : healthyLines(healthy).flatMap((line) => wrapped(line, terminal.columns))),
  ];
}

const COLUMNS: readonly Column<Row>[] = [
  { head: 'NODE', of: ({ node: { id } }) => id },
  {
    head: 'STATE',
    of: ({ state }) => state,
    tone: ({ rank, state }) => (rank === 'trouble' ? (state === 'serving' ? 'warning' : 'bad') : 'good'),
  },
  { head: 'VERSION', of: ({ node: { version } }) => version },
  { head: 'MEMORY', align: 'right', of: ({ node: { process } }) => sizeText(process?.memoryBytes ?? null) },
  { head: 'COUNT', align: 'right', of: ({ node: { shards } }) => String(shards.length) },
  { head: 'SHARDS', isText: true, of: ({ node: { shards } }) => shardRanges(shards.map(({ id }) => id)) },
  {
    head: 'NOTES',
    isText: true,
    of: ({ notes }) => notes.join(', '),
    tone: ({ rank }) => (rank === 'trouble' ? 'warning' : null),
  },
];

/** Scattered shards have no room: `dso describe node` has them. */
const NARROW: readonly Column<Row>[] = COLUMNS.filter(({ head }) => head !== 'MEMORY').map((column) =>
  column.head === 'SHARDS' ? { ...column, of: (row) => shortOr(column.of(row)) } : column,
);

function shortOr(ranges: string): string {
  return ranges.length <= SHORT ? ranges : '…';
}

function rowOf(node: NodeStatus, { trouble, activity }: Notes): Row {
  const state = nodeState(node);
  const isCalm = state === 'serving' && trouble.length === 0;
  const rank =
    !isCalm && state !== 'lingering' ? 'trouble' : activity.length > 0 || state !== 'serving' ? 'busy' : 'healthy';
  return { node, state, notes: [...trouble, ...activity], rank };
}

/** `trouble`: shards of it are down. `activity`: what goes on there by plan. */
type Notes = { trouble: readonly string[]; activity: readonly string[] };

const TROUBLES = ['refused', 'quarantined', 'unreachable', 'disconnected', 'stopping', 'waitingToIdentify'] as const;
const ACTIVITIES = ['starting'] as const satisfies readonly ShardConditionKind[];

/** What goes on is looked up once for all nodes. */
function notesOn({ migrations, drains }: StatusV1): (node: NodeStatus) => Notes {
  const leaving = countsBy(migrations.map(({ origin, shard }) => [origin, shard]));
  const coming = countsBy(migrations.map(({ destination, shard }) => [destination, shard]));
  const draining = new Set(drains.flatMap(({ origin }) => origin.split(', ')));
  return (node) => {
    const inCondition = (kinds: readonly ShardConditionKind[]): string[] =>
      kinds.flatMap((kind) => {
        const ids = node.shards.filter(({ condition }) => condition.kind === kind).map(({ id }) => id);
        if (ids.length === 0) return [];
        const all = ids.length === node.shards.length && ids.length > 1;
        return [`${CONDITION_WORDS[kind]} ${all ? 'all' : fewShards(ids)}`];
      });
    const moving = (found: ReadonlyMap<string, readonly number[]>, word: string): string[] => {
      const ids = found.get(node.id) ?? [];
      return ids.length === 0 ? [] : [`${word} ${fewShards(ids)}`];
    };
    return {
      trouble: inCondition(TROUBLES),
      activity: [
        ...(draining.has(node.id) ? ['draining'] : []),
        ...inCondition(ACTIVITIES),
        ...moving(leaving, 'moving away'),
        ...moving(coming, 'moving here'),
      ],
    };
  };
}

function countsBy(pairs: readonly (readonly [string, number])[]): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const [node, shard] of pairs) {
    const known = found.get(node);
    if (known === undefined) found.set(node, [shard]);
    else known.push(shard);
  }
  return found;
}

/** `37 healthy nodes run v1: 370 shards, 10 each (web-00 … web-39)`, a line for each version. */
function healthyLines(rows: readonly Row[]): readonly string[] {
  const versions = new Map<string, Row[]>();
  for (const row of rows) versions.set(row.node.version, [...(versions.get(row.node.version) ?? []), row]);
  return [...versions].map(([version, ofIt]) => {
    const counts = ofIt.map(({ node }) => node.shards.length);
    const [least, most] = [Math.min(...counts), Math.max(...counts)];
    const each = least === most ? `${least} each` : `${least} to ${most} each`;
    const sum = counts.reduce((total, count) => total + count, 0);
    const names = `${ofIt[0]?.node.id ?? ''} … ${ofIt.at(-1)?.node.id ?? ''}`;
    return `${counted(ofIt.length, 'healthy node')} ${ofIt.length === 1 ? 'runs' : 'run'} ${version}: ${counted(sum, 'shard')}, ${each} (${names})`;
  });
}
