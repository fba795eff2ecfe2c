/**
 * A node's connection is over. Its process may live on and run its shards: they are `unreachable` until it comes back,
 * is known to be dead, or has been away for maxNodeDowntime. Its migrations end now (`migration/failure.ts`).
 */
import { counted } from '@dshard/protocol';
import { noteCheckpoint } from '../shards/epochs.js';
import { dropIdentifies } from '../shards/identify-permits.js';
import { migrationsLoseNode } from '../migration/failure.js';
import { drainedBy, hasSaidGoodbye, keptBy } from '../state/nodes.js';
import { noteCrash, noteLoss } from '../shards/quarantine.js';
import { unqueue } from '../shards/start.js';
import { checkpointOf, sessionOf, vacate } from '../shards/vacate.js';
import { endsWithConnection, confirmGone, onNodeLeft, shutdownOverdue } from './leave.js';
import { longestSilentSince } from '../state/node-survey.js';
import type { Settings } from '../state/settings.js';
import type { NodeConnection, NodeState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';

/** How long a node that is away and has no shards stays listed. */
const FORGET_AWAY_MS = 600_000;
/** The same for one that is known not to run any more. */
const FORGET_GONE_MS = 30_000;

export function onConnectionClosed(tx: Transaction, connection: string, reason: string): void {
  const id = tx.state.connections.get(connection);
  const node = id === undefined ? undefined : tx.node(id);
  if (node === undefined) return;
  if (endsWithConnection(node)) {
    onNodeLeft(tx, node.id);
    return;
  }
  lose(tx, node.id, reason);
  tx.record('nodeLost', 'warn', `The connection of node ${node.id} is closed: ${reason}.`, {
    node: node.id,
    reason,
  });
}

/** Closes the connection from this side and forgets about it; what it still says is not heard. */
export function cutOff(
  tx: Transaction,
  id: string,
  code: 'DSO_NODE_SILENT' | 'DSO_NODE_REPLACED' | 'DSO_NODE_ENDED' | 'DSO_NODE_DECLARED_DEAD',
  message: string,
): void {
  const connection = tx.node(id)?.connection;
  if (connection === undefined || connection.kind === 'disconnected') return;
  tx.effect({ kind: 'close', connection: connection.connection, code, message });
}

export function lose(tx: Transaction, id: string, reason: string): void {
  const node = tx.node(id);
  if (node === undefined || node.connection.kind === 'disconnected') return;
  noteLoss(tx, id);
  tx.unlink(node.connection.connection);
  tx.setNode({
    ...node,
    connection: { kind: 'disconnected', since: tx.now, gone: false },
    process: null,
    signals: null,
    retained: [],
    missing: [],
  });
  migrationsLoseNode(tx, id, `node ${id} was lost (${reason})`);
  for (const shard of tx.shardsOf(id)) loseShard(tx, shard, id);
  dropIdentifies(tx, id);
  // Until here: its shards' last checkpoints are in them.
  tx.patchNode(id, { shardReports: [] });
}

function loseShard(tx: Transaction, shard: number, node: string): void {
  unqueue(tx, shard);
  const state = tx.shard(shard);
  if (state === undefined || !('node' in state) || state.kind === 'unreachable') return;
  const known = state.kind === 'running' ? null : state.known;
  if (state.kind === 'stopping') {
    tx.fail(state.request, 'DSO_NODE_LOST', `Node ${node} was lost before it said that shard ${shard} is stopped.`);
  }
  // What a node said of the session when it stopped the shard may have been lost with its connection.
  const isServed = state.kind === 'running' || state.kind === 'stopping';
  const checkpoint = isServed ? checkpointOf(tx, node, shard) : null;
  if (checkpoint !== null) noteCheckpoint(tx, shard, checkpoint);
  tx.setShard(shard, { kind: 'unreachable', node, since: tx.now, known, checkpoint });
}

/** The process of a node is gone; its connection may not have noticed yet. */
export function onProcessExited(tx: Transaction, id: string, description: string): void {
  const node = tx.node(id);
  if (node === undefined) return;
  cutOff(tx, id, 'DSO_NODE_ENDED', `The process of node ${id} is gone.`);
  noteCrash(tx, id);
  confirmGone(tx, id, description);
}

/** A node was silent for three heartbeats. */
export function cutOffSilent(tx: Transaction, node: NodeState): void {
  const text = `Node ${node.id} sent nothing for ${3 * tx.settings.heartbeatIntervalMs} ms.`;
  cutOff(tx, node.id, 'DSO_NODE_SILENT', text);
  if (hasSaidGoodbye(node)) {
    onNodeLeft(tx, node.id);
    return;
  }
  lose(tx, node.id, 'silent for three heartbeats');
  tx.record('nodeLost', 'warn', `${text} Its connection is closed.`, { node: node.id, reason: 'silent' });
}

/** When a node counts as silent; null: it is not expected to send heartbeats. */
export function silentAt({ heartbeatIntervalMs }: Settings, { connection }: NodeState): number | null {
  if (connection.kind !== 'connected' || heartbeatIntervalMs <= 0) return null;
  return connection.capabilities.includes('heartbeat') ? connection.lastHeardAt + 3 * heartbeatIntervalMs : null;
}

/** When the first of all nodes counts as silent, at the earliest. */
export function firstSilentAt(tx: Transaction): number {
  const bound = 3 * tx.settings.heartbeatIntervalMs;
  return bound > 0 ? longestSilentSince(tx.state.nodes, tx.now - bound) + bound : Number.POSITIVE_INFINITY;
}

/**
 * Shards whose node was away for too long: they are resumed elsewhere. Should the node live, it knows by itself that it
 * may have been superseded (`leaseOf`), and it is told so when it is back. During the start-up grace nobody is away for
 * too long: a node may wait between two attempts to connect for longer than maxNodeDowntime, and serve all the while.
 */
export function expireUnreachable(tx: Transaction): void {
  if (tx.state.alarm !== null || tx.state.graceUntil !== null) return;
  if (tx.survey().awaySince + tx.settings.maxNodeDowntimeMs > tx.now) return;
  const vacated: number[] = [];
  for (const shard of tx.survey().unreachable) {
    const state = tx.shard(shard);
    if (state?.kind !== 'unreachable' || state.since + tx.settings.maxNodeDowntimeMs > tx.now) continue;
    vacate(tx, shard, sessionOf(tx, shard));
    vacated.push(shard);
  }
  if (vacated.length === 0) return;
  const text = `The node of ${counted(vacated.length, 'shard')} was away for too long; others take over.`;
  tx.record('shardVacant', 'warn', text, { shards: vacated });
}

/** A node that did not shut down in time is cut off. */
export function expireShutdown(tx: Transaction, node: NodeState): void {
  if (node.intent.kind !== 'shuttingDown' || !shutdownOverdue(node, tx.now)) return;
  const { requests, answered } = node.intent;
  if (answered) {
    cutOff(tx, node.id, 'DSO_NODE_ENDED', `Node ${node.id} shut down.`);
    onNodeLeft(tx, node.id);
    return;
  }
  tx.patchNode(node.id, { intent: { ...node.intent, requests: [] } });
  const text = `Node ${node.id} did not say within ${tx.settings.commandTimeoutMs} ms that it is shut down.`;
  for (const request of requests) tx.fail(request, 'DSO_NODE_TIMEOUT', `${text} It was cut off.`);
  cutOff(tx, node.id, 'DSO_NODE_ENDED', text);
  lose(tx, node.id, 'it did not shut down in time');
  tx.record('commandFailed', 'warn', text, { node: node.id });
}

/** When a node that is not connected is no longer worth showing. */
export function forgetAt(connection: NodeConnection & { kind: 'disconnected' }): number {
  return connection.since + (connection.gone ? FORGET_GONE_MS : FORGET_AWAY_MS);
}

/** Not while an operation still has to do with it: the last of its shards may be on the way. */
export function forgetNode(tx: Transaction, { id }: NodeState): void {
  const busy = drainedBy(tx.state, id) ?? keptBy(tx.state, id);
  if (busy === undefined && tx.shardsOf(id).length === 0) tx.removeNode(id);
}

/**
 * A wake-up that came much too late means that it was this process that slept (a suspended machine, a debugger): what
 * nodes sent in the meantime has not been read yet, so nobody's silence counts.
 */
export function sleptThrough(tx: Transaction): void {
  const { wakeAt, nodes } = tx.state;
  const interval = tx.settings.heartbeatIntervalMs;
  if (wakeAt === null || interval <= 0 || tx.now - wakeAt <= interval) return;
  for (const node of nodes.values()) {
    if (node.connection.kind === 'disconnected') continue;
    tx.setNode({ ...node, connection: { ...node.connection, lastHeardAt: tx.now } });
  }
}
