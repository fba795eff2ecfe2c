/**
 * Jobs that run once per fleet (capability `jobs`). The node that serves the fleet's lowest shard leads, and runs them.
 * For a job on a schedule the orchestrator keeps one durable mark per name: the time of the latest run. So a run is
 * begun once, whichever node leads, and whatever dies.
 *
 *     node → orch      jobMark         sets the mark of this name to this scheduled time, if the mark is earlier; 0 only reads the mark
 *     orch → node      jobMarked       whether the mark was set, and what the mark is now. Sent when the mark is durable
 */
import { required, type Fields } from './fields.js';
import { MAX_NAME_LENGTH } from './limits.js';
import { count, flag, name } from './wire-types.js';

export type JobMark = {
  kind: 'jobMark';
  /** The node's own, named in the answer. */
  markId: string;
  name: string;
  /** When the run is due, in milliseconds since the Unix epoch; 0: the mark is only read. */
  dueAt: number;
};

export type JobMarked = {
  kind: 'jobMarked';
  markId: string;
  /** The mark was set by this very message. */
  isNew: boolean;
  /** The mark as it is now; 0: there is none. */
  latest: number;
};

export type JobMessage = JobMark | JobMarked;

const markId = required('MarkID', name(1, MAX_NAME_LENGTH));

export const JOB_FIELDS: {
  readonly jobMark: Fields<Omit<JobMark, 'kind'>>;
  readonly jobMarked: Fields<Omit<JobMarked, 'kind'>>;
} = {
  jobMark: { markId, name: required('Name', name(1, MAX_NAME_LENGTH)), dueAt: required('DueAt', count) },
  jobMarked: {
    markId,
    isNew: required('IsNew', flag),
    latest: required('Latest', count),
  },
};
