/**
 * A node's connection is over. Its process may live on and run its shards: they are `unreachable` until it comes back, is known to be
 * dead, or has been away for maxNodeDowntime. Its migrations end now (`migration/failure.ts`).
 */
import { knownNode } from '../state/checks.js';
import { noteCheckpoint } from '../shards/epochs.js';
import { dropIdentifies } from '../shards/identify-permits.js';
import { migrationsLoseNode } from '../migration/failure.js';
import { hasConnection, hasSaidGoodbye } from '../state/nodes.js';
import { noteDeath, noteLoss } from '../shards/quarantine.js';
import { unqueue } from '../shards/start.js';
import { checkpointOf, sessionOf, vacate } from '../shards/vacate.js';
import { endsWithConnection, nodeGone, nodeLeft, shutdownOverdue } from './leave.js';
import type { NodeConnection } from '../state/state.js';
import type { Turn } from '../state/transaction.js';

/** How long a node that is away and has no shards stays listed. */
const FORGET_AWAY_MS = 600_000;
/** The same for one that is known not to run any more. */
const FORGET_GONE_MS = 30_000;

export function onConnectionClosed(turn: Turn, connection: string, reason: string): void {
  const id = turn.state.connections.get(connection);
  const node = id === undefined ? undefined : turn.node(id);
  if (node === undefined) return;
  if (endsWithConnection(node)) {
    nodeLeft(turn, node.id);
    return;
  }
  lose(turn, node.id, reason);
  turn.happened('nodeLost', 'warn', `The connection of node ${node.id} is closed: ${reason}.`, {
    node: node.id,
    reason,
  });
}

/** Closes the connection from this side and forgets about it; what it still says is not heard. */
export function cutOff(
  turn: Turn,
  id: string,
  code: 'DSO_NODE_SUSPECT' | 'DSO_NODE_REPLACED' | 'DSO_NODE_ENDED',
  message: string,
): void {
  const connection = turn.node(id)?.connection;
  if (connection === undefined || connection.kind === 'disconnected') return;
  turn.effect({ kind: 'close', connection: connection.connection, code, message });
}

export function lose(turn: Turn, id: string, reason: string): void {
  const node = turn.node(id);
  if (node === undefined || node.connection.kind === 'disconnected') return;
  noteLoss(turn, id);
  turn.unlink(node.connection.connection);
  turn.setNode({
    ...node,
    connection: { kind: 'disconnected', since: turn.now, gone: false },
    process: null,
    held: [],
    missing: [],
  });
  migrationsLoseNode(turn, id, `node ${id} was lost (${reason})`);
  for (const shard of turn.shardsOf(id)) loseShard(turn, shard, id);
  dropIdentifies(turn, id);
  // Until here: its shards' last checkpoints are in them.
  turn.patchNode(id, { shardReports: [] });
}

function loseShard(turn: Turn, shard: number, node: string): void {
  unqueue(turn, shard);
  const state = turn.shard(shard);
  if (state === undefined || state.kind === 'vacant' || state.kind === 'migrating' || state.kind === 'unreachable')
    return;
  const known = state.kind === 'running' ? null : state.known;
  if (state.kind === 'stopping') {
    turn.fail(state.request, 'DSO_NODE_LOST', `Node ${node} was lost before it said that shard ${shard} is stopped.`);
  }
  const checkpoint = state.kind === 'running' ? checkpointOf(turn, node, shard) : null;
  if (checkpoint !== null) noteCheckpoint(turn, shard, checkpoint);
  turn.setShard(shard, { kind: 'unreachable', node, since: turn.now, known, checkpoint });
}

/** The process of a node is gone; its connection may not have noticed yet. */
export function onProcessExited(turn: Turn, id: string, description: string): void {
  const node = turn.node(id);
  if (node === undefined) return;
  cutOff(turn, id, 'DSO_NODE_ENDED', `The process of node ${id} is gone.`);
  noteEarlyDeath(turn, id);
  noteDeath(turn, id);
  nodeGone(turn, id, description);
}

/** An operator says that a silent node is dead: its shards are taken over now. Should it live after all, it is told to stop them. */
export function takeOverNode(turn: Turn, request: string, id: string): void {
  const known = knownNode(turn.state, id);
  if (!known.ok) {
    turn.reply(request, known);
  } else if (hasConnection(known.value)) {
    const isSilent = turn.state.alarm?.silent.includes(id) === true;
    const way = isSilent
      ? 'it is cut off when it has missed three heartbeats: ask again then'
      : 'to end it, shut it down';
    turn.fail(request, 'DSO_NODE_CONNECTED', `Node ${id} is ${isSilent ? 'silent, but ' : ''}connected; ${way}.`);
  } else {
    const shards = turn.shardsOf(id);
    nodeGone(turn, id, `${turn.by} says that it is dead`);
    const text = `Node ${id} counts as dead; ${shards.length} shard(s) are taken over from it.`;
    turn.done(request, text, { node: id, shards });
  }
}

/** A process that dies soon after it connected is no better than one that never did: the next launch waits. */
function noteEarlyDeath(turn: Turn, id: string): void {
  const node = turn.node(id);
  if (node === undefined || node.intent.kind === 'shuttingDown') return;
  if (node.connection.kind === 'disconnected' && node.connection.gone) return;
  if (turn.now - node.joinedAt >= turn.settings.launchRetryMs) return;
  turn.patch({
    launchFailures: turn.state.launchFailures + 1,
    launchNotBefore: turn.now + turn.settings.launchRetryMs,
  });
}

/** Nodes that were silent for three heartbeats. */
export function cutOffSuspects(turn: Turn): void {
  for (const node of turn.state.nodes.values()) {
    const due = suspectAt(turn, node.id);
    if (due === null || due > turn.now) continue;
    const text = `Node ${node.id} sent nothing for ${3 * turn.settings.heartbeatIntervalMs} ms.`;
    cutOff(turn, node.id, 'DSO_NODE_SUSPECT', text);
    if (hasSaidGoodbye(node)) {
      nodeLeft(turn, node.id);
      continue;
    }
    lose(turn, node.id, 'silent for three heartbeats');
    turn.happened('nodeLost', 'warn', `${text} Its connection is closed.`, { node: node.id, reason: 'suspect' });
  }
}

/** When a node's silence becomes suspect; null: it is not expected to send heartbeats. */
export function suspectAt(turn: Turn, id: string): number | null {
  const connection = turn.node(id)?.connection;
  const interval = turn.settings.heartbeatIntervalMs;
  if (connection?.kind !== 'connected' || interval <= 0 || !connection.capabilities.includes('heartbeat')) return null;
  return connection.lastHeardAt + 3 * interval;
}

/**
 * Shards whose node was away for too long: they are resumed elsewhere. Should the node live, it knows by itself that it may have been
 * succeeded (`lease.ts`), and it is told so when it is back. During the start-up grace nobody is away for too long: a node may wait between
 * two attempts to connect for longer than maxNodeDowntime, and serve all the while.
 */
export function expireUnreachable(turn: Turn): void {
  if (turn.state.alarm !== null || turn.state.graceUntil !== null) return;
  if (turn.survey().awaySince + turn.settings.maxNodeDowntimeMs > turn.now) return;
  const vacated: number[] = [];
  for (const shard of turn.survey().unreachable) {
    const state = turn.shard(shard);
    if (state?.kind !== 'unreachable' || state.since + turn.settings.maxNodeDowntimeMs > turn.now) continue;
    vacate(turn, shard, sessionOf(turn, shard));
    vacated.push(shard);
  }
  if (vacated.length === 0) return;
  const text = `The node of ${vacated.length} shard(s) was away for too long; they are taken over by others.`;
  turn.happened('shardVacant', 'warn', text, { shards: vacated });
}

/** Nodes that did not shut down in time are cut off. */
export function expireShutdowns(turn: Turn): void {
  for (const node of turn.state.nodes.values()) {
    if (node.intent.kind !== 'shuttingDown' || !shutdownOverdue(node, turn.now)) continue;
    const { requests, answered } = node.intent;
    if (answered) {
      cutOff(turn, node.id, 'DSO_NODE_ENDED', `Node ${node.id} shut down.`);
      nodeLeft(turn, node.id);
      continue;
    }
    turn.patchNode(node.id, { intent: { ...node.intent, requests: [] } });
    const text = `Node ${node.id} did not say within ${turn.settings.commandTimeoutMs} ms that it is shut down.`;
    for (const request of requests) turn.fail(request, 'DSO_NODE_TIMEOUT', `${text} It was cut off.`);
    cutOff(turn, node.id, 'DSO_NODE_ENDED', text);
    lose(turn, node.id, 'it did not shut down in time');
    turn.happened('commandFailed', 'warn', text, { node: node.id });
  }
}

/** When a node that is not connected is no longer worth showing. */
export function forgetAt(connection: NodeConnection & { kind: 'disconnected' }): number {
  return connection.since + (connection.gone ? FORGET_GONE_MS : FORGET_AWAY_MS);
}

export function forgetNodes(turn: Turn): void {
  for (const node of turn.state.nodes.values()) {
    const { connection } = node;
    if (connection.kind !== 'disconnected' || forgetAt(connection) > turn.now) continue;
    if (turn.shardsOf(node.id).length === 0) turn.removeNode(node.id);
  }
}

/**
 * A wake-up that came much too late means that it was this process that slept (a suspended machine, a debugger): what nodes sent in the
 * meantime has not been read yet, so nobody's silence counts.
 */
export function sleptThrough(turn: Turn): void {
  const { wakeAt, nodes } = turn.state;
  const interval = turn.settings.heartbeatIntervalMs;
  if (wakeAt === null || interval <= 0 || turn.now - wakeAt <= interval) return;
  for (const node of nodes.values()) {
    if (node.connection.kind === 'disconnected') continue;
    turn.setNode({ ...node, connection: { ...node.connection, lastHeardAt: turn.now } });
  }
}
