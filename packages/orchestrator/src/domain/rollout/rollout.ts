/**
 * Every connected node that has shards when the rollout starts is replaced, one after the other: drained to an empty node (one that is
 * connected and free, else a newly launched one), then shut down. The drains do the work; this decides what is next. The first node that
 * cannot be replaced ends the rollout, with everything left running where it is.
 */
import { beginDrain } from '../drain/drain.js';
import { beginLaunch } from '../launch/launch.js';
import { drainFrom, drainTo, isConnected, isShuttingDown } from '../nodes.js';
import type { NodeState, RolloutState } from '../state.js';
import type { Turn } from '../turn.js';

export function startRollout(turn: Turn, request: string): void {
  if (turn.state.rollout !== null) {
    const { done, waiting } = turn.state.rollout;
    const text = `A rollout is under way: ${done.length} node(s) replaced, ${waiting.length} waiting.`;
    turn.fail(request, 'DSO_ROLLOUT_RUNNING', text);
    return;
  }
  for (const drain of turn.state.drains.values()) {
    turn.fail(request, 'DSO_NODE_BUSY', `Node ${drain.origin} is being drained; start the rollout when that is done.`);
    return;
  }
  const waiting = [...turn.state.nodes.values()]
    .filter((node) => isConnected(node) && !isShuttingDown(node) && turn.loadOf(node.id) > 0)
    .map((node) => node.id);
  if (waiting.length === 0) {
    turn.done(request, 'No connected node has shards, so there is nothing to replace.', { nodes: 0 });
    return;
  }
  if (!turn.settings.canLaunch && freeNode(turn, waiting) === undefined) {
    const text = 'There is no empty node to move shards to, and no node command to start one with.';
    turn.fail(request, 'DSO_NO_FREE_NODE', text);
    return;
  }
  const id = turn.nextId('r');
  turn.patch({ rollout: { id, waiting, done: [], failed: [], drain: null, startedAt: turn.now, request } });
  turn.happened('rolloutStarted', 'info', `Replacing ${waiting.length} node(s), one after the other.`, {
    rollout: id,
    nodes: waiting,
  });
}

/** Connected, empty, and not meant for anything else. */
function freeNode(turn: Turn, waiting: readonly string[]): NodeState | undefined {
  for (const node of turn.state.nodes.values()) {
    const isFree =
      isConnected(node) &&
      node.intent.kind === 'serving' &&
      !waiting.includes(node.id) &&
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
  const [failure] = rollout.failed;
  if (failure !== undefined) {
    endRollout(turn, rollout, `node ${failure.node} could not be replaced: ${failure.reason}`);
    return;
  }
  const [next, ...waiting] = rollout.waiting;
  if (next === undefined) {
    endRollout(turn, rollout, null);
    return;
  }
  const node = turn.node(next);
  if (!isConnected(node) || isShuttingDown(node) || turn.loadOf(next) === 0) {
    // It left, or lost its shards, before its turn: there is nothing to replace any more.
    turn.patch({ rollout: { ...rollout, waiting, done: [...rollout.done, next] } });
    return;
  }
  // An operator's drain of this node goes first; its end brings us back here.
  if (drainFrom(turn.state, next) !== undefined || drainTo(turn.state, next) !== undefined) return;
  const free = freeNode(turn, rollout.waiting);
  if (free === undefined && !turn.settings.canLaunch) {
    const reason = 'there is no empty node to move its shards to, and no node command to start one with';
    turn.patch({ rollout: { ...rollout, failed: [...rollout.failed, { node: next, reason }] } });
    return;
  }
  const launch = free === undefined ? beginLaunch(turn, `node ${next} is to be replaced`, null) : null;
  const drain = beginDrain(turn, {
    origin: next,
    destination: free?.id ?? null,
    shutdown: true,
    request: null,
    rollout: true,
    launch,
  });
  turn.patch({ rollout: { ...rollout, waiting, drain } });
}

function endRollout(turn: Turn, rollout: RolloutState, failure: string | null): void {
  const { id, done, waiting, request } = rollout;
  turn.patch({ rollout: null });
  const text =
    failure === null
      ? `Replaced ${done.length} node(s).`
      : `The rollout stopped: ${failure}. Replaced before that: ${done.length}; left as they are: ${waiting.length + 1}.`;
  turn.happened('rolloutFinished', failure === null ? 'info' : 'error', text, {
    rollout: id,
    ok: failure === null,
    done,
    left: waiting,
  });
  if (failure === null) turn.done(request, text, { nodes: done.length });
  else turn.fail(request, 'DSO_ROLLOUT_FAILED', text);
}
