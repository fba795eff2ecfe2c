/**
 * The marks of jobs that run once per fleet (job-messages.ts of the protocol): by name, when the latest run was due. A
 * mark only grows, and the answer leaves when the mark is durable, so of two nodes that ask for the same run one is
 * told to begin it.
 */
import type { MessageOf } from '@dshard/protocol';
import { can } from '../state/nodes.js';
import type { Transaction } from '../state/transaction.js';

/** Names at once; beyond that the oldest mark is forgotten. Nobody asks for a run of that time any more. */
export const MAX_JOBS = 256;

/**
 * How far the clock of a node may be ahead of ours. A mark of a later time would keep the job from running until then:
 * none is set, and one that was set before a clock was put right counts as none.
 */
const MAX_AHEAD_MS = 600_000;

/** @param wallClock the time of the day, as jobs are due by it. */
export function onJobMark(
  tx: Transaction,
  node: string,
  { markId, name, dueAt }: MessageOf<'jobMark'>,
  wallClock: number,
): void {
  if (!can(tx.node(node), 'jobs')) return;
  const latest = wallClock + MAX_AHEAD_MS;
  const known = tx.state.jobs.get(name) ?? 0;
  const before = known > latest ? 0 : known;
  const isAhead = dueAt > latest;
  if (isAhead) {
    const minutes = Math.round((dueAt - wallClock) / 60_000);
    const text = `Node ${node} wants to begin a run of "${name}" that is due in ${minutes} minutes: the clocks of the hosts differ. It is not begun.`;
    tx.record('protocolViolation', 'warn', text, { node, message: 'jobMark', why: 'it is due in the future' });
  }
  const isNew = dueAt > before && !isAhead;
  if (isNew) tx.patch({ jobs: withMark(tx.state.jobs, name, dueAt) });
  tx.send(node, { kind: 'jobMarked', markId, isNew, latest: isNew ? dueAt : before });
}

function withMark(jobs: ReadonlyMap<string, number>, name: string, dueAt: number): ReadonlyMap<string, number> {
  const marked = new Map(jobs).set(name, dueAt);
  if (marked.size > MAX_JOBS) {
    const [oldest] = [...marked].reduce((a, b) => (b[1] < a[1] ? b : a));
    marked.delete(oldest);
  }
  return marked;
}
