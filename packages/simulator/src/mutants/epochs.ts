/** Seeded bugs of epochs and takeover: who has a shard when two think so. */
import type { DomainEvent } from '@dshard/orchestrator/domain';
import type { Decide } from '@dshard/orchestrator/domain';
import type { Mutant } from './mutant.js';
import { sending } from './sending.js';

/** As if nodes named no epochs of what they run. */
const forgetsWhatNodesSay = (decide: Decide): Decide => {
  const without = (event: DomainEvent): DomainEvent => {
    if (event.kind === 'identify') return { ...event, message: { ...event.message, runningEpochs: [] } };
    if (event.kind !== 'message' || event.message.kind !== 'heartbeat') return event;
    const shards = event.message.shards.map((report) => ({ ...report, epoch: 0 }));
    return { ...event, message: { ...event.message, shards } };
  };
  return (state, event, now) => decide(state, without(event), now);
};

export const EPOCH_MUTANTS: Readonly<Record<string, Mutant>> = {
  'ignores-takeover': {
    bug: 'the node does not let go of a shard that it is told was taken over',
    decide: sending((message) => (message.kind === 'shardTakenOver' ? null : message)),
  },
  'no-epoch-check': {
    bug: 'the orchestrator believes a node that it runs a shard, whatever its epoch',
    decide: forgetsWhatNodesSay,
  },
  'lease-too-long': {
    bug: 'the node relies on its shards for longer than the orchestrator leaves them to it',
    decide: sending((message) =>
      message.kind === 'identified' && message.leaseMs !== undefined
        ? { ...message, leaseMs: message.leaseMs * 20 }
        : message,
    ),
  },
  'resumes-unasked': {
    bug: 'the host resumes a session that may be another node’s without asking',
    host: { asksBeforeItResumes: false },
  },
  'trusts-its-timers': {
    bug: 'the host does not look at the clock before it hands an event over',
    host: { looksAtTheClock: false },
  },
  'unmarked-repeats': {
    bug: 'the host does not mark events that may have been handled before',
    host: { marksRedeliveries: false },
  },
};
