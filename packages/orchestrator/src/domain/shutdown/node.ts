/**
 * A node ends: asked to (by an operator, a drain, the end of the fleet), or because it says so itself.
 *
 * `shuttingDown` from the moment shutdown is sent. Its shards stay its own until it answers that it stopped them; the sessions in
 * the answer let other nodes resume them at once. It is gone when its connection closes after that, or its process exits. A node that
 * does not answer in time is cut off, and told again should it come back. Requests are answered when it is gone.
 */
import type { ShardSession } from '@dshard/protocol';
import { dropIdentifies } from '../identify/permits.js';
import { abortMigrationsOf, migrationsOutliveNode } from '../migration/failure.js';
import { hasConnection } from '../nodes.js';
import { unqueue } from '../shards/start.js';
import { finishStop } from '../shards/stop.js';
import { inexact, knownNow, sessionOf, vacate } from '../shards/vacate.js';
import type { NodeState } from '../state.js';
import type { Turn } from '../turn.js';

export function beginShutdown(turn: Turn, id: string, request: string | null, final: boolean): void {
  const node = turn.node(id);
  if (node === undefined) return;
  const requests = request === null ? [] : [request];
  if (node.intent.kind === 'shuttingDown') {
    const all = [...node.intent.requests, ...requests];
    turn.setNode({ ...node, intent: { ...node.intent, requests: all } });
    return;
  }
  leaveMigrations(turn, id);
  enterShuttingDown(turn, id, requests, final, false);
  turn.send(id, { kind: 'shutdown', final, sessions: [] });
  turn.happened('nodeShutdown', 'info', `Node ${id} is told to shut down.`, { node: id, final });
}

/** A node that was told to shut down before its connection was lost is back: it is told again. */
export function remindOfShutdown(turn: Turn, id: string): void {
  const node = turn.node(id);
  if (node?.intent.kind !== 'shuttingDown') return;
  enterShuttingDown(turn, id, node.intent.requests, node.intent.final, false);
  turn.send(id, { kind: 'shutdown', final: node.intent.final, sessions: [] });
}

function enterShuttingDown(
  turn: Turn,
  id: string,
  requests: readonly string[],
  final: boolean,
  answered: boolean,
): void {
  const deadline = turn.now + turn.settings.commandTimeoutMs;
  turn.patchNode(id, {
    intent: { kind: 'shuttingDown', since: turn.now, deadline, requests, final, answered },
  });
}

function leaveMigrations(turn: Turn, id: string): void {
  abortMigrationsOf(turn, id, `node ${id} is being shut down`);
  for (const shard of turn.shardsOf(id)) unqueue(turn, shard);
}

/** The node says that it stopped its shards: in answer, or because it leaves by itself. */
export function onShutdown(turn: Turn, id: string, sessions: readonly ShardSession[]): void {
  const node = turn.node(id);
  if (node === undefined) return;
  if (node.intent.kind === 'shuttingDown') {
    if (node.intent.answered) return;
    turn.setNode({ ...node, intent: { ...node.intent, answered: true } });
  } else {
    leaveMigrations(turn, id);
    enterShuttingDown(turn, id, [], false, true);
    turn.happened('nodeShutdown', 'info', `Node ${id} leaves.`, { node: id, final: false });
  }
  releaseShards(turn, id, sessions);
}

/** The node runs nothing any more: all its shards are vacant at once. */
function releaseShards(turn: Turn, id: string, sessions: readonly ShardSession[]): void {
  const given = new Map(sessions.map((session) => [session.shardId, session]));
  const fresh = (shard: number): ShardSession | null => given.get(shard) ?? null;
  migrationsOutliveNode(turn, id, fresh);
  for (const shard of turn.shardsOf(id)) {
    const known = knownNow(turn, fresh(shard)) ?? inexact(sessionOf(turn, shard));
    if (turn.shard(shard)?.kind === 'stopping') finishStop(turn, shard, known);
    else vacate(turn, shard, known);
  }
  dropIdentifies(turn, id);
  turn.patchNode(id, { held: [], missing: [], shardReports: [] });
}

/** Known not to run any more. Its connection is closed or about to be. */
export function nodeGone(turn: Turn, id: string, how: string): void {
  const node = turn.node(id);
  if (node === undefined || (node.connection.kind === 'disconnected' && node.connection.gone)) return;
  if (node.connection.kind !== 'disconnected') turn.unlink(node.connection.connection);
  const since = node.connection.kind === 'disconnected' ? node.connection.since : turn.now;
  turn.setNode({ ...node, connection: { kind: 'disconnected', since, gone: true }, intent: { kind: 'serving' } });
  abortMigrationsOf(turn, id, `node ${id} is gone`);
  releaseShards(turn, id, []);
  const asked = node.intent.kind === 'shuttingDown';
  turn.happened('nodeGone', asked ? 'info' : 'warn', `Node ${id} is gone: ${how}.`, { node: id, how });
  if (node.intent.kind !== 'shuttingDown') return;
  for (const request of node.intent.requests) turn.done(request, `Node ${id} was shut down.`, { node: id });
}

/** Whether the end of its connection means the end of the node: it said that it is done, or cannot say so. */
export function endsWithConnection(node: NodeState): boolean {
  if (node.intent.kind !== 'shuttingDown' || node.connection.kind === 'disconnected') return false;
  return node.intent.answered || !node.connection.capabilities.includes('parallel-migrations');
}

export function shutdownOverdue(node: NodeState, now: number): boolean {
  return (
    node.intent.kind === 'shuttingDown' &&
    node.intent.deadline <= now &&
    (hasConnection(node) || node.intent.requests.length > 0)
  );
}
