/**
 * Parking: the orchestrator is the destination of a live migration, and later the origin of another one.
 *
 * Nobody else is there to take a shard (one node only, a machine that restarts, the whole fleet): so the orchestrator
 * takes the state, unread, into its spool, and the cursor. To the node that leaves, and to the node that comes, this
 * is a live migration like any other; the spool answers for the other end (`runtime/park.ts`).
 *
 *     origin  announcing … verifying → [COMMIT: parked, file and digest, under epoch e+1] → RELEASE → parked
 *     parked  openingOrigin … verifying → [COMMIT: the next node's, under epoch e+2] → ACTIVATE → running
 *
 * COMMIT comes after the spool is durable: only then does the spool say that the manifest is true. A shard that is
 * given out needs no FREEZE, for nobody serves it. Until its node has resumed it the shard can be parked again.
 *
 * Who gets it: for `park.waitFor` the successor of the node that had it, which is any node that came after the shard
 * was parked (launchers and schedulers give a new process a new name), and best of all one of its name; then, or when
 * the time of the state is nearly over, anyone. After `park.ttl` the state is dropped, and the shard is vacant with
 * its cursor.
 */
import { assignmentOf } from '../state/epochs.js';
import { isCopied, isLive, takesRoom } from '../state/migrations.js';
import { can, isConnected, isShuttingDown } from '../state/nodes.js';
import { isPark, PARK, type Parked } from '../state/park.js';
import { runningOn } from '../state/checks.js';
import type { LiveMigration, NodeState, OrchestratorState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { dropParkedState, MOST_HELD_MS, overdue } from './parked.js';
import { freeze } from './live.js';
import { beginMigration } from './steps.js';

/** So long before the end of its time a parked shard goes to anyone. */
const LAST_CALL_MS = 10_000;

/**
 * So many shards of a node are copied at once, or handed out to it: what it does for one it does not do for another, so
 * of more at once none is done sooner. One more, so that nobody waits for the disk.
 */
const MOST_AT_ONCE = 2;
/** What freezing a shard, and making it durable, takes where many are parked together. */
const FREEZE_MS = 30;

/** `again`: it can be parked later, when there is room. */
type ParkBegun = { ok: true } | { ok: false; reason: string; again: boolean };

/**
 * The shard is parked, live: until COMMIT its node serves it, and goes on should anything fail.
 *
 * @param about.request answered when the shard is parked, or is not going to be.
 * @param about.together the shard serves, copied, until it is frozen by `freezeCopied`.
 */
export function beginPark(
  tx: Transaction,
  shard: number,
  about: { by: string; request?: string | null; operation?: string | null; together?: boolean },
): ParkBegun {
  const { by, request = null, operation = null, together = false } = about;
  const origin = runningOn(tx.state, shard);
  if (!origin.ok) return { ok: false, reason: origin.error.message, again: false };
  const problem = whyNotParked(tx.state, tx.node(origin.value));
  if (problem !== null) return { ok: false, reason: problem, again: false };
  if (!hasRoom(tx, origin.value) || (together && isCopyingEnough(tx, origin.value)))
    return { ok: false, reason: 'other shards are being moved', again: true };
  const plan = { shard, origin: origin.value, destination: PARK, request, operation, spread: spreadOf(tx), together };
  tx.actingFor(by, () => beginMigration(tx, plan));
  return { ok: true };
}

/**
 * Those that are parked together are frozen at the end of all their copies, as fast as there is room: nobody is without
 * a shard while the next is copied. The step of a migration that waits for it is `copying` with `copiedAt`.
 *
 * @param until by when the last is to be frozen.
 * @param isLast no other shard is to be parked with them.
 */
export function freezeCopied(
  tx: Transaction,
  migrations: readonly LiveMigration[],
  until: number,
  isLast: boolean,
): void {
  const copied = migrations.filter(isCopied);
  const isOver = tx.now >= freezeAt(copied.length, until);
  const areAll = isLast && copied.length === migrations.filter(isServing).length;
  for (const migration of copied) {
    const { step, origin } = migration;
    if (step.kind !== 'copying' || roomToPark(tx, origin) === 0) continue;
    if (isOver || areAll || heldUntil(migration) <= tx.now) freeze(tx, { ...migration, step });
  }
}

/** When the next of those that are copied is frozen, whatever is still being copied. */
export function freezeDue(migrations: readonly LiveMigration[], until: number): number {
  const copied = migrations.filter(isCopied);
  return Math.min(freezeAt(copied.length, until), ...copied.map(heldUntil));
}

function freezeAt(copied: number, until: number): number {
  return until - copied * FREEZE_MS;
}

function heldUntil({ step }: LiveMigration): number {
  return step.kind === 'copying' && step.copiedAt !== undefined ? step.copiedAt + MOST_HELD_MS : Infinity;
}

function isServing({ step }: LiveMigration): boolean {
  return !('frozenAt' in step);
}

/** How many nodes have the fleet's shards, or had those that are parked. */
function spreadOf(tx: Transaction): number {
  const nodes = new Set<string>();
  for (const [node, { length }] of tx.survey().byNode) if (length > 0) nodes.add(node);
  for (const { origin, destination, step, parked } of tx.state.migrations.values()) {
    nodes.add(isPark(destination) ? origin : destination);
    if (step.kind === 'announcing') nodes.add(origin);
    if (parked !== undefined) nodes.add(parked.origin);
  }
  for (const shard of tx.survey().parked) {
    const state = tx.shard(shard);
    if (state?.kind === 'parked') nodes.add(state.parked.origin);
  }
  return nodes.size;
}

/** Why the state of the node's shards cannot be parked; null: it can. Their cursors are kept in any case. */
function whyNotParked(state: OrchestratorState, node: NodeState | undefined): string | null {
  const { parkHost, parkTotalBytes } = state.settings;
  if (parkHost === null) return 'this orchestrator has no place for it (park.maxTotal is 0)';
  if (!isConnected(node) || !can(node, 'live-migration')) return 'its node cannot hand over state while it serves';
  if (isShuttingDown(node)) return 'its node is shutting down, and stops its shards';
  const used = parkedBytes(state);
  return used < parkTotalBytes ? null : `${used} bytes are parked already, and park.maxTotal allows ${parkTotalBytes}`;
}

function parkedBytes({ shards, migrations }: OrchestratorState): number {
  let bytes = 0;
  for (const shard of shards) if (shard.kind === 'parked') bytes += shard.parked.state.bytes;
  for (const { parked } of migrations.values()) bytes += parked?.state.bytes ?? 0;
  return bytes;
}

/** Not held back by what is down: who leaves has a deadline, and what is parked comes up by being given out. */
function hasRoom(tx: Transaction, node: string): boolean {
  return roomToPark(tx, node) > 0;
}

function isCopyingEnough(tx: Transaction, node: string): boolean {
  let copies = 0;
  for (const migration of tx.state.migrations.values()) {
    const { origin, destination, together, step } = migration;
    if (origin === node && isPark(destination) && together === true && !('frozenAt' in step) && !isCopied(migration)) {
      copies += 1;
    }
  }
  return copies >= MOST_AT_ONCE;
}

/** How many more shards may go from, or to, the node now. */
function roomToPark(tx: Transaction, node: string): number {
  const { migrationsPerNode, migrationsTotal } = tx.settings;
  let ofNode = migrationsPerNode;
  let inAll = migrationsTotal;
  for (const migration of tx.state.migrations.values()) {
    if (!takesRoom(migration)) continue;
    inAll -= 1;
    if (!isLive(migration)) return 0;
    if (migration.origin === node || migration.destination === node) ofNode -= 1;
  }
  return Math.max(0, Math.min(ofNode, inAll));
}

/** How many more parked shards may go to the node now. */
export function roomToHandOut(tx: Transaction, node: string): number {
  let room = Math.min(MOST_AT_ONCE, roomToPark(tx, node));
  for (const { destination, parked, step } of tx.state.migrations.values()) {
    if (destination === node && parked !== undefined && step.kind !== 'activating') room -= 1;
  }
  return Math.max(0, room);
}

/** An operator parks a shard; its node goes on without. */
export function parkShard(tx: Transaction, request: string, shard: number): void {
  const begun = beginPark(tx, shard, { by: tx.by, request });
  if (begun.ok) return;
  const code = begun.again ? 'DSO_NODE_BUSY' : 'DSO_NOT_PARKED';
  tx.fail(request, code, `Shard ${shard} was not parked: ${begun.reason.replace(/\.$/, '')}.`);
}

/** The node takes the shard and its state. */
export function giveOut(tx: Transaction, shard: number, node: string): void {
  const state = tx.shard(shard);
  if (state?.kind !== 'parked') return;
  const plan = { shard, origin: PARK, destination: node, request: null, operation: null, parked: state.parked };
  beginMigration(tx, plan);
}

/** Whether the node can be given the shard now, as far as the shard is concerned. */
export function mayTakeParked(tx: Transaction, node: NodeState, parked: Parked): boolean {
  if (!isConnected(node) || !can(node, 'live-migration')) return false;
  return tx.now >= anyoneAt(tx.state, parked) || node.joinedAt > parked.since;
}

export function anyoneAt({ settings }: OrchestratorState, parked: Parked): number {
  return Math.min(parked.since + settings.parkWaitForMs, lastCallAt(parked));
}

/** From then on a shard waits for nobody. */
export function lastCallAt({ until }: Parked): number {
  return until - LAST_CALL_MS;
}

/**
 * Whether nobody runs the shard for certain. A run that crashed between the record and RELEASE does not know: its
 * origin may have unfrozen, and is waited for like any node that is away.
 */
export function isLetGo(tx: Transaction, shard: number): boolean {
  const { before } = assignmentOf(tx.state, shard);
  const origin = before?.mayRun === true ? tx.node(before.node) : undefined;
  if (origin === undefined || origin.connection.kind === 'connected') return true;
  if (origin.connection.kind === 'awaitingTotal') return false;
  return origin.connection.gone || origin.connection.since + tx.settings.maxNodeDowntimeMs <= tx.now;
}

/** When its time is over; null: it is not known yet that nobody runs it. */
export function parkedUntil(tx: Transaction, shard: number): number | null {
  const state = tx.shard(shard);
  return state?.kind === 'parked' && isLetGo(tx, shard) ? state.parked.until : null;
}

/** When it may be given out to others than before. */
export function nextCallAt(tx: Transaction, shard: number): number | null {
  const state = tx.shard(shard);
  if (state?.kind !== 'parked') return null;
  const calls = [state.notBefore, anyoneAt(tx.state, state.parked), lastCallAt(state.parked)];
  return calls.find((at) => at > tx.now) ?? null;
}

export function expireParked(tx: Transaction, shard: number): void {
  const state = tx.shard(shard);
  if (state?.kind === 'parked' && isLetGo(tx, shard)) dropParkedState(tx, shard, state.parked, overdue(state.parked));
}
