/**
 * The way forward of a rollout, phase by phase: new nodes come up (`surging`), shards move to them as far as the stage
 * goes (`moving`), what moved is watched (`baking`), and when the last stage has baked the old nodes end (`ending`).
 * Each phase does what can be done now and is run again with the next event. What is moved is read off the state, not
 * kept in a list, so hand-made moves and crashes are neither missed nor done twice.
 */
import { beginLaunch, unwantLaunch } from '../fleet/launch.js';
import { beginShutdown } from '../fleet/leave.js';
import { endProcess } from '../fleet/processes.js';
import { isQuarantined } from '../shards/quarantine.js';
import { unqueue } from '../shards/start.js';
import { drainedBy, hasSaidGoodbye } from '../state/nodes.js';
import type { RolloutPhase } from '../state/operations.js';
import type { NodeState, OrchestratorState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { eventsOf, judge, workOf, type Verdict } from '../fleet/gates.js';
import { beginMove, waitReason as movesWait } from './moves.js';
import { freeNodes, loadIn, stagesOf } from './rollout-plan.js';
import {
  comingTo,
  countersOf,
  inOrder,
  isUsable,
  memoryOf,
  migrationsOf,
  oldNodes,
  readingsOf,
  refusalIn,
  shardsOn,
  sideOf,
  type Rollout,
} from './rollout-round.js';

/** Enters a phase; its clock begins anew. */
export function enter(tx: Transaction, rollout: Rollout, phase: RolloutPhase): Rollout {
  const entered = { ...rollout, phase, since: tx.now, deadline: null };
  tx.setOperation(entered);
  return entered;
}

/** Progress was made: it has time again. */
export function withTime(tx: Transaction, rollout: Rollout): void {
  const deadline = tx.now + tx.settings.rolloutProgressMs;
  tx.patchOperation(rollout.id, { deadline });
}

/** How long a bot may test itself before its first shard. */
const SELF_TEST_MS = 30_000;

/** The next nodes get their turn. */
export function beginRound(tx: Transaction, rollout: Rollout): void {
  const { options, waiting } = rollout;
  const there = waiting.filter((id) => isUsable(tx.state, id) && loadIn(tx.state, id) > 0);
  const gone = waiting.filter((id) => !there.includes(id));
  const next = there.slice(0, options.surge ?? there.length);
  const round = {
    ...rollout,
    pairs: next.map((old) => ({ old, new: null, instance: null })),
    waiting: there.slice(next.length),
    // They left before their turn, or have nothing that could be moved.
    done: [...rollout.done, ...gone],
    movedBefore: rollout.movedBefore + rollout.moved.length,
    moved: [],
    retried: [],
    stage: 0,
    destinations: [],
  };
  enter(tx, round, 'surging');
}

/** @returns why it cannot go on; null: it does, or waits. */
export function surge(tx: Transaction, rollout: Rollout): string | null {
  const missing = rollout.pairs.filter((pair) => pair.new === null);
  if (missing.length === 0) {
    if (!rollout.pairs.every((pair) => isUsable(tx.state, pair.new))) return null;
    const testing = rollout.destinations.find((id) => tx.node(id)?.signals?.selfTest === 'running');
    if (testing === undefined) beginStages(tx, rollout);
    else if (rollout.since + SELF_TEST_MS <= tx.now) return `the self test of node ${testing} did not end`;
    else if (rollout.deadline === null) tx.patchOperation(rollout.id, { deadline: tx.now + SELF_TEST_MS });
    return null;
  }
  const free = freeNodes(tx.state, [...oldNodes(rollout), ...rollout.waiting], rollout.options);
  const [node] = free;
  if (node !== undefined) {
    pairWith(tx, rollout, node.id);
    return null;
  }
  if (!tx.settings.canLaunch) {
    return 'there is no empty node to move shards to, and no node command to start one with';
  }
  const coming = [...tx.state.launches.values()].filter(({ operation }) => operation === rollout.id).length;
  for (let more = missing.length - coming; more > 0; more -= 1) {
    const forWhom = { operation: rollout.id, version: rollout.options.to };
    tx.actingFor(rollout.by, () => beginLaunch(tx, 'a rollout replaces nodes', forWhom));
  }
  if (rollout.deadline === null) withTime(tx, rollout);
  return null;
}

/** The first node that has no successor yet gets this one. */
export function pairWith(tx: Transaction, rollout: Rollout, id: string): Rollout {
  const node = tx.node(id);
  const first = rollout.pairs.findIndex((pair) => pair.new === null);
  if (node === undefined || first === -1) return rollout;
  const pairs = rollout.pairs.map((pair, index) =>
    index === first ? { ...pair, new: id, instance: node.instance } : pair,
  );
  const version = node.version === '' ? rollout.version : node.version;
  const paired = { ...rollout, pairs, version, destinations: [...rollout.destinations, id], deadline: null };
  tx.setOperation(paired);
  return paired;
}

function beginStages(tx: Transaction, rollout: Rollout): void {
  const round = shardsOn(tx.state, oldNodes(rollout)).length;
  const later = shardsOn(tx.state, rollout.waiting).length;
  const before = rollout.movedBefore;
  const stages = stagesOf(rollout.options, { total: before + round + later, before, round });
  for (const shard of shardsOn(tx.state, oldNodes(rollout))) unqueue(tx, shard);
  enterStage(tx, { ...rollout, stages }, 0);
}

/** What the counters are now is what the stage is compared with. */
function enterStage(tx: Transaction, rollout: Rollout, stage: number): void {
  const counters = countersOf(tx.state, [...oldNodes(rollout), ...rollout.destinations]);
  enter(tx, { ...rollout, stage, counters, promoted: false }, 'moving');
}

/** Shards move until the stage is full. */
export function move(tx: Transaction, rollout: Rollout): void {
  if (rollout.pausedBy !== null && migrationsOf(tx.state, rollout.destinations).length === 0) return;
  const target = rollout.stages[rollout.stage]?.shards ?? null;
  if (rollout.pausedBy === null) {
    for (const shard of inOrder(tx.state, oldNodes(rollout))) {
      if (!isWanted(tx, rollout, shard, target)) continue;
      moveOne(tx, rollout, shard, target);
    }
  }
  const current = tx.state.operations.get(rollout.id);
  // A migration that broke at once: it is heard of first.
  if (current?.kind !== 'rollout' || current.outcomes.length > 0) return;
  if (current.deadline === null) withTime(tx, current);
  if (migrationsOf(tx.state, rollout.destinations).length > 0) return;
  if (isFull(tx, rollout, target)) enter(tx, current, 'baking');
}

/** A stage is a number of shards, and whole buckets of them. */
function isWanted(tx: Transaction, rollout: Rollout, shard: number, target: number | null): boolean {
  if (target === null) return true;
  const { bucketSize } = tx.settings;
  const there = shardsOn(tx.state, rollout.destinations);
  const coming = [...tx.state.migrations.values()].filter((each) => rollout.destinations.includes(each.destination));
  if (there.length + coming.length < target) return true;
  const bucket = Math.floor(shard / bucketSize);
  return [...there, ...coming.map((each) => each.shard)].some((each) => Math.floor(each / bucketSize) === bucket);
}

function moveOne(tx: Transaction, rollout: Rollout, shard: number, target: number | null): void {
  const state = tx.shard(shard);
  if (state?.kind !== 'running' || drainedBy(tx.state, state.node) !== undefined) return;
  const origin = state.node;
  const pair = rollout.pairs.find(({ old }) => old === origin);
  if (pair === undefined || !isUsable(tx.state, pair.new) || !isUsable(tx.state, origin)) return;
  // There is no session to move: it is started anew, when new nodes are the ones that get what nobody runs.
  if (refusalIn(state) !== null && target !== null) return;
  beginMove(tx, rollout, shard, () => pair.new);
}

function isFull(tx: Transaction, rollout: Rollout, target: number | null): boolean {
  const old = oldNodes(rollout);
  const isEmpty = old.every((node) => loadIn(tx.state, node) === 0 && !isComingBack(tx, node));
  if (isEmpty) return true;
  return target !== null && shardsOn(tx.state, rollout.destinations).length >= target;
}

/** Whether a shard whose migration broke is about to be given back to the node; it is moved again then. */
function isComingBack(tx: Transaction, node: string): boolean {
  const retained = tx.node(node)?.retained ?? [];
  return retained.some((shard) => {
    const kind = tx.shard(shard)?.kind;
    return kind === 'stopping' || kind === 'starting' || (kind === 'vacant' && !isQuarantined(tx, shard));
  });
}

/** @returns why the version fails its bake; null: it does not, or not yet. */
export function bake(tx: Transaction, given: Rollout): string | null {
  const { stages, stage, options, pausedBy } = given;
  const bakeMs = stages[stage]?.bakeMs ?? 0;
  const lastsMs = bakeMs + keptFor(given);
  if (given.deadline === null) {
    // It begins here, also when an earlier run of the orchestrator began it.
    tx.setOperation({ ...given, since: tx.now, deadline: tx.now + lastsMs, memory: [] });
    return null;
  }
  const rollout = withMemory(tx, given);
  const verdict = lastsMs === 0 ? 'pass' : verdictOf(tx.state, rollout, tx.now);
  if (typeof verdict === 'object') return verdict.fail;
  if (given.deadline > tx.now || pausedBy !== null || verdict === 'wait') return null;
  if (options.manual && !rollout.promoted) return null;
  if (hasFewEvents(tx, rollout, bakeMs)) return null;
  const normal = workOf(readingsOf(tx.state, rollout, oldNodes(rollout))) ?? rollout.normal;
  if (stage + 1 < stages.length) enterStage(tx, { ...rollout, normal }, stage + 1);
  else enter(tx, rollout, 'ending');
  return null;
}

/** What the memory of nodes grows from: the first word of each, once the bake has begun. */
function withMemory(tx: Transaction, rollout: Rollout): Rollout {
  const { memory, destinations } = rollout;
  const known = new Set(memory.map(({ node }) => node));
  const unknown = [...oldNodes(rollout), ...destinations].filter((id) => !known.has(id));
  const told = memoryOf(tx.state, unknown);
  if (told.length === 0) return rollout;
  const next = { ...rollout, memory: [...memory, ...told] };
  tx.setOperation(next);
  return next;
}

/** How long the old nodes stay warm once the last bake is over: gates hold, and `undo` goes back to them. */
function keptFor({ stages, stage, waiting, options }: Rollout): number {
  return stage + 1 >= stages.length && waiting.length === 0 ? options.keepOld : 0;
}

/** So many events are to be seen in a minute of a bake, if there are any; a bake takes up to so many times as long. */
const EVENTS_A_MINUTE = 200;
const AT_MOST_TIMES = 5;

/** The old nodes get events, and what moved has had too few yet. Where no more come in time, that has to do. */
function hasFewEvents(tx: Transaction, rollout: Rollout, bakeMs: number): boolean {
  const old = workOf(readingsOf(tx.state, rollout, oldNodes(rollout))) ?? rollout.normal;
  const events = eventsOf(readingsOf(tx.state, rollout, rollout.destinations));
  const latest = rollout.since + Math.max(bakeMs * AT_MOST_TIMES, bakeMs + keptFor(rollout));
  if (bakeMs === 0 || old === null || events >= (EVENTS_A_MINUTE * bakeMs) / 60_000) return false;
  if (tx.now >= latest) {
    const text = `Too few events to judge by: ${events} since the stage began. The rollout goes on.`;
    tx.record('operationProgress', 'warn', text, { operation: rollout.id, kind: rollout.kind, events }, rollout.by);
    return false;
  }
  if (rollout.deadline !== latest) tx.patchOperation(rollout.id, { deadline: latest });
  return true;
}

/** A new node counts when its shards were up for so long. */
const MIN_READY_MS = 10_000;

export function verdictOf(state: OrchestratorState, rollout: Rollout, now: number): Verdict {
  const old = sideOf(state, rollout, oldNodes(rollout));
  const fresh = sideOf(state, rollout, rollout.destinations);
  const patience = { downMs: MIN_READY_MS, aloneMs: state.settings.rolloutProgressMs };
  return judge({ ...old, work: old.work ?? rollout.normal }, fresh, patience, now);
}

/** Who ends: the old nodes, or the new ones when the shards went back. */
function losers({ failure, pairs }: Rollout): string[] {
  return pairs.flatMap((pair) => (failure === null ? [pair.old] : pair.new === null ? [] : [pair.new]));
}

/**
 * Ends the side that lost. A node is waited for until it has said goodbye: what it still ends is nobody's business but
 * its own.
 *
 * @returns whether all is done; or why not.
 */
export function end(tx: Transaction, rollout: Rollout): 'ended' | 'waits' | { stuck: string } {
  if (rollout.failure !== null) unwantLaunch(tx, rollout.id);
  const all = losers(rollout);
  for (const id of all) {
    if (isUsable(tx.state, id)) tx.actingFor(rollout.by, () => beginShutdown(tx, id, null, false));
    else if (rollout.failure !== null) endBroken(tx, id);
  }
  const states = all.map((id) => endingOf(tx.state, id, tx.now));
  if (states.includes('waits')) return waitForAway(tx, rollout, all);
  const [late, away] = (['late', 'away'] as const).map((kind) => all.filter((_, index) => states[index] === kind));
  const whys = [
    ...(late?.length ? [`node ${late.join(', ')} did not shut down in time`] : []),
    ...(away?.length ? [`node ${away.join(', ')} is away, and could not be told to shut down`] : []),
  ];
  return whys.length === 0 ? 'ended' : { stuck: whys.join('; ') };
}

/** Until when those are waited for whose connection was lost before they were told to shut down. */
function waitForAway(tx: Transaction, { id, deadline }: Rollout, losing: readonly string[]): 'waits' {
  const until = losing.map((each) => awayUntil(tx.state, tx.node(each))).filter((at) => at !== null && at > tx.now);
  const next = until.length === 0 ? null : Math.min(...until.map(Number));
  if (next !== deadline) tx.patchOperation(id, { deadline: next });
  return 'waits';
}

/** null: it is not away, or was told. */
function awayUntil({ settings }: OrchestratorState, node: NodeState | undefined): number | null {
  if (node?.connection.kind !== 'disconnected' || node.intent.kind === 'shuttingDown') return null;
  return node.connection.gone ? null : node.connection.since + settings.maxNodeDowntimeMs;
}

/** A broken new node does not stay behind, to be given shards at the next death. */
function endBroken(tx: Transaction, id: string): void {
  const node = tx.node(id);
  if (node !== undefined && node.connection.kind !== 'disconnected') return;
  const process = tx.state.processes.get(id);
  if (process !== undefined && process.ending === null) endProcess(tx, id, 'its rollout was reverted');
}

function endingOf(state: OrchestratorState, id: string, now: number): 'ended' | 'waits' | 'late' | 'away' {
  const node = state.nodes.get(id);
  if (node === undefined || hasSaidGoodbye(node)) return 'ended';
  const { connection, intent } = node;
  if (connection.kind !== 'disconnected') return 'waits';
  if (connection.gone) return 'ended';
  // One that was not told yet is told when it is back.
  if (intent.kind !== 'shuttingDown') return (awayUntil(state, node) ?? now) > now ? 'waits' : 'away';
  return intent.deadline > now ? 'waits' : 'late';
}

/** Why nothing moves at the moment; null: it does, or could. */
export function waitReason(state: OrchestratorState, rollout: Rollout): string | null {
  if (rollout.pausedBy !== null) return `it was paused by ${rollout.pausedBy}`;
  if (comingTo(state, rollout.destinations) > 0) return null;
  return movesWait(state, shardsOn(state, oldNodes(rollout)));
}
