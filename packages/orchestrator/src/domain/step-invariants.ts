/**
 * What must be true of every step from one state to the next: rules about what is begun, which no single state shows.
 * Run by the tests and the simulator after each event; throws naming what is broken.
 */
import { disruptionOf, isFreeOfBudget, leavesSoon } from './migration/limits.js';
import { BrokenInvariant } from './invariants.js';
import { judgeSilence, mayAlarm } from './fleet/alarm.js';
import { isUnresponsive } from './fleet/unresponsive.js';
import { loadIn } from './operations/rollout-plan.js';
import { isCordoned, isServing } from './state/hosts.js';
import { drainedBy, hasConnection, hasSaidGoodbye, isConnected, isLeaving, isShuttingDown } from './state/nodes.js';
import { takesRoom } from './state/migrations.js';
import { isHeldBack, replacedBy } from './state/versions.js';
import { isPark } from './state/park.js';
import { operationsOfKind } from './state/operations.js';
import { survey } from './state/survey.js';
import type { MigrationState, NodeState, OrchestratorState } from './state/state.js';

function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new BrokenInvariant(what);
}

/** @throws BrokenInvariant */
export function assertStep(before: OrchestratorState, after: OrchestratorState): void {
  const movedBefore = (id: string): boolean => {
    const migration = before.migrations.get(id);
    return migration !== undefined && takesRoom(migration);
  };
  const begun = [...after.migrations.values()].filter((each) => takesRoom(each) && !movedBefore(each.id));
  movesKeepToTheBudget(before, after, begun);
  operationsMoveWhatTheyMay(before, after, begun);
  leavingNodesGetNothing(before, after, begun);
  cancelledOperationsBeginNothing(before, after, begun);
  rolloutsEndAsTheyShould(before, after);
  connectedNodesKeepTheirIds(before, after);
  nothingIsTakenFromTheSilent(before, after);
  quarantinedShardsAreNotStarted(before, after);
  placementIsFair(before, after);
}

/**
 * Invariant 11: shards moving or down stay under the cap, losses counted; so none is moved beyond it. What is free of
 * the budget counts for the planned moves that begin after it, and may go beyond the cap after them, in the same step.
 */
function movesKeepToTheBudget(
  before: OrchestratorState,
  after: OrchestratorState,
  begun: readonly MigrationState[],
): void {
  // What is parked has a deadline, and what is given out comes up by that.
  const isParking = ({ origin, destination }: MigrationState): boolean => isPark(origin) || isPark(destination);
  must(after.alarm === null || begun.every(isParking), 'shards are moved while most nodes are silent');
  const isFree = (move: MigrationState): boolean =>
    isParking(move) || isFreeOfBudget(after, move.operation) || leavesSoon(after, move.origin);
  const last = begun.findLastIndex((move) => !isFree(move));
  if (last === -1) return;
  // Migrations are in the order in which they were made; one that was announced in an earlier step began at any point.
  const later = begun.filter((move, index) => isFree(move) && (index > last || before.migrations.has(move.id)));
  const { moving, down, limit } = disruptionOf(after);
  const counted = moving - later.length;
  const shards = begun.flatMap((move) => (isFree(move) ? [] : [move.shard])).join(', ');
  must(counted + down <= limit, `shard(s) ${shards} are moved while ${counted} move and ${down} are down, of ${limit}`);
}

/** A drain begins no move when its time is up; shards are spread over nodes that take shards, and while they do. */
function operationsMoveWhatTheyMay(
  before: OrchestratorState,
  after: OrchestratorState,
  begun: readonly MigrationState[],
): void {
  for (const { id, shard, destination, operation, startedAt } of begun) {
    const asked = before.operations.get(operation ?? '') ?? after.operations.get(operation ?? '');
    if (before.migrations.has(id) || asked === undefined) continue;
    if (asked.kind === 'drain') {
      const isLate = asked.until !== null && startedAt > asked.until;
      must(!isLate, `drain ${asked.id} moves shard ${shard} after its deadline`);
    }
    if (asked.kind !== 'rebalance') continue;
    const node = after.nodes.get(destination);
    const mayTake = node !== undefined && isServing(after, node);
    const where = `node ${destination}, which is ${node?.intent.kind} on host ${node?.host}`;
    must(mayTake, `rebalance ${asked.id} moves shard ${shard} to ${where}`);
    const isDrained = [...after.operations.values()].some(({ origins }) =>
      origins.some((node) => node === destination),
    );
    must(!isDrained, `rebalance ${asked.id} moves shard ${shard} to node ${destination}, which is drained`);
  }
}

/**
 * Nothing old ends before the last bake, what fails goes back, and one that went back leaves no shard on its new nodes,
 * unless none of the old ones is there any more, or the time for going back is over.
 */
function rolloutsEndAsTheyShould(before: OrchestratorState, after: OrchestratorState): void {
  if (before.operations === after.operations) return;
  for (const was of operationsOfKind(before.operations, 'rollout')) {
    const is = operationsOfKind(after.operations, 'rollout').find(({ id }) => id === was.id);
    if (is !== undefined) {
      must(was.failure === null || is.failure !== null, `rollout ${was.id} fails, and goes on`);
      const isDone = is.phase === 'ending' && is.failure === null;
      must(!isDone || (is.stages[is.stage]?.shards ?? null) === null, `rollout ${was.id} ends before its last stage`);
      const isToMove = is.pairs.some(({ old }) => loadIn(after, old) > 0);
      must(!isDone || was.phase !== 'surging' || !isToMove, `rollout ${was.id} ends before it has moved anything`);
      continue;
    }
    const { failure, phase, destinations, pairs } = was;
    // Not all could go back in time: that is told.
    const isTold = after.endedOperations.some(({ id, text }) => id === was.id && /in time|stay where/.test(text));
    if (failure === null || after.ending !== null || isTold) continue;
    must(phase !== 'surging', `rollout ${was.id} failed, and ended at once`);
    const left = destinations.flatMap((node) => survey(after.shards).byNode.get(node) ?? []);
    const hasHome = pairs.some(({ old }) => {
      const node = after.nodes.get(old);
      return isConnected(node) && !isShuttingDown(node);
    });
    must(left.length === 0 || !hasHome, `rollout ${was.id} went back, and shards ${left.join(', ')} did not`);
  }
}

/** The connection of a node that lives is not given to another process of its id. */
function connectedNodesKeepTheirIds(before: OrchestratorState, after: OrchestratorState): void {
  if (before.nodes === after.nodes) return;
  for (const [id, node] of after.nodes) {
    const was = before.nodes.get(id);
    if (was === undefined || was.instance === node.instance || was.instance === null || node.instance === null)
      continue;
    const livesOn = hasConnection(was) && !hasSaidGoodbye(was);
    must(!livesOn, `node ${id} is ${node.instance} now, and ${was.instance} was connected`);
  }
}

function cancelledOperationsBeginNothing(
  before: OrchestratorState,
  after: OrchestratorState,
  begun: readonly MigrationState[],
): void {
  for (const [id, { cancelled }] of before.operations) {
    if (cancelled === null) continue;
    const next = after.operations.get(id);
    must(next === undefined || next.cancelled !== null, `operation ${id} was cancelled, and goes on`);
    const isGoingBack = isFreeOfBudget(after, id);
    must(
      isGoingBack || !begun.some(({ operation }) => operation === id),
      `operation ${id} was cancelled, and moves a shard`,
    );
    for (const each of after.operations.values()) {
      const isNew = each.parent === id && !before.operations.has(each.id);
      must(!isNew, `operation ${id} was cancelled, and begins ${each.kind} ${each.id}`);
    }
  }
}

function nothingIsTakenFromTheSilent(before: OrchestratorState, after: OrchestratorState): void {
  if (before.alarm !== null && after.alarm !== null) {
    for (const [shard, was] of before.shards.entries()) {
      if (was.kind !== 'unreachable' || !isSilent(after, was.node)) continue;
      const is = after.shards[shard];
      const isTaken = is?.kind === 'vacant' || is?.kind === 'starting';
      must(!isTaken, `shard ${shard} is taken from silent node ${was.node} although most nodes are silent`);
    }
  }
  if (before.alarm === null) alarmIsNoFalseOne(after);
  if (after.alarm !== null || !mayAlarm(after)) return;
  const owners = new Set(after.shards.flatMap((shard) => (shard.kind === 'unreachable' ? [shard.node] : [])));
  const silent = [...owners].flatMap((node) => (isSilent(after, node) ? (after.nodes.get(node) ?? []) : []));
  const heard = [...after.nodes.values()].filter(({ connection }) => connection.kind !== 'disconnected');
  const { isCutOff, hosts } = judgeSilence(silent, heard);
  const where = hosts === null ? '' : `, ${hosts.silent.length} of ${hosts.all} hosts are`;
  must(!isCutOff, `${silent.length} nodes are silent, ${heard.length} are not${where}, and there is no alarm`);
}

/** Where most hosts are heard, those that are silent are what is wrong. */
function alarmIsNoFalseOne({ alarm, nodes }: OrchestratorState): void {
  if (alarm === null) return;
  const silent = alarm.silent.flatMap((id) => nodes.get(id) ?? []);
  const heard = [...nodes.values()].filter(
    (node) => node.connection.kind !== 'disconnected' && !isLeaving(node) && !alarm.silent.includes(node.id),
  );
  const { isCutOff, hosts } = judgeSilence(silent, heard);
  const where = hosts === null ? '' : `, on ${hosts.silent.length} of ${hosts.all} hosts`;
  must(isCutOff, `an alarm is raised for ${silent.length} silent nodes${where}, and ${heard.length} are heard`);
}

function quarantinedShardsAreNotStarted(before: OrchestratorState, after: OrchestratorState): void {
  for (const [shard, { quarantinedAt }] of before.crashRecords) {
    if (quarantinedAt === null || (after.crashRecords.get(shard)?.quarantinedAt ?? null) === null) continue;
    const isStarted = before.shards[shard]?.kind === 'vacant' && after.shards[shard]?.kind === 'starting';
    must(!isStarted, `shard ${shard} is quarantined, and is started`);
  }
}

/** Who asked to leave is never the target of anything. */
function leavingNodesGetNothing(
  before: OrchestratorState,
  after: OrchestratorState,
  begun: readonly MigrationState[],
): void {
  const leaves = (id: string): boolean => before.nodes.get(id)?.intent.kind === 'leaving' && isStillLeaving(after, id);
  for (const { shard, destination } of begun) {
    must(!leaves(destination), `shard ${shard} is moved to node ${destination}, which is leaving`);
  }
  if (before.shards === after.shards) return;
  for (const [shard, is] of after.shards.entries()) {
    const was = before.shards[shard];
    if (is.kind !== 'starting' || was?.kind !== 'vacant') continue;
    must(!leaves(is.node), `shard ${shard} is started on node ${is.node}, which is leaving`);
  }
  for (const { node, shard } of after.identifies.waiting) {
    const isNew = !before.identifies.waiting.some((wish) => wish.node === node && wish.shard === shard);
    must(!isNew || !leaves(node), `node ${node} is leaving, and is to identify shard ${shard}`);
  }
}

function isStillLeaving({ nodes }: OrchestratorState, id: string): boolean {
  return nodes.get(id)?.intent.kind === 'leaving';
}

function isSilent(state: OrchestratorState, id: string): boolean {
  const node = state.nodes.get(id);
  return node?.connection.kind === 'disconnected' && !node.connection.gone && !isLeaving(node);
}

/**
 * Shards that nobody's command started are on no node beyond the limit, and on the emptiest of the open ones. What is
 * drained or held back when the step begins need not be the emptiest: placement comes before operations end, so that a
 * drained node does not get at once what has just left the node. An operation that ends after it opens the node again.
 */
function placementIsFair(before: OrchestratorState, after: OrchestratorState): void {
  const { settings, nodes } = after;
  if (before.shards === after.shards || before.startRequests !== after.startRequests) return;
  if (settings.bucketSize !== 1 || settings.bucketsPerNode !== 0) return;
  const open = [...nodes.values()].filter((node) => isOpen(after, node));
  const loads = loadsOf(after);
  // The version decides first, and weights, and who is tried alone is not given to the emptiest.
  const isEven =
    new Set(open.map(({ version }) => version)).size === 1 &&
    after.crashRecords.size + after.crashLoops.size === 0 &&
    [...after.balance.loads.values()].every(({ level }) => level === 0);
  const wasOpen = open.filter(({ id }) => !isTakenOut(before, id));
  const least = Math.min(...wasOpen.map(({ id }) => loads.get(id)?.all ?? 0));
  for (const [shard, was] of before.shards.entries()) {
    const is = after.shards[shard];
    if (was.kind !== 'vacant' || is?.kind !== 'starting') continue;
    const { node } = is;
    if (before.nodes.get(node)?.retained.includes(shard) === true) continue;
    const holder = nodes.get(node);
    const isKeptOut = holder !== undefined && isCordoned(after, holder);
    must(!isKeptOut, `shard ${shard} is started on node ${node}, which is cordoned, by itself or with its host`);
    const { own = 0, all = 0 } = loads.get(node) ?? {};
    const limit = typeof settings.maxShardsPerNode === 'number' ? settings.maxShardsPerNode : Infinity;
    must(own <= limit, `shard ${shard} is started on node ${node}, which has ${own} shards, of ${limit}`);
    if (!isEven || was.known !== null) continue;
    must(all - 1 <= least, `shard ${shard} is started on node ${node}, which has ${all} shards; another has ${least}`);
  }
}

function isOpen(state: OrchestratorState, node: NodeState): boolean {
  return isConnected(node) && isServing(state, node) && !isTakenOut(state, node.id) && !isUnresponsive(state, node);
}

/** By an operation. */
function isTakenOut(state: OrchestratorState, id: string): boolean {
  const node = state.nodes.get(id);
  return drainedBy(state, id) !== undefined || (node !== undefined && isHeldBack(state, node));
}

/** `all`: with what it hands over or is about to take over, as the shards of the node that a rollout replaces by it. */
function loadsOf(state: OrchestratorState): ReadonlyMap<string, { own: number; all: number }> {
  const { shards, migrations } = state;
  const loads = new Map<string, { own: number; all: number }>();
  const add = (node: string, own: number): void => {
    const load = loads.get(node) ?? { own: 0, all: 0 };
    loads.set(node, { own: load.own + own, all: load.all + 1 });
  };
  for (const shard of shards) if ('node' in shard) add(shard.node, 1);
  for (const { origin, destination } of migrations.values()) for (const node of [origin, destination]) add(node, 0);
  for (const node of state.nodes.keys()) {
    const old = replacedBy(state, node);
    for (const shard of shards) if (old !== null && 'node' in shard && shard.node === old) add(node, 0);
  }
  return loads;
}
