/** What scenario `leave` measures, and what of it is amiss. */
import type { CacheFigures, Spread } from './verdict.js';

/** A process that got SIGTERM: what it ended with, and after how long. */
export type Ending = { node: string; code: number | null; signal: string | null; tookMs: number };

/** One way in which a scheduler replaces processes. */
export type LeaveCase = {
  case: 'surge-first' | 'one-by-one' | 'stop-then-start';
  endings: readonly Ending[];
  /** How long shards were without a session. */
  gapMs: Spread;
  /**
   * Of a process that was started after the one before it had ended: from SIGTERM until the orchestrator says that the
   * node of the new one is connected, the bot's own start included.
   */
  restartMs: number | null;
  bound: Bound;
};

/** What the gap's p99 is to be at most. A busy machine may break it, so it is told, and is no part of the verdict. */
export type Bound = { mostMs: number; held: boolean };

export type LeaveFigures = {
  graceMs: number;
  cases: readonly LeaveCase[];
  caches: CacheFigures;
  referenceIdentifies: number;
  /** How the caches differ. */
  findings: readonly string[];
};

/** A shard that moves live is without a session no longer than this. */
const MOST_LIVE_MS = 250;
/** Where nobody else is there, a shard waits for the restart of its process, and so much longer. */
const MOST_AFTER_RESTART_MS = 500;

export function boundOf(gapMs: Spread, restartMs: number | null): Bound {
  const mostMs = restartMs === null ? MOST_LIVE_MS : restartMs + MOST_AFTER_RESTART_MS;
  return { mostMs, held: gapMs.p99 <= mostMs };
}

export function leaveText({ cases }: LeaveFigures): readonly string[] {
  return cases.map(({ case: name, gapMs, restartMs, bound }) => {
    const restart = restartMs === null ? '' : `; the restart took ${restartMs} ms`;
    const text = `  ${name}: without a session for ${gapMs.p99} ms (p99), ${bound.mostMs} ms are the bound${restart}`;
    return `${text}: ${bound.held ? 'held' : 'NOT held'}.`;
  });
}

export function leaveProblems({ graceMs, cases, caches, findings }: LeaveFigures): readonly string[] {
  return [
    ...cases.flatMap(({ endings }) => endings.flatMap((ending) => endingProblems(ending, graceMs))),
    ...(caches.compared === 0 ? ['no cache was compared'] : []),
    ...(caches.different > 0 ? [`${caches.different} of ${caches.compared} fields of the caches are different`] : []),
    ...findings,
  ];
}

function endingProblems({ node, code, signal, tookMs }: Ending, graceMs: number): readonly string[] {
  if (code !== 0) return [`node ${node} ended with ${signal ?? `exit code ${code}`}`];
  return tookMs >= graceMs ? [`node ${node} ended ${tookMs} ms after SIGTERM, and ${graceMs} are allowed`] : [];
}
