/**
 * Discord is not asked in a circle: no gateway shard sends more than a handful of RESUMEs a minute, whatever it is told, and after op 9 it waits
 * the second at least that Discord asks for. Counted per shard and its time on a node: one that moves begins anew.
 */
import type { Checker, MakeChecker } from './checker.js';

const SENTENCE = 'a gateway shard sends no more than a handful of RESUMEs a minute, and waits after op 9';
const HANDFUL = 6;
const MINUTE_MS = 60_000;
const PAUSE_MS = 1_000;

export const resumePace: MakeChecker = ({ violated }): Checker => {
  const resumes = new Map<string, number[]>();
  const invalidatedAt = new Map<string, number>();
  return {
    see: (observation, at) => {
      if (observation.kind === 'processEnded') {
        for (const key of resumes.keys()) if (key.startsWith(`${observation.name}/`)) resumes.delete(key);
        for (const key of invalidatedAt.keys()) if (key.startsWith(`${observation.name}/`)) invalidatedAt.delete(key);
      }
      if (!('node' in observation) || !('shard' in observation)) return;
      const { node, shard } = observation;
      const key = `${node}/${shard}`;
      if (observation.kind === 'resuming' || observation.kind === 'stopped') {
        resumes.delete(key);
        invalidatedAt.delete(key);
      }
      if (observation.kind === 'invalidated') invalidatedAt.set(key, at);
      if (observation.kind !== 'begins' && observation.kind !== 'identify') return;
      const pause = at - (invalidatedAt.get(key) ?? -Infinity);
      if (pause < PAUSE_MS) violated(SENTENCE, `shard ${shard} on ${node} went on ${Math.round(pause)} ms after op 9`);
      invalidatedAt.delete(key);
      if (observation.kind === 'identify') return;
      const recent = [...(resumes.get(key) ?? []).filter((one) => one > at - MINUTE_MS), at];
      resumes.set(key, recent);
      if (recent.length > HANDFUL)
        violated(SENTENCE, `shard ${shard} on ${node} sent ${recent.length} RESUMEs in a minute`);
    },
  };
};
