/** The small worlds that are searched whole: one shard on `a`, its move to `b`, and one thing that goes wrong. */
import { DEFAULT_LIMITS, initialState, type SessionLimits } from '@dshard/node/session';
import type { OperatorCommand } from '@dshard/orchestrator';
import { CAPABILITIES } from '@dshard/protocol';
import { FIRST_INSTANT, SHARD, withNode, type World } from './world.js';
import { nextTick, ordinaryMoves, type FaultKind, type Reducers } from './moves.js';
import { nodeHears } from './node-side.js';
import { freshOrchestrator, orchestratorHears } from './orchestrator-side.js';

export type Scope = {
  name: string;
  nodes: readonly string[];
  faults: readonly FaultKind[];
  faultCount: number;
  emits: number;
  /** How it begins, if not with a move to `b`: `a`, which has the shard, is shut down, leaves, or is replaced. */
  first?: 'shutdown' | 'leave' | 'rollout';
  /** An operator undoes the rollout at some time, or never. */
  undoes?: boolean;
  /** How often an operator moves the shard once more. */
  moves?: number;
};

export const SCOPES: readonly Scope[] = [
  { name: 'nothing goes wrong', nodes: ['a', 'b'], faults: [], faultCount: 0, emits: 2 },
  { name: 'a connection is reset', nodes: ['a', 'b'], faults: ['reset'], faultCount: 1, emits: 1 },
  { name: 'a gateway connection ends', nodes: ['a', 'b'], faults: ['drop'], faultCount: 2, emits: 2 },
  { name: 'the orchestrator dies', nodes: ['a', 'b'], faults: ['crashOrchestrator'], faultCount: 1, emits: 1 },
  { name: 'a node dies', nodes: ['a', 'b'], faults: ['crashNode'], faultCount: 1, emits: 1 },
  {
    name: 'a node is shut down, and the shard is moved on',
    nodes: ['a', 'b', 'c'],
    first: 'shutdown',
    faults: ['drop'],
    faultCount: 1,
    emits: 2,
    moves: 1,
  },
  {
    name: 'a node dies, and the shard is moved on',
    nodes: ['a', 'b', 'c'],
    faults: ['crashNode'],
    faultCount: 1,
    emits: 1,
    moves: 1,
  },
  {
    name: 'a rollout, undone at any time',
    nodes: ['a', 'b'],
    first: 'rollout',
    undoes: true,
    faults: [],
    faultCount: 0,
    emits: 1,
  },
  {
    name: 'a rollout, and a connection is reset',
    nodes: ['a', 'b'],
    first: 'rollout',
    faults: ['reset'],
    faultCount: 1,
    emits: 0,
  },
  {
    name: 'a rollout, and a node or the orchestrator dies',
    nodes: ['a', 'b'],
    first: 'rollout',
    faults: ['crashNode', 'crashOrchestrator'],
    faultCount: 1,
    emits: 0,
  },
  {
    name: 'a rollout, undone at any time, and the orchestrator dies',
    nodes: ['a', 'b'],
    first: 'rollout',
    undoes: true,
    faults: ['crashOrchestrator'],
    faultCount: 1,
    emits: 0,
  },
  { name: 'a node leaves by itself', nodes: ['a', 'b'], first: 'leave', faults: ['drop'], faultCount: 1, emits: 1 },
  {
    name: 'a node leaves by itself, and a connection, a node or the orchestrator is lost',
    nodes: ['a', 'b'],
    first: 'leave',
    faults: ['reset', 'crashNode', 'crashOrchestrator'],
    faultCount: 1,
    emits: 0,
  },
  { name: 'all but one are stopped', nodes: ['a', 'b'], faults: ['pause'], faultCount: 1, emits: 1 },
  {
    name: 'a connection or the orchestrator, three nodes',
    nodes: ['a', 'b', 'c'],
    faults: ['reset', 'crashOrchestrator'],
    faultCount: 1,
    emits: 0,
  },
  {
    name: 'two things go wrong',
    nodes: ['a', 'b'],
    faults: ['reset', 'crashOrchestrator', 'crashNode'],
    faultCount: 2,
    emits: 0,
  },
];

/** Enough for every party to come back after a fault and for a timeout or two. */
const TICKS = 6;

const PROCESS = {
  version: '1',
  allowBaseLevelOrchestrator: false,
  host: 'h',
  zone: null,
  pid: 1,
  capabilities: CAPABILITIES,
};

/** Few pieces of state fill them. */
const LIMITS: SessionLimits = { ...DEFAULT_LIMITS, transferWindowBytes: 1_000, stagedHighBytes: 1_000 };

const LEAVES_WITHIN_MS = 8_000;
const ROLLOUT = { bake: 10_000, surge: null } as const;

const COMMANDS = {
  move: { kind: 'migrateShard', shard: SHARD, destination: 'b' },
  shutdown: { kind: 'shutdownNode', node: 'a', now: true },
  rollout: { kind: 'startOperation', plan: { kind: 'rollout', ...ROLLOUT }, answer: 'begun' },
} as const satisfies Record<string, OperatorCommand>;

const NOBODY: World = {
  now: FIRST_INSTANT,
  orchestrator: null,
  wakeAt: null,
  records: new Map(),
  nodes: new Map(),
  outside: [],
  dead: [],
  discord: { session: 0, last: 0, attached: null },
  handed: 0,
  emitsLeft: 0,
  movesLeft: 0,
  undoesLeft: 0,
  faultsLeft: 0,
  ticksLeft: 0,
  nextConnection: 1,
  nodeDied: false,
  untouched: true,
  violation: null,
};

/** The shard runs on `a`, all are connected, and an operator has just said where it is to go. */
export function worldOf(scope: Scope, reducers: Reducers): World {
  let world: World = { ...NOBODY, orchestrator: freshOrchestrator(FIRST_INSTANT) };
  world = orchestratorHears(world, { kind: 'started' }, reducers.orchestrator);
  for (const id of scope.nodes) {
    world = quiet(join(world, id, reducers), reducers);
    // The first of them gets the shard before the others are there.
    for (let ticks = 0; world.discord.session === 0 && ticks < 20; ticks += 1) {
      world = quiet(nextTick(world, reducers)?.to(world) ?? world, reducers);
    }
  }
  world = begun(world, scope, reducers);
  return {
    ...world,
    emitsLeft: scope.emits,
    movesLeft: scope.moves ?? 0,
    undoesLeft: scope.undoes === true ? 1 : 0,
    faultsLeft: scope.faultCount,
    ticksLeft: TICKS,
  };
}

/** What somebody has just asked for. */
function begun(world: World, { first }: Scope, reducers: Reducers): World {
  if (first === 'leave') {
    const leave = { kind: 'leave', withinMs: LEAVES_WITHIN_MS, intent: 'remove', successor: '' } as const;
    return nodeHears(world, 'a', leave, reducers.node);
  }
  const command = { kind: 'command', request: 'r', command: COMMANDS[first ?? 'move'], by: 'the checker' } as const;
  return orchestratorHears(world, command, reducers.orchestrator);
}

function join(world: World, id: string, reducers: Reducers): World {
  const bounds = { lingerMs: 0, patienceMs: 0, readyMs: 0, handlersMs: 0 };
  const identity = { ...PROCESS, nodeId: id, instance: id, bounds };
  const state = initialState(identity, LIMITS);
  const node = { state, host: { kind: 'none' as const }, staged: null, pending: [], wakeAt: null, connection: null };
  return nodeHears(withNode(world, id, node), id, { kind: 'start' }, reducers.node);
}

/** Everything that is on its way arrives, in one order. */
function quiet(world: World, reducers: Reducers): World {
  let at = world;
  for (let steps = 0; steps < 200; steps += 1) {
    const [move] = ordinaryMoves(at, reducers);
    if (move === undefined) return at;
    at = move.to(at);
  }
  throw new Error('The world of the checker does not come to rest.');
}
