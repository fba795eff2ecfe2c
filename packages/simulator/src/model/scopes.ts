/** The small worlds that are searched whole: one shard on `a`, its move to `b`, and one thing that goes wrong. */
import { DEFAULT_LIMITS, initialState, type SessionLimits } from '@dshard/node/session';
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
  /** How it begins, if not with a move to `b`: `a`, which has the shard, is shut down. */
  first?: 'shutdown';
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
  const command =
    scope.first === 'shutdown'
      ? ({ kind: 'shutdownNode', node: 'a', now: true } as const)
      : ({ kind: 'migrateShard', shard: SHARD, destination: 'b' } as const);
  world = orchestratorHears(
    world,
    { kind: 'command', request: 'r', command, by: 'the checker' },
    reducers.orchestrator,
  );
  return {
    ...world,
    emitsLeft: scope.emits,
    movesLeft: scope.moves ?? 0,
    faultsLeft: scope.faultCount,
    ticksLeft: TICKS,
  };
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
