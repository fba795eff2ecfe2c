/** What must be true of every state between two events. Run by tests after each event; throws naming what is broken. */
import { can } from './state/nodes.js';
import { boundOf, LIVE_STEPS } from './migration/live-steps.js';
import { isLive, takesRoom } from './state/migrations.js';
import { isPark } from './state/park.js';
import type { OperationState } from './state/operations.js';
import type { LiveMigration, OrchestratorState, ShardState } from './state/state.js';

export class BrokenInvariant extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'BrokenInvariant';
  }
}

function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new BrokenInvariant(what);
}

/** @throws BrokenInvariant */
export function assertInvariants(state: OrchestratorState): void {
  const { totalShards, shards } = state;
  must(shards.length === (totalShards ?? 0), `${shards.length} shards are known, the total is ${totalShards}`);
  shards.forEach((shard, id) => shardIsSomewhere(state, id, shard));
  connectionsAndNodesAgree(state);
  migrationsAreOfMigratingShards(state);
  operationsAgree(state);
  permitsAreUnique(state);
}

function shardIsSomewhere(state: OrchestratorState, id: number, shard: ShardState): void {
  if (shard.kind === 'vacant') return;
  if (shard.kind === 'parked') {
    const { known, state: kept } = shard.parked;
    must(known.session.sessionId !== '', `shard ${id} is parked without a cursor to resume it with`);
    must(kept.file !== '', `shard ${id} is parked, and no file has its state`);
    return;
  }
  if (shard.kind === 'migrating') {
    const migration = state.migrations.get(shard.migration);
    must(migration !== undefined, `shard ${id} migrates in ${shard.migration}, which does not exist`);
    must(migration.shard === id, `shard ${id} migrates in ${shard.migration}, which is of shard ${migration.shard}`);
    return;
  }
  const node = state.nodes.get(shard.node);
  must(node !== undefined, `shard ${id} is ${shard.kind} on node ${shard.node}, which does not exist`);
  const isConnected = node.connection.kind === 'connected';
  if (shard.kind === 'unreachable') must(!isConnected, `shard ${id} is unreachable on connected node ${shard.node}`);
  else must(isConnected, `shard ${id} is ${shard.kind} on node ${shard.node}, which is not connected`);
  if (shard.kind !== 'starting') return;
  const isQueued = shard.step === 'queued';
  must(isQueued !== Number.isFinite(shard.deadline), `shard ${id} waits without a deadline, or queues with one`);
  const isInQueue = state.identifies.waiting.some((wish) => wish.shard === id && wish.node === shard.node);
  must(!isQueued || isInQueue, `shard ${id} is queued on node ${shard.node}, but stands in no queue`);
}

function connectionsAndNodesAgree(state: OrchestratorState): void {
  for (const [connection, id] of state.connections) {
    const own = state.nodes.get(id)?.connection;
    const agrees = own !== undefined && own.kind !== 'disconnected' && own.connection === connection;
    must(agrees, `connection ${connection} is said to be of node ${id}, which has another one or none`);
  }
  for (const [id, node] of state.nodes) {
    must(id === node.id, `node ${node.id} is filed under ${id}`);
    if (node.connection.kind === 'disconnected') continue;
    must(state.connections.get(node.connection.connection) === id, `the connection of node ${id} is not listed`);
    const mayWait = state.totalShards === null || node.connection.kind !== 'awaitingTotal';
    must(mayWait, `node ${id} waits for the total, which is decided`);
  }
}

/** Past their point of no return. */
const MAY_OUTLIVE_ORIGIN: ReadonlySet<string> = new Set(['resuming', 'releasing', 'activating']);

function migrationsAreOfMigratingShards(state: OrchestratorState): void {
  const perNode = new Map<string, number>();
  for (const [id, migration] of state.migrations) {
    const { shard, origin, destination, operation, step } = migration;
    const found = state.shards[shard];
    must(
      found?.kind === 'migrating' && found.migration === id,
      `migration ${id} of shard ${shard}, which is not in it`,
    );
    must(origin !== destination, `migration ${id} goes from ${origin} to itself`);
    const isThere = (node: string): boolean => isPark(node) || state.nodes.get(node)?.connection.kind === 'connected';
    must(isThere(destination), `migration ${id} goes to node ${destination}, which is not connected`);
    must(
      MAY_OUTLIVE_ORIGIN.has(step.kind) || isThere(origin),
      `migration ${id} waits for node ${origin}, which is not connected`,
    );
    must(
      operation === null || state.ending !== null || state.operations.has(operation),
      `migration ${id} is of operation ${operation}, which is over`,
    );
    if (isLive(migration)) liveMigrationIsSound(state, migration);
    if (!takesRoom(migration)) continue;
    for (const node of [origin, destination]) if (!isPark(node)) perNode.set(node, (perNode.get(node) ?? 0) + 1);
  }
  const moving = [...state.migrations.values()].filter(takesRoom).length;
  must(moving <= state.settings.migrationsTotal, 'more migrations than the limit for the fleet');
  for (const [node, count] of perNode) {
    must(count <= Math.max(1, state.settings.migrationsPerNode), `node ${node} is in ${count} migrations`);
  }
}

function liveMigrationIsSound(state: OrchestratorState, migration: LiveMigration): void {
  const { id, step, origin, destination, startedAt, deadline } = migration;
  must(isPark(origin) === (migration.parked !== undefined), `migration ${id} does not know what it gives out`);
  must(Number.isFinite(deadline), `migration ${id} has no deadline`);
  const speaks = (node: string): boolean => isPark(node) || can(state.nodes.get(node), 'live-migration');
  must(speaks(destination), `migration ${id} is live, and node ${destination} cannot take part in it`);
  const isUndoable = LIVE_STEPS[step.kind].undo === 'abort';
  must(!isUndoable || speaks(origin), `migration ${id} is live, and node ${origin} cannot take part in it`);
  if (!('frozenAt' in step)) return;
  must(step.frozenAt >= startedAt, `migration ${id} froze its shard before it began`);
  const latest = step.frozenAt + boundOf(state.settings, 'freezing');
  must(step.kind !== 'freezing' || deadline <= latest, `migration ${id} may freeze its shard for longer than allowed`);
  if (!('manifest' in step)) return;
  must(step.manifest.session.sessionId !== '', `migration ${id} has no cursor to resume shard ${migration.shard} with`);
}

function operationsAgree(state: OrchestratorState): void {
  const origins = new Set<string>();
  // Until the nodes of an earlier run are back, no operation is taken further.
  const isReturning = state.recalled && state.graceUntil !== null;
  for (const [id, operation] of state.operations) {
    must(isReturning || operation.outcomes.length === 0, `operation ${id} was not told what became of its steps`);
    const { parent } = operation;
    must(parent === null || state.operations.has(parent), `operation ${id} is a step of ${parent}, which is over`);
    for (const origin of operation.origins) {
      must(state.nodes.has(origin), `operation ${id} drains node ${origin}, which does not exist`);
      must(!origins.has(origin), `node ${origin} is drained twice`);
      origins.add(origin);
    }
    if (operation.kind === 'drain') drainIsSound(state, operation);
    if (operation.kind === 'rollout') rolloutIsSound(operation);
  }
}

function drainIsSound(state: OrchestratorState, drain: OperationState<'drain'>): void {
  const { id, destinations, launched, phase } = drain;
  const isWaiting = phase === 'awaitingDestination';
  const lacksNode = launched && destinations.length === 0;
  must(lacksNode === isWaiting, `drain ${id} is ${phase} with destination ${destinations.join()}`);
  // After a restart nothing goes on before the grace is over.
  const isPending = state.recalled && state.graceUntil !== null;
  const isLaunched = [...state.launches.values()].some(({ operation }) => operation === id);
  must(!isWaiting || isLaunched || isPending, `drain ${id} waits for a launch that is over`);
}

function rolloutIsSound({ id, pairs, destinations, phase, stages, stage }: OperationState<'rollout'>): void {
  const fresh = pairs.flatMap((pair) => (pair.new === null ? [] : [pair.new]));
  must(
    fresh.join() === destinations.toSorted((a, b) => fresh.indexOf(a) - fresh.indexOf(b)).join(),
    `rollout ${id} keeps other nodes than its new ones`,
  );
  const all = [...fresh, ...pairs.map(({ old }) => old)];
  must(new Set(all).size === all.length, `rollout ${id} has a node twice`);
  const moves = phase === 'moving' || phase === 'baking';
  must(!moves || stages[stage] !== undefined, `rollout ${id} is ${phase} in stage ${stage} of ${stages.length}`);
}

function permitsAreUnique(state: OrchestratorState): void {
  const { keys, maxConcurrency, waiting } = state.identifies;
  for (const [key, { holder }] of Object.entries(keys)) {
    if (holder === null) continue;
    must(holder.shard % maxConcurrency === Number(key), `shard ${holder.shard} holds the permit of key ${key}`);
  }
  const wishes = new Set(waiting.map(({ node, shard }) => `${shard}@${node}`));
  must(wishes.size === waiting.length, 'a shard of a node asks twice for the same permit');
  for (const { node } of waiting) {
    must(
      state.nodes.get(node)?.connection.kind === 'connected',
      `node ${node} waits for a permit, but is not connected`,
    );
  }
}
