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
import type { Turn } from '../state/transaction.js';

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
  turn: Turn,
  request: string,
  command: Extract<OperatorCommand, { kind: 'migrateNode' }>,
): void {
  const possible = drainable(turn, command.origin, command.destination);
  if (!possible.ok) {
    turn.reply(request, possible);
    return;
  }
  const { origin, destination, shutdown } = command;
  beginDrain(turn, { origin, destination, shutdown, request, by: turn.by, rollout: false, launch: null });
}

function drainable(turn: Turn, origin: string, destination: string): Checked<string> {
  if (origin === destination) return refused('DSO_SAME_NODE', `Node ${origin} is origin and destination.`);
  for (const id of [origin, destination]) {
    const usable = usableNode(turn.state, id);
    if (!usable.ok) return usable;
  }
  for (const [id, drain] of [
    [origin, drainFrom(turn.state, origin)],
    [origin, drainTo(turn.state, origin)],
    [destination, drainFrom(turn.state, destination)],
  ] as const) {
    if (drain === undefined) continue;
    const text = `Node ${id} is busy: node ${drain.origin} is being drained to ${drain.destination ?? 'a new node'}.`;
    return refused('DSO_NODE_BUSY', text);
  }
  return { ok: true, value: origin };
}

/** @param plan.launch the launch it waits for, when there is no destination yet. */
export function beginDrain(
  turn: Turn,
  plan: Pick<DrainState, 'origin' | 'destination' | 'shutdown' | 'request' | 'by' | 'rollout'> & {
    launch: string | null;
  },
): string {
  const { origin, destination, shutdown, request, by, rollout, launch } = plan;
  const id = turn.nextId('d');
  turn.setDrain({
    id,
    origin,
    destination,
    launched: launch !== null,
    shutdown,
    phase:
      destination === null
        ? { kind: 'awaitingDestination', launch, deadline: turn.now + turn.settings.launchTimeoutMs }
        : MOVING,
    startedAt: turn.now,
    request,
    by,
    rollout,
    cancelled: null,
  });
  for (const shard of turn.shardsOf(origin)) unqueue(turn, shard);
  const where = destination ?? 'a new node';
  const facts = { operation: id, origin, destination, shards: turn.shardsOf(origin) };
  turn.happened('drainStarted', 'info', `Node ${origin} gives its shards to ${where}.`, facts, by);
  return id;
}

/** Takes every drain as far as it goes now. */
export function runDrains(turn: Turn): void {
  readOutcomes(turn);
  // Of an earlier run: its nodes are still on their way back.
  if (turn.state.recalled && turn.state.graceUntil !== null) return;
  for (const { id } of turn.state.drains.values()) {
    const drain = turn.state.drains.get(id);
    if (drain === undefined) continue;
    switch (drain.phase.kind) {
      case 'awaitingDestination':
        awaitDestination(turn, drain, drain.phase);
        break;
      case 'moving':
        move(turn, drain, drain.phase);
        break;
      case 'shuttingDown':
        awaitShutdown(turn, drain);
        break;
    }
  }
}

function awaitDestination(
  turn: Turn,
  drain: DrainState,
  phase: Extract<DrainState['phase'], { kind: 'awaitingDestination' }>,
): void {
  const problem = problemOf(turn, drain.origin);
  const launched = [...turn.state.nodes.values()].find(({ launch }) => launch !== null && launch === phase.launch);
  if (launched !== undefined) {
    turn.setDrain({ ...drain, destination: launched.id, phase: MOVING });
    move(turn, { ...drain, destination: launched.id, phase: MOVING }, MOVING);
  } else if (problem !== null) {
    endDrain(turn, drain, problem);
  } else if (phase.launch === null || !turn.state.launches.has(phase.launch)) {
    endDrain(turn, drain, 'no new node could be started for its shards');
  }
}

/** Why a node can take no further part in a drain; null: it can. */
function problemOf(turn: Turn, id: string): string | null {
  const node = turn.node(id);
  if (!isConnected(node)) return `node ${id} was lost`;
  return isShuttingDown(node) ? `node ${id} is shutting down` : null;
}

function move(turn: Turn, drain: DrainState, phase: Moving): void {
  const { origin, destination } = drain;
  if (destination === null) return;
  const stopped = phase.stopped ?? problemOf(turn, origin) ?? problemOf(turn, destination) ?? heldTooLong(turn, phase);
  const failed = new Set(phase.failed.map(({ shard }) => shard));
  let isHeld = false;
  const waiting = turn.shardsOf(origin).filter((shard) => {
    if (failed.has(shard)) return false;
    const canMove = stopped === null && turn.shard(shard)?.kind === 'running';
    if (!canMove) return true;
    const wait = waitsFor(turn, origin, destination);
    if (wait !== null) {
      isHeld ||= wait === 'budget';
      return true;
    }
    const plan = { shard, origin, destination, request: null, drain: drain.id };
    turn.actingFor(drain.by, () => beginMigration(turn, plan));
    return false;
  });
  const moving = [...turn.state.migrations.values()].filter((migration) => migration.origin === origin);
  const heldSince = isHeld && moving.length === 0 ? (phase.heldSince ?? turn.now) : null;
  if (stopped !== phase.stopped || heldSince !== phase.heldSince || waiting.join() !== phase.waiting.join()) {
    turn.setDrain({ ...drain, phase: { ...phase, waiting, stopped, heldSince } });
  }
  // Those that move to the origin (begun before the drain) are waited for too: they are its shards in a moment.
  for (const migration of turn.state.migrations.values()) {
    if (migration.origin === origin || migration.destination === origin) return;
  }
  if (stopped !== null) endDrain(turn, drain, stopped);
  else if (waiting.length === 0 && !isComingBack(turn, origin)) allMoved(turn, drain, phase);
}

/** Whether a shard whose hand-over broke is about to be given back to the node, with the state that it still has; it is moved again then. */
function isComingBack(turn: Turn, origin: string): boolean {
  const held = turn.node(origin)?.held ?? [];
  return held.some((shard) => {
    const kind = turn.shard(shard)?.kind;
    return kind === 'stopping' || kind === 'starting' || (kind === 'vacant' && !isQuarantined(turn, shard));
  });
}

/** When a drain that the disruption budget holds up gives up; null: it is not held up. */
export function heldUntil(turn: Turn, { phase }: DrainState): number | null {
  if (phase.kind !== 'moving' || phase.heldSince === null) return null;
  return phase.heldSince + turn.settings.budgetTimeoutMs;
}

function heldTooLong(turn: Turn, { heldSince }: Moving): string | null {
  const { budgetTimeoutMs } = turn.settings;
  if (heldSince === null || heldSince + budgetTimeoutMs > turn.now || budgetAllowsMove(turn)) return null;
  return `no shard could be moved for ${budgetTimeoutMs} ms: ${budgetReason(turn)}`;
}

function allMoved(turn: Turn, drain: DrainState, phase: Moving): void {
  if (phase.failed.length > 0) {
    const shards = phase.failed.map(({ shard }) => shard).join(', ');
    endDrain(turn, drain, `could not move shard(s) ${shards} (${phase.failed[0]?.reason ?? 'no reason known'})`);
  } else if (drain.shutdown) {
    turn.setDrain({ ...drain, phase: { kind: 'shuttingDown', moved: phase.moved } });
    turn.actingFor(drain.by, () => beginShutdown(turn, drain.origin, null, false));
  } else {
    endDrain(turn, drain, null);
  }
}

function awaitShutdown(turn: Turn, drain: DrainState): void {
  const node = turn.node(drain.origin);
  if (node === undefined || hasSaidGoodbye(node)) {
    // What it still ends is nobody's business but its own.
    endDrain(turn, drain, null);
  } else if (node.connection.kind === 'disconnected') {
    if (node.connection.gone) endDrain(turn, drain, null);
    else if (node.intent.kind !== 'shuttingDown' || node.intent.deadline <= turn.now) {
      endDrain(turn, drain, `all its shards were moved, but it did not shut down in time`);
    }
  }
}

/** @param failure why it ends before all is done; null: everything that was asked for is done. */
export function endDrain(turn: Turn, drain: DrainState, failure: string | null): void {
  const { id, origin, request, by, cancelled } = drain;
  const destination = drain.destination ?? 'a new node';
  const moved = drain.phase.kind === 'awaitingDestination' ? [] : drain.phase.moved;
  const failed = drain.phase.kind === 'moving' ? drain.phase.failed : [];
  turn.removeDrain(id);
  const ending = drain.shutdown ? ', and the node was shut down' : '';
  const keeps = turn.shardsOf(origin).length;
  const kept = cancelled === null || keeps === 0 ? '' : ` Node ${origin} keeps ${keeps} shard(s).`;
  const rest = `${kept}${cancelled === null ? '' : afterCancel(turn, drain)}`;
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
  turn.happened('drainFinished', failure === null || cancelled !== null ? 'info' : 'warn', text, facts, by);
  operationEnded(turn, { id, kind: 'drain', operation: drain, failure, text });
  if (failure === null) {
    const { shutdown } = drain;
    turn.done(request, text, { operation: id, origin, destination, moved: moved.length, failed: 0, shutdown });
  } else {
    turn.fail(request, cancelled === null ? 'DSO_DRAIN_FAILED' : 'DSO_OPERATION_CANCELLED', text);
  }
  if (drain.rollout) recordReplacement(turn, drain, failure, text);
}

/** A node that was launched for a drain is of no use to anybody else while it is empty. @returns what is said of it. */
function afterCancel(turn: Turn, drain: DrainState): string {
  const { destination, launched, phase } = drain;
  if (phase.kind === 'awaitingDestination' && phase.launch !== null) {
    unwantLaunch(turn, phase.launch);
    return ' The node that is being launched for it is shut down as soon as it is up.';
  }
  if (!launched || destination === null || !retireEmpty(turn, destination)) return '';
  return ` Node ${destination}, which was launched for it and is empty, is shut down again.`;
}

/** The drain was a step of the rollout. */
function recordReplacement(turn: Turn, drain: DrainState, failure: string | null, text: string): void {
  const { rollout } = turn.state;
  if (rollout === null || rollout.drain !== drain.id) return;
  const moved = rollout.moved + (drain.phase.kind === 'awaitingDestination' ? 0 : drain.phase.moved.length);
  const next = { ...rollout, drain: null, moved };
  if (failure === null) {
    turn.patch({ rollout: { ...next, done: [...rollout.done, drain.origin] } });
  } else if (rollout.cancelled !== null) {
    const cancelled = { ...rollout.cancelled, detail: text };
    turn.patch({ rollout: { ...next, waiting: [drain.origin, ...rollout.waiting], cancelled } });
  } else {
    turn.patch({ rollout: { ...next, failed: [...rollout.failed, { node: drain.origin, reason: failure }] } });
  }
}
