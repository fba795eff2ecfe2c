/**
 * Invariant 7, the part of a planned move: user code waits for the events of a frozen shard no longer than the freeze timeout, whatever becomes
 * of the others. Counted where the node was neither stopped nor dead meanwhile: its own clock ends a freeze, whoever it is cut off from.
 */
import type { ShardStateKind } from '@dshard/node';
import type { Observation } from '../observation.js';
import type { Checker, MakeChecker } from './checker.js';

const SENTENCE = 'a shard is frozen no longer than the freeze timeout';
const FROZEN: ReadonlySet<ShardStateKind> = new Set(['freezing', 'sendingDelta', 'frozen']);
/** The host's own call has the same deadline. */
const MARGIN_MS = 300;

export const frozenInTime: MakeChecker = ({ plan, violated }): Checker => {
  const frozenAt = new Map<string, number>();
  const stoppedAt = new Map<string, number>();
  return {
    see: (observation, at) => {
      if (observation.kind === 'fault' && stops(observation)) {
        const [node = ''] = observation.target.split(':');
        stoppedAt.set(node, at);
      }
      if (observation.kind === 'processEnded') {
        for (const key of frozenAt.keys()) if (key.startsWith(`${observation.name}/`)) frozenAt.delete(key);
      }
      if (observation.kind !== 'moved') return;
      const { node, shard, from, to } = observation;
      const key = `${node}/${shard}`;
      if (FROZEN.has(to) && !FROZEN.has(from)) {
        frozenAt.set(key, at);
        stoppedAt.delete(node);
      } else if (FROZEN.has(from) && !FROZEN.has(to)) {
        const since = frozenAt.get(key) ?? at;
        frozenAt.delete(key);
        const isLong = at - since > plan.settings.freezeTimeoutMs + MARGIN_MS;
        if (isLong && !stoppedAt.has(node))
          violated(SENTENCE, `node ${node} had shard ${shard} frozen for ${Math.round(at - since)} ms`);
      }
    },
    finish: (at) => {
      for (const [key, since] of frozenAt) {
        if (at - since > plan.settings.freezeTimeoutMs + MARGIN_MS)
          violated(SENTENCE, `${key} is frozen for ${Math.round(at - since)} ms`);
      }
    },
  };
};

/** Whether its node's clock stands still for a while. */
function stops({ fault, target }: Extract<Observation, { kind: 'fault' }>): boolean {
  return fault === 'pauses' || (fault === 'ambushedNodes' && target.includes(': pause '));
}
