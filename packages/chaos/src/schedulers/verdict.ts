/** The verdict over rolling updates by a scheduler: pure arithmetic. Planned restarts cost nothing at all. */
import type { Verdict as LedgerVerdict } from '@dshard/gateway-emulator';
import { GRACE_MS, type Ending } from './scheduler.js';
import type { StrategyName } from './strategies.js';

export type StrategyFigures = {
  strategy: StrategyName;
  endings: readonly Ending[];
  /** How long shards had no session. */
  gapsMs: readonly number[];
  /** From the first signal until all shards were up on the new processes. */
  tookMs: number;
};

type Spread = { p50: number; p99: number; max: number };

export type SchedulersVerdict = {
  ok: boolean;
  nodes: number;
  shards: number;
  strategies: {
    strategy: StrategyName;
    ended: number;
    /** How many processes ended with something else than 0. */
    badExits: number;
    longestEndMs: number;
    gapMs: Spread;
    tookMs: number;
  }[];
  events: { emitted: number; handled: number; lost: number; repeatedMarked: number; repeatedUnmarked: number };
  /** `needed`: one for each shard, at the start. */
  identifies: { used: number; needed: number };
};

export type SchedulersInput = {
  nodes: number;
  shards: number;
  ledger: Pick<
    LedgerVerdict,
    'emitted' | 'missed' | 'handled' | 'lost' | 'redelivered' | 'duplicated' | 'outOfOrder'
  > & {
    identifies: { used: number };
    violations: LedgerVerdict['violations'];
  };
  strategies: readonly StrategyFigures[];
};

export function judgeSchedulers(input: SchedulersInput): { verdict: SchedulersVerdict; reasons: string[] } {
  const { nodes, shards, ledger, strategies } = input;
  const lost = ledger.lost + ledger.missed;
  const { used } = ledger.identifies;
  const reasons = [
    ...(ledger.emitted === 0 ? ['no event was emitted'] : []),
    ...(lost > 0 ? [`${lost} events were lost`] : []),
    ...(ledger.duplicated > 0 ? [`${ledger.duplicated} events were repeated without the mark`] : []),
    ...(ledger.redelivered > 0 ? [`${ledger.redelivered} events were repeated, marked, though no node was lost`] : []),
    ...(ledger.outOfOrder > 0 ? [`${ledger.outOfOrder} events were handled out of order`] : []),
    ...(used === shards ? [] : [`${used} IDENTIFYs were used where ${shards} were needed, all of them at the start`]),
    ...ledger.violations.map(({ kind, message }) => `a rule of Discord was broken (${kind}): ${message}`),
    ...strategies.flatMap(({ strategy, endings }) => [
      ...(endings.length === nodes ? [] : [`${strategy}: ${endings.length} of ${nodes} processes were replaced`]),
      ...endings.filter(isBad).map((ending) => `${strategy}: ${describe(ending)}`),
    ]),
  ];
  const verdict: SchedulersVerdict = {
    ok: reasons.length === 0,
    nodes,
    shards,
    strategies: strategies.map(({ strategy, endings, gapsMs, tookMs }) => ({
      strategy,
      ended: endings.length,
      badExits: endings.filter(isBad).length,
      longestEndMs: Math.max(0, ...endings.map((ending) => ending.tookMs)),
      gapMs: spreadOf(gapsMs),
      tookMs,
    })),
    events: {
      emitted: ledger.emitted + ledger.missed,
      handled: ledger.handled,
      lost,
      repeatedMarked: ledger.redelivered,
      repeatedUnmarked: ledger.duplicated,
    },
    identifies: { used, needed: shards },
  };
  return { verdict, reasons };
}

function isBad({ code }: Ending): boolean {
  return code !== 0;
}

function describe({ node, code, signal, tookMs }: Ending): string {
  if (signal === 'SIGKILL') return `${node} had to be killed ${GRACE_MS} ms after SIGTERM`;
  return `${node} ended with ${signal ?? `exit code ${code}`} after ${tookMs} ms`;
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = values.map(Math.round).toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? 0 };
}
