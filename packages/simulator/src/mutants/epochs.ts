/** Seeded bugs of epochs and takeover: who has a shard when two think so. */
import type { Decide } from '@dshard/orchestrator/domain';
import { sending, type Mutant } from './mutant.js';

/** Whatever epoch a node has a shard under, it is taken for the last one. */
const looksAtNoEpoch =
  (decide: Decide): Decide =>
  (state, event, now) => {
    const { nextEpoch } = state;
    if (event.kind === 'identify') {
      const runningEpochs = event.message.runningShards.map(() => nextEpoch);
      return decide(state, { ...event, message: { ...event.message, runningEpochs } }, now);
    }
    if (event.kind !== 'message' || event.message.kind !== 'heartbeat') return decide(state, event, now);
    const shards = event.message.shards.map((report) => ({ ...report, epoch: nextEpoch }));
    return decide(state, { ...event, message: { ...event.message, shards } }, now);
  };

/** What a node gives back is taken for the last there is, whatever the node says. */
const takesAllForExact =
  (decide: Decide): Decide =>
  (state, event, now) => {
    if (event.kind !== 'message') return decide(state, event, now);
    const { message } = event;
    if (message.kind === 'stopShard' && message.session !== null) {
      const session = { ...message.session, redelivers: false };
      return decide(state, { ...event, message: { ...message, session } }, now);
    }
    if (message.kind !== 'shutdown') return decide(state, event, now);
    const sessions = message.sessions.map((session) => ({ ...session, redelivers: false }));
    return decide(state, { ...event, message: { ...message, sessions } }, now);
  };

export const EPOCH_MUTANTS: Readonly<Record<string, Mutant>> = {
  'ignores-takeover': {
    bug: 'the node does not let go of a shard that it is told was taken over',
    decide: sending((message) => (message.kind === 'shardTakenOver' ? null : message)),
  },
  'skips-epoch-check': {
    bug: 'the orchestrator does not look at epochs: it believes every node that it runs a shard',
    decide: looksAtNoEpoch,
    faults: ['operators', 'partitions', 'pauses', 'kills'],
  },
  'forgets-replays': {
    bug: 'the orchestrator takes a session for exact that a node gave back from the middle of a replay',
    decide: takesAllForExact,
    faults: ['operators', 'kills'],
  },
};
