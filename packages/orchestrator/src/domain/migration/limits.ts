/**
 * How many shards may move at once: by room (per node and in the whole fleet; those that are only announced to leave
 * take none), and by the disruption budget.
 *
 * The disruption budget: how many shards may be moving or down at once. Losses nobody planned count against it, so
 * planned moves wait while it is used up; what brings shards back up never does.
 *
 * A node that leaves has a deadline: its moves are not held back by what is down, only by room.
 *
 * Down are the shards that are to be up here and are not: being started or stopped, not connected to Discord, on a node
 * that is away, or vacant. Not counted is what an operator has to mend: quarantined shards and those that Discord
 * refuses (a rollout may be what heals them), and, without ensureAllShardsRunning, vacant ones.
 */
import type { LeavingIntent, MigrationState, NodeState, OrchestratorState } from '../state/state.js';
import { isBase, takesRoom } from '../state/migrations.js';
import { isRunningUp } from '../state/shard-link.js';
import { survey } from '../state/survey.js';
import type { Transaction } from '../state/transaction.js';
import { can } from '../state/nodes.js';
import { isPark, nameOfEnd } from '../state/park.js';

export type Disruption = { moving: number; down: number; limit: number };

export function disruptionOf(state: OrchestratorState): Disruption {
  const { vacant, parked, starting, stopping, unreachable, unready } = survey(state.shards);
  const busy = starting.length + stopping.length + unreachable.length + parked.length;
  const down = vacantCount(state, vacant) + busy + unreadyCount(state, unready);
  const moving = [...state.migrations.values()].filter(takesRoom).length;
  return { moving, down, limit: limitOf(state) };
}

/** At least one, or nothing could ever be moved. */
function limitOf({ settings, totalShards }: OrchestratorState): number {
  const { maxUnavailable, responsibleForShards } = settings;
  if ('count' in maxUnavailable) return Math.max(1, maxUnavailable.count);
  const total = responsibleForShards?.length ?? totalShards ?? 0;
  return Math.max(1, Math.ceil((total * maxUnavailable.percent) / 100));
}

function vacantCount(state: OrchestratorState, vacant: readonly number[]): number {
  const { ensureAllShardsRunning, responsibleForShards } = state.settings;
  if (!ensureAllShardsRunning) return 0;
  if (responsibleForShards === null && state.crashRecords.size === 0) return vacant.length;
  const ours = responsibleForShards === null ? null : new Set(responsibleForShards);
  const isWanted = (shard: number): boolean => (state.crashRecords.get(shard)?.quarantinedAt ?? null) === null;
  return vacant.filter((shard) => (ours?.has(shard) ?? true) && isWanted(shard)).length;
}

function unreadyCount(state: OrchestratorState, unready: readonly number[]): number {
  return unready.filter((id) => {
    const shard = state.shards[id];
    return shard?.kind === 'running' && !isRunningUp(state, shard) && (shard.link?.refused ?? null) === null;
  }).length;
}

/** What a rollout moves back is not held back by what is down, for that may be what it mends; room bounds it. */
export function isFreeOfBudget({ operations }: OrchestratorState, id: string | null): boolean {
  const operation = id === null ? undefined : operations.get(id);
  return operation?.kind === 'rollout' && operation.failure !== null;
}

/** What is not moved before the node's deadline goes down; room bounds it. */
export function leavesSoon({ nodes }: OrchestratorState, origin: string): boolean {
  return nodes.get(origin)?.intent.kind === 'leaving';
}

/** Whether one more shard may be moved now, away from this node. */
export function budgetAllowsMove({ state }: Transaction, origin: string): boolean {
  return leavesSoon(state, origin) ? state.alarm === null : !budgetHolds(state);
}

export function budgetHolds(state: OrchestratorState): boolean {
  if (state.alarm !== null) return true;
  const { moving, down, limit } = disruptionOf(state);
  return moving + down >= limit;
}

/** Why not, as part of a sentence. */
export function budgetReason(state: OrchestratorState): string {
  if (state.alarm !== null) return 'most nodes are silent, so nothing is moved';
  const { moving, down, limit } = disruptionOf(state);
  return `${moving} shard(s) are moving and ${down} are down, and maxUnavailable allows ${limit}`;
}

export function hasRoomToMove(tx: Transaction, origin: string, destination: string): boolean {
  const moving = [...tx.state.migrations.values()].filter(takesRoom).length;
  return (
    moving < tx.settings.migrationsTotal &&
    [origin, destination].every((node) => hasRoom(tx, node, movesLive(tx, origin, destination)))
  );
}

/** User events of the base level name no shard, so a node has one migration at a time that is not live. */
function hasRoom(tx: Transaction, node: string, live: boolean): boolean {
  const isBusy = [...tx.state.migrations.values()].some(
    (other) => isBase(other) && (other.origin === node || other.destination === node),
  );
  if (!can(tx.node(node), 'live-migration')) return movesOf(tx, node) === 0;
  return movesOf(tx, node) < tx.settings.migrationsPerNode && (live || !isBusy);
}

/**
 * What a node hands over or takes over now. A base-level node can do one thing of that kind at a time, so resumes count
 * for it.
 */
function movesOf(tx: Transaction, node: string): number {
  let moves = 0;
  for (const migration of tx.state.migrations.values()) {
    if ((migration.origin === node || migration.destination === node) && takesRoom(migration)) moves += 1;
  }
  if (can(tx.node(node), 'resume-shards')) return moves;
  for (const shard of tx.shardsOf(node)) {
    const state = tx.shard(shard);
    if (state?.kind === 'starting' && (state.step === 'prepare' || state.step === 'resume')) moves += 1;
  }
  return moves;
}

/** Whether shards move live between the two. */
export function movesLive(tx: Transaction, origin: string, destination: string): boolean {
  return [origin, destination].every((end) => isPark(end) || can(tx.node(end), 'live-migration'));
}

/** How long a shard is kept that is to leave for this destination. */
export function patienceOf(tx: Transaction, origin: string, destination: string): number {
  // Who has nobody to give its shards to is about to end.
  if (isPark(destination)) return 0;
  const node = tx.node(origin);
  if (node === undefined || !movesLive(tx, origin, destination) || !can(node, 'warm-up')) return 0;
  const patienceMs = node.bounds?.patienceMs ?? 0;
  return Math.min(patienceMs, patienceLeft(tx, node));
}

/** A node that leaves has no more time than until its pre-copies end, and the copies take their part of that. */
function patienceLeft(tx: Transaction, { intent }: NodeState): number {
  if (intent.kind !== 'leaving') return Infinity;
  return Math.max(0, Math.floor(movesUntil(intent) - COPIES_MS - tx.now));
}

/** What copying a shard may take of the time that a node has to leave. */
const COPIES_MS = 2_000;
/** Of the time that a leaving node has: for what is stopped rather than moved. */
const STOPS_MS = 3_000;

/** Until when the shards of a node that leaves are moved. */
export function movesUntil({ leaveBy }: LeavingIntent): number {
  return leaveBy - STOPS_MS;
}

/**
 * What a move between the nodes has to wait for before it begins; null: nothing. Where user code is waited for, it
 * waits after that.
 */
export function waitsFor(tx: Transaction, origin: string, destination: string): 'room' | 'budget' | null {
  if (patienceOf(tx, origin, destination) > 0) return null;
  if (!hasRoomToMove(tx, origin, destination)) return 'room';
  return budgetAllowsMove(tx, origin) ? null : 'budget';
}

/** What is known of a migration before its first step. */
export type About = Omit<MigrationState, 'step' | 'deadline'>;

/** A shard begins to move: from here on it counts for everybody's limits. */
export function recordMoveStarted(tx: Transaction, about: About, live: boolean): void {
  const { id, shard, origin, destination, operation } = about;
  const text = `Moving shard ${shard} from ${nameOfEnd(origin)} to ${nameOfEnd(destination)}.`;
  const facts = { migration: id, shard, origin, destination, live, operation };
  // What is parked is not held back by what is down, nor is what is given out, nor what its node cannot keep.
  const isBound = isPark(origin) || isPark(destination);
  const isFree = isBound || leavesSoon(tx.state, origin) || isFreeOfBudget(tx.state, operation);
  tx.record('migrationStarted', 'info', text, isFree ? facts : { ...facts, ...disruptionOf(tx.state) });
}
