/**
 * The node leaves, because the orchestrator or the bot says so: serving → leaving → lingering → left.
 *
 * Leaving: all shards are stopped (sessions kept, unless the whole bot goes down for good), and the sessions go to the orchestrator in
 * the answer. Bounded by `shutdownTimeoutMs`. Lingering: handlers in flight end, with the connection open, so that whoever looks
 * sees it; the orchestrator goes on without this node. A connection that is lost meanwhile is not made anew. The runtime says when
 * it is over.
 */
import type { ShardSession } from '@dshard/protocol';
import { abortPreparing, abortStaging } from './destination.js';
import type { Transaction } from './transaction.js';
import { stopShard } from './hosting.js';
import { abortOpening, abortIncoming } from './live-destination.js';
import { abortExport } from './live-origin.js';
import { letGo } from './origin.js';
import { say } from './outbox.js';
import type { Cursor } from './state.js';

export function beginLeaving(tx: Transaction, asked: 'orchestrator' | 'bot', final: boolean): void {
  if (tx.lifecycle.kind !== 'serving') {
    return;
  }
  const deadline = tx.now + tx.limits.shutdownTimeoutMs;
  tx.set({ lifecycle: { kind: 'leaving', asked, final, deadline, stopped: [] } });
  tx.abortAllWaiting();
  tx.log('info', `The node leaves with ${tx.shards.size} shards${final ? ', for good' : ''}.`, { asked });
  for (const shardId of tx.shards.keys()) {
    leaveShard(tx, shardId);
  }
  leaveWhenEmpty(tx);
}

/** Stops one shard; one whose host call cannot be cut short is stopped when that ends. */
export function leaveShard(tx: Transaction, shardId: number): void {
  const shard = tx.shard(shardId);
  switch (shard?.kind) {
    case undefined:
    case 'stopping':
    case 'closing':
    case 'freezing':
    case 'unfreezing':
    case 'releasing':
      return;
    case 'announcing':
    case 'announced':
    case 'offered':
    case 'copying':
    case 'copied':
    case 'sendingDelta':
    case 'frozen':
      abortExport(tx, shard, 'The node leaves.');
      return stopShard(tx, shardId, 'shutdown');
    case 'starting':
    case 'running':
    case 'resuming':
    case 'activating':
      return stopShard(tx, shardId, 'shutdown');
    case 'closed':
    case 'sending':
    case 'sent':
    case 'released':
      noteSession(tx, shardId, shard.session);
      return letGo(tx, shardId);
    case 'preparing':
      return abortPreparing(tx, shardId, shard, 'The node leaves.');
    case 'staging':
      return abortStaging(tx, shardId, shard, 'The node leaves.');
    case 'opening':
      return abortOpening(tx, shardId, shard, 'The node leaves.');
    case 'collecting':
    case 'warming':
    case 'verified':
      return abortIncoming(tx, shardId, shard, 'The node leaves.');
  }
}

/** Notes a session for the answer. */
export function noteSession(tx: Transaction, shardId: number, session: Cursor | null): void {
  const { lifecycle } = tx;
  if (lifecycle.kind === 'leaving' && session !== null && !lifecycle.final) {
    const entry: ShardSession = { shardId, ...session };
    tx.set({ lifecycle: { ...lifecycle, stopped: [...lifecycle.stopped, entry] } });
  }
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
  tx.effect({ kind: 'emptied', asked, final });
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
