/** `dso status`: the fleet at a glance, trouble first. With --json the whole of `/v1/status`. */
import { counted } from '@dshard/protocol';
import type { ShardConditionKind, StatusV1 } from '@dshard/api';
import { alarmLines, CONDITION_WORDS } from '../commands/health.js';
import { painted, type Terminal, type Tone } from '../output/terminal.js';
import { wrapped } from '../output/wrap.js';
import { fewNames, outageLines } from './few-shards.js';
import { identifyLines } from './identify-lines.js';
import { nodeLines } from './node-lines.js';
import { describeCrashes, gatewayLine, hostLines, quarantineLines } from './trouble-lines.js';

type Line = { text: string; tone: Tone | null };

/** On a terminal every line fits; `dso get` and `dso describe` have what has no room. */
export function describeStatus(status: StatusV1, terminal: Terminal): string {
  const shown = (lines: readonly Line[]): string[] =>
    lines.flatMap(({ text, tone }) => wrapped(text, terminal.columns).map((line) => painted(line, tone, terminal)));
  return [
    ...shown([...alarms(status), { text: headline(status), tone: null }, ...trouble(status)]),
    ...nodeLines(status, terminal),
    ...shown(underWay(status)),
  ].join('\n');
}

/** `400 shards: 398 up, 2 starting; 40 nodes: 39 serving, 1 disconnected`. */
export function headline(status: StatusV1): string {
  const kinds = Object.keys(status.conditionCounts) as ShardConditionKind[];
  const counts = kinds
    .filter((kind) => kind === 'up' || status.conditionCounts[kind] > 0)
    .sort((a, b) => Number(b === 'up') - Number(a === 'up'))
    .map((kind) => `${status.conditionCounts[kind]} ${CONDITION_WORDS[kind]}`);
  const { totalShards } = status;
  const shards =
    totalShards === null
      ? 'total shard count not decided yet'
      : `${counted(totalShards, 'shard')}: ${counts.join(', ')}`;
  return `${shards}; ${counted(status.nodes.length, 'node')}${status.ending ? '; the fleet is shutting down' : ''}`;
}

function alarms(status: StatusV1): Line[] {
  const { alarm, now } = status;
  const hosts = alarm?.hosts ?? [];
  const onHosts = hosts.length === 0 ? '' : `, on most hosts (${fewNames(hosts)})`;
  const silent: Line[] =
    alarm === null
      ? []
      : [
          {
            text: `ALARM: ${alarm.silent.length} nodes are silent (${fewNames(alarm.silent)})${onHosts}.`,
            tone: 'bad',
          },
          {
            text: `  This orchestrator may be cut off, so nothing is taken over, launched or moved. What is dead: dso takeover ${hosts.length > 0 ? '--host <host>' : '<node>'}`,
            tone: null,
          },
        ];
  return [
    ...silent,
    ...status.alarms
      .filter(({ kind }) => kind !== 'orchestratorCutOff')
      .flatMap((each) =>
        alarmLines([each], now).map((text, at): Line => {
          return { text, tone: at > 0 ? null : each.level === 'error' ? 'bad' : 'warning' };
        }),
      ),
  ];
}

/** Reasons that a screen has room for. */
const MOST_REASONS = 8;

function notUpLines({ notUp, now }: StatusV1): readonly string[] {
  // Quarantined ones are told with what to do, and moving ones stand at their nodes.
  const told = notUp.filter(({ condition: { kind } }) => kind !== 'quarantined' && kind !== 'migrating');
  const lines = outageLines(told, now);
  const more = lines.length - MOST_REASONS;
  return more > 0 ? [...lines.slice(0, MOST_REASONS), `and ${more} more: dso shards --condition notUp`] : lines;
}

function trouble(status: StatusV1): Line[] {
  const { crashes, gatewayProblem, store, now } = status;
  const bad = [
    ...notUpLines(status),
    ...quarantineLines(status),
    ...crashes.filter(({ inARow }) => inARow > 0).flatMap((each) => describeCrashes(each, now)),
    ...(gatewayProblem === null ? [] : [gatewayLine(gatewayProblem, status)]),
    ...(store.problem === null ? [] : [`nothing can be changed: ${store.problem}`]),
  ];
  return [
    ...bad.map((text): Line => ({ text, tone: 'warning' })),
    ...hostLines(status).map((text): Line => ({ text, tone: null })),
  ];
}

function underWay(status: StatusV1): Line[] {
  const { launches, operations, disruption, graceUntil, now } = status;
  const seconds = graceUntil === null ? 0 : Math.ceil((graceUntil - now) / 1000);
  const count = disruption.moving + disruption.down;
  return [
    ...(seconds > 0 ? [`waiting up to ${seconds} s for running nodes to come back`] : []),
    ...(launches.length === 0 ? [] : [`launching ${counted(launches.length, 'node')}`]),
    ...operations
      .filter(({ endedAt }) => endedAt === null)
      .map(({ kind, id, by, text }) => `${kind} ${id} (${by}): ${text}`),
    ...(count === 0 ? [] : [`moving or down: ${count}, at most ${disruption.limit} by plan (maxUnavailable)`]),
    ...identifyLines(status),
  ].map((text) => ({ text, tone: null }));
}
