/**
 * The node leaves, because the orchestrator or the bot says so: serving → draining → leaving → lingering → left.
 *
 * Draining: the node asked to leave, and says by when its process ends (D). Its shards serve on, and are moved to
 * others; the orchestrator says when nothing more can be moved. Leaving: all shards are stopped (sessions kept, unless
 * the whole bot goes down for good), and the sessions go to the orchestrator in one message. Bounded by D, and by
 * `shutdownTimeoutMs`. Lingering: handlers in flight end, with the connection open, so that whoever looks sees it; the
 * orchestrator goes on without this node. A connection that is lost meanwhile is not made anew. The runtime says when
 * it is over.
 *
 *     0         leave is sent (again on each new connection); shards move away
 *     D - 1 s   what is still here is stopped, and its cursors are said
 *     D         the process ends
 *
 * The orchestrator has the time between: it says shutdown when nothing more can be moved in time. Out of reach of an
 * orchestrator the shards serve until D - 1 s.
 */
import type { NodeEvent } from './events.js';
import type { Transaction } from './transaction.js';
import { say } from './outbox.js';
import { ruleOf } from './shard-states.js';

/** What stopping the last shards and saying their cursors takes. */
const CURSORS_MS = 1_000;

/** A leave that comes again can only make the time shorter. */
export function askToLeave(
  tx: Transaction,
  { withinMs, intent, successor }: Extract<NodeEvent, { kind: 'leave' }>,
): void {
  const { lifecycle } = tx;
  if (!tx.isServing) {
    return;
  }
  const wished = tx.now + withinMs;
  const leaveBy = lifecycle.kind === 'draining' ? Math.min(lifecycle.leaveBy, wished) : wished;
  tx.set({ lifecycle: { kind: 'draining', leaveBy, intent, successor } });
  const within = `${Math.round((leaveBy - tx.now) / 100) / 10} s`;
  tx.log('info', `The node asks to leave within ${within}, with ${tx.shards.size} shards.`, { intent });
  sayLeave(tx);
}

/** Also when a connection has just been established. */
export function sayLeave(tx: Transaction): void {
  const { lifecycle } = tx;
  if (lifecycle.kind !== 'draining' || tx.established === null) {
    return;
  }
  if (!tx.negotiated('leave')) {
    return beginLeaving(tx, 'bot', false);
  }
  const { leaveBy, intent, successor } = lifecycle;
  tx.sendNow({ kind: 'leave', withinMs: Math.max(0, Math.floor(leaveBy - tx.now)), intent, successor });
}

/** Nothing is left to be moved, or no time; or nobody is there any more to say that the cursors came. */
export function endDraining(tx: Transaction): void {
  const { lifecycle } = tx;
  if (lifecycle.kind === 'lingering') leave(tx, false);
  if (lifecycle.kind === 'draining' && (tx.shards.size === 0 || tx.now >= lifecycle.leaveBy - CURSORS_MS)) {
    beginLeaving(tx, 'bot', false);
  }
}

/** There is no time for more than cursors. */
export function hurry(tx: Transaction): void {
  const { lifecycle } = tx;
  if (lifecycle.kind === 'draining') {
    const leaveBy = Math.min(lifecycle.leaveBy, tx.now + CURSORS_MS);
    tx.set({ lifecycle: { ...lifecycle, leaveBy } });
  }
  beginLeaving(tx, 'bot', false);
}

export function beginLeaving(tx: Transaction, asked: 'orchestrator' | 'bot', final: boolean): void {
  if (!tx.isServing) {
    return;
  }
  const { lifecycle } = tx;
  const leaveBy = lifecycle.kind === 'draining' ? lifecycle.leaveBy : null;
  const deadline = Math.min(tx.now + tx.limits.shutdownTimeoutMs, leaveBy ?? Infinity);
  // Who asked first: the process ends by the bot's own rules.
  const by = leaveBy === null ? asked : 'bot';
  tx.set({ lifecycle: { kind: 'leaving', asked: by, final, deadline, leaveBy, stopped: [] } });
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
  const late = tx.shards.size > 0;
  if (late && tx.now < lifecycle.deadline) {
    return;
  }
  if (late) {
    tx.log('error', `The node leaves although these shards did not stop in time: ${[...tx.shards.keys()].join(', ')}.`);
  }
  const { asked, final, leaveBy, stopped: sessions } = lifecycle;
  if (tx.established !== null) {
    say(tx, { kind: 'shutdown', final, sessions });
  }
  // An orchestrator of ours that does not say what it noted has what was sent to it.
  const isNoted = tx.negotiated('sessions') && !tx.negotiated('leave');
  const unnoted = isNoted ? [] : sessions;
  // One that knows no lingering waits for the end of the connection, and begins nothing meanwhile.
  if (!tx.negotiated('warm-up')) {
    hangUp(tx);
  }
  tx.set({ lifecycle: { kind: 'lingering', asked, final, leaveBy, unnoted, late, departed: false } });
  tx.effect({ kind: 'drained', asked, leaveBy });
}

/** The orchestrator has the cursors. */
export function onNoted(tx: Transaction): void {
  const { lifecycle } = tx;
  if (lifecycle.kind !== 'lingering') {
    return;
  }
  tx.set({ lifecycle: { ...lifecycle, unnoted: [] } });
  if (lifecycle.departed) {
    leave(tx, true);
  }
}

/** Nothing is left to do here. @param departed whether user code and the host are done. */
export function leave(tx: Transaction, departed: boolean): void {
  const { lifecycle } = tx;
  if (lifecycle.kind !== 'lingering' || !(departed || lifecycle.departed)) {
    return;
  }
  const { asked, final, leaveBy, unnoted, late } = lifecycle;
  if (unnoted.length > 0 && tx.established !== null && leaveBy !== null && tx.now < leaveBy) {
    tx.set({ lifecycle: { ...lifecycle, departed: true } });
    return;
  }
  hangUp(tx);
  tx.set({ lifecycle: { kind: 'left' } });
  tx.effect({ kind: 'left', asked, final, unnoted, late });
}

/** When something of this is due by itself. */
export function drainDue({ lifecycle }: Transaction): readonly number[] {
  switch (lifecycle.kind) {
    case 'draining':
      return [lifecycle.leaveBy - CURSORS_MS];
    case 'leaving':
      return [lifecycle.deadline];
    case 'lingering':
      return lifecycle.departed && lifecycle.leaveBy !== null ? [lifecycle.leaveBy] : [];
    case 'serving':
    case 'left':
      return [];
  }
}

function hangUp(tx: Transaction): void {
  if (tx.link.kind === 'established' || tx.link.kind === 'identifying') {
    tx.effect({ kind: 'closeConnection', connection: tx.link.connection, reason: 'The node leaves.' });
  }
  tx.set({ link: { kind: 'closed' } });
}
