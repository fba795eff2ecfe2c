/**
 * Whether a dispatch goes to user code: in order, each noted in the cursor as it is handed over. The only place that
 * decides so.
 *
 * A hold has one reason and one owner who ends it; what it keeps is handed over in one turn, before anything newer.
 * Beyond `keptMax` the rest is left to Discord: the connection is ended, and the next one is made when the hold is
 * over.
 */
import { advanced, isOfConnection, type Dispatch } from './cursor.js';
import { lose } from './loss.js';
import type { Delivery, HoldReason, Kept } from './state.js';
import type { Transaction } from './transaction.js';

type Hold = Extract<Delivery, { kind: 'hold' }>;

function holdFor(why: HoldReason, kept: Kept | null = null, doubtful = false): Hold {
  return { kind: 'hold', why, kept, isFull: false, doubtful };
}

/** A dispatch of the connection that has the session. */
export function take(tx: Transaction, payload: Dispatch): void {
  const { delivery, session } = tx.state;
  const sessionId = session?.sessionId ?? '';
  if (delivery.kind === 'skip') return;
  if (delivery.kind === 'hold') return keep(tx, delivery, payload, sessionId);
  if (tx.now.trusted) return handToUserCode(tx, payload, sessionId);
  keep(tx, holdForLease(tx, null), payload, sessionId);
}

/** The process slept: what came may be stale. */
function holdForLease(tx: Transaction, kept: Kept | null): Hold {
  const hold = holdFor('lease', kept, true);
  tx.enterDelivery(hold);
  tx.effect({ kind: 'askTrust' });
  return hold;
}

function keep(tx: Transaction, hold: Hold, payload: Dispatch, sessionId: string): void {
  const { kept: before, isFull: wasFull } = hold;
  if (wasFull || isKept(before, payload, sessionId) || wasHandedOver(tx, payload, sessionId)) return;
  const count = (before?.count ?? 0) + 1;
  const isFull = count >= tx.state.rules.keptMax;
  tx.updateDelivery({ ...hold, kept: { payload, sessionId, before, count }, isFull });
  if (isFull) lose(tx, { reason: 'too many events wait for user code', cause: 'attached' });
}

/** A connection that was made anew meanwhile replays what is kept already. */
function isKept(last: Kept | null, payload: Dispatch, sessionId: string): boolean {
  return !isOfConnection(payload) && last?.sessionId === sessionId && payload.s <= last.payload.s;
}

/** Discord replays what user code has had, where the library RESUMEd from an earlier event than the cursor's. */
function wasHandedOver(tx: Transaction, payload: Dispatch, sessionId: string): boolean {
  const { session } = tx.state;
  return !isOfConnection(payload) && session?.sessionId === sessionId && payload.s <= session.sequence;
}

/** To user code. One of a session that is over moves no cursor. */
function handToUserCode(tx: Transaction, payload: Dispatch, sessionId: string): void {
  if (wasHandedOver(tx, payload, sessionId)) return;
  const { session, redelivers } = tx.state;
  const isMarked = redelivers && !isOfConnection(payload);
  tx.set({
    session: session?.sessionId === sessionId ? advanced(session, payload.s) : session,
    redelivers: isMarked,
  });
  tx.effect({ kind: 'deliver', payload, redelivered: isMarked });
}

/** From here on nothing is handed over. */
export function freezeDelivery(tx: Transaction): void {
  const { delivery } = tx.state;
  if (delivery.kind === 'deliver') tx.enterDelivery(holdFor('freeze'));
  else if (delivery.kind === 'hold' && delivery.why === 'lease') tx.enterDelivery({ ...delivery, why: 'freeze' });
}

/** The owner of the hold ends it. Another's hold stays. */
export function endHold(tx: Transaction, why: HoldReason): void {
  const { delivery } = tx.state;
  if (delivery.kind !== 'hold' || delivery.why !== why) return;
  if (!tx.now.trusted) return void holdForLease(tx, delivery.kept);
  tx.enterDelivery({ kind: 'deliver' });
  for (const { payload, sessionId } of inOrder(delivery.kept)) handToUserCode(tx, payload, sessionId);
}

function inOrder(last: Kept | null): readonly Kept[] {
  const kept: Kept[] = [];
  for (let at = last; at !== null; at = at.before) kept.push(at);
  return kept.toReversed();
}

/** The answer to askTrust. */
export function onTrust(tx: Transaction, outcome: 'confirmed' | 'timedOut'): void {
  const { delivery } = tx.state;
  if (delivery.kind !== 'hold' || !delivery.doubtful) return;
  if (outcome === 'confirmed') {
    tx.updateDelivery({ ...delivery, doubtful: false });
    return endHold(tx, 'lease');
  }
  // Nobody could say whether what was kept is stale: the next connection replays what is ours.
  tx.enterDelivery({ kind: 'skip' });
  lose(tx, { reason: 'the process slept, and nobody could say whether the shard is its own', cause: 'attached' });
}

/** A new connection: what comes on it is what Discord has for the cursor. */
export function connected(tx: Transaction): void {
  if (tx.state.delivery.kind === 'skip') tx.enterDelivery({ kind: 'deliver' });
}
