/**
 * The fleet moves to new processes, and back if they are not well.
 *
 *     surging    new nodes are launched beside the old ones; nothing old ends before its replacement has baked
 *     moving     shards move to them: a canary first, then in stages
 *     baking     what moved is watched; after the last stage the old nodes are not needed any more
 *     reverting  a gate failed, or somebody wants it undone: what moved goes back, live
 *     ending     the side that lost ends: the old nodes, or the new ones
 *
 * Nodes are replaced in rounds: all at once, or `surge` at a time. What can fail a rollout is in `gates.ts`, the plan
 * in `rollout-plan.ts`, the way forward in `rollout-phases.ts`, the way back in `rollout-revert.ts`. A rollout is one
 * record, so it goes on after a restart in whatever phase it was; a bake begins anew then.
 */
import { counted, type MessageOf } from '@dshard/protocol';
import { beginShutdown } from '../fleet/leave.js';
import type { OperationOutcome, RolloutOptions } from '../state/operations.js';
import type { Transaction } from '../state/transaction.js';
import { failureOf, type Facts } from '../fleet/gates.js';
import { beginOperation, endOperation, letGo, type Asked, type Operation, type Started } from './operation.js';
import { makeWay } from './rebalance.js';
import { bake, beginRound, end, enter, move, pairWith, surge, waitReason, withTime } from './rollout-phases.js';
import {
  linesOf,
  loadIn,
  nothingToDo,
  planRollout,
  refusalOf,
  WITHOUT_BAKE,
  type RolloutPlan,
} from './rollout-plan.js';
import { beginRevert, forgiven, nextLookAt, rememberRevert, rememberRollout, revert } from './rollout-revert.js';
import { factsOf, isUsable, oldNodes, sideOf, type Rollout } from './rollout-round.js';
import { rolloutProgress } from './rollout-status.js';

export const ROLLOUT: Operation<'rollout'> = {
  kind: 'rollout',
  idPrefix: 'r',
  start: (tx, plan, asked) => startRollout(tx, optionsOf(plan), asked),
  plan: (state, plan) => ({ lines: linesOf(planRollout(state, optionsOf(plan)), optionsOf(plan)) }),
  step,
  overdue,
  status: rolloutProgress,
  cancel: ({ id, phase, failure }) => {
    if (failure !== null)
      return { ok: false, text: `Rollout ${id} is going back already: there is nothing left to cancel.` };
    if (phase === 'ending')
      return { ok: false, text: `The old nodes of rollout ${id} are ending: it is too late to cancel it.` };
    return { ok: true, text: `Rollout ${id} is cancelled: what it moved goes back to the old nodes.` };
  },
  end: endRollout,
};

function optionsOf(plan: Partial<RolloutOptions>): RolloutOptions {
  const { bake: bakeMs, canary, surge: atOnce, fast, manual, force, to, keepOld } = { ...WITHOUT_BAKE, ...plan };
  return { bake: bakeMs, canary, surge: atOnce, fast, manual, force, to, keepOld };
}

function startRollout(tx: Transaction, options: RolloutOptions, asked: Asked): Started {
  const plan = planRollout(tx.state, options);
  const refusal = refusalOf(tx.state, plan, options);
  if (refusal !== null) return refusal;
  if (plan.replaced.length === 0) return { ok: true, operation: null, message: nothingToDo(plan) };
  if (options.force) tx.patch({ rollouts: forgiven(tx.state.rollouts, plan.version) });
  const operation = beginRollout(tx, plan, options, asked);
  return { ok: true, operation, message: linesOf(plan, options)[0] ?? '' };
}

function beginRollout(tx: Transaction, plan: RolloutPlan, options: RolloutOptions, asked: Asked): string {
  const { replaced, empty, leftAlone, version, from } = plan;
  const data = {
    origins: [],
    destinations: [],
    options,
    version,
    from,
    phase: 'surging',
    since: tx.now,
    waiting: replaced,
    pairs: [],
    empty,
    done: [],
    leftAlone,
    stages: [],
    stage: 0,
    moved: [],
    movedBefore: 0,
    retried: [],
    counters: [],
    memory: [],
    normal: null,
    failure: null,
    pausedBy: null,
    promoted: false,
  } as const;
  const about = { text: linesOf(plan, options).join(' '), facts: { nodes: replaced, version, leftAlone } };
  return beginOperation(tx, ROLLOUT, asked, data, about);
}

function step(tx: Transaction, given: Rollout): void {
  const { rollout, notMoved } = withOutcomes(tx, given);
  if (rollout.failure === null && rollout.phase !== 'ending') {
    const { stopped } = rollout;
    const failure = stopped ?? failureOf(factsOf(tx.state, rollout, notMoved, tx.now));
    if (failure !== null) return goBack(tx, rollout, failure);
  }
  switch (rollout.phase) {
    case 'surging':
      return surging(tx, rollout);
    case 'moving':
      // What it would begin now could not move.
      return tx.state.alarm === null ? move(tx, rollout) : undefined;
    case 'baking': {
      const failure = bake(tx, rollout);
      return failure === null ? undefined : goBack(tx, rollout, failure);
    }
    case 'reverting':
      return tx.state.alarm === null ? reverting(tx, rollout) : undefined;
    case 'ending':
      return ending(tx, rollout);
  }
}

function surging(tx: Transaction, rollout: Rollout): void {
  if (rollout.pairs.length === 0) {
    if (rollout.waiting.length === 0) endRollout(tx, rollout, null);
    else beginRound(tx, rollout);
    return;
  }
  const failure = surge(tx, rollout);
  if (failure !== null) goBack(tx, rollout, failure);
}

/** A cancelled rollout, and one that somebody undoes, says nothing of the version. */
function goBack(tx: Transaction, rollout: Rollout, reason: string): void {
  beginRevert(tx, rollout, rollout.cancelled === null ? 'gate' : 'undone', reason);
}

function reverting(tx: Transaction, rollout: Rollout): void {
  const went = revert(tx, rollout);
  if (went === 'back') enter(tx, rollout, 'ending');
  else if (went !== 'waits') endRollout(tx, rollout, `${rollout.failure?.reason ?? ''}; ${went.stuck}`);
  else {
    const at = nextLookAt(tx, rollout);
    const deadline = tx.state.operations.get(rollout.id)?.deadline ?? null;
    if (at !== null && (deadline === null || at < deadline)) tx.patchOperation(rollout.id, { deadline: at });
  }
}

function ending(tx: Transaction, rollout: Rollout): void {
  const ended = end(tx, rollout);
  if (ended === 'waits') return;
  if (rollout.failure !== null) {
    rememberRevert(tx, rollout);
    return endRollout(tx, rollout, rollout.failure.reason);
  }
  const { pairs, done, waiting, empty } = rollout;
  const replaced = { ...rollout, pairs: [], done: [...done, ...pairs.map(({ old }) => old)] };
  if (ended !== 'ended') return endRollout(tx, replaced, ended.stuck);
  if (waiting.length > 0) return beginRound(tx, replaced);
  // They were empty, and got shards that nobody ran before the new nodes were trusted.
  const filled = empty.filter((id) => isUsable(tx.state, id) && loadIn(tx.state, id) > 0);
  if (filled.length > 0) {
    const others = empty.filter((id) => !filled.includes(id));
    return beginRound(tx, { ...replaced, waiting: filled, empty: others });
  }
  const retired = empty.filter((id) => isUsable(tx.state, id) && loadIn(tx.state, id) === 0);
  for (const id of retired) tx.actingFor(rollout.by, () => beginShutdown(tx, id, null, false));
  endRollout(tx, { ...replaced, done: [...replaced.done, ...retired] }, null);
}

/** What became of its migrations and launches since it was run last. */
function withOutcomes(tx: Transaction, given: Rollout): { rollout: Rollout; notMoved: Facts['notMoved'] } {
  if (given.outcomes.length === 0) return { rollout: given, notMoved: [] };
  let rollout: Rollout = { ...given, outcomes: [] };
  tx.setOperation(rollout);
  const notMoved: { shard: number; reason: string }[] = [];
  for (const outcome of given.outcomes) {
    rollout = withOutcome(tx, rollout, outcome);
    if (outcome.kind === 'notMoved' && isTheVersionsFault(tx, given, outcome.shard)) notMoved.push(outcome);
  }
  tx.setOperation(rollout);
  return { rollout, notMoved };
}

function withOutcome(tx: Transaction, rollout: Rollout, outcome: OperationOutcome): Rollout {
  switch (outcome.kind) {
    case 'moved':
      return { ...rollout, moved: [...rollout.moved, outcome.shard], deadline: null };
    case 'notMoved':
      return { ...rollout, retried: [...new Set([...rollout.retried, outcome.shard])] };
    case 'launched':
      return rollout.failure === null ? pairWith(tx, rollout, outcome.node) : rollout;
    case 'notLaunched':
      return { ...rollout, stopped: rollout.stopped ?? `a new node could not be started: ${outcome.reason}` };
    case 'ended':
      return rollout;
  }
}

/** The second time; and not where its old node went away. */
function isTheVersionsFault(tx: Transaction, { retried, pairs, failure }: Rollout, shard: number): boolean {
  if (failure !== null || !retried.includes(shard)) return false;
  const state = tx.shard(shard);
  return state?.kind === 'running' && pairs.some(({ old }) => old === state.node);
}

/** Nothing was moved for too long, or a bake is over; the latter is for `bake` to see. */
function overdue(tx: Transaction, rollout: Rollout): void {
  const { phase, failure } = rollout;
  if (phase === 'baking' || phase === 'ending') return;
  if (standsStill(tx, rollout)) return withTime(tx, rollout);
  if (phase === 'reverting') {
    // What may come up by itself was waited for; what has not moved for so long is stopped where it is.
    const isLook = rollout.since + tx.settings.rolloutProgressMs > tx.now;
    if (isLook) tx.patchOperation(rollout.id, { deadline: null });
    else endRollout(tx, rollout, `${failure?.reason ?? ''}; not all shards could be moved back in time`);
    return;
  }
  const why = waitReason(tx.state, rollout) ?? 'nothing went on';
  const stopped = `no shard could be moved for ${tx.settings.rolloutProgressMs} ms: ${why}`;
  tx.patchOperation(rollout.id, { stopped: rollout.stopped ?? stopped, deadline: null });
}

/** User code is waited for, somebody paused it, or so many shards are down that it is an outage: no progress is due. */
function standsStill(tx: Transaction, rollout: Rollout): boolean {
  if (rollout.pausedBy !== null || tx.state.alarm !== null) return true;
  const own = [...tx.state.migrations.values()].filter(({ operation }) => operation === rollout.id);
  if (own.some(({ step: { kind } }) => kind === 'announcing')) return true;
  const { shards, up } = sideOf(tx.state, rollout, [...oldNodes(rollout), ...rollout.destinations]);
  return shards > 0 && up * 2 < shards;
}

function endRollout(tx: Transaction, rollout: Rollout, failure: string | null): void {
  const { done, waiting, pairs, moved, movedBefore, leftAlone } = rollout;
  if (failure === null && done.length > 0) rememberRollout(tx, rollout);
  const left = waiting.length + pairs.length;
  const alone = leftAlone.length === 0 ? '' : ` Left alone: ${leftAlone.join(', ')}.`;
  const text =
    failure === null
      ? `Replaced ${counted(done.length, 'node')}.`
      : `${headOf(rollout)}: ${failure}. Replaced before that: ${done.length}; left as they are: ${left}.`;
  letGo(tx, rollout.id);
  endOperation(tx, rollout, failure, {
    text: `${text}${alone}`,
    figures: { nodes: done.length, moved: movedBefore + moved.length },
    facts: { done, left: [...oldNodes(rollout), ...waiting] },
  });
}

function headOf({ failure, phase, moved }: Rollout): string {
  if (failure === null || phase === 'reverting') return 'The rollout stopped';
  if (failure.kind === 'undone') return 'The rollout was undone';
  return moved.length === 0 ? 'The rollout stopped before any shard was moved' : 'The rollout was reverted';
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
    const asked = { request: null, parent: null };
    makeWay(tx, `node ${node} asked for a rollout`);
    const begun = tx.actingFor(`node ${node}`, () => startRollout(tx, WITHOUT_BAKE, asked));
    const operation = begun.ok && begun.operation !== null ? ` It is operation ${begun.operation}.` : '';
    if (begun.ok) answer('', `${begun.message}${operation}`);
    else answer(begun.error.code, begun.error.message);
  }
}
