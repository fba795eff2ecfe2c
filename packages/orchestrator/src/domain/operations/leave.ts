/**
 * The shards of nodes that asked to leave (D: when their process ends). What such a node has is moved to others, live,
 * as long as there is time and anybody to take it; what cannot be moved now is tried again. Then the node is told to
 * shut down: it stops what is left, with the sessions kept, and says the cursors.
 *
 *     0 … D - 3 s      a drain moves its shards; when it ended before all were moved, the next one
 *     D - 3 s          no migration is begun, and those that still copy are aborted; what is frozen is seen through
 *     D - 2 s          shutdown is sent, if nothing is left on its way before that
 *     D - 1 s          the node stops what it has, whatever was said
 *
 * Where nobody else takes shards, or the node is back in a moment, shutdown is sent at once: the sooner it goes, the
 * sooner it is back. A node whose last shard has moved leaves by itself.
 */
import { beginShutdown } from '../fleet/leave.js';
import { isOpen, nextNodeFor } from '../fleet/next-node.js';
import { abortLive } from '../migration/live-failure.js';
import { movesUntil } from '../migration/limits.js';
import { drainedBy, isConnected, isLeaving } from '../state/nodes.js';
import { isLive } from '../state/migrations.js';
import type { LeavingIntent, MigrationState, NodeState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { beginDrain } from './drain.js';

/** What could not be moved is tried again. */
const RETRY_MS = 500;
/** What is frozen when the time for moves is over has so long. */
const FROZEN_MS = 1_000;

type Leaving = NodeState & { intent: LeavingIntent };

export function leaveNodes(tx: Transaction): void {
  for (const node of tx.state.nodes.values()) {
    if (isLeavingNode(node) && isConnected(node)) lead(tx, node);
  }
}

/** When something is to be done about a node that leaves; null: it does not. */
export function leaveDue({ now }: Transaction, node: NodeState): number | null {
  if (!isLeavingNode(node)) return null;
  const { intent } = node;
  const due = [intent.retryAt, movesUntil(intent), movesUntil(intent) + FROZEN_MS].filter((at) => at > now);
  return due.length === 0 ? null : Math.min(...due);
}

function isLeavingNode(node: NodeState): node is Leaving {
  return node.intent.kind === 'leaving';
}

function lead(tx: Transaction, node: Leaving): void {
  const { id, intent } = node;
  if (tx.now >= movesUntil(intent)) return endMoves(tx, node);
  if (drainedBy(tx.state, id) !== undefined || migrationsFrom(tx, id).length > 0) return;
  // It says goodbye by itself.
  if (tx.shardsOf(id).length === 0) return;
  if (!isTaken(tx, node)) {
    // Its successor is being launched.
    if (intent.intent === 'auto' && tx.state.launches.size > 0) return;
    return beginShutdown(tx, id, null, false);
  }
  if (tx.now < intent.retryAt || isReturning(tx)) return;
  tx.setNode({ ...node, intent: { ...intent, retryAt: tx.now + RETRY_MS } });
  tx.actingFor(`node ${id}`, () => {
    const plan = { origins: [id], launch: false, shutdown: false, deadline: movesUntil(intent) - tx.now } as const;
    beginDrain(
      tx,
      { ...plan, destination: intent.intent === 'replace' ? intent.successor : null },
      { request: null, parent: null },
    );
  });
}

/** Operations wait for the nodes that are still on their way back. */
function isReturning({ state }: Transaction): boolean {
  return state.recalled && state.graceUntil !== null;
}

/** Whether anybody takes its shards: the successor that it names, or the others. */
function isTaken(tx: Transaction, { id, intent: { intent, successor } }: Leaving): boolean {
  if (intent === 'restart') return false;
  if (intent === 'replace') return isUsable(tx, successor);
  const open = [...tx.state.nodes.values()].filter((node) => node.id !== id && isOpen(tx, node));
  return tx.shardsOf(id).some((shard) => nextNodeFor(tx, shard, open) !== null);
}

function isUsable(tx: Transaction, id: string): boolean {
  const node = tx.node(id);
  return isConnected(node) && !isLeaving(node) && drainedBy(tx.state, id) === undefined;
}

/** The time for moves is over. */
function endMoves(tx: Transaction, { id, intent }: Leaving): void {
  const drain = drainedBy(tx.state, id);
  if (drain !== undefined && drain.stopped === null) {
    tx.patchOperation(drain.id, { stopped: `node ${id} leaves, and its time is over` });
  }
  for (const migration of migrationsFrom(tx, id)) {
    if (isLive(migration) && !isFrozen(migration)) abortLive(tx, migration, `node ${id} leaves, and its time is over`);
  }
  const isOver = tx.now >= movesUntil(intent) + FROZEN_MS;
  if (!isOver && (drain !== undefined || migrationsFrom(tx, id).length > 0)) return;
  if (tx.shardsOf(id).length > 0 || isOver) beginShutdown(tx, id, null, false);
}

function isFrozen({ step }: MigrationState): boolean {
  return 'frozenAt' in step;
}

function migrationsFrom(tx: Transaction, id: string): readonly MigrationState[] {
  return [...tx.state.migrations.values()].filter(({ origin }) => origin === id);
}
