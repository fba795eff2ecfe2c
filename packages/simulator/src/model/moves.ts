/** What can happen next in the world, each with a line for the reader of a path. */
import type { Decide } from '@dshard/orchestrator/domain';
import { detach, drop, emit } from './gateway.js';
import { complete, disconnect, nodeHears, type NodeReducers } from './node-side.js';
import { orchestratorDies, orchestratorHears, orchestratorStarts } from './orchestrator-side.js';
import { SHARD, withNode, type Pending, type World } from './world.js';

/** The reducers under check: the production ones, or with a seeded bug. */
export type Reducers = NodeReducers & { orchestrator: Decide };

export type FaultKind = 'crashNode' | 'crashOrchestrator' | 'reset' | 'drop' | 'pause';

export type Move = { what: string; to: (world: World) => World };

/** Nothing has to wait: what is on its way arrives, what is under way ends, an orchestrator that is down starts. */
export function ordinaryMoves(world: World, reducers: Reducers): Move[] {
  const moves: Move[] = [];
  for (const [id, { connection, pending }] of world.nodes) {
    const [toNode] = connection?.toNode ?? [];
    const [said] = connection?.toOrchestrator ?? [];
    if (toNode !== undefined) {
      const what = toNode === 'end' ? 'the end of its connection' : nameOf(toNode);
      moves.push({ what: `${id} gets ${what}`, to: (at) => deliverToNode(at, id, reducers) });
    }
    if (said !== undefined && said !== 'end' && world.orchestrator !== null) {
      const what = said.kind === 'message' ? nameOf(said.message) : said.kind;
      moves.push({ what: `orchestrator gets ${what} of ${id}`, to: (at) => deliverToOrchestrator(at, id, reducers) });
    }
    for (const each of pending) {
      moves.push({ what: `${id}: ${nameOfPending(each)} ends`, to: (at) => complete(at, id, each, reducers) });
    }
  }
  const [outside] = world.outside;
  if (outside !== undefined && world.orchestrator !== null) {
    moves.push({
      what: `orchestrator hears: ${outside.kind}`,
      to: (at) => orchestratorHears({ ...at, outside: at.outside.slice(1) }, outside, reducers.orchestrator),
    });
  }
  if (world.orchestrator === null) {
    moves.push({ what: 'orchestrator starts again', to: (at) => orchestratorStarts(at, reducers.orchestrator) });
  }
  const [shard] = world.orchestrator?.shards ?? [];
  if (world.movesLeft > 0 && shard?.kind === 'running') {
    for (const destination of world.nodes.keys()) {
      if (destination === shard.node) continue;
      const command = { kind: 'migrateShard', shard: SHARD, destination } as const;
      const asked = { kind: 'command', request: 'again', command, by: 'the checker' } as const;
      const to = (at: World): World => orchestratorHears({ ...at, movesLeft: 0 }, asked, reducers.orchestrator);
      moves.push({ what: `an operator moves the shard to ${destination}`, to });
    }
  }
  const isRollingOut = [...(world.orchestrator?.operations.values() ?? [])].some(({ kind }) => kind === 'rollout');
  if (world.undoesLeft > 0 && isRollingOut) {
    const command = { kind: 'steerRollout', action: 'undo' } as const;
    const asked = { kind: 'command', request: 'undo', command, by: 'the checker' } as const;
    const to = (at: World): World => orchestratorHears({ ...at, undoesLeft: 0 }, asked, reducers.orchestrator);
    moves.push({ what: 'an operator undoes the rollout', to });
  }
  if (world.emitsLeft > 0) moves.push({ what: 'Discord emits an event', to: (at) => emit(at, reducers.shard) });
  return moves;
}

/** The next thing that is due by the clock, when nothing else is to happen. null: nothing is. */
export function nextTick(world: World, reducers: Reducers): Move | null {
  const due = ticks(world, reducers).toSorted((a, b) => a.at - b.at)[0];
  return due === undefined ? null : { what: due.what, to: due.to };
}

function ticks(world: World, reducers: Reducers): (Move & { at: number })[] {
  const moves: (Move & { at: number })[] = [];
  const at = (time: number): number => Math.max(world.now, time);
  const { wakeAt } = world;
  if (wakeAt !== null && world.orchestrator !== null) {
    moves.push({
      at: at(wakeAt),
      what: `${at(wakeAt) - world.now} ms pass, orchestrator wakes`,
      to: (from) => orchestratorHears({ ...from, now: at(wakeAt) }, { kind: 'tick' }, reducers.orchestrator),
    });
  }
  for (const [id, node] of world.nodes) {
    const nodeWakes = node.wakeAt;
    if (nodeWakes === null) continue;
    moves.push({
      at: at(nodeWakes),
      what: `${at(nodeWakes) - world.now} ms pass, ${id} wakes`,
      to: (from) => nodeHears({ ...from, now: at(nodeWakes) }, id, { kind: 'tick' }, reducers.node),
    });
  }
  return moves;
}

/** What goes wrong, one thing at a time. */
export function faultMoves(world: World, kinds: ReadonlySet<FaultKind>, reducers: Reducers): Move[] {
  if (world.faultsLeft === 0) return [];
  const moves: Move[] = [];
  const spend = (at: World): World => ({ ...at, faultsLeft: at.faultsLeft - 1, untouched: false });
  for (const [id, { connection }] of world.nodes) {
    if (kinds.has('crashNode') && world.nodes.size > 1) {
      moves.push({ what: `kill -9 of ${id}`, to: (at) => killNode(spend(at), id) });
    }
    if (kinds.has('reset') && connection !== null) {
      moves.push({
        what: `the connection of ${id} is reset, and what is on it lost`,
        to: (at) => reset(spend(at), id, reducers),
      });
    }
  }
  if (kinds.has('drop') && world.discord.attached !== null) {
    const what = `the gateway connection of ${world.discord.attached} ends`;
    moves.push({ what, to: (at) => drop(spend(at), reducers.shard) });
  }
  if (kinds.has('crashOrchestrator') && world.orchestrator !== null) {
    moves.push({ what: 'kill -9 of the orchestrator', to: (at) => crash(spend(at), reducers) });
    for (const [id, { connection }] of world.nodes) {
      const said = connection?.toOrchestrator[0];
      if (said === undefined || said === 'end') continue;
      moves.push({
        what: `orchestrator gets what ${id} said, keeps its decision, and is killed before it acts`,
        to: (at) => crash(deliverToOrchestrator(spend(at), id, reducers, 0), reducers),
      });
    }
  }
  // Whoever wakes, the others sleep through it, with what is on its way to them.
  if (kinds.has('pause')) {
    for (const tick of ticks(world, reducers))
      moves.push({ what: `${tick.what} while all others are stopped`, to: (at) => tick.to(spend(at)) });
  }
  return moves;
}

function deliverToNode(world: World, id: string, reducers: Reducers): World {
  const node = world.nodes.get(id);
  const [parcel, ...toNode] = node?.connection?.toNode ?? [];
  if (node === undefined || node.connection === null || parcel === undefined) return world;
  const { connection } = node;
  if (parcel === 'end') return disconnect(world, id, reducers.node);
  const taken = withNode(world, id, { ...node, connection: { ...connection, toNode } });
  return nodeHears(taken, id, { kind: 'message', connection: connection.id, message: parcel }, reducers.node);
}

function deliverToOrchestrator(world: World, id: string, reducers: Reducers, effects?: number): World {
  const node = world.nodes.get(id);
  const [said, ...toOrchestrator] = node?.connection?.toOrchestrator ?? [];
  if (node === undefined || node.connection === null || said === undefined || said === 'end') return world;
  const taken = withNode(world, id, { ...node, connection: { ...node.connection, toOrchestrator } });
  return orchestratorHears(taken, said, reducers.orchestrator, effects);
}

function reset(world: World, id: string, reducers: Reducers): World {
  const connection = world.nodes.get(id)?.connection ?? null;
  if (connection === null) return world;
  const lost = { kind: 'connectionClosed', connection: `c${connection.id}`, reason: 'reset' } as const;
  return disconnect({ ...world, outside: [...world.outside, lost] }, id, reducers.node);
}

function crash(world: World, reducers: Reducers): World {
  let next = orchestratorDies(world);
  for (const id of next.nodes.keys()) next = disconnect(next, id, reducers.node);
  return next;
}

/** Its process is gone, and the launcher says so. */
function killNode(world: World, id: string): World {
  const node = world.nodes.get(id);
  const next = detach(world, id);
  const nodes = new Map(next.nodes);
  nodes.delete(id);
  const lost =
    node?.connection === undefined || node.connection === null
      ? []
      : [{ kind: 'connectionClosed' as const, connection: `c${node.connection.id}`, reason: 'reset' }];
  const exited = { kind: 'processExited' as const, node: id, description: 'was killed' };
  const outside = next.orchestrator === null ? [] : [...next.outside, ...lost, exited];
  return { ...next, nodes, outside, dead: [...next.dead, id], nodeDied: true };
}

function nameOf(message: { kind: string }): string {
  return message.kind;
}

function nameOfPending(pending: Pending): string {
  if (pending.kind === 'call') return pending.request.method;
  if (pending.kind === 'loading') return 'loading what was lost';
  if (pending.kind === 'lingering') return 'what user code was still at';
  return pending.kind === 'connecting' ? 'connecting' : 'taking in a piece of state';
}
