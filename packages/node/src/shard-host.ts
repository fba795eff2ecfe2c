/**
 * The contract between the node and a Discord library: how shards are started, resumed, stopped and handed over. There
 * is a ready-made host for @discordjs/ws (`@dshard/node/ws`); for another library one writes these methods.
 *
 * A bot without state of its own per shard implements five: startShards, resumeShard, stopShard, freeze, and report if
 * it wants its shards shown. A bot with state adds exportDelta, handleUserEvent and abortTransferTo.
 *
 * A host that can hold events back adds unfreeze and release, and its shards move with no gap but the last moment;
 * without them freeze closes the gateway connection. If their state is large it has exportState, too, so that most of
 * it is copied while the shard serves. preconnect makes the gap shorter still.
 *
 * A host with user code behind it has leaving (user code may finish something before the shard goes), warm (user code
 * is ready before the first shard comes) and settled (what user code still does after the last shard has gone).
 *
 * What the node guarantees
 * - Calls for one shard come one at a time, in order; calls for different shards run concurrently. The exceptions:
 *   stopShard may come while startShards, resumeShard or leaving of that shard is pending, abortTransferTo while warm
 *   is, and what comes next in a migration while leaving is: the pending call should then end soon, in whichever way.
 * - User events of one shard are handled strictly in the order they were sent, the next when the last has ended.
 * - exportState may be going on while anything else comes for the shard: it serves meanwhile.
 * - A call that throws or outlasts its deadline is rolled back as session/outcomes.ts says, and the orchestrator is
 *   told.
 *
 * What the host guarantees
 * - A cursor it returns is the last event it *handed to user code*, and from that moment on it hands over no other
 *   event of the shard until it is told to start, resume or unfreeze it: the rest is replayed to whoever resumes the
 *   session.
 * - It IDENTIFYs only with a permit (`context.requestIdentify`), and RESUMEs without asking anybody.
 * - A connection is closed with a code that keeps the session (4000–4999, never 1000 or 1001) unless `keepSession` is
 *   false.
 */
import type { ShardReport } from '@dshard/protocol';
import type { Cursor, ResumeHow } from './session/state.js';
import type { OwnershipLease } from './ownership-lease.js';

/**
 * What is needed to RESUME a shard. `sequence` is a plain number; `resumeGatewayUrl` may be '' (use the generic URL).
 */
export type { Cursor } from './session/state.js';

/** Leave to IDENTIFY once. */
export type IdentifyPermit = {
  /** False: the orchestrator does not pace identifies (base level), so the host has to (one per key and 5 s). */
  readonly coordinated: boolean;
  /**
   * Says how it went: READY came (true), or the attempt failed or was given up (false). Calling it again does nothing.
   */
  readonly finished: (ready: boolean) => void;
};

/** What a host may use of the node. */
export type HostContext = {
  readonly nodeId: string;
  /** Shards of the whole bot. */
  readonly totalShards: number;
  /**
   * Resolves when the shard may IDENTIFY; waits through lost connections. Rejects with `signal.reason` when `signal`
   * aborts, and with `DSO_NODE_CLOSED` when the node leaves.
   */
  readonly requestIdentify: (shardId: number, signal: AbortSignal) => Promise<IdentifyPermit>;
  /**
   * Whether this node's shards are still its own: to be asked before each event goes to user code, and before a session
   * is resumed whose connection ended. Absent: they always are.
   */
  readonly lease?: OwnershipLease;
  /**
   * A shard came up, went down or was refused: `report` is asked for soon, so that the orchestrator need not wait for
   * the next heartbeat.
   */
  readonly reportSoon?: () => void;
};

/** How a resumeShard ended. `sessionLost`: the shard goes through IDENTIFY. */
export type ResumeOutcome = 'resumed' | 'sessionLost';

export type { ResumeHow } from './session/state.js';
export type { LossCause, OwnershipLease } from './ownership-lease.js';

export type TransferContext = {
  /**
   * Sends one user event to the destination, by name or id of the registry. Resolves when more can be sent (slow
   * destinations slow the sender down); rejects with `DSO_TRANSFER_CANCELLED` when the migration is off.
   */
  readonly send: (event: string | number, value: unknown) => Promise<void>;
  /**
   * Resolves when the destination has handled all that was sent; at once in a migration that tells nothing of it (not
   * live). What is sent in exportState after that finds it idle, so that less is left to do when the shard is frozen.
   * Rejects as `send` does.
   */
  readonly handled: () => Promise<void>;
  /** Aborts when the migration is off. The state must then still be usable: the shard stays here. */
  readonly signal: AbortSignal;
};

/**
 * How long a host lets user code take; milliseconds. The node checks these against its own bounds when it is made, and
 * tells the orchestrator, which checks them against its.
 */
export type HostTimeouts = {
  /** `warm` takes no longer. */
  readonly readyMs: number;
  /** Of resumeShard: user code takes the shard's state. */
  readonly importMs: number;
  /** `freeze` waits no longer for handlers; must be less than the time that a shard may stay frozen. */
  readonly handlersMs: number;
};

/** How user code fares with what it gets; counted since the process started (see `NodeSignals` of the protocol). */
export type HostSignals = { events: number; handlerErrors: number; handlerMs: number; resumesRefused: number };

/** `patienceMs`: user code may take so long. `signal` aborts when the patience is over, or the migration is off. */
export type LeavingHow = { readonly patienceMs: number; readonly signal: AbortSignal };

export type ShardHost = {
  /** Default: user code is waited for nowhere. */
  readonly timeouts?: HostTimeouts;

  /** What fetchClientValues and broadcastEval of the fleet are evaluated on: the library's client object. */
  readonly client?: object;

  /**
   * The shards whose data is in `client` now; fleet calls rely on it to count no shard twice while it moves. null: the
   * data of some is only partly there, so that nothing can be said; the node is asked again. Default: the shards that
   * the node serves.
   */
  shardsInClient?(): readonly number[] | null;

  /** Runs `work`, a fleet call, while `client` holds the data of those shards and of no others. Default: as it is. */
  speaking?<T>(work: () => T): T;

  /** Once, before any other call: the node knows its id and the total shard count. */
  sessionEstablished?(context: HostContext): void | Promise<void>;

  /**
   * Registers the shards and begins the full identify flow for them. Resolves when they are registered, not when they
   * are connected: from here on the host keeps them connected by itself, resuming where it can.
   */
  startShards(shardIds: readonly number[], context: HostContext): Promise<void>;

  /**
   * Resumes the shard from `session`, with the state that handleUserEvent brought. Resolves when RESUMED came and user
   * code has taken the state, or when the session turned out to be gone and the shard goes through the identify flow
   * like one of startShards; says which, if it can tell. Has no deadline: Discord may be away for minutes, and no
   * answer is not a refusal. A rejection with `DSO_IMPORT_FAILED` sends the shard back to the state that its origin
   * kept. With `how.redelivers` the events that are replayed up to RESUMED may have been handled before, by a node that
   * was lost: user code is to know which they are.
   */
  resumeShard(shardId: number, session: Cursor, context: HostContext, how?: ResumeHow): Promise<ResumeOutcome | void>;

  /**
   * The shard comes here without its state: the node that had it was lost, or left without handing it over. Called
   * before resumeShard, after prepareTransferTo. What it throws fails the resume.
   */
  stateLost?(shardId: number): void | Promise<void>;

  /**
   * Stops the shard and forgets it. Returns its cursor, or null when it has none (never READY) or `keepSession` is
   * false: the session is then ended (close code 1000), and the bot appears offline. Stopping a shard the host does not
   * have is fine. In the middle of a replay that began with `how.redelivers` the cursor has `redelivers: true`.
   */
  stopShard(shardId: number, options: { keepSession: boolean }): Promise<Cursor | null>;

  /** The bot's own code asks the node to leave, and runs at the moment: `settled` does not wait for that call. */
  closing?(): void;

  /**
   * The node leaves and all shards are gone: resolves when the handlers and promises that the host knows of have ended.
   * The node waits no longer than `lingerMs`; then come the bot's own shutdown hooks (`node.onShutdown`), then
   * shutdown.
   */
  settled?(): void | Promise<void>;

  /** Once, last: all shards are stopped and the node leaves. */
  shutdown?(): void | Promise<void>;

  /**
   * The shard is to leave in a live migration, and still serves: user code is told, and what it waits for may end
   * first. Resolves when nothing is waited for any more. What it throws is only logged; the shard leaves all the same.
   */
  leaving?(shardId: number, how: LeavingHow): void | Promise<void>;

  /** The migration that `leaving` told of is off: the shard stays. */
  stays?(shardId: number): void | Promise<void>;

  /**
   * The shard moves away: stops handing events to user code and keeps them, in order, while the gateway connection
   * stays as it is. Waits once, and briefly (`timeouts.handlersMs`), for handlers that are under way: one that takes
   * longer goes on here after the shard has left, and is no reason to throw. Returns the cursor: the last event handed
   * to user code. When it throws (no session yet, or a replay under way), the shard must go on as if nothing had
   * happened. Then comes unfreeze, release or stopShard.
   *
   * A host that cannot keep events has neither unfreeze nor release. Its freeze closes the gateway connection so that
   * the session stays resumable, and keeps the shard's state.
   */
  freeze(shardId: number): Promise<Cursor>;

  /**
   * The move is off: the events that were kept go to user code, in order, and the shard goes on without reconnecting.
   * Default: resumeShard with the cursor of freeze.
   */
  unfreeze?(shardId: number): void | Promise<void>;

  /**
   * Closes the frozen shard's gateway connection with a code that keeps the session; what was held back is dropped,
   * Discord replays it elsewhere. The shard's state is kept. Afterwards either `released` comes, or resumeShard.
   * Default: nothing, freeze has closed it.
   */
  release?(shardId: number): Promise<void>;

  /**
   * Sends the shard's state while it serves. What changes from the moment of the call on has to come in exportDelta.
   * Called anew, it begins anew. Needs exportDelta.
   */
  exportState?(shardId: number, transfer: TransferContext): Promise<void>;

  /**
   * The shard is frozen: sends what has changed since exportState began, or everything if there is no exportState.
   * Resolves when all was sent. Nobody serves the shard for as long as it takes, which `limits.freezeTimeoutMs` bounds.
   */
  exportDelta?(shardId: number, transfer: TransferContext): Promise<void>;

  /**
   * Destination of a live migration: the first whole copy is here (what exportState sent is handled), and the origin
   * still serves. Resolves when user code is ready for the shard; what must run once per process (a ready event) runs
   * before the first of them. Several shards may be warming at once. A rejection aborts the migration, and the origin
   * goes on. Does not come for a shard that is started or taken over, nor from an orchestrator that does not know the
   * step: then resumeShard is the first that is heard. `isServed` false: the shard was parked, nobody serves it, and
   * its session waits: a host that can make user code wait behind RESUME does that instead.
   */
  warm?(
    shardId: number,
    session: Cursor | null,
    context: HostContext,
    how?: { readonly isServed: boolean },
  ): void | Promise<void>;

  /**
   * The shard comes here in a moment, probably from this session: the host connects already and waits at HELLO. Must
   * not RESUME. Then resumeShard comes (perhaps with a later cursor, or another session), or abortTransferTo. Comes
   * after warm, and a rejection (no way to the gateway) aborts the migration while the origin still serves. (An
   * orchestrator that does not know the step: comes before the copy, and what it throws is only logged.)
   */
  preconnect?(shardId: number, session: Cursor, context: HostContext): void | Promise<void>;

  /** The cursor of a shard that runs here now, or null. Must be quick. */
  cursorOf?(shardId: number): Cursor | null;

  /**
   * Makes room for the shard's state. From here on handleUserEvent may come for it. `session` is null only in a live
   * migration whose origin could not name it yet.
   */
  prepareTransferTo?(shardId: number, session: Cursor | null): void | Promise<void>;

  /** One user event of a shard that comes here, by its registered name. */
  handleUserEvent?(shardId: number, name: string, value: unknown): void | Promise<void>;

  /** The shard does not come after all: drop what was made or taken for it. */
  abortTransferTo?(shardId: number): void | Promise<void>;

  /**
   * The shard runs elsewhere now (or is stopped for good): what was kept of it can go. `takenOver`: it was not handed
   * over; another node has it because this one was not heard of for too long.
   */
  released?(shardId: number, how?: { takenOver: boolean }): void | Promise<void>;

  /**
   * What each shard is doing, for heartbeats. Called every few seconds; must be quick. A shard is up when its phase is
   * `ready`. Without this method a shard counts as up as soon as it is started.
   */
  report?(): readonly ShardReport[];

  /** How user code fares, for heartbeats: a rollout compares it with the version before. Must be quick. */
  signals?(): HostSignals;
};

/**
 * The calls by which the host sends a shard's state, in order. `live`: while it serves; `delta`: what has changed
 * since.
 */
export function exportsOf(host: ShardHost, part: 'live' | 'delta' | 'everything'): readonly ExportMethod[] {
  if (part === 'everything') return [...exportsOf(host, 'live'), ...exportsOf(host, 'delta')];
  const method = part === 'live' ? 'exportState' : 'exportDelta';
  return host[method] === undefined ? [] : [method];
}

export type ExportMethod = 'exportState' | 'exportDelta';
