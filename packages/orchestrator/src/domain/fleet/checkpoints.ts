/**
 * Cursors of shards that run, made durable now and then: should their node die together with the orchestrator, they are still resumed. A
 * session that is news is kept at once, since without it the shard costs an IDENTIFY; a sequence that moved on costs repeats only, so it
 * can wait. A node's cursors go into one commit, and there are at most COMMITS_PER_S of these, however many nodes there are.
 */
import type { MessageOf } from '@dshard/protocol';
import { noteCheckpoint } from '../shards/epochs.js';
import { assignmentOf } from '../state/epochs.js';
import { isConnected } from '../state/nodes.js';
import { knownNow, inexact } from '../shards/vacate.js';
import type { Transaction } from '../state/transaction.js';

const EVERY_MS = 5_000;
const COMMITS_PER_S = 10;

export function noteCheckpoints(tx: Transaction, id: string, { shards }: MessageOf<'heartbeat'>): void {
  const node = tx.node(id);
  if (node === undefined) return;
  const isDue = tx.now - node.checkpointedAt >= intervalOf(tx);
  for (const { shardId: shard, phase, session } of shards) {
    const state = tx.shard(shard);
    if (state?.kind !== 'running' || state.node !== id) continue;
    const before = assignmentOf(tx.state, shard).checkpoint?.session;
    if (session === null) {
      const hasLostIt = phase === 'waiting' || phase === 'identifying';
      if (hasLostIt && before !== undefined) noteCheckpoint(tx, shard, null);
      continue;
    }
    const isNews = before?.sessionId !== session.sessionId;
    const hasMoved = before?.sequence !== session.sequence;
    const checkpoint = inexact(knownNow(tx, session));
    if (checkpoint !== null && (isNews || (isDue && hasMoved))) noteCheckpoint(tx, shard, checkpoint);
  }
  if (isDue) tx.patchNode(id, { checkpointedAt: tx.now });
}

function intervalOf(tx: Transaction): number {
  let connected = 0;
  for (const node of tx.state.nodes.values()) if (isConnected(node)) connected += 1;
  return Math.max(EVERY_MS, (connected * 1_000) / COMMITS_PER_S);
}
