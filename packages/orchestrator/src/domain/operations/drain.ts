/**
 * A node gives up all its shards.
 *
 *     awaitingDestination  a node was launched for it; it begins when that node is connected
 *     moving               its shards move to the destination, as many at once as the limits allow
 *     shuttingDown         all moved, and it was to be shut down; over when it has said goodbye
 *
 * A cancelled one begins no further move and ends when those under way have; what was launched for it and is still empty goes again.
 * Meanwhile nothing new is placed on the origin. Which shards are left is read off the state, not kept in a list, so a shard that was
 * still starting, or that an operator moved by hand, is neither missed nor moved twice. A move that fails is tried once more; if a
 * shard stays behind, the node is not shut down and the drain says which and why.
 */
import { type Checked, refused, usableNode } from '../state/checks.js';
import type { OperatorCommand } from '../state/commands.js';
import { budgetAllowsMove, budgetReason } from '../migration/disruption.js';
import { waitsFor } from '../migration/limits.js';
import { beginMigration } from '../migration/steps.js';
import { retireEmpty, unwantLaunch } from '../fleet/retire.js';
import { readOutcomes } from './drain-record.js';
import { operationEnded } from './ended.js';
import { drainFrom, drainTo, hasSaidGoodbye, isConnected, isShuttingDown } from '../state/nodes.js';
import { isQuarantined } from '../shards/quarantine.js';
import { unqueue } from '../shards/start.js';
import { beginShutdown } from '../fleet/leave.js';
import type { DrainState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';

type Moving = Extract<DrainState['phase'], { kind: 'moving' }>;

/** As a drain begins to move. */
const MOVING: Moving = {
  kind: 'moving',
  waiting: [],
  moved: [],
  failed: [],
  retried: [],
  stopped: null,
  heldSince: null,
};

export function migrateNode(
  tx: Transaction,
  request: string,
  command: Extract<OperatorCommand, { kind: 'migrateNode' }>,
): void {
  const possible = drainable(tx, command.origin, command.destination);
  if (!possible.ok) {
    tx.reply(request, possible);
    return;
  }
  const { origin, destination, shutdown } = command;
  beginDrain(tx, { origin, destination, shutdown, request, by: tx.by, rollout: false, launch: null });
}

function drainable(tx: Transaction, origin: string, destination: string): Checked<string> {
  if (origin === destination) return refused('DSO_SAME_NODE', `Node ${origin} is origin and destination.`);
  for (const id of [origin, destination]) {
    const usable = usableNode(tx.state, id);
    if (!usable.ok) return usable;
  }
  for (const [id, drain] of [
    [origin, drainFrom(tx.state, origin)],
    [origin, drainTo(tx.state, origin)],
    [destination, drainFrom(tx.state, destination)],
  ] as const) {
    if (drain === undefined) continue;
    const text = `Node ${id} is busy: node ${drain.origin} is being drained to ${drain.destination ?? 'a new node'}.`;
    return refused('DSO_NODE_BUSY', text);
  }
  return { ok: true, value: origin };
}

/** @param plan.launch the launch it waits for, when there is no destination yet. */
export function beginDrain(
  tx: Transaction,
  plan: Pick<DrainState, 'origin' | 'destination' | 'shutdown' | 'request' | 'by' | 'rollout'> & {
    launch: string | null;
  },
): string {
  const { origin, destination, shutdown, request, by, rollout, launch } = plan;
  const id = tx.nextId('d');
  tx.setDrain({
    id,
    origin,
    destination,
    launched: launch !== null,
    shutdown,
    phase:
      destination === null
        ? { kind: 'awaitingDestination', launch, deadline: tx.now + tx.settings.launchTimeoutMs }
        : MOVING,
    startedAt: tx.now,
    request,
    by,
    rollout,
    cancelled: null,
  });
  for (const shard of tx.shardsOf(origin)) unqueue(tx, shard);
  const where = destination ?? 'a new node';
  const facts = { operation: id, origin, destination, shards: tx.shardsOf(origin) };
  tx.record('drainStarted', 'info', `Node ${origin} gives its shards to ${where}.`, facts, by);
  return id;
}

/** Takes every drain as far as it goes now. */
export function runDrains(tx: Transaction): void {
  readOutcomes(tx);
  // Of an earlier run: its nodes are still on their way back.
  if (tx.state.recalled && tx.state.graceUntil !== null) return;
  for (const { id } of tx.state.drains.values()) {
    const drain = tx.state.drains.get(id);
    if (drain === undefined) continue;
    switch (drain.phase.kind) {
      case 'awaitingDestination':
        awaitDestination(tx, drain, drain.phase);
        break;
      case 'moving':
        move(tx, drain, drain.phase);
        break;
      case 'shuttingDown':
        awaitShutdown(tx, drain);
        break;
    }
  }
}

function awaitDestination(
  tx: Transaction,
  drain: DrainState,
  phase: Extract<DrainState['phase'], { kind: 'awaitingDestination' }>,
): void {
  const problem = problemOf(tx, drain.origin);
  const launched = [...tx.state.nodes.values()].find(({ launch }) => launch !== null && launch === phase.launch);
  if (launched !== undefined) {
    tx.setDrain({ ...drain, destination: launched.id, phase: MOVING });
    move(tx, { ...drain, destination: launched.id, phase: MOVING }, MOVING);
  } else if (problem !== null) {
    endDrain(tx, drain, problem);
  } else if (phase.launch === null || !tx.state.launches.has(phase.launch)) {
    endDrain(tx, drain, 'no new node could be started for its shards');
  }
}

/** Why a node can take no further part in a drain; null: it can. */
function problemOf(tx: Transaction, id: string): string | null {
  const node = tx.node(id);
  if (!isConnected(node)) return `node ${id} was lost`;
  return isShuttingDown(node) ? `node ${id} is shutting down` : null;
}

function move(tx: Transaction, drain: DrainState, phase: Moving): void {
  const { origin, destination } = drain;
  if (destination === null) return;
  const stopped = phase.stopped ?? problemOf(tx, origin) ?? problemOf(tx, destination) ?? heldTooLong(tx, phase);
  const failed = new Set(phase.failed.map(({ shard }) => shard));
  let isHeld = false;
  const waiting = tx.shardsOf(origin).filter((shard) => {
    if (failed.has(shard)) return false;
    const canMove = stopped === null && tx.shard(shard)?.kind === 'running';
    if (!canMove) return true;
    const wait = waitsFor(tx, origin, destination);
    if (wait !== null) {
      isHeld ||= wait === 'budget';
      return true;
    }
    const plan = { shard, origin, destination, request: null, drain: drain.id };
    tx.actingFor(drain.by, () => beginMigration(tx, plan));
    return false;
  });
  const moving = [...tx.state.migrations.values()].filter((migration) => migration.origin === origin);
  const heldSince = isHeld && moving.length === 0 ? (phase.heldSince ?? tx.now) : null;
  if (stopped !== phase.stopped || heldSince !== phase.heldSince || waiting.join() !== phase.waiting.join()) {
    tx.setDrain({ ...drain, phase: { ...phase, waiting, stopped, heldSince } });
  }
  // Those that move to the origin (begun before the drain) are waited for too: they are its shards in a moment.
  for (const migration of tx.state.migrations.values()) {
    if (migration.origin === origin || migration.destination === origin) return;
  }
  if (stopped !== null) endDrain(tx, drain, stopped);
  else if (waiting.length === 0 && !isComingBack(tx, origin)) allMoved(tx, drain, phase);
}

/** Whether a shard whose hand-over broke is about to be given back to the node, with the state that it still has; it is moved again then. */
function isComingBack(tx: Transaction, origin: string): boolean {
  const held = tx.node(origin)?.retained ?? [];
  return held.some((shard) => {
    const kind = tx.shard(shard)?.kind;
    return kind === 'stopping' || kind === 'starting' || (kind === 'vacant' && !isQuarantined(tx, shard));
  });
}

/** When a drain that the disruption budget holds up gives up; null: it is not held up. */
export function heldUntil(tx: Transaction, { phase }: DrainState): number | null {
  if (phase.kind !== 'moving' || phase.heldSince === null) return null;
  return phase.heldSince + tx.settings.budgetTimeoutMs;
}

function heldTooLong(tx: Transaction, { heldSince }: Moving): string | null {
  const { budgetTimeoutMs } = tx.settings;
  if (heldSince === null || heldSince + budgetTimeoutMs > tx.now || budgetAllowsMove(tx)) return null;
  return `no shard could be moved for ${budgetTimeoutMs} ms: ${budgetReason(tx)}`;
}

function allMoved(tx: Transaction, drain: DrainState, phase: Moving): void {
  if (phase.failed.length > 0) {
    const shards = phase.failed.map(({ shard }) => shard).join(', ');
    endDrain(tx, drain, `could not move shard(s) ${shards} (${phase.failed[0]?.reason ?? 'no reason known'})`);
  } else if (drain.shutdown) {
    tx.setDrain({ ...drain, phase: { kind: 'shuttingDown', moved: phase.moved } });
    tx.actingFor(drain.by, () => beginShutdown(tx, drain.origin, null, false));
  } else {
    endDrain(tx, drain, null);
  }
}

function awaitShutdown(tx: Transaction, drain: DrainState): void {
  const node = tx.node(drain.origin);
  if (node === undefined || hasSaidGoodbye(node)) {
    // What it still ends is nobody's business but its own.
    endDrain(tx, drain, null);
  } else if (node.connection.kind === 'disconnected') {
    if (node.connection.gone) endDrain(tx, drain, null);
    else if (node.intent.kind !== 'shuttingDown' || node.intent.deadline <= tx.now) {
      endDrain(tx, drain, `all its shards were moved, but it did not shut down in time`);
    }
  }
}

/** @param failure why it ends before all is done; null: everything that was asked for is done. */
export function endDrain(tx: Transaction, drain: DrainState, failure: string | null): void {
  const { id, origin, request, by, cancelled } = drain;
  const destination = drain.destination ?? 'a new node';
  const moved = drain.phase.kind === 'awaitingDestination' ? [] : drain.phase.moved;
  const failed = drain.phase.kind === 'moving' ? drain.phase.failed : [];
  tx.removeDrain(id);
  const ending = drain.shutdown ? ', and the node was shut down' : '';
  const keeps = tx.shardsOf(origin).length;
  const kept = cancelled === null || keeps === 0 ? '' : ` Node ${origin} keeps ${keeps} shard(s).`;
  const rest = `${kept}${cancelled === null ? '' : afterCancel(tx, drain)}`;
  const text =
    failure === null
      ? `Moved ${moved.length} shard(s) from node ${origin} to node ${destination}${ending}.`
      : `Draining node ${origin} to ${destination} stopped after ${moved.length} shard(s): ${failure}.${rest}`;
  const facts = {
    operation: id,
    origin,
    destination: drain.destination,
    ok: failure === null,
    moved,
    failed: failed.map(({ shard }) => shard),
  };
  tx.record('drainFinished', failure === null || cancelled !== null ? 'info' : 'warn', text, facts, by);
  operationEnded(tx, { id, kind: 'drain', operation: drain, failure, text });
  if (failure === null) {
    const { shutdown } = drain;
    tx.done(request, text, { operation: id, origin, destination, moved: moved.length, failed: 0, shutdown });
  } else {
    tx.fail(request, cancelled === null ? 'DSO_DRAIN_FAILED' : 'DSO_OPERATION_CANCELLED', text);
  }
  if (drain.rollout) recordReplacement(tx, drain, failure, text);
}

/** A node that was launched for a drain is of no use to anybody else while it is empty. @returns what is said of it. */
function afterCancel(tx: Transaction, drain: DrainState): string {
  const { destination, launched, phase } = drain;
  if (phase.kind === 'awaitingDestination' && phase.launch !== null) {
    unwantLaunch(tx, phase.launch);
    return ' The node that is being launched for it is shut down as soon as it is up.';
  }
  if (!launched || destination === null || !retireEmpty(tx, destination)) return '';
  return ` Node ${destination}, which was launched for it and is empty, is shut down again.`;
}

/** The drain was a step of the rollout. */
function recordReplacement(tx: Transaction, drain: DrainState, failure: string | null, text: string): void {
  const { rollout } = tx.state;
  if (rollout === null || rollout.drain !== drain.id) return;
  const moved = rollout.moved + (drain.phase.kind === 'awaitingDestination' ? 0 : drain.phase.moved.length);
  const next = { ...rollout, drain: null, moved };
  if (failure === null) {
    tx.patch({ rollout: { ...next, done: [...rollout.done, drain.origin] } });
  } else if (rollout.cancelled !== null) {
    const cancelled = { ...rollout.cancelled, detail: text };
    tx.patch({ rollout: { ...next, waiting: [drain.origin, ...rollout.waiting], cancelled } });
  } else {
    tx.patch({ rollout: { ...next, failed: [...rollout.failed, { node: drain.origin, reason: failure }] } });
  }
}
