/**
 * Leave to IDENTIFY. A shard that needs a new gateway session asks here first; with `identify-permits` negotiated the
 * orchestrator grants, at the base level we do at once (the host then paces itself). While no orchestrator is there the
 * request waits: IDENTIFYs are the scarce resource, and a RESUME never comes here.
 */
import type { Draft } from './draft.js';
import { say } from './outbox.js';

export function onPermitRequested(draft: Draft, shardId: number, request: number): void {
  draft.setPermit(shardId, { request, kind: 'wanted' });
  if (draft.established !== null) {
    ask(draft, shardId);
  }
}

/** Requests of the time without a connection, and those that the lost one left unanswered. */
export function permitsAfterIdentified(draft: Draft): void {
  for (const [shardId, permit] of draft.permits) {
    if (permit.kind === 'wanted') {
      ask(draft, shardId);
    }
  }
}

function ask(draft: Draft, shardId: number): void {
  if (draft.negotiated('identify-permits')) {
    draft.sendNow({ kind: 'identifyRequest', shardId });
    return;
  }
  grant(draft, shardId, false);
}

export function onIdentifyGranted(draft: Draft, shardId: number): void {
  if (draft.permits.get(shardId)?.kind !== 'wanted') {
    // Nobody wants it any more: give it back, so that the next shard need not wait for a timeout.
    if (!draft.permits.has(shardId)) {
      draft.sendNow({ kind: 'identifyFinished', shardId, ready: false });
    }
    return;
  }
  grant(draft, shardId, true);
}

function grant(draft: Draft, shardId: number, coordinated: boolean): void {
  const permit = draft.permits.get(shardId);
  if (permit === undefined) {
    return;
  }
  draft.setPermit(shardId, { request: permit.request, kind: 'granted' });
  draft.effect({ kind: 'grantPermit', shardId, request: permit.request, coordinated });
}

/** READY came, the attempt failed, or the shard does not want it any more (`ready` false). */
export function onPermitEnded(draft: Draft, shardId: number, request: number, ready: boolean): void {
  if (draft.permits.get(shardId)?.request !== request) {
    return;
  }
  draft.setPermit(shardId, null);
  draft.cameUp ||= ready;
  say(draft, { kind: 'identifyFinished', shardId, ready });
}
