/**
 * Gates of a rollout, and of schedulers outside: whether new nodes are as well as the old ones. Pure: what was seen of
 * both sides goes in, and a verdict comes out. A signal that the old version gives and the new one does not is not
 * health.
 *
 * Some signs need no comparison, and are looked at all the time (`failureOf`): a new process that ended, Discord
 * refusing a shard that was moved, a bot that says that it is not well. Others need time and events (`judge`): those
 * decide when a bake is over.
 */
import type { NodeSignals } from '@dshard/protocol';

/** What is certain at once. */
export type Facts = {
  /** New nodes that are not what they were: each with what became of it. */
  readonly ended: readonly { node: string; how: string }[];
  /** Shards on new nodes that Discord refuses, each with why. */
  readonly refused: readonly { shard: number; why: string }[];
  /** Whether Discord refuses shards of the old nodes as well. */
  readonly refusesOld: boolean;
  /** Shards that twice did not move to a new node. */
  readonly notMoved: readonly { shard: number; reason: string }[];
  /** How many shards moved. */
  readonly moved: number;
  readonly old: readonly Reading[];
  readonly fresh: readonly Reading[];
};

/** What a node says of how its version fares. `before`: when the stage began; null: the process was not there yet. */
export type Reading = { readonly node: string; readonly now: NodeSignals | null; readonly before: Counters | null };

export type Counters = Pick<
  NodeSignals,
  'events' | 'handlerErrors' | 'handlerMs' | 'resumesRefused' | 'importsFailed' | 'eventLoopDelayMs'
>;

/** Why the new version fails now, whatever else there is to see; null: nothing is certain yet. */
export function failureOf(facts: Facts): string | null {
  const { ended, refused, refusesOld, notMoved, old, fresh } = facts;
  const [exit] = ended;
  if (exit !== undefined) return `the new node ${exit.node} ${exit.how}`;
  const [turnedAway] = refused;
  if (turnedAway !== undefined && !refusesOld) {
    return `Discord refuses shard ${turnedAway.shard} on its new node: ${turnedAway.why}`;
  }
  return opinionOf(old, fresh) ?? refusedStateOf(facts) ?? stuckOf(notMoved);
}

function stuckOf([stuck]: Facts['notMoved']): string | null {
  return stuck === undefined ? null : `shard ${stuck.shard} could not be moved (${stuck.reason})`;
}

/** The bot's own word. */
function opinionOf(old: readonly Reading[], fresh: readonly Reading[]): string | null {
  const saysNo = ({ now }: Reading): boolean => now?.health?.ok === false;
  const isOldUnwell = old.some(saysNo);
  for (const { node, now } of fresh) {
    if (now?.selfTest === 'failed') return `the self test of node ${node} failed${because(now.selfTestReason)}`;
    if (now?.health?.ok === false && !isOldUnwell)
      return `node ${node} says that it is not well${because(now.health.reason)}`;
  }
  return null;
}

function because(reason: string | null): string {
  return reason === null || reason === '' ? '' : `: ${reason}`;
}

/** Of the shards that moved. */
const REFUSED_SHARE = 0.05;

/** Sessions that Discord did not resume, and state that user code did not take: of the new version only. */
function refusedStateOf({ old, fresh, moved }: Facts): string | null {
  const refusedOld = sumOf(old, 'resumesRefused');
  // Discord ends a session now and then.
  const tooMany = Math.max(1, Math.ceil(moved * REFUSED_SHARE));
  for (const reading of fresh) {
    const [refusals, imports] = [since(reading, 'resumesRefused'), since(reading, 'importsFailed')];
    if (refusals >= tooMany && refusedOld === 0) return `Discord refused ${refusals} RESUME(s) of node ${reading.node}`;
    if (imports > 0) return `node ${reading.node} did not take the state of ${imports} shard(s)`;
  }
  return null;
}

function since({ now, before }: Reading, counter: keyof Counters): number {
  return now === null ? 0 : Math.max(0, now[counter] - (before?.[counter] ?? 0));
}

function sumOf(readings: readonly Reading[], counter: keyof Counters): number {
  return readings.reduce((sum, reading) => sum + since(reading, counter), 0);
}

/** How a version does its work: per event, and so comparable whatever the number of shards. null: too few events. */
export type Work = { readonly errorShare: number; readonly handlerMs: number; readonly delayMs: number };

/** Below this number of events nothing can be said. */
const SOME_EVENTS = 20;

export function workOf(readings: readonly Reading[]): Work | null {
  const events = sumOf(readings, 'events');
  if (events < SOME_EVENTS) return null;
  const delays = readings.map(({ now }) => now?.eventLoopDelayMs ?? 0);
  return {
    errorShare: sumOf(readings, 'handlerErrors') / events,
    handlerMs: sumOf(readings, 'handlerMs') / events,
    delayMs: Math.max(0, ...delays),
  };
}

export function eventsOf(readings: readonly Reading[]): number {
  return sumOf(readings, 'events');
}

/** So much worse than the old version is worse: a factor, and an amount that small figures may differ by. */
const WORSE: { readonly [K in keyof Work]: { factor: number; amount: number; text: (value: number) => string } } = {
  errorShare: {
    factor: 2,
    amount: 0.02,
    text: (value) => `handlers fail for ${(value * 100).toFixed(1)} % of the events`,
  },
  handlerMs: { factor: 3, amount: 100, text: (value) => `handlers take ${Math.round(value)} ms an event` },
  delayMs: { factor: 3, amount: 200, text: (value) => `the event loop is late by ${Math.round(value)} ms` },
};

/** Why the new version does its work worse; null: it does not, or too little was seen of one of the two. */
export function worseWork(old: Work | null, fresh: Work | null): string | null {
  if (old === null || fresh === null) return null;
  for (const name of Object.keys(WORSE) as (keyof Work)[]) {
    const { factor, amount, text } = WORSE[name];
    if (fresh[name] > old[name] * factor + amount) {
      return `on the new nodes ${text(fresh[name])}; on the old ones: ${text(old[name])}`;
    }
  }
  return null;
}

/** By how much the memory of the node that grew most has grown since a bake began. null: nobody says. */
export type Growth = { readonly node: string; readonly bytes: number; readonly share: number };

/** Caches fill and heaps settle: only what grows by so much, and far more than the old nodes do, is a leak. */
const LEAK = { bytes: 128e6, share: 0.5, factor: 3 } as const;

export function growthOf(
  nodes: readonly { readonly node: string; readonly before: number; readonly now: number }[],
): Growth | null {
  const grown = nodes.map(({ node, before, now }) => {
    const bytes = Math.max(0, now - before);
    return { node, bytes, share: before > 0 ? bytes / before : 0 };
  });
  return grown.toSorted((a, b) => b.share - a.share)[0] ?? null;
}

function leakOf(old: Growth | null, fresh: Growth | null): string | null {
  if (fresh === null || fresh.bytes < LEAK.bytes || fresh.share < LEAK.share) return null;
  if (fresh.share <= (old?.share ?? 0) * LEAK.factor) return null;
  const percent = ({ share }: Growth): string => `${Math.round(share * 100)} %`;
  const others = old === null ? '' : `; that of the old ones by ${percent(old)} at most`;
  return `the memory of node ${fresh.node} grew by ${Math.round(fresh.bytes / 1e6)} MB (${percent(fresh)}) while it was watched${others}`;
}

/** One side of the comparison. */
export type Side = {
  /** Shards that it has, and those of them that are up. */
  readonly shards: number;
  readonly up: number;
  /** Since when the one that is down for the longest time is; null: all are up. */
  readonly downSince: number | null;
  /** When the last of those that are up came up; null: none is. */
  readonly upSince: number | null;
  /** null: too few events, or the nodes do not say. */
  readonly work: Work | null;
  readonly growth: Growth | null;
};

export type Patience = {
  /** How long a shard of the new version may be down while the old version's are up. */
  readonly downMs: number;
  /** The same where there is nothing to compare with: it may be Discord. */
  readonly aloneMs: number;
};

export type Verdict = 'pass' | 'wait' | { readonly fail: string };

/**
 * Whether the new version is as well as the old one. Shards that are down on both sides are Discord's outage; the clock
 * begins anew when the old ones are up again.
 */
export function judge(old: Side, fresh: Side, { downMs, aloneMs }: Patience, now: number): Verdict {
  if (fresh.downSince !== null) {
    if (old.up < old.shards) return 'wait';
    const from = Math.max(fresh.downSince, old.upSince ?? 0);
    if (from + (old.shards > 0 ? downMs : aloneMs) > now) return 'wait';
    return { fail: `${fresh.shards - fresh.up} of ${fresh.shards} shards on the new nodes are not up` };
  }
  const worse = worseWork(old.work, fresh.work) ?? leakOf(old.growth, fresh.growth);
  return worse === null ? 'pass' : { fail: worse };
}
