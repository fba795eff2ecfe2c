/**
 * Nodes give up all their shards.
 *
 *     awaitingDestination  a node is launched for it; it begins when that node is connected
 *     moving               their shards move to the destination, or to all other open nodes, the one with the fewest
 *                          shards first; as many at once as the limits allow
 *     shuttingDown         all moved, and they were to be shut down; over when they have said goodbye
 *
 * A drain that is cancelled, or whose time is up, begins no further migration and ends when those under way have. What
 * was launched for a drain that ends before it is done, and is still empty, goes again. Meanwhile nothing new is placed
 * on the origins. Which shards are left is read off the state, not kept in a list, so a shard that was still starting,
 * or that an operator moved by hand, is neither missed nor moved twice. If a shard stays behind, no node is shut down
 * and the drain says which and why. One origin of several that is lost holds up none of the others.
 */
import { counted } from '@dshard/protocol';
import { beginLaunch, retireEmpty, unwantLaunch } from '../fleet/launch.js';
import { beginShutdown } from '../fleet/leave.js';
import { isOpen, nextNodeFor } from '../fleet/next-node.js';
import { isQuarantined } from '../shards/quarantine.js';
import { unqueue } from '../shards/start.js';
import { usableNode } from '../state/checks.js';
import { stayingOn } from '../state/hosts.js';
import { drainedBy, hasSaidGoodbye, isConnected, isLeaving, isShuttingDown, keptBy } from '../state/nodes.js';
import type { OperationState } from '../state/operations.js';
import type { NodeState, OrchestratorState } from '../state/state.js';
import { survey } from '../state/survey.js';
import type { Transaction } from '../state/transaction.js';
import { rolloutOf } from '../state/versions.js';
import { kept, named, namedFirst, NOBODY_NAMED, nobodyOn, textOf, to } from './drain-texts.js';
import { beginMove, waitReason, withMove } from './moves.js';
import { beginOperation, endOperation, notStarted } from './operation.js';
import type { Asked, Operation, Progress, Started } from './operation.js';

type Drain = OperationState<'drain'>;

export const DRAIN: Operation<'drain'> = {
  kind: 'drain',
  idPrefix: 'd',
  start(tx, plan, asked) {
    const { host = null } = plan;
    const onHost = stayingOn(tx.state, host);
    if (!onHost.ok) return onHost;
    const [first, ...more] = new Set([...plan.origins, ...onHost.value]);
    if (first === undefined) return host === null ? notStarted('DSO_UNKNOWN_NODE', NOBODY_NAMED) : nobodyOn(host);
    const origins = [first, ...more] as const;
    const refusal = refusalOf(tx, { ...plan, origins });
    if (refusal !== null) return refusal;
    const launch = plan.destination === null && openNodes(tx, origins).length === 0 && hasShards(tx, origins);
    const operation = beginDrain(tx, { ...plan, origins, launch }, asked);
    const message = `Moving the shards of ${named(origins)} to ${to({ ...plan, launch })}.`;
    return { ok: true, operation, message };
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
  /** The disruption budget, or a shard that does not come up, has held it up for too long. `late` is for `step`. */
  overdue(tx, drain) {
    const why = late(tx, drain) === null ? holdsUp(tx.state, drain) : null;
    if (why === null) return;
    const stopped = `no shard could be moved for ${tx.settings.budgetTimeoutMs} ms: ${why}`;
    tx.patchOperation(drain.id, { stopped: drain.stopped ?? stopped, deadline: null });
  },
  status: statusOf,
  cancel({ id, phase, origins }) {
    const nodes = named(origins);
    return phase === 'shuttingDown'
      ? {
          ok: false,
          text: `All shards of ${nodes} are moved and shutting down has begun: there is nothing left to cancel.`,
        }
      : { ok: true, text: `Draining ${nodes} (${id}) is cancelled: no further shard is moved.` };
  },
  end: endDrain,
};

type DrainPlan = {
  origins: Drain['origins'];
  /** null: all other nodes, or the node that is launched for it. */
  destination: string | null;
  /** A node is launched to be the destination. */
  launch: boolean;
  shutdown: boolean;
  /** How long it may take. null: however long that is. */
  deadline: number | null;
};

function refusalOf(tx: Transaction, plan: Omit<DrainPlan, 'launch'>): (Started & { ok: false }) | null {
  const { origins, destination } = plan;
  for (const origin of origins) {
    if (origin === destination) return notStarted('DSO_SAME_NODE', `Node ${origin} is origin and destination.`);
  }
  for (const id of destination === null ? origins : [...origins, destination]) {
    const usable = usableNode(tx.state, id);
    if (!usable.ok) return usable;
  }
  for (const origin of origins) {
    const busy = drainedBy(tx.state, origin) ?? keptBy(tx.state, origin) ?? rolloutOf(tx.state, origin);
    if (busy !== undefined) return isBusy(origin, busy);
  }
  if (destination !== null) {
    const busy = drainedBy(tx.state, destination) ?? rolloutOf(tx.state, destination);
    return busy === undefined ? null : isBusy(destination, busy);
  }
  if (tx.settings.canLaunch || !hasShards(tx, origins) || openNodes(tx, origins).length > 0) return null;
  const shards = counted(
    origins.reduce((sum, origin) => sum + tx.loadOf(origin), 0),
    'shard',
  );
  const text = `No other node can take the ${shards} of ${named(origins)}: none is connected, open and not being drained.`;
  const way = plan.shutdown ? ' To shut down all the same, and lose what the shards have in memory: --now.' : '';
  return notStarted('DSO_NO_FREE_NODE', `${text}${way}`);
}

function isBusy(node: string, { kind, id }: OperationState): Started & { ok: false } {
  return notStarted('DSO_NODE_BUSY', `Node ${node} is busy: ${kind} ${id} is under way.`);
}

function hasShards(tx: Transaction, origins: Drain['origins']): boolean {
  return origins.some((origin) => tx.loadOf(origin) > 0);
}

function openNodes(tx: Transaction, without: readonly string[]): readonly NodeState[] {
  return [...tx.state.nodes.values()].filter((node) => !without.includes(node.id) && isOpen(tx, node));
}

export function beginDrain(tx: Transaction, plan: DrainPlan, asked: Asked): string {
  const { origins, destination, launch, shutdown, deadline } = plan;
  const data = {
    origins,
    destinations: destination === null ? ([] as const) : ([destination] as const),
    launched: launch,
    shutdown,
    until: deadline === null ? null : tx.now + deadline,
    phase: launch ? 'awaitingDestination' : 'moving',
    moved: [],
    failed: [],
    retried: [],
  } as const;
  const shards = origins.flatMap((origin) => tx.shardsOf(origin));
  const verb = origins.length === 1 ? 'gives its' : 'give their';
  const text = `${namedFirst(origins)} ${verb} shards to ${to(plan)}.`;
  const facts = { origin: origins.join(', '), destination, shards };
  const id = beginOperation(tx, DRAIN, asked, data, { text, facts });
  for (const shard of shards) unqueue(tx, shard);
  if (launch) beginLaunch(tx, `${named(origins)} is to be drained`, { operation: id });
  return id;
}

/** What became of its migrations and of its launch since it was run last. */
function withOutcomes(tx: Transaction, drain: Drain): Drain {
  if (drain.outcomes.length === 0) return drain;
  const next = drain.outcomes.reduce<Drain>((known, outcome) => {
    switch (outcome.kind) {
      case 'moved':
      case 'notMoved': {
        const after = withMove(known, outcome);
        if (outcome.kind === 'moved') recordMoved(tx, after);
        return after;
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

function recordMoved(tx: Transaction, drain: Drain): void {
  const { origins, moved } = drain;
  const { waiting } = shardsLeft(tx.state, drain);
  const have = origins.length === 1 ? 'has' : 'have';
  const text = `${namedFirst(origins)} ${have} given up ${counted(moved.length, 'shard')}; ${waiting.length} wait for their turn.`;
  const facts = { moved: moved.length, waiting: waiting.length, failed: drain.failed.length };
  tx.record('operationProgress', 'debug', text, { operation: drain.id, kind: drain.kind, ...facts }, drain.by);
}

function awaitDestination(tx: Transaction, drain: Drain): void {
  const why = drain.stopped ?? late(tx, drain) ?? lostOf(tx, drain);
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

/** Its time is up; null: it is not. */
function late(tx: Transaction, { until, startedAt }: Drain): string | null {
  return until === null || until > tx.now ? null : `its deadline of ${(until - startedAt) / 1000} s has passed`;
}

function problemOfDestination(tx: Transaction, id: string): string | null {
  const node = tx.node(id);
  return problemOf(tx, id) ?? (node !== undefined && isLeaving(node) ? `node ${id} leaves` : null);
}

/** Why no origin is left; null: one is. */
function lostOf(tx: Transaction, { origins }: Drain): string | null {
  const problems = origins.map((origin) => problemOf(tx, origin));
  return problems.includes(null) ? null : problems.join(', ');
}

function move(tx: Transaction, drain: Drain): void {
  const { origins } = drain;
  const [destination] = drain.destinations;
  const noWay = destination === undefined ? null : problemOfDestination(tx, destination);
  const stopped = drain.stopped ?? late(tx, drain) ?? lostOf(tx, drain) ?? noWay;
  const { waiting, isBlocked } = stopped === null ? beginMoves(tx, drain) : leftOf(tx, drain);
  const isMoving = [...tx.state.migrations.values()].some(({ origin }) => origins.includes(origin));
  const deadline = nextDeadline(tx, drain, stopped === null && isBlocked && !isMoving);
  if (stopped !== drain.stopped || deadline !== drain.deadline) tx.patchOperation(drain.id, { stopped, deadline });
  // A migration that broke at once: it is heard of first.
  if (tx.state.operations.get(drain.id)?.outcomes.length !== 0) return;
  // Those that move to an origin (begun before the drain) are waited for too: they are its shards in a moment.
  for (const migration of tx.state.migrations.values()) {
    if (origins.includes(migration.origin) || origins.includes(migration.destination)) return;
  }
  if (stopped !== null) endDrain(tx, { ...drain, stopped }, stopped);
  else if (waiting === 0 && !origins.some((origin) => isComingBack(tx, origin))) allMoved(tx, drain);
}

/** When its time is up, or when it has been held up for too long, whichever comes first. */
function nextDeadline(tx: Transaction, { deadline, until, stopped }: Drain, isHeldUp: boolean): number | null {
  if (stopped !== null) return null;
  const since = deadline === until ? null : deadline;
  const patience = isHeldUp ? (since ?? tx.now + tx.settings.budgetTimeoutMs) : null;
  if (until === null || patience === null) return until ?? patience;
  return Math.min(until, patience);
}

/**
 * @returns how many shards wait for their turn, and whether they wait for the disruption budget, for room, or to come
 * up: a shard moves when it is up.
 */
function beginMoves(tx: Transaction, drain: Drain): { waiting: number; isBlocked: boolean } {
  const [destination] = drain.destinations;
  // A full look at all nodes for each shard: none once nothing can move from a node now.
  const isFull = new Set<string>();
  const open = destination === undefined ? openNodes(tx, drain.origins) : [];
  let isBlocked = false;
  const waiting = shardsLeft(tx.state, drain).waiting.filter((shard) => {
    const state = tx.shard(shard);
    if (state?.kind !== 'running' || isFull.has(state.node)) return true;
    const { node: origin } = state;
    let looked = false;
    const began = beginMove(tx, drain, shard, () => {
      looked = true;
      return destination ?? nextNodeFor(tx, shard, open);
    });
    if (began === 'blocked') isBlocked = true;
    if (began !== 'begun' && looked) isFull.add(origin);
    return began !== 'begun';
  });
  return { waiting: waiting.length, isBlocked };
}

/** Why none of its shards is moved now; null: some could be. */
function holdsUp(state: OrchestratorState, drain: Drain): string | null {
  const { waiting } = shardsLeft(state, drain);
  const why = waitReason(state, waiting);
  if (why !== null || drain.destinations.length > 0 || waiting.length === 0) return why;
  return drain.deadline === drain.until ? null : 'no other node has room for them (see maxShardsPerNode)';
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
  const lost = drain.origins.flatMap((origin) => problemOf(tx, origin) ?? []);
  if (first !== undefined) {
    const shards = drain.failed.map(({ shard }) => shard).join(', ');
    endDrain(tx, drain, `could not move shard(s) ${shards} (${first.reason})`);
  } else if (lost.length > 0) {
    endDrain(tx, drain, lost.join(', '));
  } else if (drain.shutdown) {
    tx.setOperation({ ...drain, phase: 'shuttingDown', deadline: null });
    for (const origin of drain.origins) tx.actingFor(drain.by, () => beginShutdown(tx, origin, null, false));
  } else {
    endDrain(tx, drain, null);
  }
}

function awaitShutdown(tx: Transaction, drain: Drain): void {
  const ends = drain.origins.map((origin) => endOfNode(tx, origin));
  if (ends.includes('awaited')) return;
  const late = drain.origins.filter((_, index) => ends[index] === 'late');
  endDrain(
    tx,
    drain,
    late.length === 0 ? null : `all its shards were moved, but ${named(late)} did not shut down in time`,
  );
}

function endOfNode(tx: Transaction, id: string): 'ended' | 'awaited' | 'late' {
  const node = tx.node(id);
  // What it still ends is nobody's business but its own.
  if (node === undefined || hasSaidGoodbye(node)) return 'ended';
  if (node.connection.kind !== 'disconnected') return 'awaited';
  if (node.connection.gone) return 'ended';
  return node.intent.kind !== 'shuttingDown' || node.intent.deadline <= tx.now ? 'late' : 'awaited';
}

function endDrain(tx: Transaction, drain: Drain, failure: string | null): void {
  const { origins, cancelled, failed, shutdown, launched } = drain;
  const [destination = null] = drain.destinations;
  const moved = drain.moved.length;
  // Its nodes are nobody's from here on.
  tx.removeOperation(drain.id);
  const where = to({ destination, launch: launched });
  const ending = !shutdown ? '' : `, and the ${origins.length === 1 ? 'node was' : 'nodes were'} shut down`;
  const text =
    failure === null
      ? `Moved ${counted(moved, 'shard')} from ${named(origins)} to ${where}${ending}.`
      : `Draining ${named(origins)} to ${where} stopped after ${counted(moved, 'shard')}: ${failure}.`;
  const isStopped = cancelled !== null || (drain.until !== null && drain.until <= tx.now);
  const rest = failure === null ? '' : `${isStopped ? kept(tx, origins) : ''}${ofNoUse(tx, drain)}`;
  const origin = origins.join(', ');
  const facts = { origin, destination, moved: drain.moved, failed: failed.map(({ shard }) => shard) };
  const figures = { origin, destination, shutdown, moved, failed: failed.length };
  endOperation(tx, drain, failure, { text: `${text}${rest}`, figures, facts });
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

/** The shards of its origins that are on their way, and those that are still to go. */
function shardsLeft(state: OrchestratorState, { origins, failed }: Drain): { moving: number[]; waiting: number[] } {
  const moving = [...state.migrations.values()].flatMap((each) => (origins.includes(each.origin) ? [each.shard] : []));
  const stay = new Set(failed.map(({ shard }) => shard));
  const { byNode } = survey(state.shards);
  const there = origins.filter((origin) => origins.length === 1 || isConnected(state.nodes.get(origin)));
  const waiting = there.flatMap((origin) => byNode.get(origin) ?? []).filter((shard) => !stay.has(shard));
  return { moving, waiting };
}

function statusOf(state: OrchestratorState, drain: Drain): Progress {
  const [destination = null] = drain.destinations;
  const { failed } = drain;
  const { moving, waiting } = shardsLeft(state, drain);
  const total = drain.moved.length + failed.length + moving.length + waiting.length;
  const isHeldUp = drain.deadline !== drain.until && drain.deadline !== null && drain.cancelled === null;
  return {
    text: textOf(drain, total),
    waitsFor: isHeldUp ? holdsUp(state, drain) : null,
    origin: drain.origins.join(', '),
    destination,
    shards: { moved: drain.moved.length, total, moving, waiting },
    failed,
    nodes: null,
  };
}
