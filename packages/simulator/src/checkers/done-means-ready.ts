/** Done means ready: a host says that a shard is resumed when READY or RESUMED came, and not before. */
import type { Checker, MakeChecker } from './checker.js';

const SENTENCE = 'a shard is resumed when READY or RESUMED came, and not before';

export const doneMeansReady: MakeChecker = ({ violated }): Checker => ({
  see: (observation) => {
    if (observation.kind !== 'resumed' || observation.isUp) return;
    violated(SENTENCE, `node ${observation.node} said so of shard ${observation.shard}, which was not up`);
  },
});
