/**
 * The shards of nodes that asked to leave (D: when their process ends). What such a node has is moved to others, live,
 * as long as there is time and anybody to take it; what cannot be moved now is tried again. Where nobody takes it, or
 * the node is back in a moment, it is parked, live as well. Then the node is told to shut down: it stops what is left,
 * with the sessions kept, and says the cursors.
 *
 *     0 … D - 3 s      a drain moves its shards; when it ended before all were moved, the next one
 *     D - 3 s          nothing is moved to others any more, and what still copies is aborted; what is left is parked
 *     D - 1.3 s        shutdown is sent
 *     D - 1 s          the node stops what it has, whatever was said
 *
 * Nobody else to take its shards: they are parked at 0, and shutdown is sent when nothing more can be parked; the
 * sooner the node goes, the sooner it is back. Their copies end first, and then all are frozen: until that, and until
 * D - 3 s at the latest, all of them serve. A node whose last shard has gone leaves by itself.
 */
import { beginShutdown } from '../fleet/leave.js';
import { isOpen, isRoomForAny } from '../fleet/next-node.js';
import { abortLive } from '../migration/live-failure.js';
import { movesUntil } from '../migration/limits.js';
import { beginPark, freezeCopied, freezeDue } from '../migration/park.js';
import { unsettledNodes } from '../state/node-survey.js';
import { drainedBy, isConnected, isLeaving } from '../state/nodes.js';
import { isLive } from '../state/migrations.js';
import { isPark } from '../state/park.js';
import type { LeavingIntent, LiveMigration, MigrationState, NodeState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { beginDrain } from './drain.js';

/** What could not be moved, or parked, is tried again. */
const RETRY_MS = 500;
/** So often a shard is tried to be parked: then its cursor has to do. */
const MOST_PARKS = 2;
/** Before D: for the node to stop what was not parked. */
const CURSORS_MS = 1_300;

type Leaving = NodeState & { intent: LeavingIntent };

export function leaveNodes(tx: Transaction): void {
  if (tx.state.ending !== null) return;
  for (const node of unsettledNodes(tx.state)) {
    if (isLeavingNode(node) && isConnected(node)) lead(tx, node);
  }
}

/** When something is to be done about a node that leaves; null: it does not. */
export function leaveDue(tx: Transaction, node: NodeState): number | null {
  if (!isLeavingNode(node)) return null;
  const { intent } = node;
  const frozenAt = freezeDue(parksOf(tx, node.id), movesUntil(intent));
  const times = [intent.retryAt, frozenAt, movesUntil(intent), parksUntil(intent)];
  const due = times.filter((at) => at > tx.now);
  return due.length === 0 ? null : Math.min(...due);
}

function isLeavingNode(node: NodeState): node is Leaving {
  return node.intent.kind === 'leaving';
}

function lead(tx: Transaction, node: Leaving): void {
  const { id, intent } = node;
  const isLate = tx.now >= movesUntil(intent);
  if (isLate) endMoves(tx, id);
  if (tx.now >= parksUntil(intent)) return beginShutdown(tx, id, null, false);
  const areAllBegun = moveOrPark(tx, node, isLate);
  freezeCopied(tx, parksOf(tx, id), movesUntil(intent), areAllBegun);
}

/** Returns whether nothing is left to be parked with what is. */
function moveOrPark(tx: Transaction, node: Leaving, isLate: boolean): boolean {
  const { id, intent } = node;
  // What is left is parked in the step that ends its moves: planned moves would take the room, and the budget.
  if (!isLate && drainedBy(tx.state, id) !== undefined) return true;
  // It says goodbye by itself when the last one has gone.
  if (tx.shardsOf(id).length === 0 || isReturning(tx)) return true;
  if (!isLate && isTaken(tx, node)) {
    moveAway(tx, node);
    return true;
  }
  // Its successor is being launched.
  if (!isLate && intent.intent === 'auto' && tx.state.launches.size > 0) return true;
  return park(tx, node);
}

function parksUntil({ leaveBy }: LeavingIntent): number {
  return leaveBy - CURSORS_MS;
}

function moveAway(tx: Transaction, node: Leaving): void {
  const { id, intent } = node;
  if (tx.now < intent.retryAt || migrationsFrom(tx, id).length > 0) return;
  tx.setNode({ ...node, intent: { ...intent, retryAt: tx.now + RETRY_MS } });
  tx.actingFor(`node ${id}`, () => {
    const plan = { origins: [id], launch: false, shutdown: false, deadline: movesUntil(intent) - tx.now } as const;
    const destination = intent.intent === 'replace' ? intent.successor : null;
    beginDrain(tx, { ...plan, destination }, { request: null, parent: null });
  });
}

/**
 * The orchestrator keeps what nobody takes; shutdown is sent when nothing more can be kept. Returns whether no other
 * shard is going to be parked.
 */
function park(tx: Transaction, node: Leaving): boolean {
  const { id, intent } = node;
  let { tried, retryAt } = intent;
  const mayRetry = tx.now >= retryAt;
  let isOver = true;
  let isLast = true;
  for (const shard of smallestFirst(tx, id)) {
    const times = tried.filter((each) => each === shard).length;
    if (times >= MOST_PARKS) continue;
    const isAgain = times > 0;
    if (isAgain && !mayRetry) {
      isOver = isLast = false;
      continue;
    }
    const begun = beginPark(tx, shard, { by: `node ${id}`, together: true });
    if (!begun.ok && !begun.again) continue;
    isOver = false;
    if (!begun.ok) {
      isLast = false;
      continue;
    }
    tried = [...tried, shard];
    retryAt = tx.now + RETRY_MS;
  }
  if (tried !== intent.tried) tx.patchNode(id, { intent: { ...intent, tried, retryAt } });
  if (isOver && migrationsFrom(tx, id).length === 0) beginShutdown(tx, id, null, false);
  return isLast;
}

function parksOf(tx: Transaction, id: string): readonly LiveMigration[] {
  return migrationsFrom(tx, id).filter((each): each is LiveMigration => isLive(each) && isPark(each.destination));
}

/** By guilds, which is what is known of the size of a state before it is copied: more shards are parked in time so. */
function smallestFirst(tx: Transaction, id: string): readonly number[] {
  const guilds = new Map(tx.node(id)?.shardReports.map((report) => [report.shardId, report.guilds]));
  return tx.shardsOf(id).toSorted((a, b) => (guilds.get(a) ?? 0) - (guilds.get(b) ?? 0));
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
  return isRoomForAny(tx, tx.shardsOf(id), open);
}

function isUsable(tx: Transaction, id: string): boolean {
  const node = tx.node(id);
  return isConnected(node) && !isLeaving(node) && drainedBy(tx.state, id) === undefined;
}

/** The time for moves is over. */
function endMoves(tx: Transaction, id: string): void {
  const why = `node ${id} leaves, and its time is over`;
  const drain = drainedBy(tx.state, id);
  if (drain !== undefined && drain.stopped === null) tx.patchOperation(drain.id, { stopped: why });
  for (const migration of migrationsFrom(tx, id)) {
    if (isLive(migration) && !isFrozen(migration) && !isPark(migration.destination)) abortLive(tx, migration, why);
  }
}

function isFrozen({ step }: MigrationState): boolean {
  return 'frozenAt' in step;
}

function migrationsFrom(tx: Transaction, id: string): readonly MigrationState[] {
  return [...tx.state.migrations.values()].filter(({ origin }) => origin === id);
}
