/**
 * RESUME first (rule 8 of the architecture): no shard is identified anew while its session could still be resumed. Checked where no
 * party that knows the session was lost. A session whose READY reached nobody is known to nobody.
 */
import type { Checker, MakeChecker } from './checker.js';

const SENTENCE = 'no shard identifies where its session could still be resumed';

export const resumeFirst: MakeChecker = ({ plan, violated }): Checker => {
  const sessions = new Map<number, Set<string>>();
  return {
    see: (observation) => {
      if (observation.kind === 'up') {
        const { shard, sessionId } = observation;
        sessions.set(shard, (sessions.get(shard) ?? new Set()).add(sessionId));
      }
      if (observation.kind !== 'gateway') return;
      const { record } = observation;
      if (record.kind === 'ended') sessions.get(record.shard)?.delete(record.sessionId);
      if (record.kind !== 'identify' || record.sessionId === null) return;
      const living = sessions.get(record.shard) ?? new Set();
      if (plan.gentle && living.size > 0) {
        violated(SENTENCE, `shard ${record.shard} identified, and its session ${[...living].join(', ')} lived on`);
      }
    },
  };
};
