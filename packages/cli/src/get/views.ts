/** How each list of `dso get` is shown: its columns, and what each row is called. */
import { shardRanges, type ResourceDocument, type ResourceName, type ResourceRow } from '@dshard/api';
import type { Column } from '../output/table.js';
import { shortSpan, sizeText } from '../output/times.js';
import type { Tone } from '../output/terminal.js';

export type View<Name extends ResourceName> = {
  /** For `-o name`. */
  nameOf(this: void, row: ResourceRow<Name>): string;
  /** @param now of the answer, or of this machine. */
  columns(this: void, now: number, document: ResourceDocument<Name>): readonly Column<ResourceRow<Name>>[];
  /** Lines above the table. */
  above?(this: void, document: ResourceDocument<Name>, now: number): readonly string[];
};

const number = (value: number | null): string => (value === null ? '-' : String(value));

export const VIEWS: { readonly [Name in ResourceName]: View<Name> } = {
  nodes: {
    nameOf: ({ id }) => id,
    columns: () => [
      { head: 'NODE', of: ({ id }) => id },
      { head: 'STATE', of: nodeState, tone: (row) => toneOfNode(row) },
      { head: 'SHARDS', align: 'right', of: ({ shards }) => String(shards) },
      {
        head: 'NOT UP',
        align: 'right',
        of: ({ notUp }) => String(notUp),
        tone: ({ notUp }) => (notUp > 0 ? 'bad' : null),
      },
      { head: 'MEMORY', align: 'right', of: ({ process }) => sizeText(process?.memoryBytes ?? null) },
      { head: 'AGE', align: 'right', of: ({ ageMs }) => shortSpan(ageMs) },
      { head: 'VERSION', of: ({ version }) => version },
      { head: 'HOST', isWide: true, of: ({ host }) => host ?? '-' },
      { head: 'PID', isWide: true, align: 'right', of: ({ pid }) => number(pid) },
      { head: 'CPU', isWide: true, align: 'right', of: ({ process }) => cpuText(process?.cpuPercent ?? null) },
      {
        head: 'DELAY',
        isWide: true,
        align: 'right',
        of: ({ process }) => shortSpan(process?.eventLoopDelayMs ?? null),
      },
      { head: 'UPTIME', isWide: true, align: 'right', of: ({ process }) => shortSpan(process?.uptimeMs ?? null) },
    ],
  },
  shards: {
    nameOf: ({ id }) => String(id),
    columns: () => [
      { head: 'SHARD', align: 'right', of: ({ id }) => String(id) },
      { head: 'STATE', of: ({ condition }) => condition.kind, tone: ({ condition: { kind } }) => toneOfShard(kind) },
      { head: 'NODE', of: ({ node }) => node ?? '-' },
      { head: 'AGE', align: 'right', of: ({ ageMs }) => shortSpan(ageMs) },
      { head: 'GAP', align: 'right', of: ({ gapMs }) => shortSpan(gapMs) },
      { head: 'HOST', isWide: true, of: ({ host }) => host ?? '-' },
      { head: 'VERSION', isWide: true, of: ({ version }) => version ?? '-' },
      { head: 'PHASE', isWide: true, of: ({ phase }) => phase ?? '-' },
      { head: 'STEP', isWide: true, of: ({ step }) => step ?? '-' },
      { head: 'PING', isWide: true, align: 'right', of: ({ pingMs }) => shortSpan(pingMs) },
      { head: 'GUILDS', isWide: true, align: 'right', of: ({ guilds }) => number(guilds) },
      { head: 'EVENTS', isWide: true, align: 'right', of: ({ events }) => number(events) },
      { head: 'WHY', isText: true, of: ({ condition: { why } }) => why ?? '' },
    ],
  },
  hosts: {
    nameOf: ({ name }) => name,
    columns: () => [
      { head: 'HOST', of: ({ name }) => name },
      { head: 'ZONE', of: ({ zone }) => zone ?? '-' },
      {
        head: 'STATE',
        of: ({ cordoned, deadSince }) => (deadSince !== null ? 'dead' : cordoned !== null ? 'cordoned' : 'serving'),
        tone: ({ cordoned, deadSince }) => (deadSince !== null ? 'bad' : cordoned !== null ? 'warning' : 'good'),
      },
      { head: 'NODES', align: 'right', of: ({ nodes }) => String(nodes.length) },
      { head: 'SHARDS', align: 'right', of: ({ shards }) => String(shards) },
      { head: 'UP', align: 'right', of: ({ up }) => String(up) },
      { head: 'NAMES', isWide: true, isText: true, of: ({ nodes }) => nodes.join(' ') },
    ],
  },
  migrations: {
    nameOf: ({ id }) => id,
    above: ({ waiting }) =>
      waiting.length === 0
        ? []
        : [`Waiting for room at their nodes: ${shardRanges(waiting.map(({ shard }) => shard))}`],
    columns: (now) => [
      { head: 'MIGRATION', of: ({ id }) => id },
      { head: 'SHARD', align: 'right', of: ({ shard }) => String(shard) },
      { head: 'ORIGIN', of: ({ origin }) => origin },
      { head: 'DESTINATION', of: ({ destination }) => destination },
      { head: 'STEP', of: ({ step }) => step },
      { head: 'AGE', align: 'right', of: ({ startedAt }) => shortSpan(now - startedAt) },
      {
        head: 'FROZEN',
        align: 'right',
        of: ({ frozenSince }) => shortSpan(frozenSince === null ? null : now - frozenSince),
      },
      { head: 'LIVE', isWide: true, of: ({ live }) => (live ? 'yes' : 'no') },
    ],
  },
  operations: {
    nameOf: ({ id }) => id,
    columns: (now) => [
      { head: 'ID', of: ({ id }) => id },
      { head: 'KIND', of: ({ kind }) => kind },
      { head: 'STATE', of: ({ state }) => state, tone: ({ state }) => OPERATION_TONES[state] },
      {
        head: 'SHARDS',
        align: 'right',
        of: ({ shards }) => (shards === null ? '-' : `${shards.moved}/${shards.total}`),
      },
      { head: 'LEFT', align: 'right', of: ({ etaMs }) => shortSpan(etaMs) },
      { head: 'AGE', align: 'right', of: ({ startedAt }) => shortSpan(now - startedAt) },
      { head: 'BY', isWide: true, of: ({ by }) => by },
      { head: 'NODES', isWide: true, of: ({ origin, destination }) => `${origin ?? '-'} → ${destination ?? '-'}` },
      {
        head: 'WHERE IT STANDS',
        isText: true,
        of: ({ waitsFor, text }) => (waitsFor === null ? text : `waits: ${waitsFor}`),
      },
    ],
  },
  alarms: {
    nameOf: ({ key }) => key,
    columns: (now) => [
      { head: 'ALARM', of: ({ kind }) => kind },
      { head: 'LEVEL', of: ({ level }) => level, tone: ({ level }) => (level === 'error' ? 'bad' : 'warning') },
      { head: 'FOR', align: 'right', of: ({ since }) => shortSpan(now - since) },
      { head: 'REASON', isText: true, of: ({ reason }) => reason },
      { head: 'WHAT TO DO', isWide: true, isText: true, of: ({ remedy }) => remedy },
    ],
  },
  versions: {
    nameOf: ({ version }) => version,
    above: ({ orchestrator, deployed, frozen }) => [
      `The orchestrator runs ${orchestrator}; a new node would run ${deployed ?? 'a version that is not known'}.`,
      ...(frozen ? ['Rollouts are frozen: they begin with --force only.'] : []),
    ],
    columns: (_now, { deployed, quarantined, crashes }) => [
      { head: 'VERSION', of: ({ version }) => version },
      { head: 'NODES', align: 'right', of: ({ nodes }) => String(nodes) },
      { head: 'SHARDS', align: 'right', of: ({ shards }) => String(shards) },
      { head: 'DEPLOYED', of: ({ version }) => (version === deployed ? 'yes' : 'no') },
      {
        head: 'CRASHES',
        align: 'right',
        of: ({ version }) => String(crashes.find((each) => each.version === version)?.total ?? 0),
      },
      {
        head: 'NOTE',
        isText: true,
        of({ version }) {
          const reverted = quarantined.find((each) => each.version === version);
          if (reverted !== undefined) return `quarantined: ${reverted.reason}`;
          return crashes.some((each) => each.version === version && each.loop) ? 'crash loop' : '';
        },
        tone: () => 'bad',
      },
    ],
  },
  identifies: {
    nameOf: ({ shard }) => String(shard),
    above: ({ budget: { remaining, total, reserve, used, allowed, resetAt }, maxConcurrency, windowMs }, now) => [
      `${remaining} of ${total} session starts are left, ${reserve} in reserve${allowed === 0 ? '' : ` (${allowed} of them allowed now)`}; ${used} used.`,
      `${resetAt === null ? '' : `More come in ${shortSpan(resetAt - now)}. `}${maxConcurrency} at once, each blocks its key for ${shortSpan(windowMs)}.`,
    ],
    columns: (now) => [
      { head: 'WAITING SHARD', align: 'right', of: ({ shard }) => String(shard) },
      { head: 'NODE', of: ({ node }) => node },
      { head: 'FOR', align: 'right', of: ({ since }) => shortSpan(now - since) },
    ],
  },
  tokens: {
    nameOf: ({ name }) => name,
    columns: (now) => [
      { head: 'NAME', of: ({ name }) => name },
      { head: 'ROLE', of: ({ role }) => role },
      { head: 'ENDS', of: ({ expiresAt }) => (expiresAt === null ? 'never' : `in ${shortSpan(expiresAt - now)}`) },
      { head: 'USED', of: ({ lastUsedAt }) => (lastUsedAt === null ? '-' : `${shortSpan(now - lastUsedAt)} ago`) },
      { head: 'AGE', align: 'right', of: ({ createdAt }) => shortSpan(now - createdAt) },
      { head: 'MADE BY', of: ({ createdBy }) => createdBy },
      { head: 'ID', isWide: true, of: ({ id }) => id },
    ],
  },
  settings: {
    nameOf: ({ key }) => key,
    above: ({ warnings }) => warnings.map((warning) => `warning: ${warning}`),
    columns: () => [
      { head: 'SETTING', of: ({ key }) => key },
      { head: 'VALUE', isText: true, of: ({ value }) => value },
      { head: 'WRITTEN AT', of: ({ writtenAt }) => writtenAt ?? 'default' },
    ],
  },
};

/** The one word that says most. */
export function nodeState({
  gone,
  connection,
  intent,
}: Pick<ResourceRow<'nodes'>, 'gone' | 'connection' | 'intent'>): string {
  if (gone) return 'gone';
  return connection === 'connected' ? intent : connection;
}

function toneOfNode(row: Pick<ResourceRow<'nodes'>, 'gone' | 'connection' | 'intent'>): Tone {
  const state = nodeState(row);
  if (state === 'serving') return 'good';
  return state === 'gone' || state === 'disconnected' ? 'bad' : 'warning';
}

const CALM: ReadonlySet<string> = new Set(['migrating', 'starting', 'stopping', 'parked', 'waitingToIdentify']);

function toneOfShard(condition: ResourceRow<'shards'>['condition']['kind']): Tone {
  if (condition === 'up') return 'good';
  return CALM.has(condition) ? 'warning' : 'bad';
}

const OPERATION_TONES: Readonly<Record<ResourceRow<'operations'>['state'], Tone | null>> = {
  running: 'good',
  cancelling: 'warning',
  done: 'faint',
  failed: 'bad',
  cancelled: 'faint',
};

function cpuText(percent: number | null): string {
  return percent === null ? '-' : `${percent.toFixed(0)}%`;
}
