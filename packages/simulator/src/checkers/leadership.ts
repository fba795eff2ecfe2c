/**
 * Of two orchestrators on one database: one acts at any moment, what was answered is durable, and what nobody knows is
 * looked up before anything else.
 */
import type { Checker, MakeChecker } from '../observation.js';

/**
 * One leader acts. Seen as: whoever says something to a node that has consequences says so under the epoch of the one
 * whose time it is, by the word of the store in that very moment.
 */
const ONE_LEADER = 'one orchestrator acts at any moment';

export const oneLeader: MakeChecker = ({ violated }): Checker => ({
  see: (observation) => {
    if (observation.kind !== 'said' || observation.epoch === observation.leads) return;
    const { by, message, epoch, leads } = observation;
    violated(ONE_LEADER, `${by} sent ${message.kind} under epoch ${epoch}, and epoch ${leads} leads`);
  },
});

/** Who does not lead writes nothing. */
const LEADER_WRITES = 'only the leader writes';

export const leaderWrites: MakeChecker = ({ violated }): Checker => ({
  see: (observation) => {
    if (observation.kind !== 'committed' || observation.epoch === observation.leads) return;
    const { batch, epoch, leads } = observation;
    violated(LEADER_WRITES, `${batch} was written under epoch ${epoch}, and epoch ${leads} leads`);
  },
});

/**
 * A commit that was answered with "done" took effect, as its author's, and versions follow one another. One of unknown
 * outcome is neither done nor failed: its author loads the store before it writes anything else.
 */
const ANSWERED_IS_DURABLE = 'a commit that is answered with "done" has taken effect';
const LOOKED_UP = 'the outcome of a commit that was not answered is looked up before anything else is written';
const IN_ORDER = 'each commit follows the one before';

export const commitsKnown: MakeChecker = ({ plan, violated }): Checker => {
  /** By version: who made it. */
  const authors = new Map<number, string>();
  const unknown = new Map<string, number>();
  let last = 0;
  return {
    see: (observation) => {
      if (plan.orchestrators === 1) return;
      if (observation.kind === 'processEnded') unknown.delete(observation.name);
      if (observation.kind === 'committed') {
        const { version, batch } = observation;
        if (version !== last + 1) violated(IN_ORDER, `version ${version} came after version ${last}`);
        last = version;
        authors.set(version, batch.split('/')[0] ?? '');
        return;
      }
      if (observation.kind !== 'stored') return;
      const { by } = observation;
      if (observation.what === 'loaded') {
        unknown.delete(by);
      } else if (observation.what === 'commitAsked') {
        const before = unknown.get(by);
        if (before !== undefined) violated(LOOKED_UP, `${by} wrote on, and did not know about version ${before + 1}`);
      } else {
        const { outcome, expectedVersion } = observation;
        if (outcome === 'broken') unknown.set(by, expectedVersion);
        if (outcome === 'ok' && authors.get(expectedVersion + 1) !== by)
          violated(
            ANSWERED_IS_DURABLE,
            `${by} was told so of version ${expectedVersion + 1}, and the store has it not`,
          );
      }
    },
  };
};
