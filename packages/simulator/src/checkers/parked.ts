/**
 * Invariant 6b: the state of a parked shard arrives whole, as of the very cursor that the shard is resumed from, or
 * user code is told that the state is lost. While a shard is parked nobody serves it, and what nobody needs any more
 * leaves the spool.
 */
import type { OrchestratorState } from '@dshard/orchestrator/domain';
import type { Checker, MakeChecker, Observation, UserState } from '../observation.js';

const WHOLE_OR_TOLD = 'the state of a parked shard arrives whole, or user code is told that it is lost';
const NOBODYS = 'while a shard is parked nobody hands its events to user code';
const BOUNDED = 'the spool holds what is parked, and nothing else';
/** Of the moment in which a file is removed. */
const MOST_BEING_REMOVED = 2;

export const parkedState: MakeChecker = ({ plan, violated }): Checker => {
  /** By shard: what user code knew when the shard was frozen last, and the cursor then. */
  const frozen = new Map<number, { cursor: string; state: UserState }>();
  /** Those that were parked, and nobody has resumed since. */
  const parked = new Map<number, { cursor: string; state: UserState } | null>();
  let state: OrchestratorState | null = null;

  const onResuming = (seen: Extract<Observation, { kind: 'resuming' }>): void => {
    const { node, shard, cursor, received, stateLost } = seen;
    const kept = parked.get(shard);
    parked.delete(shard);
    if (kept === undefined || kept === null || stateLost) return;
    const from = keyOf(cursor);
    if (received > 0 && from !== kept.cursor) {
      violated(WHOLE_OR_TOLD, `node ${node} resumed shard ${shard} from ${from}; its state is as of ${kept.cursor}`);
    } else if (!isSame(kept.state, seen.state)) {
      const sizes = `${seen.state.size} of ${kept.state.size} channels, or others`;
      violated(WHOLE_OR_TOLD, `node ${node} resumed shard ${shard} with ${sizes}, and was not told`);
    }
  };

  return {
    see: (observation) => {
      if (observation.kind === 'frozen') {
        frozen.set(observation.shard, { cursor: keyOf(observation.cursor), state: observation.state });
      } else if (observation.kind === 'resuming') {
        onResuming(observation);
      } else if (observation.kind === 'decided') {
        for (const [shard, { kind }] of observation.state.shards.entries()) {
          const wasParked = state?.shards[shard]?.kind === 'parked';
          if (kind === 'parked' && !wasParked) parked.set(shard, frozen.get(shard) ?? null);
          // Not resumed, then: an orchestrator that has no store forgot it when it crashed, and it was begun anew.
          else if (kind === 'running') parked.delete(shard);
        }
        state = observation.state;
      } else if (observation.kind === 'handed' && plan.gentle) {
        const { node, shard } = observation;
        const isParked = state?.shards[shard]?.kind === 'parked';
        if (isParked) violated(NOBODYS, `node ${node} handed over an event of shard ${shard}`);
      } else if (observation.kind === 'spooled') {
        const named = state?.shards.filter(({ kind }) => kind === 'parked').length ?? 0;
        const moving = state?.migrations.size ?? 0;
        const { files } = observation;
        if (files <= named + moving + MOST_BEING_REMOVED) return;
        violated(BOUNDED, `${files} files are there, for ${named} parked shards and ${moving} that move`);
      }
    },
  };
};

function keyOf({ sessionId, sequence }: { sessionId: string; sequence: number | bigint }): string {
  return `${sessionId}/${sequence}`;
}

function isSame(a: UserState, b: UserState): boolean {
  return a.size === b.size && [...a].every(([channel, last]) => b.get(channel) === last);
}
