/** What the chapters of a rollout know of its round: its nodes, their shards, and how these are. Nothing is changed. */
import { isUp } from '../shards/condition.js';
import { isConnected, isLeaving } from '../state/nodes.js';
import type { OperationState, RolloutPair } from '../state/operations.js';
import type { MigrationState, OrchestratorState, ShardState } from '../state/state.js';
import { survey } from '../state/survey.js';
import { growthOf, workOf, type Counters, type Growth, type Facts, type Reading, type Side } from '../fleet/gates.js';

export type Rollout = OperationState<'rollout'>;

export function oldNodes({ pairs }: Rollout): string[] {
  return pairs.map(({ old }) => old);
}

/** Connected, and there to stay. */
export function isUsable({ nodes }: OrchestratorState, id: string | null): id is string {
  const node = id === null ? undefined : nodes.get(id);
  return isConnected(node) && !isLeaving(node);
}

export function shardsOn(state: OrchestratorState, nodes: readonly string[]): number[] {
  const { byNode } = survey(state.shards);
  return nodes.flatMap((node) => byNode.get(node) ?? []);
}

export function migrationsOf({ migrations }: OrchestratorState, nodes: readonly string[]): MigrationState[] {
  return [...migrations.values()].filter(
    ({ origin, destination }) => nodes.includes(origin) || nodes.includes(destination),
  );
}

/** Moves to the new nodes that are under way. */
export function comingTo({ migrations }: OrchestratorState, nodes: readonly string[]): number {
  return [...migrations.values()].filter(({ destination }) => nodes.includes(destination)).length;
}

/** Why Discord refuses the shard for good; null: it does not, as far as its node knows. */
export function refusalIn(state: ShardState | undefined): string | null {
  if (state?.kind !== 'running' || (state.link?.refused ?? null) === null) return null;
  return `${state.link?.reason ?? 'it does not say more'} (${state.link?.refused})`;
}

export function sideOf(state: OrchestratorState, rollout: Rollout, nodes: readonly string[]): Side {
  const shards = shardsOn(state, nodes);
  let up = 0;
  let downSince: number | null = null;
  let upSince: number | null = null;
  for (const id of shards) {
    const since = sinceOf(state.shards[id]);
    if (!isUp(state, id)) downSince = Math.min(downSince ?? since, since);
    else {
      up += 1;
      upSince = Math.max(upSince ?? since, since);
    }
  }
  const work = workOf(readingsOf(state, rollout, nodes));
  return { shards: shards.length, up, downSince, upSince, work, growth: growthSince(state, rollout, nodes) };
}

function growthSince({ nodes }: OrchestratorState, { memory }: Rollout, ids: readonly string[]): Growth | null {
  const known = memory.flatMap(({ node, bytes }) => {
    const now = ids.includes(node) ? nodes.get(node)?.signals?.memoryBytes : undefined;
    return now === undefined ? [] : [{ node, before: bytes, now }];
  });
  return growthOf(known);
}

/** How much memory nodes have now. */
export function memoryOf(state: OrchestratorState, nodes: readonly string[]): Rollout['memory'] {
  return nodes.flatMap((node) => {
    const bytes = state.nodes.get(node)?.signals?.memoryBytes;
    return bytes === undefined ? [] : [{ node, bytes }];
  });
}

/** What nodes say of how their version fares, with what their counters were when the stage began. */
export function readingsOf(state: OrchestratorState, { counters }: Rollout, nodes: readonly string[]): Reading[] {
  return nodes.map((node) => ({
    node,
    now: state.nodes.get(node)?.signals ?? null,
    before: counters.find((each) => each.node === node) ?? null,
  }));
}

export function countersOf(state: OrchestratorState, nodes: readonly string[]): (Counters & { node: string })[] {
  return nodes.flatMap((node) => {
    const signals = state.nodes.get(node)?.signals ?? null;
    if (signals === null) return [];
    const { events, handlerErrors, handlerMs, resumesRefused, importsFailed, eventLoopDelayMs } = signals;
    return [{ node, events, handlerErrors, handlerMs, resumesRefused, importsFailed, eventLoopDelayMs }];
  });
}

/** Since when its gateway connection is as it is, as far as its node told. */
export function sinceOf(state: ShardState | undefined): number {
  if (state === undefined || state.kind === 'migrating') return 0;
  return 'link' in state && state.link?.node === state.node ? state.link.since : state.since;
}

/** The least busy first; shard 0, which leads and has the direct messages, last. */
export function inOrder(state: OrchestratorState, nodes: readonly string[]): number[] {
  const events = new Map<number, number>();
  for (const node of nodes) {
    for (const report of state.nodes.get(node)?.shardReports ?? []) events.set(report.shardId, report.events);
  }
  const rank = (shard: number): number => (shard === 0 ? Number.POSITIVE_INFINITY : (events.get(shard) ?? 0));
  return shardsOn(state, nodes).sort((a, b) => rank(a) - rank(b) || a - b);
}

export function factsOf(state: OrchestratorState, rollout: Rollout, notMoved: Facts['notMoved'], now: number): Facts {
  const ended = rollout.pairs.flatMap((pair) => {
    const how = endOf(state, pair, now);
    return pair.new === null || how === null ? [] : [{ node: pair.new, how }];
  });
  const refused = shardsOn(state, rollout.destinations).flatMap((shard) => {
    const why = refusalIn(state.shards[shard]);
    return why === null ? [] : [{ shard, why }];
  });
  const refusesOld = shardsOn(state, oldNodes(rollout)).some((shard) => refusalIn(state.shards[shard]) !== null);
  const [old, fresh] = [oldNodes(rollout), rollout.destinations].map((nodes) => readingsOf(state, rollout, nodes));
  const moved = rollout.movedBefore + rollout.moved.length;
  return { ended, refused, refusesOld, notMoved, moved, old: old ?? [], fresh: fresh ?? [] };
}

/** What became of a new node; null: it is there, or may be there again in a moment. Silence is not death. */
function endOf(state: OrchestratorState, { new: id, instance }: RolloutPair, now: number): string | null {
  if (id === null) return null;
  const node = state.nodes.get(id);
  if (node === undefined) return 'is gone';
  const { connection, intent } = node;
  if (connection.kind === 'disconnected') {
    if (connection.gone) return 'ended';
    return connection.since + state.settings.maxNodeDowntimeMs <= now ? 'was lost' : null;
  }
  if (instance !== null && node.instance !== instance) return 'ended, and another process has its name';
  return intent.kind === 'shuttingDown' ? 'leaves' : null;
}
