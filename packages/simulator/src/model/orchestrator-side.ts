/** The orchestrator: the production domain, its journal, and its end and beginning. */
import { defaultSettings } from '@dshard/orchestrator';
import { decide, durableWrites, initialState, restoredState } from '@dshard/orchestrator/domain';
import type { Decide, DomainEvent, Effect, OrchestratorState } from '@dshard/orchestrator/domain';
import { SHARD, violated, withNode, type World } from './world.js';

/** Heartbeats are off: they would make the world endless. What only they tell is told otherwise or not at all. */
const SETTINGS = defaultSettings({
  rebalance: 'off',
  totalShards: 1,
  maxNodeDowntimeMs: 30_000,
  launchRetryMs: 30_000,
  expectedNodes: [],
  migrationStepTimeoutMs: 20_000,
  migrationsTotal: 8,
  maxUnavailable: { percent: 100 },
  budgetTimeoutMs: 60_000,
  commandTimeoutMs: 15_000,
  heartbeatIntervalMs: 0,
});

export function freshOrchestrator(now: number): OrchestratorState {
  return initialState(SETTINGS, now);
}

export const productionDecide: Decide = decide;

/**
 * @param effects how many of the decision's effects are carried out; the record is durable before the first of them.
 */
export function orchestratorHears(
  world: World,
  event: DomainEvent,
  decideOrchestrator: Decide,
  effects: number = Number.POSITIVE_INFINITY,
): World {
  if (world.orchestrator === null) return world;
  const decision = decideOrchestrator(world.orchestrator, event, world.now);
  const records = new Map(world.records);
  for (const { kind, key, value } of durableWrites(world.orchestrator, decision.state)) {
    if (value === null) records.delete(`${kind}/${key}`);
    else records.set(`${kind}/${key}`, { kind, key, value });
  }
  let next: World = { ...world, orchestrator: decision.state, records };
  for (const effect of decision.effects.slice(0, effects)) next = carryOut(next, effect);
  return next;
}

function carryOut(world: World, effect: Effect): World {
  if (effect.kind === 'wakeAt') return { ...world, wakeAt: effect.at };
  if (effect.kind !== 'send' && effect.kind !== 'close') return world;
  if (effect.kind === 'send' && effect.message.kind === 'transferRelease' && world.untouched && !isVerified(world)) {
    return violated(world, 'the origin is told to release what nobody has verified');
  }
  for (const [id, node] of world.nodes) {
    const { connection } = node;
    if (connection === null || `c${connection.id}` !== effect.connection) continue;
    const parcel = effect.kind === 'send' ? effect.message : 'end';
    return withNode(world, id, { ...node, connection: { ...connection, toNode: [...connection.toNode, parcel] } });
  }
  return world;
}

function isVerified({ nodes }: World): boolean {
  return [...nodes.values()].some(({ state }) => state.shards.get(SHARD)?.kind === 'verified');
}

/** kill -9. Its nodes hear of it by themselves. */
export function orchestratorDies(world: World): World {
  return { ...world, orchestrator: null, wakeAt: null, outside: [] };
}

export function orchestratorStarts(world: World, decideOrchestrator: Decide): World {
  const { state } = restoredState(SETTINGS, [...world.records.values()], world.now, world.dead);
  return orchestratorHears({ ...world, orchestrator: state }, { kind: 'started' }, decideOrchestrator);
}
