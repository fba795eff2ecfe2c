/**
 * Stopping one shard on one node: stopShard is sent, and the shard is `stopping` until the node answers.
 *
 * An operator's stop keeps the shard down for maxNodeDowntime when everything is to run (the ancestor's rule); a stop of our
 * own (the destination of a hand-over did not answer) is followed by a start elsewhere at once.
 */
import type { GatewaySession } from '@dshard/protocol';
import type { KnownSession } from '../state/commands.js';
import { withdrawIdentify } from './identify-permits.js';
import type { Turn } from '../state/transaction.js';
import { inexact, knownNow, vacate } from './vacate.js';

export function beginStop(
  turn: Turn,
  shard: number,
  node: string,
  request: string | null,
  known: KnownSession | null,
): void {
  turn.setShard(shard, {
    kind: 'stopping',
    node,
    since: turn.now,
    deadline: turn.now + turn.settings.commandTimeoutMs,
    request,
    by: turn.by,
    known: inexact(known),
  });
  turn.send(node, { kind: 'stopShard', shardId: shard, session: null });
}

/** The node says that it does not run the shard any more. Anything but an answer or a shard it really ran is old news. */
export function onStopped(turn: Turn, node: string, shard: number, session: GatewaySession | null): void {
  const state = turn.shard(shard);
  // One that waits in the queue to be started on this very node was asked to stop before that: its place is kept.
  const isQueued = state?.kind === 'starting' && state.node === node && state.step === 'queued';
  if (!isQueued) withdrawIdentify(turn, node, shard);
  if (state?.kind === 'stopping' && state.node === node) {
    finishStop(turn, shard, knownNow(turn, session) ?? state.known);
  } else if (state?.kind === 'running' && state.node === node) {
    vacate(turn, shard, knownNow(turn, session));
    turn.happened('shardVacant', 'warn', `Node ${node} stopped shard ${shard} by itself.`, { node, shard });
  } else if (state?.kind === 'vacant' && state.known === null && session !== null) {
    // It was succeeded, and its successor did not get far: its session may be good yet.
    turn.setShard(shard, { ...state, known: inexact(knownNow(turn, session)) });
  }
}

/** A shard that is being stopped is down: by the node's answer, or because the node itself is. */
export function finishStop(turn: Turn, shard: number, known: KnownSession | null): void {
  const state = turn.shard(shard);
  if (state?.kind !== 'stopping') return;
  const { node, request, by } = state;
  if (request === null) {
    vacate(turn, shard, known);
  } else {
    vacate(turn, shard, known, turn.now + turn.settings.maxNodeDowntimeMs);
    turn.done(request, `Stopped shard ${shard} on node ${node}. ${afterwards(turn)}`, { shard, node });
  }
  turn.happened('shardStopped', 'info', `Shard ${shard} was stopped on node ${node}.`, { node, shard }, by);
}

/** What becomes of a shard an operator stopped. */
export function afterwards(turn: Turn): string {
  const seconds = turn.settings.maxNodeDowntimeMs / 1000;
  return turn.settings.ensureAllShardsRunning
    ? `All shards are to run here, so it is started again in ${seconds} s.`
    : 'It stays down until it is started.';
}

/** The node could not stop it, or did not answer. */
export function failStop(
  turn: Turn,
  shard: number,
  code: 'DSO_NODE_FAILED' | 'DSO_NODE_TIMEOUT',
  reason: string,
): void {
  const state = turn.shard(shard);
  if (state?.kind !== 'stopping') return;
  if (state.request === null) {
    vacate(turn, shard, state.known);
    return;
  }
  turn.setShard(shard, { kind: 'running', node: state.node, since: turn.now });
  turn.fail(state.request, code, `Node ${state.node} did not stop shard ${shard}: ${reason}.`);
}

export function expireStops(turn: Turn): void {
  if (turn.survey().earliestDeadline > turn.now) return;
  for (const shard of turn.survey().stopping) {
    const state = turn.shard(shard);
    if (state?.kind !== 'stopping' || state.deadline > turn.now) continue;
    failStop(turn, shard, 'DSO_NODE_TIMEOUT', `it did not answer within ${turn.settings.commandTimeoutMs} ms`);
  }
}
