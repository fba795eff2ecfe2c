/** `dso describe shard`. */
import type { ShardConditionKind, ShardRow } from '@dshard/api';
import { parseWholeNumber } from '@dshard/protocol';
import type { Client } from '../client.js';
import { conditionLines, CONDITION_WORDS } from '../commands/health.js';
import { CliError } from '../errors.js';
import { entriesAbout } from '../history/history.js';
import { momentText, shortSpan } from '../output/times.js';
import type { Described } from './describe.js';
import { migrationLine } from './node.js';

export async function shardPage(client: Client, written: string, now: number): Promise<Described> {
  const id = parseWholeNumber(written);
  if (id === undefined) throw new CliError('DSO_CLI_USAGE', `"${written}" is no shard: write its number, such as 3.`);
  const shard = await client.ask('shard', { shard: written });
  const [{ alarms }, { migrations, waiting }, entries] = await Promise.all([
    client.ask('alarms'),
    client.ask('migrations'),
    entriesAbout(client, 'shard', written),
  ]);
  const ours = alarms.filter(({ shards }) => shards.includes(id));
  const migration = migrations.find((each) => each.shard === id) ?? null;
  const awaited = waiting.find((each) => each.shard === id) ?? null;
  const { condition, node } = shard;
  return {
    document: { shard, alarms: ours, migration, waiting: awaited, history: entries },
    page: {
      title: `Shard ${id} is ${CONDITION_WORDS[condition.kind]}${node === null ? '' : ` on ${node}`}.`,
      trouble: condition.kind === 'up' ? [] : conditionLines([shard], now).map((line) => `shard ${line}`),
      alarms: ours,
      todo: TODO[condition.kind].map((line) =>
        line.replaceAll('{node}', node ?? '<node>').replaceAll('{shard}', written),
      ),
      facts: factsAbout(shard, now),
      parts:
        migration === null && awaited === null
          ? []
          : [
              {
                heading: 'Migration',
                lines: [
                  ...(migration === null ? [] : [migrationLine(migration, now)]),
                  ...(awaited === null
                    ? []
                    : [`waits to move to ${awaited.destination} for ${shortSpan(now - awaited.since)}`]),
                ],
              },
            ],
      entries,
      more: `dso history shard ${id}`,
      now,
    },
  };
}

const LOOK_AT_THE_LOG = 'dso logs {node}    what its process said';

/** What helps in each condition, as commands; `up` needs nothing. */
const TODO: Readonly<Record<ShardConditionKind, readonly string[]>> = {
  up: [],
  refused: [
    'Discord refuses the session: the close code says why (docs/reference/health.md). Token, intents or shard count are to be mended in the bot.',
    LOOK_AT_THE_LOG,
    'dso doctor    checks token, intents and gateway',
  ],
  quarantined: [
    'Node after node died when it was started there: see the history below for which.',
    'dso unquarantine {shard}    when the bot is mended',
  ],
  unreachable: ['dso takeover {node}    if the node is dead for certain: its shards are resumed elsewhere at once'],
  vacant: [
    'dso get nodes    is there a node with room that is not cordoned?',
    'dso startnode    launches one more, where nodes are launched here',
    'dso startshards <node> {shard}    starts it on a node now',
  ],
  parked: ['It waits for the next node, or for park.waitFor; then any node gets it. dso get nodes'],
  disconnected: ['It reconnects by itself. dso doctor checks the gateway.', LOOK_AT_THE_LOG],
  stopping: [],
  starting: [],
  waitingToIdentify: ['dso get identifies    how many session starts are left, and who else waits'],
  migrating: [],
};

function factsAbout(shard: ShardRow, now: number): readonly (readonly [string, string | null])[] {
  const { state, condition, host, version, phase, step, gapMs, pingMs, guilds, events } = shard;
  return [
    ['decided', state],
    ['condition', `${condition.kind} since ${momentText(condition.since, now)}`],
    ['node', shard.node],
    ['host', host],
    ['version', version],
    ['connection', phase],
    ['step', step],
    ['gap', gapMs === null ? null : `no event was handled for ${shortSpan(gapMs)}`],
    ['close code', condition.code === null ? null : String(condition.code)],
    ['in the queue', condition.position === null ? null : `number ${condition.position}`],
    ['turn', condition.eta === null ? null : `in ${shortSpan(condition.eta - now)} at the earliest`],
    ['ping', pingMs === null ? null : shortSpan(pingMs)],
    ['guilds', guilds === null ? null : String(guilds)],
    ['events', events === null ? null : `${events} since it started there`],
  ];
}
