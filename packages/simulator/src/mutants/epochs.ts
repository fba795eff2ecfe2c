/** Seeded bugs of epochs and takeover: who has a shard when two think so. */
import type { Mutant } from './mutant.js';
import { sending } from './sending.js';

export const EPOCH_MUTANTS: Readonly<Record<string, Mutant>> = {
  'ignores-takeover': {
    bug: 'the node does not let go of a shard that it is told was taken over',
    decide: sending((message) => (message.kind === 'shardTakenOver' ? null : message)),
  },
  'resumes-unasked': {
    bug: 'the host resumes a session that may be another node’s without asking',
    host: { asksBeforeItResumes: false },
    faults: ['pauses', 'partitions', 'resets'],
  },
  'unmarked-repeats': {
    bug: 'the host does not mark events that may have been handled before',
    host: { marksRedeliveries: false },
  },
};
