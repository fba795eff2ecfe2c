/**
 * A live migration (capability `live-migration`): one shard, its user state and its gateway session go from origin to
 * destination while the shard serves; only the last moment is frozen. Every message names its migration.
 *
 *     ANNOUNCE  orch → origin        shardLeaving                     → shardMayLeave (user code has finished, or its patience is over)
 *     OPEN      orch → origin        transferOpen{role: origin}       → transferOpened (session as it is now)
 *     OPEN      orch → destination   transferOpen{role: destination}  → transferOpened (staging is open)
 *     PRE-COPY  orch → origin        transferCopy                     → transferData… then transferCopied
 *     WARM      orch → destination   transferWarmUp                   → transferWarm (the copy is handled, user code ready, HELLO read)
 *     FREEZE    orch → origin        transferFreeze                   → transferData… (the delta) then transferManifest
 *                                    transferManifest goes on to the destination → transferVerified
 *     COMMIT    the orchestrator makes it durable that the shard is the destination's
 *     RELEASE   orch → origin        transferRelease                  → transferReleased; the point of no return
 *     ACTIVATE  orch → destination   transferActivate                 → transferActivated
 *     DONE      orch → origin        transferDone
 *
 * ANNOUNCE and WARM come only where the node they concern names `warm-up`. A destination that does not know WARM
 * connects when it likes, and the freeze may find it cold.
 *
 * Before RELEASE `transferAbort` undoes everything: the origin unfreezes, the destination drops its staging. A frozen
 * origin that hears nothing unfreezes by itself after its freeze timeout, and refuses a RELEASE that comes later
 * (`transferFailed`). `transferData` flows only within the credit the destination gave: a window at OPEN, more as it
 * takes data in. An event larger than the whole window goes when all of it is free. After RELEASE only forward: an
 * origin that is told to abort then says `transferReleased` again.
 */
import type { GatewaySession } from './messages.js';

type Of<K extends string> = {
  kind: K;
  /** Unique per orchestrator run. */
  migrationId: string;
  shardId: number;
};

/** orchestrator → origin: the shard is to move and serves on; user code is told. Again: the new patience counts. */
export type ShardLeaving = Of<'shardLeaving'> & {
  /** No longer than this, and no longer than the node's own patience, is user code waited for. Milliseconds. */
  patienceMs: number;
};

/** origin → orchestrator: it may go now. */
export type ShardMayLeave = Of<'shardMayLeave'>;

/** orchestrator → origin and destination. */
export type TransferOpen = Of<'transferOpen'> & {
  role: 'origin' | 'destination';
  /** To the destination: the origin's session as it was a moment ago, so that it can connect to the right host. */
  session: GatewaySession | null;
  /** To the origin: after this long frozen without a word it unfreezes by itself. Milliseconds. */
  freezeTimeoutMs: number;
  /** Extended (`epochs`): of the shard at the origin; under which the destination has it once it is activated. */
  epoch?: number;
};

/** Both → orchestrator: ready. */
export type TransferOpened = Of<'transferOpened'> & {
  /** From the origin: its session now. */
  session: GatewaySession | null;
  /** From the destination: how many bytes of transferData bodies may be sent before it gives more credit. */
  creditBytes: number;
};

/** orchestrator → origin: stream the shard's state while it goes on serving. */
export type TransferCopy = Of<'transferCopy'> & {
  /** The destination's first window. */
  creditBytes: number;
};

/** origin → orchestrator → destination: one user event. `index` counts from 0 without gaps within the migration. */
export type TransferData = Of<'transferData'> & { index: number; eventId: number; body: Uint8Array };

/** origin → orchestrator: everything that was there was sent; what changed since is dirty. */
export type TransferCopied = Of<'transferCopied'> & { events: number; bytes: number };

/** orchestrator → destination: everything of the first copy was sent; let user code get ready, and connect. */
export type TransferWarmUp = Of<'transferWarmUp'> & {
  /** The origin's session as it was a moment ago, so that it can connect to the right host. */
  session: GatewaySession | null;
  /** Extended: the shard was parked, and nobody serves it. */
  unserved?: boolean;
};

/** destination → orchestrator: ready for the freeze. */
export type TransferWarm = Of<'transferWarm'>;

/** destination → orchestrator → origin: so many more bytes of bodies may be sent. */
export type TransferCredit = Of<'transferCredit'> & { bytes: number };

/** orchestrator → origin: stop handing events to user code, send the delta and the manifest. */
export type TransferFreeze = Of<'transferFreeze'>;

/** origin → orchestrator → destination: all there is. */
export type TransferManifest = Of<'transferManifest'> & {
  events: number;
  bytes: number;
  /**
   * The digest of all transferData, in order. Chained: each link is the SHA-256, in hex, over the link before it (in
   * hex, '' before the first) and, big-endian, the event's index (u64), its id (u32), the length of its body (u32), and
   * the body.
   */
  hash: string;
  /** The cursor: the last event handed to user code. */
  session: GatewaySession | null;
};

/** destination → orchestrator: what came is what the manifest says, or not. */
export type TransferVerified = Of<'transferVerified'> & { ok: boolean; reason: string };

/** orchestrator → origin: close the gateway connection, keeping the session. From here on only forward. */
export type TransferRelease = Of<'transferRelease'>;

/** origin → orchestrator: closed. It keeps its frozen state until transferDone. */
export type TransferReleased = Of<'transferReleased'>;

/** orchestrator → destination: apply the staged state, RESUME. */
export type TransferActivate = Of<'transferActivate'> & {
  /**
   * Extended (`epochs`), sent only when true: the origin did not say that it let go. It may have unfrozen and gone on
   * from the manifest's cursor, so events may come, up to RESUMED, that it handled.
   */
  redelivers?: boolean;
};

/** destination → orchestrator: the shard runs. `resumed` false: the session was gone, and it identified. */
export type TransferActivated = Of<'transferActivated'> & { resumed: boolean };

/** orchestrator → origin: the destination runs the shard; drop your copy. */
export type TransferDone = Of<'transferDone'>;

/** orchestrator → origin and destination: it is off. */
export type TransferAbort = Of<'transferAbort'> & { reason: string };

/** origin or destination → orchestrator: it cannot do what it was told. */
export type TransferFailed = Of<'transferFailed'> & { step: string; reason: string };

export type TransferMessage =
  | ShardLeaving
  | ShardMayLeave
  | TransferOpen
  | TransferOpened
  | TransferCopy
  | TransferData
  | TransferCopied
  | TransferWarmUp
  | TransferWarm
  | TransferCredit
  | TransferFreeze
  | TransferManifest
  | TransferVerified
  | TransferRelease
  | TransferReleased
  | TransferActivate
  | TransferActivated
  | TransferDone
  | TransferAbort
  | TransferFailed;
