/**
 * The node leaves, because the orchestrator or the bot says so: serving → leaving → lingering → left.
 *
 * Leaving: all shards are stopped (sessions kept, unless the whole bot goes down for good), and the sessions go to the
 * orchestrator in the answer. Bounded by `shutdownTimeoutMs`. Lingering: handlers in flight end, with the connection
 * open, so that whoever looks sees it; the orchestrator goes on without this node. A connection that is lost meanwhile
 * is not made anew. The runtime says when it is over.
 */
import type { Transaction } from './transaction.js';
import { say } from './outbox.js';
import { ruleOf } from './shard-states.js';

export function beginLeaving(tx: Transaction, asked: 'orchestrator' | 'bot', final: boolean): void {
  if (tx.lifecycle.kind !== 'serving') {
    return;
  }
  const deadline = tx.now + tx.limits.shutdownTimeoutMs;
  tx.set({ lifecycle: { kind: 'leaving', asked, final, deadline, stopped: [] } });
  tx.abortAllWaiting();
  tx.log('info', `The node leaves with ${tx.shards.size} shards${final ? ', for good' : ''}.`, { asked });
  for (const [shardId, shard] of tx.shards) {
    ruleOf(shard).onShutdown?.(tx, shardId, shard);
  }
  leaveWhenEmpty(tx);
}

export function leaveWhenEmpty(tx: Transaction): void {
  const { lifecycle } = tx;
  if (lifecycle.kind !== 'leaving') {
    return;
  }
  const late = tx.now >= lifecycle.deadline;
  if (tx.shards.size > 0 && !late) {
    return;
  }
  if (tx.shards.size > 0) {
    tx.log('error', `The node leaves although these shards did not stop in time: ${[...tx.shards.keys()].join(', ')}.`);
  }
  const { asked, final, stopped: sessions } = lifecycle;
  if (tx.established !== null) {
    say(tx, { kind: 'shutdown', final, sessions });
  }
  // One that knows no lingering waits for the end of the connection, and begins nothing meanwhile.
  if (!tx.negotiated('warm-up')) {
    hangUp(tx);
  }
  tx.set({ lifecycle: { kind: 'lingering', asked, final } });
  tx.effect({ kind: 'drained', asked, final });
}

/** Nothing is left to do here. */
export function leave(tx: Transaction): void {
  const { lifecycle } = tx;
  if (lifecycle.kind !== 'lingering') {
    return;
  }
  hangUp(tx);
  tx.set({ lifecycle: { kind: 'left' } });
  tx.effect({ kind: 'left', asked: lifecycle.asked, final: lifecycle.final });
}

function hangUp(tx: Transaction): void {
  if (tx.link.kind === 'established' || tx.link.kind === 'identifying') {
    tx.effect({ kind: 'closeConnection', connection: tx.link.connection, reason: 'The node leaves.' });
  }
  tx.set({ link: { kind: 'closed' } });
}
