/**
 * User code has its say around a planned move, while the shard still serves: at the origin it has finished with the shard, or its patience is
 * over; at the destination it is ready, and the gateway has greeted it. Only then is the shard frozen, so neither costs a moment
 * without an owner, and what fails there costs nothing.
 */
import type { Checker, MakeChecker } from './checker.js';

const READY = 'a shard is frozen for a live move only when its destination is ready for it';
const FINISHED = 'a shard is frozen for a live move only when user code has finished with it';

export const userCodeFirst: MakeChecker = ({ violated }): Checker => {
  /** Shards that a destination is ready for. */
  const ready = new Set<number>();
  /** `node/shard` that user code is at. */
  const busy = new Set<string>();
  return {
    see: (observation) => {
      if (observation.kind === 'ready') ready.add(observation.shard);
      if (observation.kind === 'leaving') {
        const key = `${observation.node}/${observation.shard}`;
        if (observation.done) busy.delete(key);
        else busy.add(key);
      }
      if (observation.kind === 'processEnded') {
        for (const key of busy) if (key.startsWith(`${observation.name}/`)) busy.delete(key);
      }
      if (observation.kind !== 'halted') return;
      const { node, shard } = observation;
      if (!ready.delete(shard)) violated(READY, `node ${node} froze shard ${shard}, and nobody was ready for it`);
      if (busy.has(`${node}/${shard}`))
        violated(FINISHED, `node ${node} froze shard ${shard} while user code was at it`);
    },
  };
};
