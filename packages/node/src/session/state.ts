/**
 * Everything the node session knows, as plain data: the connection to the orchestrator, what each shard is doing on
 * this node, what waits to be sent. `decide` (decide.ts) returns the next one; nothing here is mutated in place.
 */
import type { SessionLimits } from './limits.js';
import type {
  Capability,
  Exchange,
  GatewaySession,
  LeaveIntent,
  Message,
  NodeBounds,
  ShardSession,
  Takeover,
  TransferManifest,
} from '@dshard/protocol';

/** A gateway session as a host sees it: the sequence is a plain number. */
export type Cursor = GatewaySession & { sequence: number };

/** What this node says of itself in Identify. `capabilities`: what its host can do. */
export type Identity = {
  nodeId: string;
  version: string;
  /** Whether an orchestrator that proves no token (a Go one) is obeyed although this node has a token. */
  allowBaseLevelOrchestrator: boolean;
  host: string;
  /** null: of none that anybody named. */
  zone: string | null;
  pid: number;
  /** Drawn anew for each node that is made. */
  instance: string;
  bounds: NodeBounds;
  capabilities: readonly Capability[];
};

/** The connection to the orchestrator. `connection` ids only grow. */
export type Link =
  /** Before start(). */
  | { kind: 'idle' }
  | { kind: 'connecting'; attempt: number }
  /** Identify is out; Identified has not come. */
  | { kind: 'identifying'; connection: number; attempt: number; deadline: number; trust: Trust }
  | Established
  | { kind: 'waiting'; attempt: number; until: number; reason: string }
  /** The end. */
  | { kind: 'closed' };

/**
 * What is known of an orchestrator before Identified: `notAsked`, because this node has no token; `awaited`, until its
 * challenge comes; `checking`, while the edge looks at the challenge; `proven`.
 */
type Trust =
  | { kind: 'notAsked' }
  | { kind: 'awaited'; nonce: Uint8Array }
  | { kind: 'checking'; exchange: Exchange }
  | { kind: 'proven' };

export type Established = {
  kind: 'established';
  connection: number;
  /** The capabilities that both sides named; nothing else is used. */
  capabilities: readonly string[];
  /** Null: the orchestrator wants none. `unanswered` counts heartbeats since the last ack. */
  heartbeat: {
    intervalMs: number;
    nextAt: number;
    /** One out of turn. */
    soonAt: number | null;
    sequence: number;
    unanswered: number;
    /** Those that were not answered yet, oldest first, and when they were sent. */
    sent: readonly { sequence: number; at: number }[];
  } | null;
  /** `paused`: too many user events wait for the host; the peer's sends block until some are handled. */
  reading: 'open' | 'paused';
};

/**
 * What a shard is doing on this node. A shard that is not in the map is `absent`: this node has nothing to do with it.
 * `call` is the id of the host call under way; an outcome with another id is stale and ignored. `connection` is the one
 * the migration was asked for on: a migration dies with its connection.
 */
export type ShardState =
  /** host.startShards is under way. */
  | { kind: 'starting'; call: number }
  /** The host runs it: connected, or getting there by itself. */
  | { kind: 'running' }
  /** host.stopShard is under way. */
  | { kind: 'stopping'; call: number; why: StopReason }
  /** Origin by the base level: host.freeze is under way. */
  | { kind: 'baseFreezing'; call: number; connection: number }
  /** Origin by the base level: frozen; waits for startMigration. */
  | { kind: 'baseFrozen'; connection: number; session: Cursor; since: number }
  /** Origin by the base level: the host sends the state; `sent` user events are out. */
  | { kind: 'baseSending'; call: number; connection: number; session: Cursor; sent: number; progressAt: number }
  /** Origin by the base level: host.release is under way. */
  | { kind: 'baseReleasing'; call: number; connection: number; session: Cursor; sent: number }
  /** Destination: host.prepareTransferTo is under way. */
  | {
      kind: 'preparing';
      call: number;
      connection: number;
      session: Cursor;
      how: ResumeHow | null;
      /** A migration brings the shard's state first; a shard that nobody hands over is resumed at once. */
      next: 'stage' | 'resume';
    }
  /** Destination: takes user events, one at a time; `stage` names this staging to the runtime. */
  | {
      kind: 'staging';
      stage: number;
      connection: number;
      session: Cursor;
      /** If no other node hands it over. */
      how: ResumeHow | null;
      received: number;
      handled: number;
      pendingBytes: number;
      /** The count of allUserDataSent, once it came. */
      expected: number | null;
    }
  /** host.resumeShard is under way. */
  | { kind: 'resuming'; call: number; session: Cursor; why: ResumeReason }
  | LiveOriginState
  | LiveDestinationState;

/** What a live migration has sent so far. Totals go into the manifest. */
export type Outgoing = {
  migrationId: string;
  connection: number;
  freezeTimeoutMs: number;
  /** The destination's first window, and what is left to send at once. */
  window: number;
  credit: number;
  events: number;
  bytes: number;
  hash: string;
  /** User code was told that the shard leaves. */
  announced: boolean;
};

/** The origin of a live migration (live-origin.ts). Up to `copied` the shard serves; from `released` on it is gone. */
type LiveOriginState =
  /** host.leaving is under way: user code may finish what it is at. */
  | { kind: 'announcing'; call: number; transfer: Outgoing }
  /** User code has finished, or its patience is over. */
  | { kind: 'announced'; transfer: Outgoing }
  /** OPEN was answered. */
  | { kind: 'offered'; transfer: Outgoing }
  /** host.exportState is under way. */
  | { kind: 'copying'; call: number; transfer: Outgoing }
  | { kind: 'copied'; transfer: Outgoing }
  /** host.freeze is under way. From here on `deadline` holds: then the shard is unfrozen, whatever has come. */
  | { kind: 'freezing'; call: number; transfer: Outgoing; copied: boolean; deadline: number }
  /** Frozen: host.exportDelta is under way. */
  | { kind: 'sendingDelta'; call: number; transfer: Outgoing; session: Cursor; deadline: number }
  /** Frozen: the manifest is out. Waits for RELEASE. */
  | { kind: 'frozen'; transfer: Outgoing; session: Cursor; deadline: number }
  /** host.unfreeze is under way. */
  | { kind: 'unfreezing'; call: number }
  /** host.release is under way: the point of no return, unless it fails. */
  | { kind: 'releasing'; call: number; transfer: Outgoing; session: Cursor }
  /**
   * The gateway connection is closed, and the frozen state kept: only the orchestrator can say what becomes of the
   * shard.
   */
  | { kind: 'released'; connection: number; session: Cursor; migrationId: string };

/** What has come of a live migration. `stage` names it to the runtime. */
export type Incoming = {
  migrationId: string;
  connection: number;
  stage: number;
  /** Events that came, and that the host has handled. */
  received: number;
  handled: number;
  bytes: number;
  hash: string;
  /** Bytes that came and are not handled; bytes that were handled and not yet given back as credit. */
  pendingBytes: number;
  owedCredit: number;
};

/** The destination of a live migration (live-destination.ts). */
type LiveDestinationState =
  /** host.prepareTransferTo is under way. `session`: the origin's as it was a moment ago, if it is known. */
  | { kind: 'opening'; call: number; connection: number; migrationId: string; session: Cursor | null }
  /**
   * Takes the state in. `manifest` came, and not everything is handled yet. `warmth`: `wanted` when WARM was asked for,
   * and not everything is handled yet (`wantedSoon`: nobody serves the shard); `warm` when it was answered.
   */
  | {
      kind: 'collecting';
      transfer: Incoming;
      session: Cursor | null;
      manifest: Manifest | null;
      warmth: 'cold' | 'wanted' | 'wantedSoon' | 'warm';
    }
  /** The first copy is here and handled: host.warm, then host.preconnect, is under way. */
  | { kind: 'warming'; call: number; part: 'userCode' | 'gateway'; transfer: Incoming; session: Cursor | null }
  /** Everything is here and handled. Waits for ACTIVATE. */
  | { kind: 'verified'; transfer: Incoming; session: Cursor }
  /** host.resumeShard is under way: past the point of no return. */
  | { kind: 'activating'; call: number; connection: number; migrationId: string; session: Cursor };

type Manifest = Pick<TransferManifest, 'events' | 'bytes' | 'hash'> & { session: Cursor };

export type ShardStateKind = ShardState['kind'] | 'absent';

/**
 * Who wanted the stop decides what follows. `command`: the answer; `aborted`: nothing (a start or a migration that
 * failed or is off); `shutdown`: the session goes into the shutdown's answer; `recover`: the shard goes on from the
 * session; `takenOver`: another node has it.
 */
export type StopReason = 'command' | 'aborted' | 'shutdown' | 'recover' | 'takenOver';

/**
 * What is not as in a migration. `stateLost`: nobody brings the shard's state. `redelivers`: events may come, up to
 * RESUMED, that were handled before. `ageMs`: how long ago the session was last known to be good; absent: just now.
 */
export type ResumeHow = { stateLost: boolean; redelivers: boolean; ageMs?: number };

/** `migration`: as a destination. `takeBack`: an origin that goes on as before. */
export type ResumeReason = 'migration' | 'takeBack';

/** The shard as it is in that state. */
export type ShardOf<K extends ShardStateKind> = K extends 'absent' ? null : Extract<ShardState, { kind: K }>;

/** The origin of a base-level migration, while the shard is frozen and nothing irrevocable has happened. */
export const BASE_FROZEN = ['baseFrozen', 'baseSending'] as const;
/** The origin of a live migration, while the shard serves. */
export const SERVING = ['announcing', 'announced', 'offered', 'copying', 'copied'] as const;
/** The origin of a live migration, while the shard is frozen and nothing irrevocable has happened. */
export const FROZEN = ['sendingDelta', 'frozen'] as const;
/** The destination of a live migration, before ACTIVATE. */
export const COLLECTED = ['collecting', 'warming', 'verified'] as const;

export type BaseFrozen = ShardOf<(typeof BASE_FROZEN)[number]>;
export type Serving = ShardOf<(typeof SERVING)[number]>;
export type Frozen = ShardOf<(typeof FROZEN)[number]>;
export type Collected = ShardOf<(typeof COLLECTED)[number]>;

export function isOneOf<K extends ShardState['kind']>(
  shard: ShardState | null,
  kinds: readonly K[],
): shard is ShardOf<K> {
  return shard !== null && kinds.some((kind) => kind === shard.kind);
}

/** A command for one shard, waiting for the one before it. */
export type ShardCommand =
  | { kind: 'startShards' }
  | { kind: 'stopShard' }
  | { kind: 'resumeShards'; session: Cursor | null; takeover: Takeover; ageMs?: number | undefined }
  | { kind: 'prepareMigration'; origin: boolean; session: Cursor | null; takeover?: Takeover | undefined }
  | { kind: 'startMigration' }
  | { kind: 'shardTakenOver' }
  | TransferCommand;

/** The steps of a live migration. */
export type TransferCommand =
  | {
      kind: 'transferOpen';
      migrationId: string;
      role: 'origin' | 'destination';
      session: Cursor | null;
      freezeTimeoutMs: number;
    }
  | { kind: 'shardLeaving'; migrationId: string; patienceMs: number }
  | { kind: 'transferWarmUp'; migrationId: string; session: Cursor | null; unserved?: boolean }
  | { kind: 'transferCopy'; migrationId: string; creditBytes: number }
  | { kind: 'transferFreeze' | 'transferRelease' | 'transferDone'; migrationId: string }
  | { kind: 'transferActivate'; migrationId: string; redelivers?: boolean }
  | { kind: 'transferAbort'; migrationId: string; reason: string };

export type WaitingCommand = { command: ShardCommand; connection: number };

/** `identify`: the connection whose Identify was out when it was queued, 0 for none. An older one was superseded. */
export type QueuedMessage = { message: Message; bytes: number; identify: number };

/** A shard that wants to IDENTIFY: `wanted` until granted, `granted` until its outcome is known. */
export type Permit = { request: number; kind: 'wanted' | 'granted' };

export type Arrival = { migrationId: string; resumed: boolean };

/** When the process ends at the latest, and what is to become of its shards. */
type LeaveWish = { leaveBy: number; intent: LeaveIntent; successor: string };

export type Lifecycle =
  | { kind: 'serving' }
  /** It asked to leave: its shards serve on, and are moved to others while there is time. */
  | ({ kind: 'draining' } & LeaveWish)
  /** All shards are being stopped; `stopped` collects their sessions. `leaveBy`: of a node that asked to leave. */
  | {
      kind: 'leaving';
      final: boolean;
      asked: 'orchestrator' | 'bot';
      deadline: number;
      leaveBy: number | null;
      stopped: readonly ShardSession[];
    }
  | Lingering
  | { kind: 'left' };

/**
 * All shards are gone and it was said; what user code is still at may end. `unnoted`: sessions that the orchestrator
 * has not said it has. `late`: some shards did not stop in time. `departed`: only its answer is waited for.
 */
export type Lingering = {
  kind: 'lingering';
  asked: 'orchestrator' | 'bot';
  final: boolean;
  leaveBy: number | null;
  unnoted: readonly ShardSession[];
  late: boolean;
  departed: boolean;
};

export type NodeState = {
  /** The host can keep the events of a frozen shard; one that cannot has closed its connection. */
  keepsEvents: boolean;
  limits: SessionLimits;
  identity: Identity;
  /** null until an orchestrator said it. */
  totalShards: number | null;
  lifecycle: Lifecycle;
  link: Link;
  /** Why the orchestrator takes this node's version for a bad one; null: it does not. */
  versionFailing: string | null;
  /** The lowest shard of the fleet: whose node leads. */
  leadShard: number;
  /** The highest epoch of an orchestrator that was obeyed; 0: none had one. */
  orchestratorEpoch: number;
  /** By shard, the highest epoch that was seen; it outlives the shard. */
  epochs: ReadonlyMap<number, number>;
  shards: ReadonlyMap<number, ShardState>;
  waiting: ReadonlyMap<number, readonly WaitingCommand[]>;
  permits: ReadonlyMap<number, Permit>;
  /** The live migration by which a shard came last, so that a repeated ACTIVATE is answered as the first one was. */
  arrivals: ReadonlyMap<number, Arrival>;
  outbox: readonly QueuedMessage[];
  /** Source of ids for connections, host calls and stagings. */
  nextId: number;
};

export function initialState(identity: Identity, limits: SessionLimits, keepsEvents = true): NodeState {
  return {
    keepsEvents,
    limits,
    identity,
    totalShards: null,
    lifecycle: { kind: 'serving' },
    leadShard: 0,
    versionFailing: null,
    link: { kind: 'idle' },
    orchestratorEpoch: 0,
    epochs: new Map(),
    shards: new Map(),
    waiting: new Map(),
    permits: new Map(),
    arrivals: new Map(),
    outbox: [],
    nextId: 1,
  };
}
