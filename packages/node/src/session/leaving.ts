/**
 * The node leaves, because the orchestrator or the bot says so: serving → leaving → lingering → left.
 *
 * Leaving: all shards are stopped (sessions kept, unless the whole bot goes down for good), and the sessions go to the orchestrator in
 * the answer. Bounded by `shutdownTimeoutMs`. Lingering: handlers in flight end, with the connection open, so that whoever looks
 * sees it; the orchestrator goes on without this node. A connection that is lost meanwhile is not made anew. The runtime says when
 * it is over.
 */
import type { ShardSession } from '@dshard/protocol';
import { abandonPreparing, dropStaging } from './destination.js';
import type { Draft } from './draft.js';
import { stopShard } from './hosting.js';
import { abandonOpening, dropIncoming } from './live-destination.js';
import { cancelExport } from './live-origin.js';
import { letGo } from './origin.js';
import { say } from './outbox.js';
import type { Cursor } from './state.js';

export function beginLeaving(draft: Draft, asked: 'orchestrator' | 'bot', final: boolean): void {
  if (draft.lifecycle.kind !== 'serving') {
    return;
  }
  const deadline = draft.now + draft.limits.shutdownTimeoutMs;
  draft.set({ lifecycle: { kind: 'leaving', asked, final, deadline, stopped: [] } });
  draft.dropAllWaiting();
  draft.log('info', `The node leaves with ${draft.shards.size} shards${final ? ', for good' : ''}.`, { asked });
  for (const shardId of draft.shards.keys()) {
    leaveShard(draft, shardId);
  }
  leaveWhenEmpty(draft);
}

/** Stops one shard; one whose host call cannot be cut short is stopped when that ends. */
export function leaveShard(draft: Draft, shardId: number): void {
  const shard = draft.shard(shardId);
  switch (shard?.kind) {
    case undefined:
    case 'stopping':
    case 'freezing':
    case 'halting':
    case 'thawing':
    case 'releasing':
      return;
    case 'announcing':
    case 'announced':
    case 'offered':
    case 'copying':
    case 'copied':
    case 'flushing':
    case 'sealed':
      cancelExport(draft, shard, 'The node leaves.');
      return stopShard(draft, shardId, 'shutdown');
    case 'starting':
    case 'running':
    case 'resuming':
    case 'activating':
      return stopShard(draft, shardId, 'shutdown');
    case 'frozen':
    case 'sending':
    case 'held':
    case 'released':
      stopped(draft, shardId, shard.session);
      return letGo(draft, shardId);
    case 'preparing':
      return abandonPreparing(draft, shardId, shard, 'The node leaves.');
    case 'staging':
      return dropStaging(draft, shardId, shard, 'The node leaves.');
    case 'opening':
      return abandonOpening(draft, shardId, shard, 'The node leaves.');
    case 'collecting':
    case 'warming':
    case 'verified':
      return dropIncoming(draft, shardId, shard, 'The node leaves.');
  }
}

/** Notes a session for the answer. */
export function stopped(draft: Draft, shardId: number, session: Cursor | null): void {
  const { lifecycle } = draft;
  if (lifecycle.kind === 'leaving' && session !== null && !lifecycle.final) {
    const entry: ShardSession = { shardId, ...session };
    draft.set({ lifecycle: { ...lifecycle, stopped: [...lifecycle.stopped, entry] } });
  }
}

export function leaveWhenEmpty(draft: Draft): void {
  const { lifecycle } = draft;
  if (lifecycle.kind !== 'leaving') {
    return;
  }
  const late = draft.now >= lifecycle.deadline;
  if (draft.shards.size > 0 && !late) {
    return;
  }
  if (draft.shards.size > 0) {
    draft.log(
      'error',
      `The node leaves although these shards did not stop in time: ${[...draft.shards.keys()].join(', ')}.`,
    );
  }
  const { asked, final, stopped: sessions } = lifecycle;
  if (draft.established !== null) {
    say(draft, { kind: 'shutdown', final, sessions });
  }
  // One that knows no lingering waits for the end of the connection, and begins nothing meanwhile.
  if (!draft.negotiated('warm-up')) {
    hangUp(draft);
  }
  draft.set({ lifecycle: { kind: 'lingering', asked, final } });
  draft.effect({ kind: 'emptied', asked, final });
}

/** Nothing is left to do here. */
export function leave(draft: Draft): void {
  const { lifecycle } = draft;
  if (lifecycle.kind !== 'lingering') {
    return;
  }
  hangUp(draft);
  draft.set({ lifecycle: { kind: 'left' } });
  draft.effect({ kind: 'left', asked: lifecycle.asked, final: lifecycle.final });
}

function hangUp(draft: Draft): void {
  if (draft.link.kind === 'established' || draft.link.kind === 'identifying') {
    draft.effect({ kind: 'closeConnection', connection: draft.link.connection, reason: 'The node leaves.' });
  }
  draft.set({ link: { kind: 'closed' } });
}
