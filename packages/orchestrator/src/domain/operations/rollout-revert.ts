/**
 * The way back of a rollout: a gate failed, or somebody wants it undone. Shards move live to the old processes, which
 * are warm and empty, the newest first. The disruption budget does not hold them back; how many move at once per node
 * and in all does. A shard that is not up on its new node has no live state to move: it is stopped there, and resumed
 * on an old one. Then the new nodes end, and the version is quarantined.
 */
import { hasRoomToMove } from '../migration/limits.js';
import { abortLive } from '../migration/live-failure.js';
import { canAbort } from '../migration/live-steps.js';
import { beginMigration } from '../migration/steps.js';
import { isUp } from '../shards/condition.js';
import { unqueue } from '../shards/start.js';
import { beginStop } from '../shards/stop.js';
import { isLive } from '../state/migrations.js';
import { isLeaving } from '../state/nodes.js';
import type { RolloutFailure } from '../state/operations.js';
import type { Transaction } from '../state/transaction.js';
import type { RolloutMemory } from '../state/versions.js';
import { loadIn, nameOf } from './rollout-plan.js';
import { enter, withTime } from './rollout-phases.js';
import { isUsable, migrationsOf, oldNodes, refusalIn, shardsOn, sinceOf, type Rollout } from './rollout-round.js';

/** A shard that is not up on its new node may come up so soon that it need not be stopped there. */
const COMES_UP_WITHIN_MS = 5_000;
/** Two reverts within so long freeze rollouts. */
const FREEZE_WITHIN_MS = 30 * 60_000;
/** How many versions, and how many reverts, are remembered. */
const KEPT = 8;

export function beginRevert(tx: Transaction, rollout: Rollout, kind: RolloutFailure, reason: string): void {
  const failed = { ...rollout, failure: { kind, reason }, retried: [], stopped: null, pausedBy: null };
  const entered = enter(tx, failed, 'reverting');
  const what =
    kind === 'gate'
      ? `The rollout of ${nameOf(rollout.version)} is reverted: ${reason}.`
      : `The rollout is undone: ${reason}.`;
  const text = `${what} Its shards go back to the old nodes.`;
  const facts = { operation: rollout.id, kind: rollout.kind, version: rollout.version, reason };
  tx.record('operationProgress', kind === 'gate' ? 'error' : 'info', text, facts, rollout.by);
  // What has not left its old node yet stays there.
  for (const migration of tx.state.migrations.values()) {
    const isForward = migration.operation === rollout.id && entered.destinations.includes(migration.destination);
    if (isForward && isLive(migration) && canAbort(migration)) abortLive(tx, migration, `the rollout is reverted`);
  }
}

/** @returns whether all is back; or why it cannot go back. */
export function revert(tx: Transaction, rollout: Rollout): 'back' | 'waits' | { stuck: string } {
  const { destinations } = rollout;
  const left = shardsOn(tx.state, destinations);
  if (left.length === 0 && migrationsOf(tx.state, destinations).length === 0) return 'back';
  const old = oldNodes(rollout).filter((id) => isUsable(tx.state, id));
  const mayComeBack = oldNodes(rollout).some((id) => isAwaited(tx, id));
  if (left.length > 0 && old.length === 0 && !mayComeBack) {
    return { stuck: 'none of the old nodes is there any more, so the shards stay where they are' };
  }
  for (const shard of newestFirst(left, rollout.moved)) giveBack(tx, rollout, shard, old);
  const current = tx.state.operations.get(rollout.id);
  if (current?.kind === 'rollout' && current.deadline === null) withTime(tx, current);
  return 'waits';
}

/** Its connection is lost, which says nothing of its process. */
function isAwaited(tx: Transaction, id: string): boolean {
  const node = tx.node(id);
  if (node === undefined || isLeaving(node) || node.connection.kind === 'connected') return false;
  const { connection } = node;
  if (connection.kind !== 'disconnected') return true;
  return !connection.gone && connection.since + tx.settings.maxNodeDowntimeMs > tx.now;
}

export function newestFirst(shards: readonly number[], moved: readonly number[]): number[] {
  return shards.toSorted((a, b) => moved.lastIndexOf(b) - moved.lastIndexOf(a) || a - b);
}

function giveBack(tx: Transaction, rollout: Rollout, shard: number, old: readonly string[]): void {
  const state = tx.shard(shard);
  if (state?.kind === 'starting') unqueue(tx, shard);
  if (state?.kind !== 'running' || !isUsable(tx.state, state.node)) return;
  const origin = state.node;
  if (!isUp(tx.state, shard) || rollout.retried.includes(shard)) {
    const since = sinceOf(state);
    const mayComeUp = refusalIn(state) === null && since + COMES_UP_WITHIN_MS > tx.now;
    if (mayComeUp && !rollout.retried.includes(shard)) return;
    tx.actingFor(rollout.by, () => beginStop(tx, shard, origin, null, null));
    return;
  }
  const destination = homeOf(tx, rollout, origin, old);
  if (destination === null || !hasRoomToMove(tx, origin, destination)) return;
  const plan = { shard, origin, destination, request: null, operation: rollout.id };
  tx.actingFor(rollout.by, () => beginMigration(tx, plan));
}

/** Where it came from, if that node is still there; else the old node with the least. */
function homeOf(tx: Transaction, { pairs }: Rollout, origin: string, old: readonly string[]): string | null {
  const own = pairs.find((pair) => pair.new === origin)?.old;
  if (own !== undefined && old.includes(own)) return own;
  const [least] = old.toSorted((a, b) => loadIn(tx.state, a) - loadIn(tx.state, b));
  return least ?? null;
}

/** When a shard that may come up by itself is looked at again. */
export function nextLookAt(tx: Transaction, rollout: Rollout): number | null {
  const times = shardsOn(tx.state, rollout.destinations).flatMap((shard) => {
    const state = tx.shard(shard);
    if (state?.kind !== 'running' || isUp(tx.state, shard)) return [];
    const at = sinceOf(state) + COMES_UP_WITHIN_MS;
    return at > tx.now ? [at] : [];
  });
  return times.length === 0 ? null : Math.min(...times);
}

/** The version is rolled out again only if somebody insists; a second revert soon after the first freezes rollouts. */
export function rememberRevert(tx: Transaction, rollout: Rollout): void {
  const { failure, destinations } = rollout;
  if (failure?.kind !== 'gate') return;
  const { deployedVersion, processes } = tx.state;
  const versionsOf = (ids: readonly string[]): (string | undefined)[] => ids.map((id) => tx.node(id)?.version);
  const old = oldNodes(rollout);
  // Where versions have no names of their own, none can be told from the one that serves.
  const reported = versionsOf(destinations).find((each) => each !== undefined && !versionsOf(old).includes(each));
  const launched = rollout.options.to ?? deployedVersion;
  const isOld = old.some((id) => processes.get(id)?.version === launched);
  const revert = {
    version: isOld ? '' : launched,
    reported: reported ?? null,
    reason: failure.reason,
    at: tx.now,
  };
  tx.patch({ rollouts: withRevert(tx.state.rollouts, revert) });
}

export function withRevert(memory: RolloutMemory, revert: RolloutMemory['quarantined'][number]): RolloutMemory {
  const others = memory.quarantined.filter(({ version }) => version !== revert.version);
  const isNamed = revert.version !== '' || revert.reported !== null;
  const isSoon = memory.reverts.some((at) => at + FREEZE_WITHIN_MS > revert.at);
  return {
    ...memory,
    quarantined: (isNamed ? [...others, revert] : memory.quarantined).slice(-KEPT),
    reverts: [...memory.reverts, revert.at].slice(-KEPT),
    frozen: memory.frozen || isSoon,
  };
}

/** What is undone when no rollout is under way, and what launches start from now on. */
export function rememberRollout(tx: Transaction, { id, from, options }: Rollout): void {
  const { rollouts, deployedVersion } = tx.state;
  const to = options.to ?? deployedVersion;
  const launched = to === deployedVersion ? null : to;
  tx.patch({ rollouts: { ...rollouts, last: { operation: id, from, to, endedAt: tx.now }, launched } });
  if (launched === null || launched === rollouts.launched) return;
  const text = `Launches start version ${launched} from now on, until the next rollout.`;
  tx.record('operationProgress', 'info', text, { operation: id, kind: 'rollout', version: launched });
}

/** Somebody insists: the version gets another try, and rollouts are no longer frozen. */
export function forgiven(memory: RolloutMemory, version: string): RolloutMemory {
  return { ...memory, quarantined: memory.quarantined.filter((each) => each.version !== version), frozen: false };
}
