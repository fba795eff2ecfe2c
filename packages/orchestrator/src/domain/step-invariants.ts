/**
 * What must be true of every step from one state to the next: rules about what is begun, which no single state shows.
 * Run by the tests and the simulator after each event; throws naming what is broken.
 */
import { disruptionOf, isFreeOfBudget } from './migration/limits.js';
import { BrokenInvariant } from './invariants.js';
import { isMostSilent, mayAlarm } from './fleet/alarm.js';
import { hasConnection, hasSaidGoodbye } from './state/nodes.js';
import { takesRoom } from './state/migrations.js';
import { isPark } from './state/park.js';
import type { MigrationState, OrchestratorState } from './state/state.js';

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
  // What is parked has a deadline, and what is given out comes up by that.
  const planned = begun.filter(({ origin, destination }) => !isPark(origin) && !isPark(destination));
  if (planned.length > 0) movesKeepToTheBudget(after, planned);
  operationsMoveWhatTheyMay(before, after, begun);
  cancelledOperationsBeginNothing(before, after, begun);
  connectedNodesKeepTheirIds(before, after);
  nothingIsTakenFromTheSilent(before, after);
  quarantinedShardsAreNotStarted(before, after);
}

/** Invariant 11: shards moving or down stay under the cap, losses counted; so none is moved beyond it. */
function movesKeepToTheBudget(after: OrchestratorState, begun: readonly MigrationState[]): void {
  must(after.alarm === null, 'shards are moved while most nodes are silent');
  const planned = begun.filter(({ operation }) => !isFreeOfBudget(after, operation));
  if (planned.length === 0) return;
  const { moving, down, limit } = disruptionOf(after);
  const shards = planned.map(({ shard }) => shard).join(', ');
  must(moving + down <= limit, `shard(s) ${shards} are moved while ${moving} move and ${down} are down, of ${limit}`);
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
    const intent = after.nodes.get(destination)?.intent.kind;
    must(intent === 'serving', `rebalance ${asked.id} moves shard ${shard} to node ${destination}, which is ${intent}`);
    const isDrained = [...after.operations.values()].some(({ origins }) =>
      origins.some((node) => node === destination),
    );
    must(!isDrained, `rebalance ${asked.id} moves shard ${shard} to node ${destination}, which is drained`);
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
  if (after.alarm !== null || !mayAlarm(after)) return;
  const owners = new Set(after.shards.flatMap((shard) => (shard.kind === 'unreachable' ? [shard.node] : [])));
  const silent = [...owners].filter((node) => isSilent(after, node));
  const heard = [...after.nodes.values()].filter(({ connection }) => connection.kind !== 'disconnected').length;
  must(
    !isMostSilent(silent.length, heard),
    `${silent.length} nodes are silent, ${heard} are not, and there is no alarm`,
  );
}

function quarantinedShardsAreNotStarted(before: OrchestratorState, after: OrchestratorState): void {
  for (const [shard, { quarantinedAt }] of before.crashRecords) {
    if (quarantinedAt === null || (after.crashRecords.get(shard)?.quarantinedAt ?? null) === null) continue;
    const isStarted = before.shards[shard]?.kind === 'vacant' && after.shards[shard]?.kind === 'starting';
    must(!isStarted, `shard ${shard} is quarantined, and is started`);
  }
}

function isSilent(state: OrchestratorState, id: string): boolean {
  const node = state.nodes.get(id);
  return node?.connection.kind === 'disconnected' && !node.connection.gone && node.intent.kind !== 'shuttingDown';
}
