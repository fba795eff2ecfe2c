/**
 * What user code sees of a planned move: it has its say before the freeze, waits for events no longer than the freeze
 * timeout, and finds its state whole.
 */
import type { OrchestratorState } from '@dshard/orchestrator/domain';
import type { ShardStateKind } from '@dshard/node';
import type { Checker, MakeChecker, Observation, UserState } from '../observation.js';

/**
 * User code has its say around a planned move, while the shard still serves: at the origin it has finished with the
 * shard, or its patience is over; at the destination it is ready, and the gateway has greeted it. Only then is the
 * shard frozen, so neither costs a moment without an owner, and what fails there costs nothing.
 */
const READY = 'a shard is frozen for a live move only when its destination is ready for it';
const FINISHED = 'a shard is frozen for a live move only when user code has finished with it';

export const userCodeFirst: MakeChecker = ({ violated }): Checker => {
  /** Shards that a destination is ready for. */
  const ready = new Set<number>();
  /** `node/shard` that user code is at. */
  const busy = new Set<string>();
  /** Shards that the orchestrator is to keep: nobody has to get ready. */
  let parking: ReadonlySet<number> = new Set();
  return {
    see: (observation) => {
      if (observation.kind === 'decided') parking = parkingIn(observation.state, parking);
      if (observation.kind === 'ready') ready.add(observation.shard);
      if (observation.kind === 'leaving') {
        const key = `${observation.node}/${observation.shard}`;
        if (observation.done) busy.delete(key);
        else busy.add(key);
      }
      if (observation.kind === 'processEnded') {
        for (const key of busy) if (key.startsWith(`${observation.name}/`)) busy.delete(key);
      }
      if (observation.kind !== 'moved' || observation.to !== 'freezing') return;
      const { node, shard } = observation;
      if (!ready.delete(shard) && !parking.has(shard))
        violated(READY, `node ${node} froze shard ${shard}, and nobody was ready for it`);
      if (busy.has(`${node}/${shard}`))
        violated(FINISHED, `node ${node} froze shard ${shard} while user code was at it`);
    },
  };
};

/** Also what was: the word of it may be on its way yet. */
function parkingIn({ migrations }: OrchestratorState, before: ReadonlySet<number>): ReadonlySet<number> {
  const parking = [...migrations.values()].filter(({ destination }) => destination === '/park');
  return parking.every(({ shard }) => before.has(shard))
    ? before
    : new Set([...before, ...parking.map(({ shard }) => shard)]);
}

/**
 * Invariant 7, the part of a planned move: user code waits for the events of a frozen shard no longer than the freeze
 * timeout, whatever becomes of the others. Counted where the node was neither stopped nor dead meanwhile: its own clock
 * ends a freeze, whoever it is cut off from.
 */
const FROZEN_IN_TIME = 'a shard is frozen no longer than the freeze timeout';
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
          violated(FROZEN_IN_TIME, `node ${node} had shard ${shard} frozen for ${Math.round(at - since)} ms`);
      }
    },
    finish: (at) => {
      for (const [key, since] of frozenAt) {
        if (at - since > plan.settings.freezeTimeoutMs + MARGIN_MS)
          violated(FROZEN_IN_TIME, `${key} is frozen for ${Math.round(at - since)} ms`);
      }
    },
  };
};

/** Whether its node's clock stands still for a while. */
function stops({ fault, target }: Extract<Observation, { kind: 'fault' }>): boolean {
  return fault === 'pauses' || (fault === 'ambushedNodes' && target.includes(': pause '));
}

// Invariant 6: user state arrives whole and in order, or the move aborts and the origin goes on as if nothing had
// happened.
//
// Whoever resumes a shard with state that came from elsewhere has the state that was closed with this very cursor. And
// user code, which knows from that state what must come next, gets exactly that.

/** Its node leaves, or stops it, in the middle of it, and takes the state with it. */
const LETS_GO: ReadonlySet<ShardStateKind> = new Set(['releasing', 'stopping', 'released']);
const WHOLE_STATE = 'user state arrives whole and in order, or the move aborts';

export const wholeState: MakeChecker = ({ plan, violated }): Checker => {
  /** `isSent`: by the base level, whose origins keep nothing of what they have sent. */
  const closed = new Map<string, { shard: number; state: UserState; isSent: boolean }>();
  const forget = (shard: number): void => {
    for (const [cursor, kept] of closed) if (kept.shard === shard) closed.delete(cursor);
  };
  return {
    see: (observation) => {
      if (observation.kind === 'frozen') {
        const { cursor, shard, state } = observation;
        closed.set(`${cursor.sessionId}/${cursor.sequence}`, { shard, state, isSent: false });
      } else if (observation.kind === 'moved' && observation.to === 'absent' && observation.from === 'baseReleasing') {
        for (const kept of closed.values()) kept.isSent ||= kept.shard === observation.shard;
      } else if (observation.kind === 'moved' && observation.to === 'absent' && LETS_GO.has(observation.from)) {
        // Stopped, or handed over for good: its state goes with it. A destination that drops what it was given has
        // nothing to say.
        forget(observation.shard);
      } else if (observation.kind === 'resuming') {
        const { node, shard, cursor, state, received } = observation;
        const kept = closed.get(`${cursor.sessionId}/${cursor.sequence}`);
        if (kept === undefined) return;
        // Without a sender (its node is gone) a shard is resumed without its state.
        if (received === 0 && state.size === 0 && (kept.isSent || !plan.sparesNodes)) return;
        const before = kept.state;
        if (!isSame(before, state)) {
          violated(
            WHOLE_STATE,
            `node ${node} resumed shard ${shard} with ${describe(state)} instead of ${describe(before)}`,
          );
        }
      } else if (observation.kind === 'stateArrived') {
        const { node, shard, index, expected } = observation;
        if (index === expected) return;
        violated(
          WHOLE_STATE,
          `node ${node} got piece ${index} of the state of shard ${shard}, and ${expected} had to come`,
        );
      } else if (observation.kind === 'handed') {
        const { node, shard, channel, number, expected } = observation;
        if (expected === null || expected === number) return;
        const what = `user code of node ${node} got message ${number} of channel ${channel} of shard ${shard}, after ${expected - 1}`;
        violated(WHOLE_STATE, what);
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
