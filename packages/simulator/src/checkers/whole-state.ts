/**
 * Invariant 6: user state arrives whole and in order, or the move aborts and the origin goes on as if nothing had happened.
 *
 * Whoever resumes a shard with state that came from elsewhere has the state that was closed with this very cursor. And user code, which
 * knows from that state what must come next, gets exactly that.
 */
import type { ShardStateKind } from '@dshard/node';
import type { UserState } from '../observation.js';
import type { Checker, MakeChecker } from './checker.js';

/** The first four: its node leaves, or stops it, in the middle of it, and takes the state with it. */
const LETS_GO: ReadonlySet<ShardStateKind> = new Set([
  'closing',
  'closed',
  'sending',
  'releasing',
  'stopping',
  'sent',
  'released',
]);
const SENTENCE = 'user state arrives whole and in order, or the move aborts';

export const wholeState: MakeChecker = ({ plan, violated }): Checker => {
  const closed = new Map<string, { shard: number; state: UserState }>();
  const forget = (shard: number): void => {
    for (const [cursor, kept] of closed) if (kept.shard === shard) closed.delete(cursor);
  };
  return {
    see: (observation) => {
      if (observation.kind === 'frozen') {
        const { cursor, shard, state } = observation;
        closed.set(`${cursor.sessionId}/${cursor.sequence}`, { shard, state });
      } else if (observation.kind === 'moved' && observation.to === 'absent' && LETS_GO.has(observation.from)) {
        // Stopped, or handed over for good: its state goes with it. A destination that drops what it was given has nothing to say.
        forget(observation.shard);
      } else if (observation.kind === 'resuming') {
        const { node, shard, cursor, state, received } = observation;
        const before = closed.get(`${cursor.sessionId}/${cursor.sequence}`)?.state;
        // Without a sender (its node is gone) a shard is resumed without its state.
        if (before === undefined || (received === 0 && state.size === 0 && !plan.sparesNodes)) return;
        if (!isSame(before, state)) {
          violated(
            SENTENCE,
            `node ${node} resumed shard ${shard} with ${describe(state)} instead of ${describe(before)}`,
          );
        }
      } else if (observation.kind === 'stateArrived') {
        const { node, shard, index, expected } = observation;
        if (index === expected) return;
        violated(
          SENTENCE,
          `node ${node} got piece ${index} of the state of shard ${shard}, and ${expected} had to come`,
        );
      } else if (observation.kind === 'handed') {
        const { node, shard, channel, number, expected } = observation;
        if (expected === null || expected === number) return;
        const what = `user code of node ${node} got message ${number} of channel ${channel} of shard ${shard}, after ${expected - 1}`;
        violated(SENTENCE, what);
      }
    },
  };
};

function isSame(a: UserState, b: UserState): boolean {
  return a.size === b.size && [...a].every(([channel, last]) => b.get(channel) === last);
}

function describe(state: UserState): string {
  const entries = [...state].map(([channel, last]) => `${channel}=${last}`);
  return entries.length === 0 ? 'nothing' : entries.toSorted().join(' ');
}
