/** What a bot can ask of its whole fleet: `node.fleet`. */

/** What a handler is told besides the arguments. */
export type CallContext = {
  /** The shards it speaks for: all that this node serves now, or the one that is asked for. */
  readonly shards: readonly number[];
};

/** Answers for the shards in `context`. What it returns travels as JSON. */
export type CallHandler = (args: never, context: CallContext) => unknown;

export type CallOptions = {
  /** For the whole call. Default 10 s, at most 10 minutes. */
  timeoutMs?: number;
  /** Which shards are asked. Default: all. */
  shards?: readonly number[];
  /**
   * - `node` (the default): every node answers once, for all its shards together. A node whose shards change meanwhile
   *   is asked again, so asking must do no harm when it happens twice.
   * - `shard`: the handler is run once for each shard, and for none twice.
   */
  each?: 'node' | 'shard';
};

/** One answer: what the handler of `node` returned, for these shards. */
export type FleetAnswer<T> = { readonly node: string; readonly shards: readonly number[]; readonly value: T };

/** Shards without an answer, and why. `node` is null where nobody has them. */
export type FleetFailure = {
  readonly node: string | null;
  readonly shards: readonly number[];
  readonly reason: string;
};

export type CallResult<T> = {
  /** In the order of shards. No shard is in two answers. */
  readonly answers: readonly FleetAnswer<T>[];
  /** The shards that are in no answer. */
  readonly failures: readonly FleetFailure[];
  /** The values of `answers`. */
  readonly values: readonly T[];
  /** Whether every shard that was asked has answered. */
  readonly complete: boolean;
};

export type BroadcastEvalOptions<C> = {
  /** Handed to the function as its second argument; travels as JSON. */
  context?: C;
  /** Only where this shard is. */
  shard?: number;
  /** Default 10 s. */
  timeoutMs?: number;
};

/** `signal` aborts when this process does not lead any more, with `DSO_LEADERSHIP_OVER`. */
export type LeadRun = (signal: AbortSignal) => unknown;

export type CronOptions = {
  /** As `Europe/Berlin`. Default: that of the process. */
  timezone?: string;
  /**
   * False (the default): a run is marked before it begins, so it is begun at most once, and one that was due while no
   * process led is left out. True: it is marked when it has ended, so one that failed, or whose process died, is made
   * up for.
   */
  atLeastOnce?: boolean;
};

/** `dueAt`: by the schedule, a little earlier than now. `signal` aborts when this process leads no more. */
export type CronRun = (due: { readonly dueAt: Date; readonly signal: AbortSignal }) => unknown;

/** What came is the type that the other nodes gave it: it is not checked. */
export type FleetQueries = {
  /** Answers calls of this name, here. Every node of the bot registers the same. Throws where the name is taken. */
  handle(name: string, handler: CallHandler): void;

  /**
   * Asks every node that has shards. Resolves also when some did not answer: see `failures`. Rejects with
   * `DSO_CALL_REFUSED` when the call was not made, with `DSO_CALL_NO_ORCHESTRATOR` when there is no connection, with
   * `DSO_CALL_INVALID` for arguments that cannot travel.
   */
  call<T = unknown>(name: string, args?: unknown, options?: CallOptions): Promise<CallResult<T>>;

  /**
   * As ShardingManager's: a property of each process's client (`'guilds.cache.size'`), one value per node, or that of
   * one shard's node. Rejects with `DSO_CALL_INCOMPLETE`, which carries what did come, when a shard is missing. Tokens
   * and other secrets, names that begin with `_`, functions and prototypes are not answered (`DSO_CALL_INVALID`), and
   * are left out of what is.
   */
  fetchClientValues<T = unknown>(property: string): Promise<T[]>;
  fetchClientValues<T = unknown>(property: string, shard: number): Promise<T>;

  /**
   * As ShardingManager's: runs the function with each process's client; it sees nothing of what is around it here but
   * `context`. Only where nodes are made with `fleet: { evaluate: true }`. A function that does something, rather than
   * look, belongs into a handler that is called with `each: 'shard'`.
   */
  broadcastEval<T, C = undefined>(
    script: (client: never, context: C) => T | Promise<T>,
    options?: BroadcastEvalOptions<C> & { shard?: undefined },
  ): Promise<T[]>;
  broadcastEval<T, C = undefined>(
    script: (client: never, context: C) => T | Promise<T>,
    options: BroadcastEvalOptions<C> & { shard: number },
  ): Promise<T>;
};

/** What runs once per fleet, however many processes there are. Every process registers the same. */
export type FleetJobs = {
  /**
   * Runs in one process at a time: the one that serves the lowest shard of the fleet, usually shard 0. The run is
   * called each time this process becomes the leader, and its `signal` aborts before the shard leaves and when the
   * orchestrator was not heard of for too long. Never two processes believe that they lead; for a moment, while the
   * shard moves or is down, none does. After a crash the next process leads when the lease of the dead one is over. An
   * error of a run is logged. Returns what takes the run off.
   */
  onLead(run: LeadRun): () => void;

  /**
   * Runs by a schedule, once per fleet. `name` is what the orchestrator remembers the runs by; `spec` is a cron pattern
   * of 5 fields, or 6 with seconds first. A run that goes on when the next is due makes that one be left out. Throws
   * `DSO_JOB_INVALID`.
   */
  cron(name: string, spec: string, run: CronRun, options?: CronOptions): () => void;
};

type FleetRollout = {
  /**
   * As ShardingManager's `respawnAll`: every process is replaced, one after the other, and no shard goes down. Resolves
   * with a sentence when it has begun; this process is one of those that are replaced. Rejects with `DSO_CALL_REFUSED`,
   * which says why, where the orchestrator does not let bots do so (`nodesMayRollout`) or cannot begin one now.
   */
  rollout(): Promise<string>;
};

export type Fleet = FleetQueries & FleetJobs & FleetRollout;
