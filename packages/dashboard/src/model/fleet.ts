/** What pages ask of a snapshot. Every function is pure; what is asked often is made once for each snapshot. */
import type { ShardConditionKind } from '@dshard/api';
import {
  LIVE_CONDITIONS,
  NOBODY,
  UNKNOWN_RATE,
  type LiveFigures,
  type LiveNode,
  type LiveSnapshot,
} from '@dshard/api/live';

export function conditionOf(snapshot: LiveSnapshot, shard: number): ShardConditionKind {
  return LIVE_CONDITIONS[snapshot.shards.condition[shard] ?? -1] ?? 'vacant';
}

export function nodeOf(snapshot: LiveSnapshot, shard: number): LiveNode | null {
  const place = snapshot.shards.node[shard] ?? NOBODY;
  return place === NOBODY ? null : (snapshot.nodes[place] ?? null);
}

export function rateOf(snapshot: LiveSnapshot, shard: number): number | null {
  const rate = snapshot.shards.rate[shard] ?? UNKNOWN_RATE;
  return rate === UNKNOWN_RATE ? null : rate;
}

export function shardCount(snapshot: LiveSnapshot): number {
  return snapshot.shards.node.length;
}

export type NodeEntry = {
  readonly place: number;
  readonly node: LiveNode;
  readonly figures: LiveFigures | null;
  readonly shards: readonly number[];
};

const entriesBySnapshot = new WeakMap<LiveSnapshot, readonly NodeEntry[]>();

/** Known nodes with their shards, by host and id. */
export function nodeEntries(snapshot: LiveSnapshot): readonly NodeEntry[] {
  const known = entriesBySnapshot.get(snapshot);
  if (known !== undefined) return known;
  const shards = new Map<number, number[]>();
  snapshot.shards.node.forEach((place, shard) => {
    const there = shards.get(place);
    if (there === undefined) shards.set(place, [shard]);
    else there.push(shard);
  });
  const entries = snapshot.nodes
    .flatMap((node, place) =>
      node === null ? [] : [{ place, node, figures: snapshot.figures[place] ?? null, shards: shards.get(place) ?? [] }],
    )
    .sort((a, b) => inOrder(a.node.host ?? '~', b.node.host ?? '~') || inOrder(a.node.id, b.node.id));
  entriesBySnapshot.set(snapshot, entries);
  return entries;
}

export function entryOf(snapshot: LiveSnapshot, id: string): NodeEntry | null {
  return nodeEntries(snapshot).find(({ node }) => node.id === id) ?? null;
}

/** A node that no shard is on and that is known not to run any more is of no interest. */
export function isPast({ node, shards }: NodeEntry): boolean {
  return node.connection === 'disconnected' && node.gone && shards.length === 0;
}

function inOrder(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** Events a second over all shards. null: nobody reports any. */
export function totalRate(snapshot: LiveSnapshot): number | null {
  const known = snapshot.shards.rate.filter((rate) => rate !== UNKNOWN_RATE);
  return known.length === 0 ? null : known.reduce((sum, rate) => sum + rate, 0);
}

export function countsOf(snapshot: LiveSnapshot, shards: readonly number[]): ReadonlyMap<ShardConditionKind, number> {
  const counts = new Map<ShardConditionKind, number>();
  for (const shard of shards) {
    const kind = conditionOf(snapshot, shard);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/** Its figures are older than three of its reports ought to be. */
export function isStale(snapshot: LiveSnapshot, figures: LiveFigures | null): boolean {
  const every = snapshot.fleet.heartbeatIntervalMs;
  return figures !== null && every > 0 && snapshot.now - figures.at > 3 * every;
}

/** The state of a node in a word, gravest first; `suspected`: that word is no fact. */
export function nodeState({ connection, gone, intent, suspicion }: LiveNode): {
  word: string;
  tone: 'well' | 'resting' | 'trouble' | 'broken';
  suspected: boolean;
} {
  if (connection === 'disconnected') {
    return gone
      ? { word: 'gone', tone: 'broken', suspected: false }
      : { word: 'disconnected', tone: 'trouble', suspected: false };
  }
  if (suspicion !== null) return { word: SUSPICIONS[suspicion.kind], tone: 'trouble', suspected: true };
  if (connection === 'awaitingTotal') return { word: 'waiting', tone: 'resting', suspected: false };
  return { word: INTENTS[intent], tone: intent === 'serving' ? 'well' : 'resting', suspected: false };
}

const INTENTS = {
  serving: 'serving',
  cordoned: 'cordoned',
  leaving: 'leaving',
  shuttingDown: 'shutting down',
  lingering: 'ending its work',
} as const;

const SUSPICIONS = {
  silent: 'perhaps silent',
  unwell: 'perhaps unwell',
  failingVersion: 'version perhaps failing',
  deafShards: 'perhaps deaf',
} as const;
