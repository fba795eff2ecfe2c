/**
 * Leave to IDENTIFY. A shard that needs a new gateway session asks here first; with `identify-permits` negotiated the
 * orchestrator grants, at the base level we do at once (the host then paces itself). While no orchestrator is there the
 * request waits: IDENTIFYs are the scarce resource, and a RESUME never comes here.
 */
import type { Transaction } from './transaction.js';
import { say } from './outbox.js';

export function onPermitRequested(tx: Transaction, shardId: number, request: number): void {
  tx.setPermit(shardId, { request, kind: 'wanted' });
  if (tx.established !== null) {
    ask(tx, shardId);
  }
}

/** Requests of the time without a connection, and those that the lost one left unanswered. */
export function permitsAfterIdentified(tx: Transaction): void {
  for (const [shardId, permit] of tx.permits) {
    if (permit.kind === 'wanted') {
      ask(tx, shardId);
    }
  }
}

function ask(tx: Transaction, shardId: number): void {
  if (tx.negotiated('identify-permits')) {
    tx.sendNow({ kind: 'identifyRequest', shardId });
    return;
  }
  grant(tx, shardId, false);
}

export function onIdentifyGranted(tx: Transaction, shardId: number): void {
  if (tx.permits.get(shardId)?.kind !== 'wanted') {
    // Nobody wants it any more: give it back, so that the next shard need not wait for a timeout.
    if (!tx.permits.has(shardId)) {
      tx.sendNow({ kind: 'identifyFinished', shardId, ready: false });
    }
    return;
  }
  grant(tx, shardId, true);
}

function grant(tx: Transaction, shardId: number, coordinated: boolean): void {
  const permit = tx.permits.get(shardId);
  if (permit === undefined) {
    return;
  }
  tx.setPermit(shardId, { request: permit.request, kind: 'granted' });
  tx.effect({ kind: 'grantPermit', shardId, request: permit.request, coordinated });
}

/** READY came, the attempt failed, or the shard does not want it any more (`ready` false). */
export function onPermitEnded(tx: Transaction, shardId: number, request: number, ready: boolean): void {
  if (tx.permits.get(shardId)?.request !== request) {
    return;
  }
  tx.setPermit(shardId, null);
  tx.cameUp ||= ready;
  say(tx, { kind: 'identifyFinished', shardId, ready });
}
