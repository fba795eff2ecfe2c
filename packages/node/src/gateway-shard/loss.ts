/**
 * A gateway connection ends, or is ended: when the next one may be made, and what is left of the session. A session is
 * given up only when Discord said that it is gone; no answer, a dead address, a connection that just ends leave it as
 * good as before.
 */
import type { LossCause } from '../ownership-lease.js';
import { causeOf, endsSession, isRefusal, KEEP_SESSION_CODE, remedyFor } from './close-codes.js';
import { withoutUrl } from './cursor.js';
import { heardLast } from './quiet.js';
import { calmed, nextAttemptAt, nextResumeAt, withFailure } from './retries.js';
import { isConnected, type Link } from './state.js';
import type { Transaction } from './transaction.js';

export type Loss = {
  reason: string;
  cause: LossCause;
  /** Discord said that the session is invalid (op 9). */
  isInvalidated?: boolean;
  /** The address led to nothing, unless the shard was up. */
  blamesUrl?: boolean;
  /** The connection is gone already. */
  isClosed?: boolean;
};

/** Ends the connection, if there is one, with the session kept; another one follows when it may. */
export function lose(tx: Transaction, loss: Loss): void {
  const { link, mode, rules } = tx.state;
  if (!isConnected(link)) return;
  const { cause, reason, isInvalidated = false, isClosed = false } = loss;
  tx.log('debug', `Its gateway connection ends: ${reason}.`);
  endPermit(tx, link);
  noteHeardAt(tx);
  if (cause !== 'attached') dropDoubtful(tx);
  if (loss.blamesUrl === true && link.kind !== 'ready') forgetUrl(tx, link);
  const isCalm = link.kind === 'ready' && tx.now.ms - link.since >= rules.stableMs;
  const retries = withFailure(isCalm ? calmed(tx.state.retries) : tx.state.retries, isInvalidated);
  tx.set({ retries, trouble: reason });
  const notBefore = Math.max(
    nextAttemptAt(retries, rules, tx.now.ms, tx.now.draw, isInvalidated),
    tx.state.session === null ? 0 : nextResumeAt(retries, rules),
  );
  if (isClosed) {
    tx.enterLink({ kind: 'down', notBefore, cause });
  } else {
    tx.effect({ kind: 'close', code: KEEP_SESSION_CODE });
    tx.enterLink({ kind: 'closing', until: tx.now.ms + rules.closeMs, notBefore, cause });
  }
  if (mode.kind === 'preconnected') tx.effect({ kind: 'preconnected', failure: reason });
}

/** Somebody else has the session, perhaps. The next connection replays what was kept, if the session is ours. */
export function dropDoubtful(tx: Transaction): void {
  const { delivery } = tx.state;
  if (delivery.kind !== 'hold' || !delivery.doubtful) return;
  if (delivery.why === 'lease') tx.enterDelivery({ kind: 'skip' });
  else tx.updateDelivery({ ...delivery, kept: null, doubtful: false });
}

export function endPermit(tx: Transaction, link: Link): void {
  if (link.kind === 'awaitingPermit' || link.kind === 'identifying') tx.effect({ kind: 'endPermit', ready: false });
}

/** The next connection goes to the generic URL, and RESUMEs there. */
function forgetUrl(tx: Transaction, link: Link): void {
  const { session } = tx.state;
  if (session === null) return;
  tx.set({
    session: withoutUrl(session),
    ...(link.kind === 'connecting' && session.resumeGatewayUrl !== '' && { deadUrl: session.resumeGatewayUrl }),
  });
}

/** Discord said so. The next session begins with an IDENTIFY. */
export function loseSession(tx: Transaction, reason: string): void {
  const { session } = tx.state;
  if (session === null) return;
  tx.log('warn', `Its gateway session is gone: ${reason}. It identifies anew.`);
  noteHeardAt(tx);
  tx.set({ session: null, lostFrom: tx.state.lostFrom ?? tx.state.heardAt });
}

/** Until now it was up, and nothing was missed; but what a deaf connection may have missed. */
function noteHeardAt(tx: Transaction): void {
  const { link, quiet } = tx.state;
  if (link.kind === 'ready') tx.set({ heardAt: heardLast(quiet, tx.now.ms) });
}

/** The connection has ended, by whomever. */
export function onClosed(tx: Transaction, code: number): void {
  const { link, mode } = tx.state;
  if (link.kind === 'closing') return closed(tx);
  if (!isConnected(link)) return;
  if (isRefusal(code) && (mode.kind === 'open' || mode.kind === 'frozen')) return refuse(tx, code);
  if (endsSession(code, link.kind === 'resuming')) loseSession(tx, `Discord closed with ${code}`);
  lose(tx, { reason: `it was closed with ${code}`, cause: causeOf(code), blamesUrl: true, isClosed: true });
}

/** The connection that was being closed is gone. */
export function closed(tx: Transaction): void {
  const { link, mode } = tx.state;
  if (link.kind !== 'closing') return;
  const { notBefore, cause } = link;
  tx.enterLink({ kind: 'down', notBefore, cause });
  if (mode.kind === 'stopped') tx.effect({ kind: 'gone' });
}

/** A frozen shard stays frozen: it is refused when it is to go on. */
function refuse(tx: Transaction, code: number): void {
  const { link, mode } = tx.state;
  endPermit(tx, link);
  tx.enterLink({ kind: 'down', notBefore: Infinity, cause: causeOf(code) });
  tx.set({ trouble: remedyFor(code) });
  tx.log('error', `Discord refuses it (close code ${code}): ${remedyFor(code)}.`);
  if (mode.kind === 'frozen') {
    tx.updateMode({ kind: 'frozen', refused: code });
  } else {
    enterRefused(tx, code);
  }
}

export function enterRefused(tx: Transaction, code: number): void {
  tx.enterMode({ kind: 'refused', code });
  tx.effect({ kind: 'fail' });
}
