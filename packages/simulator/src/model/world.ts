/**
 * The world of the exhaustive checker: one shard, a few nodes and an orchestrator, whose reducers are the production
 * ones, with the least of a network, a store and Discord around them. Plain data that is never changed in place: a
 * search keeps thousands of them.
 */
import type { GatewayShardState } from '@dshard/node/gateway-shard';
import type { HostCall, NodeState } from '@dshard/node/session';
import type { DomainEvent, OrchestratorState, restoredState } from '@dshard/orchestrator/domain';
import type { Message } from '@dshard/protocol';

/** What a host has of the shard: its machine. `state`: the last event in user code's memory; null: none. */
export type Host = { kind: 'none' } | { kind: 'shard'; machine: GatewayShardState; state: number | null };

/** What is under way in a node, and ends at any time. */
export type Pending =
  | { kind: 'connecting' }
  | { kind: 'call'; call: number; request: HostCall; cancelled: boolean }
  | { kind: 'handling'; stage: number; bytes: number }
  /** All shards are gone: what user code is still at. */
  | { kind: 'lingering' }
  /** Of a shard whose state was lost: user code cannot take its events yet. */
  | { kind: 'loading' };

/** `end`: the connection is closed behind what was sent on it. */
type Parcel<T> = T | 'end';

export type ModelNode = {
  state: NodeState;
  host: Host;
  /** State that was handed to it and is not in use yet. */
  staged: number | null;
  pending: readonly Pending[];
  wakeAt: number | null;
  connection: {
    id: number;
    toNode: readonly Parcel<Message>[];
    toOrchestrator: readonly Parcel<DomainEvent>[];
  } | null;
};

export type World = {
  now: number;
  /** null: it is down. */
  orchestrator: OrchestratorState | null;
  wakeAt: number | null;
  /** The store, by kind and key. */
  records: ReadonlyMap<string, StoredRecord>;
  nodes: ReadonlyMap<string, ModelNode>;
  /** What comes to the orchestrator by itself: connections that are lost, processes that ended. */
  outside: readonly DomainEvent[];
  dead: readonly string[];
  /** `last`: the last event of the session. `attached`: whose connection has it. */
  discord: { session: number; last: number; attached: string | null };
  /** The last event that user code got, on whichever node. */
  handed: number;
  emitsLeft: number;
  /** How often an operator moves the shard once more. */
  movesLeft: number;
  /** How often an operator undoes a rollout. */
  undoesLeft: number;
  faultsLeft: number;
  /** How often the clock may still go on in every order of what follows; then one order is followed to its end. */
  ticksLeft: number;
  nextConnection: number;
  /** What was done to it: some things are excused after a node died. */
  nodeDied: boolean;
  /** Nothing has gone wrong yet. */
  untouched: boolean;
  violation: string | null;
};

type StoredRecord = Parameters<typeof restoredState>[1][number];

export const SHARD = 0;

export function withNode(world: World, id: string, node: ModelNode): World {
  return { ...world, nodes: new Map(world.nodes).set(id, node) };
}

export function withoutNode(world: World, id: string): World {
  const nodes = new Map(world.nodes);
  nodes.delete(id);
  return { ...world, nodes };
}

export function violated(world: World, what: string): World {
  return world.violation === null ? { ...world, violation: what } : world;
}

// A world as text, the same for worlds that nothing can tell apart. Times count from now, and those that only say since
// when something is so are left out; ids stay, for they are given in order.

/** Facts that no decision depends on here. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'settings',
  'startedAt',
  'since',
  'joinedAt',
  'activatedAt',
  'restarts',
  'sessionLost',
  'lastHeardAt',
  'progressAt',
  'staleTransfers',
  'endedOperations',
  'reason',
  'limits',
  'identity',
  // Of gateway shards: there is no wait between attempts here.
  'rules',
  'retries',
]);
/** The clock of the world starts here; ids and sizes are far below. */
export const FIRST_INSTANT = 1_000_000_000_000;

export function canonical(world: World): string {
  const { now } = world;
  return JSON.stringify(world, (key, value: unknown) => {
    if (LEFT_OUT.has(key)) return undefined;
    if (value instanceof Map) return [...(value as Map<string, unknown>)].sort(([a], [b]) => (a < b ? -1 : 1));
    if (typeof value === 'number' && value >= FIRST_INSTANT) return key === 'now' ? 0 : `+${Math.max(-1, value - now)}`;
    return value;
  });
}
