/**
 * Every connected node that has shards when the rollout starts is replaced, one after the other: drained to an empty node (one that is
 * connected and free, else a newly launched one), then shut down. The drains do the work; this decides what is next. The first node that
 * cannot be replaced ends the rollout, with everything left running where it is.
 *
 * Where nodes are launched here, an empty one of a version that is being replaced is no place to go: it is shut down first.
 */
import { beginDrain } from './drain.js';
import { beginLaunch } from '../fleet/launch.js';
import type { DomainErrorCode } from '../state/errors.js';
import { operationEnded } from './ended.js';
import { drainFrom, drainTo, isConnected, isShuttingDown } from '../state/nodes.js';
import { beginShutdown } from '../fleet/leave.js';
import type { NodeState, RolloutState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';

export function startRollout(tx: Transaction, request: string): void {
  const begun = beginRollout(tx, request);
  if (!begun.ok) tx.fail(request, begun.code, begun.message);
  else if (begun.operation === null) tx.done(request, begun.message, { nodes: 0 });
}

/** @returns whether it has begun; `operation` null: there is nothing to replace. @param request who is answered when it has ended. */
export function beginRollout(
  tx: Transaction,
  request: string | null,
): { ok: true; operation: string | null; message: string } | { ok: false; code: DomainErrorCode; message: string } {
  if (tx.state.rollout !== null) {
    const { id, done, waiting } = tx.state.rollout;
    const message = `Rollout ${id} is under way: ${done.length} node(s) replaced, ${waiting.length} waiting.`;
    return { ok: false, code: 'DSO_ROLLOUT_RUNNING', message };
  }
  for (const { origin } of tx.state.drains.values()) {
    const message = `Node ${origin} is being drained; start the rollout when that is done.`;
    return { ok: false, code: 'DSO_NODE_BUSY', message };
  }
  const { empty, busy } = toReplace(tx);
  const waiting = [...empty, ...busy];
  if (busy.length === 0) {
    return { ok: true, operation: null, message: 'No connected node has shards, so there is nothing to replace.' };
  }
  if (!tx.settings.canLaunch && freeNode(tx, waiting) === undefined) {
    const message = 'There is no empty node to move shards to, and no node command to start one with.';
    return { ok: false, code: 'DSO_NO_FREE_NODE', message };
  }
  const id = tx.nextId('r');
  const { by, now } = tx;
  tx.patch({
    rollout: { id, waiting, done: [], failed: [], drain: null, moved: 0, startedAt: now, request, by, cancelled: null },
  });
  const message = `Replacing ${waiting.length} node(s), one after the other.`;
  tx.record('rolloutStarted', 'info', message, { operation: id, nodes: waiting });
  return { ok: true, operation: id, message };
}

/** The nodes that have shards, and the empty ones that are as old. */
function toReplace(tx: Transaction): { empty: string[]; busy: string[] } {
  const connected = [...tx.state.nodes.values()].filter((node) => isConnected(node) && !isShuttingDown(node));
  const busy = connected.filter(({ id }) => tx.loadOf(id) > 0);
  const old = new Set(busy.map(({ version }) => version));
  const empty = connected.filter(
    ({ id, version, intent }) => tx.loadOf(id) === 0 && intent.kind === 'serving' && old.has(version),
  );
  return { empty: tx.settings.canLaunch ? empty.map(({ id }) => id) : [], busy: busy.map(({ id }) => id) };
}

/** Connected, empty, not meant for anything else, and not as old as what is replaced, unless nothing newer can be launched. */
function freeNode(tx: Transaction, waiting: readonly string[]): NodeState | undefined {
  const old = new Set(tx.settings.canLaunch ? waiting.map((id) => tx.node(id)?.version) : []);
  for (const node of tx.state.nodes.values()) {
    const isFree =
      isConnected(node) &&
      node.intent.kind === 'serving' &&
      !waiting.includes(node.id) &&
      !old.has(node.version) &&
      drainFrom(tx.state, node.id) === undefined &&
      drainTo(tx.state, node.id) === undefined &&
      tx.loadOf(node.id) === 0;
    if (isFree) return node;
  }
  return undefined;
}

export function runRollout(tx: Transaction): void {
  const { rollout } = tx.state;
  if (rollout === null || rollout.drain !== null) return;
  // Of an earlier run: its nodes are still on their way back.
  if (tx.state.recalled && tx.state.graceUntil !== null) return;
  if (rollout.cancelled !== null) {
    endRollout(tx, rollout, `it was cancelled by ${rollout.cancelled.by}`);
    return;
  }
  const [failure] = rollout.failed;
  if (failure !== undefined) {
    endRollout(tx, rollout, `node ${failure.node} could not be replaced: ${failure.reason}`);
    return;
  }
  // What it would begin now could not move.
  if (tx.state.alarm !== null) return;
  const [next, ...waiting] = rollout.waiting;
  if (next === undefined) {
    endRollout(tx, rollout, null);
    return;
  }
  const node = tx.node(next);
  const isThere = isConnected(node) && !isShuttingDown(node);
  // An operator's drain of this node goes first; its end brings us back here.
  if (isThere && (drainFrom(tx.state, next) !== undefined || drainTo(tx.state, next) !== undefined)) return;
  if (!isThere || tx.loadOf(next) === 0) {
    // It left before its turn, or has no shards: there is nothing to move.
    if (isThere && tx.settings.canLaunch) beginShutdown(tx, next, null, false);
    tx.patch({ rollout: { ...rollout, waiting, done: [...rollout.done, next] } });
    return;
  }
  const free = freeNode(tx, rollout.waiting);
  if (free === undefined && !tx.settings.canLaunch) {
    const reason = 'there is no empty node to move its shards to, and no node command to start one with';
    tx.patch({ rollout: { ...rollout, failed: [...rollout.failed, { node: next, reason }] } });
    return;
  }
  const { by } = rollout;
  const why = `node ${next} is to be replaced`;
  const launch = free === undefined ? tx.actingFor(by, () => beginLaunch(tx, why, null)) : null;
  const destination = free?.id ?? null;
  const plan = { origin: next, destination, shutdown: true, request: null, by, rollout: true, launch };
  const drain = beginDrain(tx, plan);
  tx.patch({ rollout: { ...rollout, waiting, drain } });
}

/** @param failure why it ends before every node is replaced; null: all are. */
export function endRollout(tx: Transaction, rollout: RolloutState, failure: string | null): void {
  const { id, done, failed, waiting, request, by, cancelled } = rollout;
  tx.patch({ rollout: null });
  const left = waiting.length + failed.length;
  const detail = cancelled === null || cancelled.detail === null ? '' : ` ${cancelled.detail}`;
  const text =
    failure === null
      ? `Replaced ${done.length} node(s).`
      : `The rollout stopped: ${failure}. Replaced before that: ${done.length}; left as they are: ${left}.${detail}`;
  const level = failure === null || cancelled !== null ? 'info' : 'error';
  tx.record('rolloutFinished', level, text, { operation: id, ok: failure === null, done, left: waiting }, by);
  operationEnded(tx, { id, kind: 'rollout', operation: rollout, failure, text });
  if (failure === null) tx.done(request, text, { operation: id, nodes: done.length });
  else tx.fail(request, cancelled === null ? 'DSO_ROLLOUT_FAILED' : 'DSO_OPERATION_CANCELLED', text);
}
