/**
 * Operations: what is asked for by name, takes its time, and is seen through to its end also by the next run of the
 * orchestrator. All that are under way are in one map. Here are what every operation has and what each kind adds; what
 * a kind does is in `operations/`.
 *
 * Layers below read an operation as data (which nodes are drained, which are kept for it), and leave in `outcomes` what
 * became of the migrations, launches and operations that it began. They never call it: it takes its outcomes in when it
 * is run next.
 */
import {
  atMostOne,
  count,
  flag,
  listOf,
  nodeId,
  none,
  nullOr,
  object,
  oneOf,
  orElse,
  someOf,
  text,
  time,
} from './shape.js';
import type { Shape } from './shape.js';
type Common = {
  id: string;
  /** The operation that it is a step of. null: it was asked for by itself. */
  parent: string | null;
  startedAt: number;
  by: string;
  /** Who is answered when it has ended. */
  request: string | null;
  cancelled: Cancellation | null;
  /** Why it begins nothing further; it ends when what is under way has. */
  stopped: string | null;
  /** When what it waits for has taken too long. */
  deadline: number | null;
  /** Not taken in yet. */
  outcomes: readonly OperationOutcome[];
  /** The nodes that give up their shards: nothing is placed on them. */
  origins: readonly string[];
  /** The nodes that are kept for it. */
  destinations: readonly string[];
};

/** What became of the shards that an operation moves. */
export type MoveCounts = {
  readonly moved: readonly number[];
  /** Tried twice, given up. */
  readonly failed: readonly { shard: number; reason: string }[];
  /** Failed once; they get a second try. */
  readonly retried: readonly number[];
};

/** What each kind adds. All of it is durable. */
export type OperationData = {
  /** Nodes give up all their shards. No destination: all other nodes, or the node that is being launched for it. */
  drain: MoveCounts & {
    readonly origins: readonly [string, ...string[]];
    readonly destinations: readonly [] | readonly [string];
    /** The destination is launched for it, so nobody else needs that node should the drain be cancelled. */
    readonly launched: boolean;
    readonly shutdown: boolean;
    /** From then on no further shard is moved. null: however long it takes. */
    readonly until: number | null;
    readonly phase: 'awaitingDestination' | 'moving' | 'shuttingDown';
  };
  /** Shards are spread evenly. */
  rebalance: MoveCounts & {
    readonly origins: readonly [];
    readonly destinations: readonly [];
    /** Nobody asked for it: it makes way for what somebody asks for. */
    readonly automatic: boolean;
    /** Only nodes that are new or empty get shards. */
    readonly fillOnly: boolean;
    /** How many times more it may look for moves when all that were planned are made. */
    readonly rounds: number;
    /** The most shards that it still may move. */
    readonly most: number;
    /** Planned, and not begun. */
    readonly pending: readonly { shard: number; origin: string; destination: string }[];
  };
  /** More or fewer nodes are kept up. */
  scale: {
    readonly origins: readonly [];
    readonly destinations: readonly [];
    readonly nodes: number;
    /** How many were kept up before. */
    readonly from: number;
    readonly phase: 'launching' | 'spreading' | 'draining';
    /** The operation that moves shards for it. */
    readonly child: string | null;
    readonly moved: number;
  };
  /** Every node is replaced, one after the other. */
  rollout: {
    readonly origins: readonly [];
    readonly destinations: readonly [];
    readonly waiting: readonly string[];
    readonly done: readonly string[];
    readonly failed: readonly { node: string; reason: string }[];
    /** The node that is being replaced, and the drain that does it. */
    readonly current: { node: string; drain: string } | null;
    /** Shards moved by the drains before it. */
    readonly moved: number;
    /** How far the drain came that was under way when the rollout was cancelled. */
    readonly detail: string | null;
  };
};

export type OperationKind = keyof OperationData;

/** The same, for what is read back from the store. */
export const OPERATION_SHAPES: { readonly [K in OperationKind]: Shape<OperationData[K]> } = {
  drain: {
    origins: someOf(nodeId),
    destinations: atMostOne(nodeId),
    launched: flag,
    shutdown: flag,
    until: orElse(null, nullOr(time)),
    phase: oneOf('awaitingDestination', 'moving', 'shuttingDown'),
    moved: listOf(count),
    failed: listOf(object({ shard: count, reason: text })),
    retried: listOf(count),
  },
  rebalance: {
    origins: none,
    destinations: none,
    automatic: flag,
    fillOnly: flag,
    rounds: count,
    most: count,
    pending: listOf(object({ shard: count, origin: nodeId, destination: nodeId })),
    moved: listOf(count),
    failed: listOf(object({ shard: count, reason: text })),
    retried: listOf(count),
  },
  scale: {
    origins: none,
    destinations: none,
    nodes: count,
    from: count,
    phase: oneOf('launching', 'spreading', 'draining'),
    child: nullOr(text),
    moved: count,
  },
  rollout: {
    origins: none,
    destinations: none,
    waiting: listOf(nodeId),
    done: listOf(nodeId),
    failed: listOf(object({ node: nodeId, reason: text })),
    current: nullOr(object({ node: nodeId, drain: text })),
    moved: count,
    detail: nullOr(text),
  },
};

/** What is asked for. */
export type OperationPlans = {
  /** `destination` null: all other nodes. `deadline`: so many milliseconds. */
  drain: { origins: readonly string[]; destination: string | null; shutdown: boolean; deadline: number | null };
  rebalance: object;
  scale: { nodes: number };
  rollout: object;
};

export type OperationPlan<K extends OperationKind = OperationKind> = { [P in K]: { kind: P } & OperationPlans[P] }[K];

/** An operator wants it to begin nothing further. Those who asked are answered when it has ended. */
export type Cancellation = { at: number; by: string; requests: readonly string[] };

/** What became of something that the operation began. */
export type OperationOutcome =
  | { kind: 'moved'; shard: number }
  | { kind: 'notMoved'; shard: number; reason: string }
  | { kind: 'launched'; node: string }
  | { kind: 'notLaunched' }
  /** `failure` null: everything that was asked of the operation is done. */
  | { kind: 'ended'; operation: string; failure: string | null; text: string; moved: number };

export type OperationState<K extends OperationKind = OperationKind> = {
  [P in K]: Readonly<Common> & { readonly kind: P } & OperationData[P];
}[K];

/** The nodes that it has to do with: a restarted orchestrator waits for them before it goes on. */
export function nodesOf(operation: OperationState): readonly string[] {
  const { origins, destinations } = operation;
  return [...origins, ...destinations, ...laterNodesOf(operation)];
}

function laterNodesOf(operation: OperationState): readonly string[] {
  switch (operation.kind) {
    case 'rollout':
      return operation.waiting;
    case 'rebalance':
      return operation.pending.flatMap(({ origin, destination }) => [origin, destination]);
    case 'drain':
    case 'scale':
      return [];
  }
}

/** An operation that is over, for those who ask later how it ended. */
export type EndedOperation = {
  id: string;
  kind: OperationKind;
  outcome: 'done' | 'failed' | 'cancelled';
  /** What was said when it ended. */
  text: string;
  by: string;
  startedAt: number;
  endedAt: number;
};

export type OperationsById = ReadonlyMap<string, OperationState>;

export function operationsOfKind<K extends OperationKind>(
  operations: OperationsById,
  kind: K,
): Extract<OperationState, { kind: K }>[] {
  return [...operations.values()].filter(
    (operation): operation is Extract<OperationState, { kind: K }> => operation.kind === kind,
  );
}
