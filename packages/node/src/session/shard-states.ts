/**
 * The lifecycle of a shard on this node, one row per state: where the shard may go from there, what the state means to
 * the world, and what every event does to a shard in that state. A state without a handler for an event ignores the
 * event.
 *
 * The flows are told where their steps are: live-origin.ts and live-destination.ts (the shard serves while its state is
 * copied), origin.ts and destination.ts (with a peer of the base level).
 */
import type { ShardPhase } from '@dshard/protocol';
import { onAnnouncingEnded } from './announcing.js';
import { abortPreparing, abortStaging, onPreparingEnded } from './destination.js';
import type { HostOutcome } from './events.js';
import { announceRunning, answerGone, noteSession, startShards, stopShard, takeBack } from './hosting.js';
import { abortIncoming, abortOpening, onActivatingEnded, onOpeningEnded, onWarmingEnded } from './live-destination.js';
import {
  abortExport,
  abortFrozen,
  abortServing,
  onCopyingEnded,
  onFreezingEnded,
  onReleasingEnded,
  onSendingDeltaEnded,
  onUnfreezingEnded,
  tooLong,
  unfreeze,
} from './live-origin.js';
import {
  abortStalled,
  letGo,
  onBaseFreezingEnded,
  onBaseReleasingEnded,
  onBaseSendingEnded,
  stallDeadline,
} from './origin.js';
import { onResumingEnded, onStartingEnded, onStoppingEnded } from './outcomes.js';
import type {
  BaseFrozen,
  Collected,
  Cursor,
  Frozen,
  NodeState,
  Serving,
  ShardCommand,
  ShardOf,
  ShardState,
} from './state.js';
import type { ShardStateKind, StopReason } from './state.js';
import type { Transaction } from './transaction.js';

type ShardRule<S> = {
  /** The states that may come next; `enterShard` (transaction.ts) throws on any other. */
  moves: readonly ShardStateKind[];
  /** A host call is under way that commands wait for. */
  busy?: true;
  /** The busy state does not make this command wait. */
  isCutShort?(shard: S, command: ShardCommand): boolean;
  /**
   * The shard belongs to this node, and Identify names it as running. The others were given away, or are only on their
   * way here.
   */
  owned?: true;
  /**
   * Fleet calls for the shard are answered here: up to the release by which it goes, from the resume by which it came.
   * Between the two nobody serves the shard for a moment.
   */
  served?: true;
  /** The shard is not about to leave: what runs once per fleet may run by it. */
  leads?: true;
  /** What a heartbeat says of the shard. `host`: as the host says. null: the shard is not this node's. */
  phase: ShardPhase | 'host' | null;
  /** The host call of the state has ended. */
  onCallEnd?(tx: Transaction, shardId: number, shard: S, outcome: HostOutcome): void;
  /** startShards. */
  onStart?(tx: Transaction, shardId: number, shard: S): void;
  /**
   * stopShard; without a handler there is nothing to stop. Says the cursor to the orchestrator, now or when the host
   * has stopped it.
   */
  onStop?(tx: Transaction, shardId: number, shard: S): void;
  /** The migration is off: transferAbort. */
  onAbort?(tx: Transaction, shardId: number, shard: S, reason: string): void;
  /** Another node has the shard. */
  onTakenOver?(tx: Transaction, shardId: number, shard: S): void;
  /**
   * The connection is lost by which the shard's migration was asked for: an origin goes on alone, a destination keeps
   * nothing.
   */
  onDisconnect?(tx: Transaction, shardId: number, shard: S, reason: string): void;
  /**
   * The node leaves. A shard whose call cannot be cut short has no handler, and is asked again when the call has ended.
   */
  onShutdown?(tx: Transaction, shardId: number, shard: S): void;
  /** When the state has lasted too long, and what then. */
  deadline?(limits: NodeState['limits'], shard: S): number;
  onDeadline?(tx: Transaction, shardId: number, shard: S): void;
};

const TAKEN = 'another node has taken it over.';
const LEAVES = 'The node leaves.';
const START = 'The orchestrator wants it started instead.';
const STOP = 'The orchestrator wants it stopped.';

const stop =
  (why: StopReason) =>
  (tx: Transaction, shardId: number): void =>
    stopShard(tx, shardId, why);

const announce = (tx: Transaction, shardId: number): void => announceRunning(tx, [shardId]);

function stopExporting(
  tx: Transaction,
  shardId: number,
  shard: Serving | Frozen | BaseFrozen,
  why: StopReason,
  reason: string,
): void {
  abortExport(tx, shard, reason);
  stopShard(tx, shardId, why);
}

/** The host has the shard, and can stop it. */
const HOSTED = { onStop: stop('command'), onTakenOver: stop('takenOver'), onShutdown: stop('shutdown') };

/** In a live migration, and serving. */
const SERVING = {
  owned: true,
  served: true,
  phase: 'host',
  onStart: announce,
  onStop: (tx: Transaction, shardId: number, shard: Serving) =>
    stopExporting(tx, shardId, shard, 'command', 'The orchestrator wants the shard stopped.'),
  onAbort: abortServing,
  onTakenOver: (tx: Transaction, shardId: number, shard: Serving) =>
    stopExporting(tx, shardId, shard, 'takenOver', 'Another node has taken the shard over.'),
  onDisconnect: abortServing,
  onShutdown: (tx: Transaction, shardId: number, shard: Serving) =>
    stopExporting(tx, shardId, shard, 'shutdown', LEAVES),
} as const;

/** In a migration, and frozen: nothing irrevocable has happened. */
const HELD = {
  owned: true,
  served: true,
  phase: 'frozen',
  onStart: (tx: Transaction, shardId: number, shard: Frozen | BaseFrozen) => {
    unfreeze(tx, shardId, shard, 'the orchestrator wants it to run here.');
    tx.whenFree(shardId, { kind: 'startShards' });
  },
  onStop: (tx: Transaction, shardId: number, shard: Frozen | BaseFrozen) =>
    stopExporting(tx, shardId, shard, 'command', 'The orchestrator wants the shard stopped.'),
  onAbort: unfreeze,
  onTakenOver: (tx: Transaction, shardId: number, shard: Frozen | BaseFrozen) =>
    stopExporting(tx, shardId, shard, 'takenOver', 'Another node has taken the shard over.'),
  onDisconnect: unfreeze,
  onShutdown: (tx: Transaction, shardId: number, shard: Frozen | BaseFrozen) =>
    stopExporting(tx, shardId, shard, 'shutdown', LEAVES),
} as const;

/** By the base level. Without the orchestrator's word for too long the shard goes on here. */
const BASE_FROZEN = { ...HELD, deadline: stallDeadline, onDeadline: abortStalled } as const;

const FROZEN = {
  ...HELD,
  deadline: (_: unknown, shard: Frozen) => shard.deadline,
  onDeadline: (tx: Transaction, shardId: number, shard: Frozen) =>
    abortFrozen(tx, shardId, shard, { kind: 'transferFreeze', ...shard.transfer }, tooLong(shard.transfer)),
} as const;

/** Coming to this node in a live migration. */
const COLLECTED = {
  phase: null,
  onStart: (tx: Transaction, shardId: number, shard: Collected) => {
    abortIncoming(tx, shardId, shard, START);
    startShards(tx, [shardId]);
  },
  onStop: (tx: Transaction, shardId: number, shard: Collected) => {
    abortIncoming(tx, shardId, shard, STOP);
    answerGone(tx, shardId, null);
  },
  onAbort: abortIncoming,
  onTakenOver: (tx: Transaction, shardId: number, shard: Collected) => {
    abortIncoming(tx, shardId, shard, TAKEN);
    answerGone(tx, shardId, null);
  },
  onDisconnect: abortIncoming,
  onShutdown: (tx: Transaction, shardId: number, shard: Collected) => abortIncoming(tx, shardId, shard, LEAVES),
} as const;

/** Being resumed here. Discord may be away for long, so a stop does not wait; the session goes back with the answer. */
const RESUMING = {
  busy: true,
  owned: true,
  phase: 'resuming',
  ...HOSTED,
} as const;

export const SHARD_STATES: { readonly [K in ShardStateKind]: ShardRule<ShardOf<K>> } = {
  absent: {
    moves: ['starting', 'preparing', 'opening'],
    phase: null,
    onStart: (tx, shardId) => startShards(tx, [shardId]),
    onStop: (tx, shardId) => answerGone(tx, shardId, null),
    onTakenOver: (tx, shardId) => answerGone(tx, shardId, null),
  },
  starting: {
    ...HOSTED,
    moves: ['running', 'stopping'],
    busy: true,
    isCutShort: (_, { kind }) => kind === 'shardTakenOver',
    owned: true,
    phase: 'host',
    onCallEnd: onStartingEnded,
  },
  running: {
    ...HOSTED,
    moves: ['stopping', 'baseFreezing', 'announcing', 'offered'],
    owned: true,
    served: true,
    leads: true,
    phase: 'host',
    onStart: announce,
  },
  stopping: {
    moves: ['absent', 'running', 'resuming', 'starting'],
    busy: true,
    owned: true,
    phase: 'disconnected',
    onCallEnd: onStoppingEnded,
  },
  baseFreezing: {
    moves: ['baseFrozen', 'running', 'unfreezing', 'resuming', 'stopping'],
    busy: true,
    owned: true,
    served: true,
    phase: 'frozen',
    onCallEnd: onBaseFreezingEnded,
  },
  baseFrozen: { ...BASE_FROZEN, moves: ['baseSending', 'unfreezing', 'resuming', 'stopping'] },
  baseSending: {
    ...BASE_FROZEN,
    moves: ['baseReleasing', 'unfreezing', 'resuming', 'stopping'],
    onCallEnd: onBaseSendingEnded,
  },
  baseReleasing: {
    moves: ['absent', 'resuming', 'stopping'],
    busy: true,
    owned: true,
    served: true,
    phase: 'frozen',
    onCallEnd: onBaseReleasingEnded,
  },
  preparing: {
    moves: ['staging', 'resuming', 'absent'],
    busy: true,
    phase: null,
    onCallEnd: onPreparingEnded,
    onShutdown: (tx, shardId, shard) => abortPreparing(tx, shardId, shard, LEAVES),
  },
  staging: {
    moves: ['resuming', 'absent'],
    phase: null,
    onStart: (tx, shardId, shard) => {
      abortStaging(tx, shardId, shard, START);
      startShards(tx, [shardId]);
    },
    onStop: (tx, shardId, shard) => {
      abortStaging(tx, shardId, shard, STOP);
      answerGone(tx, shardId, sessionOfStaging(shard));
    },
    onTakenOver: (tx, shardId, shard) => {
      abortStaging(tx, shardId, shard, TAKEN);
      answerGone(tx, shardId, null);
    },
    onDisconnect: abortStaging,
    onShutdown: (tx, shardId, shard) => abortStaging(tx, shardId, shard, LEAVES),
  },
  resuming: {
    ...RESUMING,
    moves: ['running', 'stopping', 'starting'],
    isCutShort: (_, { kind }) => kind === 'shardTakenOver' || kind === 'stopShard',
    onCallEnd: onResumingEnded,
  },
  announcing: {
    ...SERVING,
    moves: ['announced', 'offered', 'running', 'stopping'],
    onCallEnd: onAnnouncingEnded,
  },
  announced: { ...SERVING, moves: ['offered', 'running', 'stopping'] },
  offered: { ...SERVING, moves: ['copying', 'freezing', 'running', 'stopping'], leads: true },
  copying: { ...SERVING, moves: ['copied', 'running', 'stopping'], leads: true, onCallEnd: onCopyingEnded },
  copied: { ...SERVING, moves: ['freezing', 'running', 'stopping'], leads: true },
  freezing: {
    moves: ['sendingDelta', 'unfreezing', 'running', 'resuming', 'stopping'],
    busy: true,
    owned: true,
    served: true,
    phase: 'frozen',
    onCallEnd: onFreezingEnded,
  },
  sendingDelta: { ...FROZEN, moves: ['frozen', 'unfreezing', 'resuming', 'stopping'], onCallEnd: onSendingDeltaEnded },
  frozen: { ...FROZEN, moves: ['releasing', 'unfreezing', 'resuming', 'stopping'] },
  unfreezing: {
    moves: ['running', 'stopping'],
    busy: true,
    owned: true,
    served: true,
    phase: 'frozen',
    onCallEnd: onUnfreezingEnded,
  },
  releasing: {
    moves: ['released', 'stopping'],
    busy: true,
    served: true,
    phase: 'frozen',
    onCallEnd: onReleasingEnded,
  },
  released: {
    moves: ['resuming', 'preparing', 'opening', 'absent'],
    phase: 'frozen',
    onStart: (tx, shardId, { session }) => takeBack(tx, shardId, session),
    onStop: (tx, shardId, { session }) => {
      letGo(tx, shardId);
      answerGone(tx, shardId, session);
    },
    onTakenOver: (tx, shardId, { session }) => {
      letGo(tx, shardId, true);
      answerGone(tx, shardId, session);
    },
    onShutdown: (tx, shardId, { session }) => {
      noteSession(tx, shardId, session);
      letGo(tx, shardId);
    },
  },
  opening: {
    moves: ['collecting', 'absent'],
    busy: true,
    phase: null,
    onCallEnd: onOpeningEnded,
    onShutdown: (tx, shardId, shard) => abortOpening(tx, shardId, shard, LEAVES),
  },
  collecting: { ...COLLECTED, moves: ['warming', 'verified', 'absent'] },
  warming: { ...COLLECTED, moves: ['collecting', 'absent'], onCallEnd: onWarmingEnded },
  verified: { ...COLLECTED, moves: ['activating', 'absent'] },
  activating: {
    ...RESUMING,
    moves: ['running', 'stopping'],
    onAbort: (tx, shardId) => {
      tx.log('warn', `The migration of shard ${shardId} to this node is aborted.`, { shard: shardId });
      stopShard(tx, shardId, 'aborted');
    },
    isCutShort: ({ migrationId }, command) =>
      command.kind === 'shardTakenOver' ||
      command.kind === 'stopShard' ||
      (command.kind === 'transferAbort' && command.migrationId === migrationId),
    onCallEnd: onActivatingEnded,
  },
};

/** The row of a shard that may be in any state: what it is handed must be that very shard. */
export function ruleOf(shard: ShardState | null): ShardRule<ShardState | null> {
  return SHARD_STATES[shard?.kind ?? 'absent'];
}

function sessionOfStaging({ how, session }: ShardOf<'staging'>): Cursor {
  return how?.redelivers === true ? { ...session, redelivers: true } : session;
}

/** The stop is by another node's takeover: the shard is that node's already, and only its end here is waited for. */
export function isTaken(shard: ShardState): boolean {
  return shard.kind === 'stopping' && shard.why === 'takenOver';
}
