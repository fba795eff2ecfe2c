/**
 * More or fewer nodes are kept up. How many is remembered, also by the next run of the orchestrator (until the
 * configuration says another number than it did).
 *
 *     launching   the launcher brings the missing nodes up
 *     spreading   they get their share: a rebalance is a step of it
 *     draining    so many launched nodes are drained and shut down, those with the fewest shards first
 *
 * Nodes of other launchers count, and are left alone: they are not ours to end. Cancelled, or unable to empty the
 * leaving nodes, as many nodes stay as there are.
 */
import { counted } from '@dshard/protocol';
import { budgetReason, disruptionOf } from '../migration/limits.js';
import { isConnected, isShuttingDown } from '../state/nodes.js';
import type { OperationState } from '../state/operations.js';
import type { NodeState, OrchestratorState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { beginDrain } from './drain.js';
import { beginOperation, endOperation, notStarted } from './operation.js';
import type { Asked, Operation, Progress, Started } from './operation.js';
import { beginRebalance, keptFrom } from './rebalance.js';

type Scale = OperationState<'scale'>;

export const SCALE: Operation<'scale'> = {
  kind: 'scale',
  idPrefix: 's',
  start: (tx, { nodes }, asked) => startScale(tx, nodes, asked),
  step(tx, given) {
    const scale = withOutcomes(tx, given);
    if (scale.child !== null && tx.state.operations.has(scale.child)) return;
    if (scale.stopped !== null) endScale(tx, scale, scale.stopped);
    else if (scale.phase === 'launching') awaitNodes(tx, scale);
    else endScale(tx, scale, null);
  },
  overdue(tx, { id, phase, nodes, stopped }) {
    const up = upNodes(tx.state).length;
    const why =
      phase === 'launching' && up < nodes
        ? `${up} of ${counted(nodes, 'node')} came up in time; the launcher goes on trying`
        : 'the new nodes get no shards yet: shards are down';
    tx.patchOperation(id, { stopped: stopped ?? why, deadline: null });
  },
  status: statusOf,
  cancel: ({ id }) => ({ ok: true, text: `Scaling (${id}) is cancelled: as many nodes stay as there are.` }),
  end: endScale,
};

function startScale(tx: Transaction, nodes: number, asked: Asked): Started {
  if (!tx.settings.canLaunch) {
    return notStarted('DSO_NO_LAUNCHER', 'No node command is configured, so no node can be started from here.');
  }
  for (const { kind, id } of tx.state.operations.values()) {
    return notStarted('DSO_NODE_BUSY', `Operation ${id} (${kind}) is under way; scale when it has ended.`);
  }
  const up = upNodes(tx.state);
  const leaving = leavingOf(tx, up, up.length - nodes);
  if (leaving.length < up.length - nodes) {
    const ours = counted(leaving.length, 'node');
    const message = `The launcher started ${ours} of ${up.length}, and cannot end the others.`;
    return notStarted('DSO_NO_LAUNCHER', message);
  }
  const from = tx.settings.nodes;
  tx.scaleTo(nodes);
  const isThere = up.length === nodes && tx.state.launches.size === 0;
  if (isThere) return { ok: true, operation: null, message: `So many are there: ${counted(nodes, 'node')}.` };
  const message = `From ${counted(up.length, 'node')} to ${nodes}.`;
  const phase = leaving.length > 0 ? 'draining' : 'launching';
  const data = { origins: [], destinations: [], nodes, from, phase, child: null, moved: 0 } as const;
  const operation = beginOperation(tx, SCALE, asked, data, {
    text: message,
    facts: { nodes, from: up.length, leaving },
  });
  const [first, ...more] = leaving;
  if (first === undefined) {
    tx.patchOperation(operation, { deadline: tx.now + tx.settings.launchTimeoutMs });
  } else {
    const plan = {
      origins: [first, ...more],
      destination: null,
      launch: false,
      shutdown: true,
      deadline: null,
    } as const;
    setChild(tx, operation, beginDrain(tx, plan, { request: null, parent: operation }));
  }
  return { ok: true, operation, message };
}

function setChild(tx: Transaction, id: string, child: string | null): void {
  const scale = tx.state.operations.get(id);
  if (scale?.kind === 'scale') tx.setOperation({ ...scale, child });
}

function upNodes({ nodes }: OrchestratorState): readonly NodeState[] {
  return [...nodes.values()].filter((node) => isConnected(node) && !isShuttingDown(node));
}

/** The launcher's own, those with the fewest shards first, of these the youngest. */
function leavingOf(tx: Transaction, up: readonly NodeState[], count: number): readonly string[] {
  const ours = up.filter(({ id }) => tx.state.processes.has(id));
  const inOrder = ours.toSorted((a, b) => tx.loadOf(a.id) - tx.loadOf(b.id) || b.joinedAt - a.joinedAt);
  return inOrder.slice(0, Math.max(0, count)).map(({ id }) => id);
}

function withOutcomes(tx: Transaction, scale: Scale): Scale {
  if (scale.outcomes.length === 0) return scale;
  const next = scale.outcomes.reduce<Scale>((known, outcome) => {
    if (outcome.kind !== 'ended' || outcome.operation !== known.child) return known;
    const stopped = known.stopped ?? outcome.failure;
    return { ...known, child: null, moved: known.moved + outcome.moved, stopped };
  }, scale);
  const taken = { ...next, outcomes: [] };
  tx.setOperation(taken);
  return taken;
}

/** The new nodes are up, and nothing is down: they get their share. */
function awaitNodes(tx: Transaction, scale: Scale): void {
  const isUp = upNodes(tx.state).length >= scale.nodes && tx.state.launches.size === 0;
  if (!isUp || disruptionOf(tx.state).down > 0) {
    if (scale.deadline === null) tx.patchOperation(scale.id, { deadline: tx.now + tx.settings.launchTimeoutMs });
    return;
  }
  const mayMove = keptFrom(tx, scale.id) === null;
  const wanted = { automatic: false, fillOnly: false, stopAt: 1, most: Infinity };
  const begun = mayMove ? beginRebalance(tx, wanted, { request: null, parent: scale.id }) : null;
  const child = begun?.ok === true ? begun.operation : null;
  tx.setOperation({ ...scale, phase: 'spreading', child, deadline: null });
}

function endScale(tx: Transaction, scale: Scale, failure: string | null): void {
  const { moved, phase, cancelled } = scale;
  const up = upNodes(tx.state).length;
  // Nodes that still have shards stay, and so does their number.
  if (failure !== null && (phase === 'draining' || cancelled !== null)) tx.scaleTo(Math.max(1, up));
  const head = `Up: ${counted(up, 'node')}, kept up: ${tx.settings.nodes}; moved: ${counted(moved, 'shard')}`;
  const text = failure === null ? `${head}.` : `${head}. Scaling stopped: ${failure}.`;
  endOperation(tx, scale, failure, {
    text,
    figures: { nodes: tx.settings.nodes, moved },
    facts: { nodes: tx.settings.nodes, moved },
  });
}

function statusOf(state: OrchestratorState, scale: Scale): Progress {
  const { nodes, phase, moved } = scale;
  const up = upNodes(state).length;
  const child = scale.child === null ? undefined : state.operations.get(scale.child);
  const moving = [...state.migrations.values()].flatMap(({ operation, shard }) =>
    operation === child?.id ? [shard] : [],
  );
  const done =
    moved + (child !== undefined && 'moved' in child && typeof child.moved !== 'number' ? child.moved.length : 0);
  const text = {
    launching: `Up: ${up} of ${counted(nodes, 'node')}.`,
    draining: `Leaving, once their shards have moved: ${counted(up - nodes, 'node')}. Moved so far: ${done}.`,
    spreading: `Up: ${counted(nodes, 'node')}. The new ones get shards: ${done} moved.`,
  }[phase];
  const isHeldUp = phase === 'launching' && up >= nodes && disruptionOf(state).down > 0;
  return {
    text,
    waitsFor: isHeldUp ? budgetReason(state) : null,
    origin: null,
    destination: null,
    shards: { moved: done, total: done + moving.length, moving, waiting: [] },
    failed: [],
    nodes: { done: Math.min(up, nodes), total: nodes },
  };
}
