/**
 * A node ends: asked to (by an operator, a drain, the end of the fleet), or because it says so itself.
 *
 * `leaving`: it asked to leave, and serves what it has while that is moved away (`operations/leave.ts`). It is never
 * given anything from then on. That is durable, so neither a lost connection nor a restart of the orchestrator forgets
 * it; another process under the same id is there to stay.
 *
 * `shuttingDown` from the moment shutdown is sent. Its shards stay its own until it answers that it stopped them; the
 * sessions in the answer let other nodes resume them at once. After that it lingers, with its connection open, while
 * handlers in flight end; nobody waits for that but who asked for its end. It is gone when its connection closes, or
 * its process exits. A node that does not answer in time is cut off, and told again should it come back.
 */
import { counted, type Identify, type MessageOf, type ShardSession } from '@dshard/protocol';
import { dequeueIdentify, dropIdentifies } from '../shards/identify-permits.js';
import { abortMigrationsOf, abortMigrationsTo, migrationsOutliveNode } from '../migration/failure.js';
import { can, hasConnection, hasSaidGoodbye, isShuttingDown } from '../state/nodes.js';
import { unqueue } from '../shards/start.js';
import { beginStop, finishStop } from '../shards/stop.js';
import { inexact, knownNow, sessionOf, vacate } from '../shards/vacate.js';
import type { LeavingIntent, NodeState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { endProcess, graceOf } from './processes.js';

/** A leave that takes so much of its deadline is told: the last three seconds are for what is stopped. */
const MOST_OF_IT = 0.6;

/** Who left by itself may come back: a bot that logs out and in again. */
const BACK_WITHIN_MS = 10_000;

/**
 * It asks to leave, or says again by when (on a later connection, or in a hurry). What it was to get it does not get; a
 * shard that has no session yet is started elsewhere at once.
 */
export function onLeave(tx: Transaction, id: string, { withinMs, intent, successor }: MessageOf<'leave'>): void {
  const node = tx.node(id);
  if (node === undefined || isShuttingDown(node)) return;
  const leaveBy = tx.now + withinMs;
  if (node.intent.kind === 'leaving') {
    tx.setNode({ ...node, intent: { ...node.intent, leaveBy, intent, successor } });
    return;
  }
  const { instance } = node;
  const wish = { since: tx.now, leaveBy, intent, successor, instance, retryAt: tx.now, tried: [] };
  tx.setNode({ ...node, intent: { kind: 'leaving', ...wish } });
  const shards = tx.shardsOf(id);
  const text = `Node ${id} asks to leave within ${withinMs} ms, with ${counted(shards.length, 'shard')}.`;
  tx.record('nodeLeaving', 'info', text, { node: id, withinMs, intent, shards });
  abortMigrationsTo(tx, id, `node ${id} leaves`);
  for (const shard of shards) {
    unqueue(tx, shard);
    const state = tx.shard(shard);
    const isBegun = state?.kind === 'starting' && state.known === null;
    const waits = tx.state.identifies.waiting.some((wished) => wished.node === id && wished.shard === shard);
    if (isBegun || (waits && state?.kind === 'running')) stopHere(tx, id, shard);
  }
}

/** A shard that a leaving node has no session for: whoever gets it identifies it. */
export function stopHere(tx: Transaction, id: string, shard: number): void {
  dequeueIdentify(tx, id, shard);
  beginStop(tx, shard, id, null, null);
}

/** What becomes of the node that connects is what became of the process that it is. */
export function intentOf(known: NodeState | undefined, { instance }: Identify): NodeState['intent'] {
  if (known === undefined) return { kind: 'serving' };
  const isOther = known.intent.kind === 'leaving' && known.intent.instance !== (instance ?? null);
  return isOther ? { kind: 'serving' } : known.intent;
}

export function beginShutdown(tx: Transaction, id: string, request: string | null, final: boolean): void {
  const node = tx.node(id);
  if (node === undefined) return;
  const requests = request === null ? [] : [request];
  if (node.intent.kind === 'shuttingDown') {
    const all = [...node.intent.requests, ...requests];
    tx.setNode({ ...node, intent: { ...node.intent, requests: all } });
    return;
  }
  leaveMigrations(tx, id);
  const shards = tx.shardsOf(id).length;
  enterShuttingDown(tx, id, { requests, final, byItself: node.intent.kind === 'leaving', shards });
  tx.send(id, { kind: 'shutdown', final, sessions: [] });
  const late = node.intent.kind === 'leaving' ? howItLeft(tx, node.intent, shards) : null;
  const text = `Node ${id} is told to shut down.${late?.advice ?? ''}`;
  tx.record('nodeShutdown', late?.level ?? 'info', text, { node: id, final, shards, ...late?.figures });
}

type HowItLeft = { level: 'info' | 'warn'; advice: string; figures: { tookMs: number; withinMs: number } };

/**
 * What there is to say at the end of a leave. @param left so many shards were neither moved nor parked. What the state
 * of a bot grows by is told before the deadline is missed.
 */
function howItLeft(tx: Transaction, { since, leaveBy }: LeavingIntent, left: number): HowItLeft {
  const [tookMs, withinMs] = [tx.now - since, leaveBy - since];
  const figures = { tookMs, withinMs };
  const isLate = left > 0 && tookMs >= withinMs * MOST_OF_IT;
  const isNearly = tookMs >= withinMs * MOST_OF_IT;
  if (!isNearly) return { level: 'info', advice: '', figures };
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  const what = isLate
    ? `${counted(left, 'shard')} could not be moved or parked in time, so what the bot had in memory of them is lost`
    : `Its shards were moved or parked ${seconds(tookMs)} after it asked to leave, and ${seconds(withinMs)} is all that it has`;
  const more = 'Give it more: DSO_LEAVE_DEADLINE, and the grace of what ends the process.';
  return { level: 'warn', advice: ` ${what}. ${more}`, figures };
}

/** A node that was told to shut down before its connection was lost is back: it is told again. */
export function remindOfShutdown(tx: Transaction, id: string): void {
  const node = tx.node(id);
  if (node?.intent.kind !== 'shuttingDown') return;
  enterShuttingDown(tx, id, { requests: node.intent.requests, final: node.intent.final });
  tx.send(id, { kind: 'shutdown', final: node.intent.final, sessions: [] });
}

function enterShuttingDown(
  tx: Transaction,
  id: string,
  intent: { requests: readonly string[]; final: boolean; byItself?: boolean; shards?: number },
): void {
  const deadline = tx.now + tx.settings.commandTimeoutMs;
  const defaults = { since: tx.now, deadline, answered: false, byItself: false, shards: 0 };
  tx.patchNode(id, { intent: { kind: 'shuttingDown', ...defaults, ...intent } });
}

function leaveMigrations(tx: Transaction, id: string): void {
  abortMigrationsOf(tx, id, `node ${id} is being shut down`);
  for (const shard of tx.shardsOf(id)) unqueue(tx, shard);
}

/** The node says that it stopped its shards: in answer, or because it leaves by itself. */
export function onShutdown(tx: Transaction, id: string, sessions: readonly ShardSession[]): void {
  const node = tx.node(id);
  if (node === undefined || hasSaidGoodbye(node)) return;
  if (node.intent.kind !== 'shuttingDown') {
    leaveMigrations(tx, id);
    enterShuttingDown(tx, id, { requests: [], final: false, byItself: true });
    const how = node.intent.kind === 'leaving' ? howItLeft(tx, node.intent, sessions.length) : null;
    const text = `Node ${id} leaves with ${counted(sessions.length, 'cursor')}.${how?.advice ?? ''}`;
    tx.record('nodeShutdown', how?.level ?? 'info', text, { node: id, final: false, ...how?.figures });
  }
  beginLingering(tx, id);
  vacateShards(tx, id, sessions);
  // Executed when the cursors are durable.
  if (can(node, 'leave')) tx.send(id, { kind: 'shutdownNoted', cursors: sessions.length });
}

/** It runs nothing any more. What it still ends takes as long as it has said, and a command's time on top. */
function beginLingering(tx: Transaction, id: string): void {
  const node = tx.node(id);
  if (node?.intent.kind !== 'shuttingDown') return;
  const deadline = tx.now + (node.bounds?.lingerMs ?? 0) + tx.settings.commandTimeoutMs;
  tx.setNode({ ...node, intent: { ...node.intent, answered: true, deadline } });
}

/**
 * It said goodbye, and what it was still at has ended, or is cut short. If the launcher started it, what is left of its
 * process is ended: at once if it was told to shut down; if it left by itself (a bot may log in again) when it is not
 * back in a while.
 */
export function onNodeLeft(tx: Transaction, id: string): void {
  const intent = tx.node(id)?.intent;
  confirmGone(tx, id, 'it shut down');
  const node = tx.node(id);
  if (node === undefined || intent?.kind !== 'shuttingDown') return;
  if (!intent.byItself) endProcessOf(tx, node);
  else if (node.connection.kind === 'disconnected') {
    tx.setNode({ ...node, connection: { ...node.connection, endAt: tx.now + BACK_WITHIN_MS } });
  }
}

/** The process of a node that left by itself and is not back. */
export function endLeftProcess(tx: Transaction, node: NodeState): void {
  if (node.connection.kind !== 'disconnected') return;
  const { kind, since, gone } = node.connection;
  tx.setNode({ ...node, connection: { kind, since, gone } });
  endProcessOf(tx, node);
}

export function endProcessAt({ connection }: NodeState): number | null {
  return connection.kind === 'disconnected' ? (connection.endAt ?? null) : null;
}

function endProcessOf(tx: Transaction, { id, bounds }: NodeState): void {
  endProcess(tx, id, 'its node shut down', graceOf(bounds));
}

/** The node runs nothing any more: all its shards are vacant at once. */
function vacateShards(tx: Transaction, id: string, sessions: readonly ShardSession[]): void {
  const given = new Map(sessions.map((session) => [session.shardId, session]));
  const fresh = (shard: number): ShardSession | null => given.get(shard) ?? null;
  migrationsOutliveNode(tx, id, fresh);
  for (const shard of tx.shardsOf(id)) {
    const known = knownNow(tx, fresh(shard)) ?? inexact(sessionOf(tx, shard));
    if (tx.shard(shard)?.kind === 'stopping') finishStop(tx, shard, known);
    else vacate(tx, shard, known);
  }
  dropIdentifies(tx, id);
  tx.patchNode(id, { retained: [], missing: [], shardReports: [] });
}

/** Known not to run any more. Its connection is closed or about to be. */
export function confirmGone(tx: Transaction, id: string, how: string): void {
  const node = tx.node(id);
  if (node === undefined || (node.connection.kind === 'disconnected' && node.connection.gone)) return;
  if (node.connection.kind !== 'disconnected') tx.unlink(node.connection.connection);
  const since = node.connection.kind === 'disconnected' ? node.connection.since : tx.now;
  tx.setNode({ ...node, connection: { kind: 'disconnected', since, gone: true }, intent: { kind: 'serving' } });
  abortMigrationsOf(tx, id, `node ${id} is gone`);
  const had = tx.shardsOf(id);
  vacateShards(tx, id, []);
  const asked = node.intent.kind === 'shuttingDown';
  tx.record('nodeGone', asked ? 'info' : 'warn', `Node ${id} is gone: ${how}.`, { node: id, how, shards: had });
  if (node.intent.kind !== 'shuttingDown') return;
  const { requests, final, shards } = node.intent;
  const lost = `${counted(shards, 'shard')} stopped with it, and start elsewhere without what was in its memory.`;
  const costs = shards === 0 || final ? '' : ` ${lost}`;
  for (const request of requests) tx.done(request, `Node ${id} was shut down.${costs}`, { node: id, shards });
}

/** Whether the end of its connection means the end of the node: it said that it is done, or cannot say so. */
export function endsWithConnection(node: NodeState): boolean {
  if (node.intent.kind !== 'shuttingDown' || node.connection.kind === 'disconnected') return false;
  return node.intent.answered || !node.connection.capabilities.includes('sessions');
}

export function shutdownOverdue(node: NodeState, now: number): boolean {
  return (
    node.intent.kind === 'shuttingDown' &&
    node.intent.deadline <= now &&
    (hasConnection(node) || node.intent.requests.length > 0)
  );
}
