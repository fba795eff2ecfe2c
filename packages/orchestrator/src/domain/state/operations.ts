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
  /** Nodes count as dead, because somebody says so: their shards are resumed elsewhere (`operations/takeover.ts`). */
  takeover: {
    readonly origins: readonly [];
    readonly destinations: readonly [];
    /** null: nodes were named, and no host. */
    readonly host: string | null;
    readonly nodes: readonly string[];
    /** What they had. */
    readonly shards: readonly number[];
  };
  /** The fleet moves to new processes, in rounds (`operations/rollout.ts`). */
  rollout: {
    readonly origins: readonly [];
    /** The new nodes of this round. */
    readonly destinations: readonly string[];
    readonly options: RolloutOptions;
    /** What is rolled out, as far as it is known: what a launch starts, then what the new nodes call themselves. */
    readonly version: string;
    /** What the old nodes were launched as, for who wants the rollout undone when it is over. '': not known. */
    readonly from: string;
    readonly phase: RolloutPhase;
    /** When the phase began. */
    readonly since: number;
    /** Nodes of rounds to come. */
    readonly waiting: readonly string[];
    /** This round: each old node with the one that takes its place, once that is known. */
    readonly pairs: readonly RolloutPair[];
    /** Nodes without shards that are as old: they end with the last round. */
    readonly empty: readonly string[];
    /** Nodes that were replaced and ended. */
    readonly done: readonly string[];
    /** Other launchers' and hosts' nodes, which are left alone. */
    readonly leftAlone: readonly string[];
    /** This round: how far the shards move, then how long they bake. The last one is all of them. */
    readonly stages: readonly RolloutStage[];
    /** The index of the stage that moves or bakes. */
    readonly stage: number;
    /** In this round, the newest last. */
    readonly moved: readonly number[];
    readonly movedBefore: number;
    /** Failed once; they get a second try. */
    readonly retried: readonly number[];
    /** What the nodes' counters were when the stage began. */
    readonly counters: readonly RolloutCounters[];
    /** How much memory the nodes had when the bake began. */
    readonly memory: readonly { readonly node: string; readonly bytes: number }[];
    /** How the old version did its work when it was last compared; null: never, or it had too little of it. */
    readonly normal: { readonly errorShare: number; readonly handlerMs: number; readonly delayMs: number } | null;
    /** Why the shards go back, or are back. */
    readonly failure: { readonly kind: RolloutFailure; readonly reason: string } | null;
    /** Who paused it. */
    readonly pausedBy: string | null;
    /** Of a manual rollout: the stage that waits for promotion was promoted. */
    readonly promoted: boolean;
  };
};

/** What may be chosen; times in milliseconds. */
export type RolloutOptions = {
  /** How long moved shards are watched; 0: not at all, and they move without a canary. */
  readonly bake: number;
  /** Of how many shards the first stage is. null: 1 %, at least one. */
  readonly canary: number | null;
  /** How many nodes are replaced at once. null: all. */
  readonly surge: number | null;
  /** One canary, then all. */
  readonly fast: boolean;
  /** After each bake somebody says whether it goes on. */
  readonly manual: boolean;
  /** Also a version that was reverted before, and also when rollouts are frozen. */
  readonly force: boolean;
  /** The version that is launched, where the launcher can be told. null: the deployed one. */
  readonly to: string | null;
  /** For how long after the last bake the old nodes stay warm, to be gone back to. */
  readonly keepOld: number;
};

/**
 * - `surging`: new nodes are launched and awaited.
 * - `moving`: shards move to them, as far as the stage goes.
 * - `baking`: what moved is watched; with `manual` also until it is promoted.
 * - `reverting`: a gate failed, or somebody wants it undone: what moved goes back, the newest first.
 * - `ending`: the side that lost ends, the old nodes or the new ones.
 */
export type RolloutPhase = 'surging' | 'moving' | 'baking' | 'reverting' | 'ending';

/** `instance`: which process the new node was when it came; another one means that it ended in between. */
export type RolloutPair = { readonly old: string; readonly new: string | null; readonly instance: string | null };

type RolloutCounters = {
  readonly node: string;
  readonly events: number;
  readonly handlerErrors: number;
  readonly handlerMs: number;
  readonly resumesRefused: number;
  readonly importsFailed: number;
  readonly eventLoopDelayMs: number;
};

/** `shards` null: all that are left. */
export type RolloutStage = { readonly shards: number | null; readonly bakeMs: number };

/** `gate`: the new version failed. `undone`: somebody asked for it. */
export type RolloutFailure = 'gate' | 'undone';

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
  takeover: {
    origins: none,
    destinations: none,
    host: nullOr(text),
    nodes: listOf(nodeId),
    shards: listOf(count),
  },
  rollout: {
    origins: none,
    destinations: listOf(nodeId),
    options: object({
      bake: count,
      canary: nullOr(count),
      surge: nullOr(count),
      fast: flag,
      manual: flag,
      force: flag,
      to: orElse(null, nullOr(text)),
      keepOld: orElse(0, count),
    }),
    version: text,
    from: orElse('', text),
    phase: oneOf('surging', 'moving', 'baking', 'reverting', 'ending'),
    since: time,
    waiting: listOf(nodeId),
    pairs: listOf(object({ old: nodeId, new: nullOr(nodeId), instance: nullOr(text) })),
    empty: listOf(nodeId),
    done: listOf(nodeId),
    leftAlone: listOf(nodeId),
    stages: listOf(object({ shards: nullOr(count), bakeMs: count })),
    stage: count,
    moved: listOf(count),
    movedBefore: count,
    retried: listOf(count),
    counters: listOf(
      object({
        node: nodeId,
        events: count,
        handlerErrors: count,
        handlerMs: time,
        resumesRefused: count,
        importsFailed: count,
        eventLoopDelayMs: time,
      }),
    ),
    memory: orElse([], listOf(object({ node: nodeId, bytes: count }))),
    normal: nullOr(object({ errorShare: time, handlerMs: time, delayMs: time })),
    failure: nullOr(object({ kind: oneOf('gate', 'undone'), reason: text })),
    pausedBy: nullOr(text),
    promoted: flag,
  },
};

/** What is asked for. */
export type OperationPlans = {
  /** `host`: all its nodes, too. `destination` null: all other nodes. `deadline`: so many milliseconds. */
  drain: {
    origins: readonly string[];
    host?: string | null;
    destination: string | null;
    shutdown: boolean;
    deadline: number | null;
  };
  rebalance: object;
  scale: { nodes: number };
  /** `host`: all its nodes, too. `force`: also what is connected and heard. */
  takeover: { nodes: readonly string[]; host: string | null; force: boolean };
  /** What is not said is as in `WITHOUT_BAKE` (`operations/rollout-plan.ts`). */
  rollout: Partial<RolloutOptions>;
};

export type OperationPlan<K extends OperationKind = OperationKind> = { [P in K]: { kind: P } & OperationPlans[P] }[K];

/** An operator wants it to begin nothing further. Those who asked are answered when it has ended. */
export type Cancellation = { at: number; by: string; requests: readonly string[] };

/** What became of something that the operation began. */
export type OperationOutcome =
  | { kind: 'moved'; shard: number }
  | { kind: 'notMoved'; shard: number; reason: string }
  | { kind: 'launched'; node: string }
  | { kind: 'notLaunched'; reason: string }
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
      return [...operation.pairs.map((pair) => pair.old), ...operation.waiting];
    case 'rebalance':
      return operation.pending.flatMap(({ origin, destination }) => [origin, destination]);
    case 'drain':
    case 'scale':
    case 'takeover':
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
