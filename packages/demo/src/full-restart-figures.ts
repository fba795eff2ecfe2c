/** What scenario `full-restart` measures, and what of it is amiss. */
import type { CacheFigures } from './verdict.js';

export type RestartFigures = {
  /** From the signal until all was ended, and from then until every shard was up again. */
  endedAfterMs: number;
  upAfterMs: number;
  /** That the restart cost. */
  identifies: number;
  /** Shards whose state was lost on the way. */
  statesLost: number;
  caches: CacheFigures;
  referenceIdentifies: number;
  /** How the caches differ. */
  findings: readonly string[];
};

export function restartProblems({ identifies, statesLost, caches, findings }: RestartFigures): readonly string[] {
  const { compared, different } = caches;
  return [
    ...(identifies > 0 ? [`the restart cost ${identifies} IDENTIFYs`] : []),
    ...(statesLost > 0 ? [`the state of ${statesLost} shards was lost`] : []),
    ...(compared === 0 ? ['no cache was compared'] : []),
    ...(different > 0 ? [`${different} of ${compared} fields of the caches are different`] : []),
    ...findings,
  ];
}
