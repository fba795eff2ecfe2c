/**
 * Every node is replaced, one after the other: each node that has shards is drained to an empty node (one that is
 * connected and free, else a newly launched one), then shut down. The drains do the work; this decides what is next.
 * The first node that cannot be replaced ends the rollout, with everything left running where it is.
 *
 * Where nodes are launched here, an empty one of a version that is being replaced is no place to go: it is shut down
 * first.
 */
import { counted, type MessageOf } from '@dshard/protocol';
import { beginShutdown } from '../fleet/leave.js';
import { drainedBy, isConnected, isLeaving, keptBy } from '../state/nodes.js';
import type { OperationOutcome, OperationState } from '../state/operations.js';
import type { NodeState, OrchestratorState } from '../state/state.js';
import { survey } from '../state/survey.js';
import type { Transaction } from '../state/transaction.js';
import { beginDrain, DRAIN } from './drain.js';
import { beginOperation, endOperation, notStarted } from './operation.js';
import type { Asked, Operation, Progress, Started } from './operation.js';

type Rollout = OperationState<'rollout'>;

export const ROLLOUT: Operation<'rollout'> = {
  kind: 'rollout',
  idPrefix: 'r',
  start: (tx, _plan, asked) => startRollout(tx, asked),
  step: replaceNext,
  // It has no deadline of its own: its drains have.
  overdue: () => undefined,
  status: statusOf,
  cancel: ({ id }) => ({ ok: true, text: `Rollout ${id} is cancelled: no further node is replaced.` }),
  end: endRollout,
};

function startRollout(tx: Transaction, asked: Asked): Started {
  for (const operation of tx.state.operations.values()) {
    if (operation.kind === 'rollout') {
      const { id, done, waiting } = operation;
      const message = `Rollout ${id} is under way: ${counted(done.length, 'node')} replaced, ${waiting.length} waiting.`;
      return notStarted('DSO_ROLLOUT_RUNNING', message);
    }
    const message = `Operation ${operation.id} (${operation.kind}) is under way; start the rollout when it has ended.`;
    return notStarted('DSO_NODE_BUSY', message);
  }
  const { empty, busy } = toReplace(tx);
  const waiting = [...empty, ...busy];
  if (busy.length === 0) {
    return { ok: true, operation: null, message: 'No connected node has shards, so there is nothing to replace.' };
  }
  if (!tx.settings.canLaunch && freeNode(tx, waiting) === undefined) {
    const message = 'There is no empty node to move shards to, and no node command to start one with.';
    return notStarted('DSO_NO_FREE_NODE', message);
  }
  const message = `Replacing ${counted(waiting.length, 'node')}${waiting.length === 1 ? '' : ', one after the other'}.`;
  const data = {
    origins: [],
    destinations: [],
    waiting,
    done: [],
    failed: [],
    current: null,
    moved: 0,
    detail: null,
  } as const;
  const operation = beginOperation(tx, ROLLOUT, asked, data, { text: message, facts: { nodes: waiting } });
  return { ok: true, operation, message };
}

/** The nodes that have shards, and the empty ones that are as old. */
function toReplace(tx: Transaction): { empty: string[]; busy: string[] } {
  const connected = [...tx.state.nodes.values()].filter((node) => isConnected(node) && !isLeaving(node));
  const busy = connected.filter(({ id }) => tx.loadOf(id) > 0);
  const old = new Set(busy.map(({ version }) => version));
  const empty = connected.filter(
    ({ id, version, intent }) => tx.loadOf(id) === 0 && intent.kind === 'serving' && old.has(version),
  );
  return { empty: tx.settings.canLaunch ? empty.map(({ id }) => id) : [], busy: busy.map(({ id }) => id) };
}

/** Connected, empty, meant for nothing else, and not as old as what is replaced, unless nothing newer can be had. */
function freeNode(tx: Transaction, waiting: readonly string[]): NodeState | undefined {
  const old = new Set(tx.settings.canLaunch ? waiting.map((id) => tx.node(id)?.version) : []);
  for (const node of tx.state.nodes.values()) {
    const isFree =
      isConnected(node) &&
      node.intent.kind === 'serving' &&
      !waiting.includes(node.id) &&
      !old.has(node.version) &&
      !isInUse(tx, node.id) &&
      tx.loadOf(node.id) === 0;
    if (isFree) return node;
  }
  return undefined;
}

function isInUse(tx: Transaction, node: string): boolean {
  return drainedBy(tx.state, node) !== undefined || keptBy(tx.state, node) !== undefined;
}

function replaceNext(tx: Transaction, given: Rollout): void {
  const rollout = withOutcomes(tx, given);
  const { current } = rollout;
  if (current !== null) {
    if (tx.state.operations.has(current.drain)) return;
    tx.setOperation({ ...rollout, current: null, waiting: [current.node, ...rollout.waiting] });
    return;
  }
  if (rollout.stopped !== null) {
    endRollout(tx, rollout, rollout.stopped);
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
  const isThere = isConnected(node) && !isLeaving(node);
  // An operator's drain of this node goes first; its end brings us back here.
  if (isThere && isInUse(tx, next)) return;
  if (!isThere || tx.loadOf(next) === 0) {
    // It left before its turn, or has no shards: there is nothing to move.
    if (isThere && tx.settings.canLaunch) beginShutdown(tx, next, null, false);
    tx.setOperation({ ...rollout, waiting, done: [...rollout.done, next] });
    return;
  }
  const free = freeNode(tx, rollout.waiting);
  if (free === undefined && !tx.settings.canLaunch) {
    const reason = 'there is no empty node to move its shards to, and no node command to start one with';
    tx.setOperation(notReplaced(rollout, next, reason));
    return;
  }
  const destination = free?.id ?? null;
  const plan = { origins: [next], destination, launch: destination === null, shutdown: true, deadline: null } as const;
  const asked = { request: null, parent: rollout.id };
  const drain = tx.actingFor(rollout.by, () => beginDrain(tx, plan, asked));
  tx.setOperation({ ...rollout, waiting, current: { node: next, drain } });
}

/** The drain of a node was a step of it. */
function withOutcomes(tx: Transaction, rollout: Rollout): Rollout {
  if (rollout.outcomes.length === 0) return rollout;
  const next = { ...rollout.outcomes.reduce(withOutcome, rollout), outcomes: [] };
  tx.setOperation(next);
  return next;
}

function withOutcome(rollout: Rollout, outcome: OperationOutcome): Rollout {
  const { current } = rollout;
  if (outcome.kind !== 'ended' || current === null || current.drain !== outcome.operation) return rollout;
  const next = { ...rollout, current: null, moved: rollout.moved + outcome.moved };
  if (outcome.failure === null) return { ...next, done: [...rollout.done, current.node] };
  if (rollout.cancelled === null) return notReplaced(next, current.node, outcome.failure);
  return { ...next, waiting: [current.node, ...rollout.waiting], detail: outcome.text };
}

function notReplaced(rollout: Rollout, node: string, reason: string): Rollout {
  const stopped = rollout.stopped ?? `node ${node} could not be replaced: ${reason}`;
  return { ...rollout, failed: [...rollout.failed, { node, reason }], stopped };
}

function endRollout(tx: Transaction, rollout: Rollout, failure: string | null): void {
  const { done, failed, waiting, detail, moved } = rollout;
  const left = waiting.length + failed.length;
  const text =
    failure === null
      ? `Replaced ${counted(done.length, 'node')}.`
      : `The rollout stopped: ${failure}. Replaced before that: ${done.length}; left as they are: ${left}.`;
  endOperation(tx, rollout, failure, {
    text: detail === null ? text : `${text} ${detail}`,
    figures: { nodes: done.length, moved },
    facts: { done, left: waiting },
  });
}

function statusOf(state: OrchestratorState, rollout: Rollout): Progress {
  const { waiting, done, failed, moved, current } = rollout;
  const drain = current === null ? undefined : state.operations.get(current.drain);
  const step = drain?.kind === 'drain' ? DRAIN.status(state, drain) : null;
  const { byNode } = survey(state.shards);
  const later = waiting.flatMap((node) => byNode.get(node) ?? []);
  const total = done.length + failed.length + waiting.length + (current === null ? 0 : 1);
  const head = `${done.length} of ${counted(total, 'node')} replaced.`;
  return {
    text: step === null ? head : `${head} ${step.text}`,
    waitsFor: step?.waitsFor ?? null,
    origin: step?.origin ?? null,
    destination: step?.destination ?? null,
    shards: {
      moved: moved + (step?.shards.moved ?? 0),
      total: moved + (step?.shards.total ?? 0) + later.length,
      moving: step?.shards.moving ?? [],
      waiting: [...(step?.shards.waiting ?? []), ...later],
    },
    failed: step?.failed ?? [],
    nodes: { done: done.length, total },
  };
}

/** A bot asks for a rollout, as one that was written for ShardingManager does with `client.shard.respawnAll()`. */
export function onRolloutRequest(tx: Transaction, node: string, { requestId }: MessageOf<'rolloutRequest'>): void {
  const answer = (code: string, message: string): void =>
    tx.send(node, { kind: 'rolloutAnswer', requestId, code, message });
  if (!tx.settings.nodesMayRollout) {
    const how = 'Set nodesMayRollout to true, or run `dso rollout`.';
    answer('DSO_NODES_MAY_NOT_ROLLOUT', `A node may not begin a rollout here. ${how}`);
  } else if (tx.state.ending !== null) {
    answer('DSO_FLEET_ENDING', 'The fleet is being shut down, so nothing else is begun.');
  } else {
    const begun = tx.actingFor(`node ${node}`, () => startRollout(tx, { request: null, parent: null }));
    const operation = begun.ok && begun.operation !== null ? ` It is operation ${begun.operation}.` : '';
    if (begun.ok) answer('', `${begun.message}${operation}`);
    else answer(begun.error.code, begun.error.message);
  }
}
