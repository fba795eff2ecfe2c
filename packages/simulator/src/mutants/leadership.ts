/** Seeded bugs in who of two orchestrators leads, and in what the one that leads makes of the database's answers. */
import type { Leadership, StateStore } from '@dshard/orchestrator';
import type { ShardState } from '@dshard/orchestrator/domain';
import type { Clock } from '@dshard/transport';
import type { Mutant } from './mutant.js';

type LoadOf = StateStore['load'];

/** Whatever it did, it reads the wall clock where it should read the monotonic one. */
function byWallClock(clock: Clock): Clock {
  return {
    ...clock,
    now: () => clock.now(),
    wallClock: () => clock.wallClock(),
    monotonicMs: () => clock.wallClock(),
    after: (delayMs, callback) => clock.after(delayMs, callback),
    afterReading: (callback) => clock.afterReading(callback),
    every: (intervalMs, callback) => clock.every(intervalMs, callback),
  };
}

/** What was loaded first, with the versions that were answered since. */
function neverLooksAgain(store: StateStore): StateStore {
  let first: Awaited<ReturnType<LoadOf>> | null = null;
  let version = 0;
  return {
    ...store,
    load: async () => {
      if (first === null) first = await store.load();
      if (first.ok) version = Math.max(version, first.version);
      return first.ok ? { ...first, version } : first;
    },
    commit: async (commit) => {
      const result = await store.commit(commit);
      if (result.ok) version = result.version;
      return result;
    },
  };
}

export const LEADERSHIP_MUTANTS: Readonly<Record<string, Mutant>> = {
  'two-leaders': {
    bug: 'a standby takes over whether or not the leader lives',
    wrapLead: (options) => ({ ...options, liveness: () => 'dead' }),
    faults: ['operators', 'leaders'],
  },
  'acts-beyond-its-lease': {
    bug: 'a leader acts on, however long ago it renewed its lease',
    wrapLeadership: (leadership: Leadership) => ({ ...leadership, leaseMs: 10 * leadership.leaseMs }),
    wrapStore: (store) => ({ ...store, renew: (epoch, { now }) => store.renew(epoch, { now, ttlMs: 10_000 }) }),
    faults: ['operators', 'leaders'],
  },
  'lease-on-wall-clock': {
    bug: 'the leader measures its lease by the wall clock',
    wrapClock: byWallClock,
    faults: ['operators', 'leaders', 'clocks'],
  },
  'acts-in-becoming-leader': {
    bug: 'a new leader gives shards to others before it has heard the nodes that have them',
    decide: (decide) => (state, event, now) => {
      if (event.kind !== 'started') return decide(state, event, now);
      const shards = state.shards.map((shard): ShardState =>
        shard.kind === 'unreachable'
          ? { kind: 'vacant', since: now, notBefore: now, known: shard.checkpoint ?? shard.known }
          : shard,
      );
      return decide({ ...state, shards, graceUntil: null }, event, now);
    },
    faults: ['operators', 'leaders'],
  },
  'writes-under-any-epoch': {
    bug: 'a commit does not say under which epoch it was decided',
    ignoresEpoch: true,
    faults: ['operators', 'leaders', 'database'],
  },
  'unknown-is-done': {
    bug: 'a commit that was not answered is taken for done',
    wrapStore: (store) => ({
      ...store,
      commit: async (commit) => {
        const result = await store.commit(commit);
        return result.ok || result.reason !== 'broken' ? result : { ok: true, version: commit.expectedVersion + 1 };
      },
    }),
    faults: ['operators', 'database'],
  },
  'unknown-is-failed': {
    bug: 'a commit that was not answered is taken for one that failed, and is not looked up',
    wrapStore: neverLooksAgain,
    faults: ['operators', 'database'],
  },
  'answers-before-the-database': {
    bug: 'effects do not wait for the database',
    wrapStore: (store) => {
      let last: Promise<unknown> = Promise.resolve();
      return {
        ...store,
        commit: (commit) => {
          last = last.then(() => store.commit(commit));
          return { ok: true, version: commit.expectedVersion + 1 };
        },
      };
    },
    faults: ['operators', 'database'],
  },
};
