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
import type { Turn } from '../state/transaction.js';

export function startRollout(turn: Turn, request: string): void {
  const begun = beginRollout(turn, request);
  if (!begun.ok) turn.fail(request, begun.code, begun.message);
  else if (begun.operation === null) turn.done(request, begun.message, { nodes: 0 });
}

/** @returns whether it has begun; `operation` null: there is nothing to replace. @param request who is answered when it has ended. */
export function beginRollout(
  turn: Turn,
  request: string | null,
): { ok: true; operation: string | null; message: string } | { ok: false; code: DomainErrorCode; message: string } {
  if (turn.state.rollout !== null) {
    const { id, done, waiting } = turn.state.rollout;
    const message = `Rollout ${id} is under way: ${done.length} node(s) replaced, ${waiting.length} waiting.`;
    return { ok: false, code: 'DSO_ROLLOUT_RUNNING', message };
  }
  for (const { origin } of turn.state.drains.values()) {
    const message = `Node ${origin} is being drained; start the rollout when that is done.`;
    return { ok: false, code: 'DSO_NODE_BUSY', message };
  }
  const { empty, busy } = toReplace(turn);
  const waiting = [...empty, ...busy];
  if (busy.length === 0) {
    return { ok: true, operation: null, message: 'No connected node has shards, so there is nothing to replace.' };
  }
  if (!turn.settings.canLaunch && freeNode(turn, waiting) === undefined) {
    const message = 'There is no empty node to move shards to, and no node command to start one with.';
    return { ok: false, code: 'DSO_NO_FREE_NODE', message };
  }
  const id = turn.nextId('r');
  const { by, now } = turn;
  turn.patch({
    rollout: { id, waiting, done: [], failed: [], drain: null, moved: 0, startedAt: now, request, by, cancelled: null },
  });
  const message = `Replacing ${waiting.length} node(s), one after the other.`;
  turn.happened('rolloutStarted', 'info', message, { operation: id, nodes: waiting });
  return { ok: true, operation: id, message };
}

/** The nodes that have shards, and the empty ones that are as old. */
function toReplace(turn: Turn): { empty: string[]; busy: string[] } {
  const connected = [...turn.state.nodes.values()].filter((node) => isConnected(node) && !isShuttingDown(node));
  const busy = connected.filter(({ id }) => turn.loadOf(id) > 0);
  const old = new Set(busy.map(({ version }) => version));
  const empty = connected.filter(
    ({ id, version, intent }) => turn.loadOf(id) === 0 && intent.kind === 'serving' && old.has(version),
  );
  return { empty: turn.settings.canLaunch ? empty.map(({ id }) => id) : [], busy: busy.map(({ id }) => id) };
}

/** Connected, empty, not meant for anything else, and not as old as what is replaced, unless nothing newer can be launched. */
function freeNode(turn: Turn, waiting: readonly string[]): NodeState | undefined {
  const old = new Set(turn.settings.canLaunch ? waiting.map((id) => turn.node(id)?.version) : []);
  for (const node of turn.state.nodes.values()) {
    const isFree =
      isConnected(node) &&
      node.intent.kind === 'serving' &&
      !waiting.includes(node.id) &&
      !old.has(node.version) &&
      drainFrom(turn.state, node.id) === undefined &&
      drainTo(turn.state, node.id) === undefined &&
      turn.loadOf(node.id) === 0;
    if (isFree) return node;
  }
  return undefined;
}

export function runRollout(turn: Turn): void {
  const { rollout } = turn.state;
  if (rollout === null || rollout.drain !== null) return;
  // Of an earlier run: its nodes are still on their way back.
  if (turn.state.recalled && turn.state.graceUntil !== null) return;
  if (rollout.cancelled !== null) {
    endRollout(turn, rollout, `it was cancelled by ${rollout.cancelled.by}`);
    return;
  }
  const [failure] = rollout.failed;
  if (failure !== undefined) {
    endRollout(turn, rollout, `node ${failure.node} could not be replaced: ${failure.reason}`);
    return;
  }
  // What it would begin now could not move.
  if (turn.state.alarm !== null) return;
  const [next, ...waiting] = rollout.waiting;
  if (next === undefined) {
    endRollout(turn, rollout, null);
    return;
  }
  const node = turn.node(next);
  const isThere = isConnected(node) && !isShuttingDown(node);
  // An operator's drain of this node goes first; its end brings us back here.
  if (isThere && (drainFrom(turn.state, next) !== undefined || drainTo(turn.state, next) !== undefined)) return;
  if (!isThere || turn.loadOf(next) === 0) {
    // It left before its turn, or has no shards: there is nothing to move.
    if (isThere && turn.settings.canLaunch) beginShutdown(turn, next, null, false);
    turn.patch({ rollout: { ...rollout, waiting, done: [...rollout.done, next] } });
    return;
  }
  const free = freeNode(turn, rollout.waiting);
  if (free === undefined && !turn.settings.canLaunch) {
    const reason = 'there is no empty node to move its shards to, and no node command to start one with';
    turn.patch({ rollout: { ...rollout, failed: [...rollout.failed, { node: next, reason }] } });
    return;
  }
  const { by } = rollout;
  const why = `node ${next} is to be replaced`;
  const launch = free === undefined ? turn.actingFor(by, () => beginLaunch(turn, why, null)) : null;
  const destination = free?.id ?? null;
  const plan = { origin: next, destination, shutdown: true, request: null, by, rollout: true, launch };
  const drain = beginDrain(turn, plan);
  turn.patch({ rollout: { ...rollout, waiting, drain } });
}

/** @param failure why it ends before every node is replaced; null: all are. */
export function endRollout(turn: Turn, rollout: RolloutState, failure: string | null): void {
  const { id, done, failed, waiting, request, by, cancelled } = rollout;
  turn.patch({ rollout: null });
  const left = waiting.length + failed.length;
  const detail = cancelled === null || cancelled.detail === null ? '' : ` ${cancelled.detail}`;
  const text =
    failure === null
      ? `Replaced ${done.length} node(s).`
      : `The rollout stopped: ${failure}. Replaced before that: ${done.length}; left as they are: ${left}.${detail}`;
  const level = failure === null || cancelled !== null ? 'info' : 'error';
  turn.happened('rolloutFinished', level, text, { operation: id, ok: failure === null, done, left: waiting }, by);
  operationEnded(turn, { id, kind: 'rollout', operation: rollout, failure, text });
  if (failure === null) turn.done(request, text, { operation: id, nodes: done.length });
  else turn.fail(request, cancelled === null ? 'DSO_ROLLOUT_FAILED' : 'DSO_OPERATION_CANCELLED', text);
}
