/** A shard that was quarantined is not started until it is released. A restarted orchestrator begins anew: what it had not stored it never said. */
import type { Checker, MakeChecker } from './checker.js';

const SENTENCE = 'a quarantined shard is not started until it is released';

export const quarantine: MakeChecker = ({ plan, violated }): Checker => {
  const quarantined = new Set<number>();
  return {
    see: (observation) => {
      if (observation.kind === 'processStarted' && observation.name === 'orchestrator') quarantined.clear();
      // A decision that could not be kept was never made, and is seen here all the same.
      if (observation.kind !== 'decided' || plan.faults.has('disk')) return;
      for (const { name, fields } of observation.entries) {
        const shard = Number(fields['shard']);
        if (name === 'shardQuarantined') quarantined.add(shard);
        else if (name === 'shardUnquarantined') quarantined.delete(shard);
        else if (name === 'shardsStarting') noteStart(fields['shards']);
      }
    },
  };

  function noteStart(shards: unknown): void {
    if (!Array.isArray(shards)) return;
    for (const shard of shards.map(Number)) {
      if (quarantined.has(shard)) violated(SENTENCE, `shard ${shard} was started`);
    }
  }
};
