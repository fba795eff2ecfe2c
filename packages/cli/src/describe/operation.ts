/** `dso describe operation` and `dso describe migration`. */
import { shardRanges, type OperationStatus, type RolloutStatus } from '@dshard/api';
import type { Client } from '../client.js';
import { CliError } from '../errors.js';
import { entriesAbout } from '../history/history.js';
import { momentText, shortSpan } from '../output/times.js';
import type { Described } from './describe.js';

export async function operationPage(client: Client, id: string, now: number): Promise<Described> {
  const operation = await client.ask('operation', { id });
  const [{ rollout }, all, entries] = await Promise.all([
    client.ask('status'),
    client.ask('operations'),
    entriesAbout(client, 'operation', id),
  ]);
  const ofIt = rollout?.id === id ? rollout : null;
  const parts = all.filter(({ parent }) => parent === id);
  const { kind, state, text, failed, waitsFor, endedAt } = operation;
  return {
    document: { operation, rollout: ofIt, steps: parts, history: entries },
    page: {
      title: `${kind} ${id}: ${state}. ${text}`,
      trouble: [
        ...(state === 'failed' ? [text] : []),
        ...(waitsFor === null ? [] : [`it waits: ${waitsFor}`]),
        ...(ofIt?.failure == null ? [] : [`its shards go back (${ofIt.failure.kind}): ${ofIt.failure.reason}`]),
        ...failed.map(({ shard, reason }) => `shard ${shard} was not moved: ${reason}`),
      ],
      alarms: [],
      todo: endedAt === null ? todoFor(operation, ofIt) : [],
      facts: factsAbout(operation, ofIt, now),
      parts:
        parts.length === 0
          ? []
          : [{ heading: 'Steps', lines: parts.map((each) => `${each.id} ${each.kind} ${each.state}: ${each.text}`) }],
      entries,
      more: `dso history operation ${id}`,
      now,
    },
  };
}

function todoFor({ id, kind }: OperationStatus, rollout: RolloutStatus | null): readonly string[] {
  return [
    `dso operations watch ${id}    shows how far it is, until it has ended`,
    ...(kind === 'rollout' && rollout?.pausedBy == null
      ? ['dso rollout pause    moves under way arrive, no other begins']
      : []),
    ...(rollout?.pausedBy == null ? [] : ['dso rollout resume    lets it go on']),
    ...(kind === 'rollout' ? ['dso rollout undo    moves back what has moved'] : []),
    `dso cancel ${id}    moves under way arrive, no other begins`,
  ];
}

function factsAbout(
  operation: OperationStatus,
  rollout: RolloutStatus | null,
  now: number,
): readonly (readonly [string, string | null])[] {
  const { parent, by, cancelledBy, startedAt, endedAt, etaMs, shards, nodes, origin, destination } = operation;
  const shardsOf = (ids: readonly number[] | undefined): string | null =>
    ids === undefined || ids.length === 0 ? null : shardRanges(ids);
  return [
    ['a step of', parent],
    ['asked for by', by],
    ['cancelled by', cancelledBy],
    ['started', momentText(startedAt, now)],
    ['ended', endedAt === null ? null : `${momentText(endedAt, now)}, after ${shortSpan(endedAt - startedAt)}`],
    ['left', etaMs === null ? null : shortSpan(etaMs)],
    ['from', origin],
    ['to', destination],
    ['shards', shards === null ? null : `${shards.moved} of ${shards.total} moved`],
    ['moving', shardsOf(shards?.moving)],
    ['waiting', shardsOf(shards?.waiting)],
    ['nodes', nodes === null ? null : `${nodes.done} of ${nodes.total} replaced`],
    ['version', rollout === null || rollout.version === '' ? null : rollout.version],
    ['phase', rollout === null ? null : `${rollout.phase}, stage ${rollout.stage + 1} of ${rollout.stages.length}`],
    ['paused by', rollout?.pausedBy ?? null],
    ['new nodes', rollout === null ? null : rollout.pairs.map((pair) => `${pair.old} → ${pair.new ?? '…'}`).join('\n')],
    ['left alone', rollout === null || rollout.leftAlone.length === 0 ? null : rollout.leftAlone.join(' ')],
  ];
}

/** One that has ended is in the history only. */
export async function migrationPage(client: Client, id: string, now: number): Promise<Described> {
  const entries = await entriesAbout(client, 'migration', id);
  const migration = await client.ask('migration', { id }).catch((error: unknown) => {
    if (entries.length > 0 && error instanceof CliError && error.status === 404) return null;
    throw error;
  });
  const last = entries.at(-1);
  if (migration === null) {
    const text = last?.text ?? '';
    return {
      document: { migration, history: entries },
      page: {
        title: `Migration ${id} has ended. ${text}`,
        trouble: last?.level === 'warn' || last?.level === 'error' ? [text] : [],
        alarms: [],
        todo: [],
        facts: [],
        entries,
        now,
        more: `dso history migration ${id}`,
      },
    };
  }
  const { shard, origin, destination, step, live, startedAt, frozenSince } = migration;
  return {
    document: { migration, history: entries },
    page: {
      title: `Migration ${id}: shard ${shard} moves from ${origin} to ${destination}.`,
      trouble: [],
      alarms: [],
      todo: [`dso describe shard ${shard}    how the shard is meanwhile`],
      facts: [
        ['step', step],
        ['live', live ? 'copied while it serves' : 'closed first, because one of the nodes knows no other way'],
        ['started', momentText(startedAt, now)],
        ['frozen', frozenSince === null ? 'no: it still serves' : `for ${shortSpan(now - frozenSince)}`],
      ],
      entries,
      now,
      more: `dso history migration ${id}`,
    },
  };
}
