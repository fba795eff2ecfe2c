/**
 * Stopping one shard on one node: stopShard is sent, and the shard is `stopping` until the node answers.
 *
 * An operator's stop keeps the shard down for maxNodeDowntime when everything is to run (the ancestor's rule); a stop
 * of our own (the destination of a migration did not answer) is followed by a start elsewhere at once.
 */
import type { GatewaySession } from '@dshard/protocol';
import type { KnownSession } from '../state/commands.js';
import { dequeueIdentify } from './identify-permits.js';
import type { Transaction } from '../state/transaction.js';
import { inexact, knownNow, vacate } from './vacate.js';

export function beginStop(
  tx: Transaction,
  shard: number,
  node: string,
  request: string | null,
  known: KnownSession | null,
): void {
  tx.setShard(shard, {
    kind: 'stopping',
    node,
    since: tx.now,
    deadline: tx.now + tx.settings.commandTimeoutMs,
    request,
    by: tx.by,
    known: inexact(known),
  });
  tx.send(node, { kind: 'stopShard', shardId: shard, session: null });
}

/** The node says that it does not run the shard any more. All but an answer or a shard it really ran is old news. */
export function onStopped(tx: Transaction, node: string, shard: number, session: GatewaySession | null): void {
  const state = tx.shard(shard);
  // One that waits in the queue to be started on this very node was asked to stop before that: its place is kept.
  const isQueued = state?.kind === 'starting' && state.node === node && state.step === 'queued';
  if (!isQueued) dequeueIdentify(tx, node, shard);
  if (state?.kind === 'stopping' && state.node === node) {
    finishStop(tx, shard, knownNow(tx, session) ?? state.known);
  } else if (state?.kind === 'running' && state.node === node) {
    vacate(tx, shard, knownNow(tx, session));
    tx.record('shardVacant', 'warn', `Node ${node} stopped shard ${shard} by itself.`, { node, shard });
  } else if (state?.kind === 'vacant' && state.known === null && session !== null) {
    // It was superseded, and its successor did not get far: its session may be good yet.
    tx.setShard(shard, { ...state, known: inexact(knownNow(tx, session)) });
  }
}

/** A shard that is being stopped is down: by the node's answer, or because the node itself is. */
export function finishStop(tx: Transaction, shard: number, known: KnownSession | null): void {
  const state = tx.shard(shard);
  if (state?.kind !== 'stopping') return;
  const { node, request, by } = state;
  if (request === null) {
    vacate(tx, shard, known);
  } else {
    vacate(tx, shard, known, tx.now + tx.settings.maxNodeDowntimeMs);
    tx.done(request, `Stopped shard ${shard} on node ${node}. ${afterwards(tx)}`, { shard, node });
  }
  tx.record('shardStopped', 'info', `Shard ${shard} was stopped on node ${node}.`, { node, shard }, by);
}

/** What becomes of a shard an operator stopped. */
export function afterwards(tx: Transaction): string {
  const seconds = tx.settings.maxNodeDowntimeMs / 1000;
  return tx.settings.ensureAllShardsRunning
    ? `All shards are to run here, so it is started again in ${seconds} s.`
    : 'It stays down until it is started.';
}

/** The node could not stop it, or did not answer. */
export function failStop(
  tx: Transaction,
  shard: number,
  code: 'DSO_NODE_FAILED' | 'DSO_NODE_TIMEOUT',
  reason: string,
): void {
  const state = tx.shard(shard);
  if (state?.kind !== 'stopping') return;
  if (state.request === null) {
    vacate(tx, shard, state.known);
    return;
  }
  tx.setShard(shard, { kind: 'running', node: state.node, since: tx.now });
  tx.fail(state.request, code, `Node ${state.node} did not stop shard ${shard}: ${reason}.`);
}

export function expireStop(tx: Transaction, shard: number): void {
  failStop(tx, shard, 'DSO_NODE_TIMEOUT', `it did not answer within ${tx.settings.commandTimeoutMs} ms`);
}
