/**
 * A node gives up all its shards.
 *
 *     awaitingDestination  a node is launched for it; it begins when that node is connected
 *     moving               its shards move to the destination, as many at once as the limits allow
 *     shuttingDown         all moved, and it was to be shut down; over when it has said goodbye
 *
 * A cancelled drain begins no further migration and ends when those under way have. What was launched for a drain that
 * ends before it is done, and is still empty, goes again. Meanwhile nothing new is placed on the origin. Which shards
 * are left is read off the state, not kept in a list, so a shard that was still starting, or that an operator moved by
 * hand, is neither missed nor moved twice. A migration that fails is tried once more; if a shard stays behind, the node
 * is not shut down and the drain says which and why.
 */
import { counted } from '@dshard/protocol';
import { beginLaunch, retireEmpty, unwantLaunch } from '../fleet/launch.js';
import { beginShutdown } from '../fleet/leave.js';
import { budgetHolds, budgetReason, waitsFor } from '../migration/limits.js';
import { beginMigration } from '../migration/steps.js';
import { isUp } from '../shards/condition.js';
import { isQuarantined } from '../shards/quarantine.js';
import { unqueue } from '../shards/start.js';
import { beginStop } from '../shards/stop.js';
import { usableNode } from '../state/checks.js';
import { drainedBy, hasSaidGoodbye, isConnected, isLeaving, isShuttingDown, keptBy } from '../state/nodes.js';
import type { OperationState } from '../state/operations.js';
import type { OrchestratorState } from '../state/state.js';
import { survey } from '../state/survey.js';
import type { Transaction } from '../state/transaction.js';
import { beginOperation, endOperation, notStarted } from './operation.js';
import type { Asked, Operation, Progress, Started } from './operation.js';

type Drain = OperationState<'drain'>;

export const DRAIN: Operation<'drain'> = {
  kind: 'drain',
  idPrefix: 'd',
  start(tx, { origin, destination, shutdown }, asked) {
    const refusal = refusalOf(tx, origin, destination);
    if (refusal !== null) return refusal;
    const operation = beginDrain(tx, { origin, destination, shutdown }, asked);
    return { ok: true, operation, message: `Moving the shards of node ${origin} to node ${destination}.` };
  },
  step(tx, given) {
    const drain = withOutcomes(tx, given);
    switch (drain.phase) {
      case 'awaitingDestination':
        awaitDestination(tx, drain);
        break;
      case 'moving':
        move(tx, drain);
        break;
      case 'shuttingDown':
        awaitShutdown(tx, drain);
        break;
    }
  },
  /** The disruption budget, or a shard that does not come up, has held it up for too long. */
  overdue(tx, drain) {
    const why = waitReason(tx.state, drain);
    if (why === null) return;
    const stopped = `no shard could be moved for ${tx.settings.budgetTimeoutMs} ms: ${why}`;
    tx.patchOperation(drain.id, { stopped: drain.stopped ?? stopped, deadline: null });
  },
  status: statusOf,
  cancel({ id, phase, origins: [origin] }) {
    return phase === 'shuttingDown'
      ? {
          ok: false,
          text: `All shards of node ${origin} are moved and it is shutting down: there is nothing left to cancel.`,
        }
      : { ok: true, text: `Draining node ${origin} (${id}) is cancelled: no further shard is moved.` };
  },
  end: endDrain,
};

function refusalOf(tx: Transaction, origin: string, destination: string): (Started & { ok: false }) | null {
  if (origin === destination) return notStarted('DSO_SAME_NODE', `Node ${origin} is origin and destination.`);
  for (const id of [origin, destination]) {
    const usable = usableNode(tx.state, id);
    if (!usable.ok) return usable;
  }
  for (const [id, busy] of [
    [origin, drainedBy(tx.state, origin) ?? keptBy(tx.state, origin)],
    [destination, drainedBy(tx.state, destination)],
  ] as const) {
    if (busy !== undefined)
      return notStarted('DSO_NODE_BUSY', `Node ${id} is busy: ${busy.kind} ${busy.id} is under way.`);
  }
  return null;
}

/** @param plan.destination null: a node is launched for it. */
export function beginDrain(
  tx: Transaction,
  { origin, destination, shutdown }: { origin: string; destination: string | null; shutdown: boolean },
  asked: Asked,
): string {
  const id = beginOperation(
    tx,
    DRAIN,
    asked,
    {
      origins: [origin],
      destinations: destination === null ? [] : [destination],
      launched: destination === null,
      shutdown,
      phase: destination === null ? 'awaitingDestination' : 'moving',
      moved: [],
      failed: [],
      retried: [],
    },
    {
      text: `Node ${origin} gives its shards to ${destination ?? 'a new node'}.`,
      facts: { origin, destination, shards: tx.shardsOf(origin) },
    },
  );
  for (const shard of tx.shardsOf(origin)) unqueue(tx, shard);
  if (destination === null) beginLaunch(tx, `node ${origin} is to be drained`, { operation: id });
  return id;
}

/** What became of its migrations and of its launch since it was run last. */
function withOutcomes(tx: Transaction, drain: Drain): Drain {
  if (drain.outcomes.length === 0) return drain;
  const next = drain.outcomes.reduce<Drain>((known, outcome) => {
    switch (outcome.kind) {
      case 'moved':
        return moved(tx, { ...known, moved: [...known.moved, outcome.shard] });
      case 'notMoved': {
        const { shard, reason } = outcome;
        if (!known.retried.includes(shard)) return { ...known, retried: [...known.retried, shard] };
        return { ...known, failed: [...known.failed, { shard, reason }] };
      }
      case 'launched':
        return { ...known, destinations: [outcome.node], phase: 'moving' };
      case 'notLaunched':
        return { ...known, stopped: known.stopped ?? 'no new node could be started for its shards' };
      case 'ended':
        return known;
    }
  }, drain);
  const taken = { ...next, outcomes: [] };
  tx.setOperation(taken);
  return taken;
}

function moved(tx: Transaction, drain: Drain): Drain {
  const [origin] = drain.origins;
  const { waiting } = shardsLeft(tx.state, drain);
  const text = `Node ${origin} has given up ${counted(drain.moved.length, 'shard')}; ${waiting.length} wait for their turn.`;
  const facts = { moved: drain.moved.length, waiting: waiting.length, failed: drain.failed.length };
  tx.record('operationProgress', 'debug', text, { operation: drain.id, kind: drain.kind, ...facts }, drain.by);
  return drain;
}

function awaitDestination(tx: Transaction, drain: Drain): void {
  const why = problemOf(tx, drain.origins[0]) ?? drain.stopped;
  if (why !== null) endDrain(tx, drain, why);
  else if (isAwaited(tx, drain)) return;
  // An earlier run of the orchestrator launched the node. What it is a step of begins anew, with that node if it came
  // up.
  else if (drain.parent !== null) tx.removeOperation(drain.id);
  else endDrain(tx, drain, 'the orchestrator was restarted before the new node for its shards was up');
}

function isAwaited(tx: Transaction, { id }: Drain): boolean {
  return [...tx.state.launches.values()].some(({ operation }) => operation === id);
}

/** Why a node can take no further part in a drain; null: it can. */
function problemOf(tx: Transaction, id: string): string | null {
  const node = tx.node(id);
  if (!isConnected(node)) return `node ${id} was lost`;
  return isShuttingDown(node) ? `node ${id} is shutting down` : null;
}

function problemOfDestination(tx: Transaction, id: string): string | null {
  const node = tx.node(id);
  return problemOf(tx, id) ?? (node !== undefined && isLeaving(node) ? `node ${id} leaves` : null);
}

function move(tx: Transaction, drain: Drain): void {
  const [origin] = drain.origins;
  const [destination] = drain.destinations;
  if (destination === undefined) return;
  const stopped = drain.stopped ?? problemOf(tx, origin) ?? problemOfDestination(tx, destination);
  const { waiting, isBlocked } = stopped === null ? beginMoves(tx, drain, destination) : leftOf(tx, drain);
  const isMoving = [...tx.state.migrations.values()].some((migration) => migration.origin === origin);
  const deadline = isBlocked && !isMoving ? (drain.deadline ?? tx.now + tx.settings.budgetTimeoutMs) : null;
  if (stopped !== drain.stopped || deadline !== drain.deadline) tx.patchOperation(drain.id, { stopped, deadline });
  // A migration that broke at once: it is heard of first.
  if (tx.state.operations.get(drain.id)?.outcomes.length !== 0) return;
  // Those that move to the origin (begun before the drain) are waited for too: they are its shards in a moment.
  for (const migration of tx.state.migrations.values()) {
    if (migration.origin === origin || migration.destination === origin) return;
  }
  if (stopped !== null) endDrain(tx, { ...drain, stopped }, stopped);
  else if (waiting === 0 && !isComingBack(tx, origin)) allMoved(tx, drain);
}

/**
 * @returns how many shards wait for their turn, and whether they wait for the disruption budget, or to come up: a shard
 * moves when it is up.
 */
function beginMoves(tx: Transaction, drain: Drain, destination: string): { waiting: number; isBlocked: boolean } {
  const [origin] = drain.origins;
  let isBlocked = false;
  const waiting = shardsLeft(tx.state, drain).waiting.filter((shard) => {
    if (tx.shard(shard)?.kind !== 'running') return true;
    if (isRefused(tx, shard)) {
      startElsewhere(tx, drain, shard);
      return true;
    }
    if (!isUp(tx.state, shard)) {
      isBlocked = true;
      return true;
    }
    const wait = waitsFor(tx, origin, destination);
    if (wait !== null) {
      isBlocked ||= wait === 'budget';
      return true;
    }
    const plan = { shard, origin, destination, request: null, operation: drain.id };
    tx.actingFor(drain.by, () => beginMigration(tx, plan));
    return false;
  });
  return { waiting: waiting.length, isBlocked };
}

function isRefused(tx: Transaction, shard: number): boolean {
  const state = tx.shard(shard);
  return state?.kind === 'running' && (state.link?.refused ?? null) !== null;
}

/** Discord does not want the shard from this node: there is no session to move, and nothing to wait for. */
function startElsewhere(tx: Transaction, drain: Drain, shard: number): void {
  const [origin] = drain.origins;
  tx.actingFor(drain.by, () => beginStop(tx, shard, origin, null, null));
  const text = `Discord refuses shard ${shard} on node ${origin}: the shard is stopped there, and started elsewhere.`;
  tx.record(
    'operationProgress',
    'info',
    text,
    { operation: drain.id, kind: drain.kind, shard, node: origin },
    drain.by,
  );
}

/** Why none of its shards is moved now; null: some could be. */
function waitReason(state: OrchestratorState, drain: Drain): string | null {
  const down = shardsLeft(state, drain).waiting.filter((shard) => !isUp(state, shard));
  if (down.length > 0) return `a shard is moved when it is up, and these are not: ${down.join(', ')}`;
  return budgetHolds(state) ? budgetReason(state) : null;
}

function leftOf(tx: Transaction, drain: Drain): { waiting: number; isBlocked: boolean } {
  return { waiting: shardsLeft(tx.state, drain).waiting.length, isBlocked: false };
}

/** Whether a shard whose migration broke is about to be given back to the node; it is moved again then. */
function isComingBack(tx: Transaction, origin: string): boolean {
  const held = tx.node(origin)?.retained ?? [];
  return held.some((shard) => {
    const kind = tx.shard(shard)?.kind;
    return kind === 'stopping' || kind === 'starting' || (kind === 'vacant' && !isQuarantined(tx, shard));
  });
}

function allMoved(tx: Transaction, drain: Drain): void {
  const [first] = drain.failed;
  if (first !== undefined) {
    const shards = drain.failed.map(({ shard }) => shard).join(', ');
    endDrain(tx, drain, `could not move shard(s) ${shards} (${first.reason})`);
  } else if (drain.shutdown) {
    tx.setOperation({ ...drain, phase: 'shuttingDown' });
    tx.actingFor(drain.by, () => beginShutdown(tx, drain.origins[0], null, false));
  } else {
    endDrain(tx, drain, null);
  }
}

function awaitShutdown(tx: Transaction, drain: Drain): void {
  const node = tx.node(drain.origins[0]);
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

function endDrain(tx: Transaction, drain: Drain, failure: string | null): void {
  const [origin] = drain.origins;
  const [destination = null] = drain.destinations;
  const to = destination ?? 'a new node';
  const { cancelled, failed, shutdown } = drain;
  const moved = drain.moved.length;
  // Its nodes are nobody's from here on.
  tx.removeOperation(drain.id);
  const ending = shutdown ? ', and the node was shut down' : '';
  const text =
    failure === null
      ? `Moved ${counted(moved, 'shard')} from node ${origin} to node ${to}${ending}.`
      : `Draining node ${origin} to ${to} stopped after ${counted(moved, 'shard')}: ${failure}.`;
  const keeps = cancelled === null ? '' : kept(tx, origin);
  const rest = failure === null ? '' : `${keeps}${ofNoUse(tx, drain)}`;
  const facts = { origin, destination, moved: drain.moved, failed: failed.map(({ shard }) => shard) };
  const figures = { origin, destination, shutdown, moved, failed: failed.length };
  endOperation(tx, drain, failure, { text: `${text}${rest}`, figures, facts });
}

function kept(tx: Transaction, origin: string): string {
  const { length } = tx.shardsOf(origin);
  return length === 0 ? '' : ` Node ${origin} keeps ${counted(length, 'shard')}.`;
}

/** A node that was launched for a drain is of no use to anybody else while it is empty. @returns what is said of it. */
function ofNoUse(tx: Transaction, { id, launched, destinations: [destination] }: Drain): string {
  if (!launched) return '';
  if (destination === undefined) {
    unwantLaunch(tx, id);
    return ' The node that is being launched for it is shut down as soon as it is up.';
  }
  return retireEmpty(tx, destination)
    ? ` Node ${destination}, which was launched for it and is empty, is shut down again.`
    : '';
}

/** The shards of its origin that are on their way, and those that are still to go. */
function shardsLeft(
  state: OrchestratorState,
  { origins: [origin], failed }: Drain,
): { moving: number[]; waiting: number[] } {
  const moving = [...state.migrations.values()].flatMap((each) => (each.origin === origin ? [each.shard] : []));
  const stay = new Set(failed.map(({ shard }) => shard));
  const waiting = (survey(state.shards).byNode.get(origin) ?? []).filter((shard) => !stay.has(shard));
  return { moving, waiting };
}

function statusOf(state: OrchestratorState, drain: Drain): Progress {
  const [origin] = drain.origins;
  const [destination = null] = drain.destinations;
  const { failed } = drain;
  const { moving, waiting } = shardsLeft(state, drain);
  const total = drain.moved.length + failed.length + moving.length + waiting.length;
  const blocked = drain.deadline !== null && drain.cancelled === null ? waitReason(state, drain) : null;
  return {
    text: textOf(drain, total),
    waitsFor: blocked,
    origin,
    destination,
    shards: { moved: drain.moved.length, total, moving, waiting },
    failed,
    nodes: null,
  };
}

function textOf(
  { origins: [origin], destinations: [destination], phase, cancelled, moved }: Drain,
  total: number,
): string {
  if (cancelled !== null) return `Cancelled by ${cancelled.by}; waiting for the migrations under way.`;
  switch (phase) {
    case 'awaitingDestination':
      return `Waiting for a node to take the shards of ${origin}.`;
    case 'moving':
      return `Moving the shards of ${origin} to ${destination ?? 'a new node'}: ${moved.length} of ${total} moved.`;
    case 'shuttingDown':
      return `${origin} has given up ${counted(moved.length, 'shard')}, and is shutting down.`;
  }
}
