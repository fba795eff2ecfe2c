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
  /** Of a process that was started after the one before it had ended: until its node was connected. */
  restartMs: number | null;
};

export type LeaveFigures = {
  graceMs: number;
  cases: readonly LeaveCase[];
  caches: CacheFigures;
  referenceIdentifies: number;
  /** How the caches differ. */
  findings: readonly string[];
};

/** A shard that moves live is without a session no longer than this, 250 ms and room for a busy machine. */
const MAX_LIVE_GAP_MS = 2_000;
/** Where nobody else is there, a shard waits for the restart of its process, and so much longer; with the same room. */
const MAX_AFTER_RESTART_MS = 2_500;

export function leaveProblems({ graceMs, cases, caches, findings }: LeaveFigures): readonly string[] {
  return [
    ...cases.flatMap((each) => [
      ...each.endings.flatMap((ending) => endingProblems(ending, graceMs)),
      ...gapProblems(each),
    ]),
    ...(caches.compared === 0 ? ['no cache was compared'] : []),
    ...(caches.different > 0 ? [`${caches.different} of ${caches.compared} fields of the caches are different`] : []),
    ...findings,
  ];
}

function endingProblems({ node, code, signal, tookMs }: Ending, graceMs: number): readonly string[] {
  if (code !== 0) return [`node ${node} ended with ${signal ?? `exit code ${code}`}`];
  return tookMs >= graceMs ? [`node ${node} ended ${tookMs} ms after SIGTERM, and ${graceMs} are allowed`] : [];
}

function gapProblems({ case: name, gapMs, restartMs }: LeaveCase): readonly string[] {
  const most = restartMs === null ? MAX_LIVE_GAP_MS : 2 * restartMs + MAX_AFTER_RESTART_MS;
  if (gapMs.p99 < most) return [];
  return [`${name}: a shard was without a session for ${gapMs.p99} ms (p99), and ${most} are allowed`];
}
