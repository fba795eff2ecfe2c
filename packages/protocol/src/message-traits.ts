/**
 * What is true of each kind of message, as data: its id on the wire, who says it, what it is about, and which
 * capability it belongs to. A message begins with its row here, its type in messages.ts (or the file of its topic), and
 * its fields in message-table.ts.
 */
import type { Capability, Message, MessageKind, MessageOf } from './messages.js';

/** The two ends of a connection. */
export type Peer = 'node' | 'orchestrator';

type MessageTraits = {
  /** 1–23 are the base level's and fixed; extension events use 24–99. null: a user event, from 100 on. */
  id: number | null;
  from: Peer | 'both';
  /**
   * `connection`: the peer itself. `permit`: leave to IDENTIFY. `shard`: what becomes of a shard. `fleet`: what bots
   * ask of the fleet; shards know nothing of it.
   */
  scope: 'connection' | 'permit' | 'shard' | 'fleet';
  /** Who did not name it does not get the message, and is not heard with it. null: the base level's. */
  capability: Capability | null;
};

const TRAITS = {
  identify: { id: 1, from: 'node', scope: 'connection', capability: null },
  identified: { id: 2, from: 'orchestrator', scope: 'connection', capability: null },
  shutdown: { id: 3, from: 'both', scope: 'connection', capability: null },
  startShards: { id: 10, from: 'both', scope: 'shard', capability: null },
  stopShard: { id: 11, from: 'both', scope: 'shard', capability: null },
  prepareMigration: { id: 20, from: 'both', scope: 'shard', capability: null },
  startMigration: { id: 21, from: 'orchestrator', scope: 'shard', capability: null },
  allUserDataSent: { id: 23, from: 'both', scope: 'shard', capability: null },
  rejected: { id: 24, from: 'orchestrator', scope: 'connection', capability: 'auth-hmac' },
  heartbeat: { id: 25, from: 'node', scope: 'connection', capability: 'heartbeat' },
  heartbeatAck: { id: 26, from: 'orchestrator', scope: 'connection', capability: 'heartbeat' },
  commandFailed: { id: 30, from: 'node', scope: 'shard', capability: 'sessions' },
  identifyRequest: { id: 31, from: 'node', scope: 'permit', capability: 'identify-permits' },
  identifyGranted: { id: 32, from: 'orchestrator', scope: 'permit', capability: 'identify-permits' },
  identifyFinished: { id: 33, from: 'node', scope: 'permit', capability: 'identify-permits' },
  transferOpen: { id: 34, from: 'orchestrator', scope: 'shard', capability: 'live-migration' },
  transferOpened: { id: 35, from: 'node', scope: 'shard', capability: 'live-migration' },
  transferCopy: { id: 36, from: 'orchestrator', scope: 'shard', capability: 'live-migration' },
  transferData: { id: 37, from: 'both', scope: 'shard', capability: 'live-migration' },
  transferCopied: { id: 38, from: 'node', scope: 'shard', capability: 'live-migration' },
  transferCredit: { id: 39, from: 'both', scope: 'shard', capability: 'live-migration' },
  transferFreeze: { id: 40, from: 'orchestrator', scope: 'shard', capability: 'live-migration' },
  transferManifest: { id: 41, from: 'both', scope: 'shard', capability: 'live-migration' },
  transferVerified: { id: 42, from: 'node', scope: 'shard', capability: 'live-migration' },
  transferRelease: { id: 43, from: 'orchestrator', scope: 'shard', capability: 'live-migration' },
  transferReleased: { id: 44, from: 'node', scope: 'shard', capability: 'live-migration' },
  transferActivate: { id: 45, from: 'orchestrator', scope: 'shard', capability: 'live-migration' },
  transferActivated: { id: 46, from: 'node', scope: 'shard', capability: 'live-migration' },
  transferDone: { id: 47, from: 'orchestrator', scope: 'shard', capability: 'live-migration' },
  transferAbort: { id: 48, from: 'orchestrator', scope: 'shard', capability: 'live-migration' },
  transferFailed: { id: 49, from: 'node', scope: 'shard', capability: 'live-migration' },
  shardTakenOver: { id: 50, from: 'orchestrator', scope: 'shard', capability: 'epochs' },
  shardLeaving: { id: 51, from: 'orchestrator', scope: 'shard', capability: 'warm-up' },
  shardMayLeave: { id: 52, from: 'node', scope: 'shard', capability: 'warm-up' },
  transferWarmUp: { id: 53, from: 'orchestrator', scope: 'shard', capability: 'warm-up' },
  transferWarm: { id: 54, from: 'node', scope: 'shard', capability: 'warm-up' },
  resumeShards: { id: 55, from: 'orchestrator', scope: 'shard', capability: 'resume-shards' },
  callStart: { id: 60, from: 'node', scope: 'fleet', capability: 'calls' },
  callAsk: { id: 61, from: 'orchestrator', scope: 'fleet', capability: 'calls' },
  callAnswer: { id: 62, from: 'node', scope: 'fleet', capability: 'calls' },
  callEnded: { id: 63, from: 'orchestrator', scope: 'fleet', capability: 'calls' },
  jobMark: { id: 64, from: 'node', scope: 'fleet', capability: 'jobs' },
  jobMarked: { id: 65, from: 'orchestrator', scope: 'fleet', capability: 'jobs' },
  rolloutRequest: { id: 66, from: 'node', scope: 'fleet', capability: 'rollout' },
  rolloutAnswer: { id: 67, from: 'orchestrator', scope: 'fleet', capability: 'rollout' },
  challenge: { id: 70, from: 'orchestrator', scope: 'connection', capability: 'auth-hmac' },
  proof: { id: 71, from: 'node', scope: 'connection', capability: 'auth-hmac' },
  leave: { id: 72, from: 'node', scope: 'connection', capability: 'leave' },
  shutdownNoted: { id: 73, from: 'orchestrator', scope: 'connection', capability: 'leave' },
  versionHealth: { id: 83, from: 'orchestrator', scope: 'connection', capability: 'signals' },
  notLeader: { id: 90, from: 'orchestrator', scope: 'connection', capability: 'not-leader' },
  userEvent: { id: null, from: 'both', scope: 'shard', capability: null },
} as const;

export const MESSAGE_TRAITS: Readonly<Record<MessageKind, MessageTraits>> = TRAITS;

type Traits = typeof TRAITS;

/** The messages that this peer may send. */
export type MessageFrom<P extends Peer> = MessageOf<
  { [K in MessageKind]: Traits[K]['from'] extends P | 'both' ? K : never }[MessageKind]
>;

/** The messages about this. */
export type MessageAbout<S extends MessageTraits['scope']> = MessageOf<
  { [K in MessageKind]: Traits[K]['scope'] extends S ? K : never }[MessageKind]
>;

export function isFrom<P extends Peer>(peer: P, message: Message): message is MessageFrom<P> {
  const { from } = MESSAGE_TRAITS[message.kind];
  return from === peer || from === 'both';
}

export function isAbout<S extends MessageTraits['scope'], M extends Message>(
  scope: S,
  message: M,
): message is Extract<M, MessageAbout<S>> {
  return MESSAGE_TRAITS[message.kind].scope === scope;
}

/** Wire ids by kind. */
export const EVENT_IDS: Readonly<Record<Exclude<MessageKind, 'userEvent'>, number>> = Object.fromEntries(
  Object.entries(TRAITS).flatMap(([kind, { id }]) => (id === null ? [] : [[kind, id]])),
) as Record<Exclude<MessageKind, 'userEvent'>, number>;
