/**
 * Every message of the protocol, field by field: wire name, type and bound. This table is the codec; `docs` and peers
 * in other languages can be checked against it line by line. `required` are the fields of the base level (and of
 * extension messages), `optional` those the extended level adds to it.
 */
import { CALL_FIELDS } from './call-messages.js';
import { JOB_FIELDS } from './job-messages.js';
import { LEADERSHIP_FIELDS } from './leadership-messages.js';
import { LEAVE_FIELDS } from './leave-messages.js';
import { maybe, optional, record, required, SESSION_FIELDS, session, type Fields } from './fields.js';
import { MAX_CAPABILITIES, MAX_EVENT_ID, MAX_NAME_LENGTH, MAX_SHARDS } from './limits.js';
import { FIRST_USER_EVENT_ID, SHARD_PHASES, TAKEOVERS } from './messages.js';
import type {
  MessageKind,
  MessageOf,
  NodeBounds,
  ProcessReport,
  ShardReport,
  ShardSession,
  ShardToResume,
} from './messages.js';
import { MAC_BYTES, NONCE_BYTES } from './proof.js';
import { ROLLOUT_FIELDS } from './rollout-messages.js';
import { nodeSignals, VERSION_FIELDS } from './signal-messages.js';
import {
  bytes,
  bytesOf,
  count,
  flag,
  integer,
  label,
  list,
  name,
  nodeId,
  nodeIdOrEmpty,
  oneOf,
  real,
  shardCount,
  shardId,
  text,
} from './wire-types.js';

/** The kinds whose body is a map of ours; the body of a user event belongs to the bot. */
export type TableKind = Exclude<MessageKind, 'userEvent'>;
export type MessageFields<K extends TableKind> = Omit<MessageOf<K>, 'kind'>;

const MAX_INT32 = 2 ** 31 - 1;
const TRANSFER_ROLES = ['origin', 'destination'] as const;

const shardIds = list(shardId, MAX_SHARDS);
const capabilities = list(name(1, MAX_NAME_LENGTH), MAX_CAPABILITIES);
const word = label(MAX_NAME_LENGTH);
const epoch = count;
const epochs = list(epoch, MAX_SHARDS);
const shardSession = record<ShardSession>({ shardId: required('ShardID', shardId), ...SESSION_FIELDS });
const sessions = list(shardSession, MAX_SHARDS);
const shardToResume = record<ShardToResume>({
  shardId: required('ShardID', shardId),
  ...SESSION_FIELDS,
  takeover: required('Takeover', oneOf(TAKEOVERS)),
  epoch: maybe('Epoch', epoch),
  ageMs: maybe('AgeMs', count),
});

const nonce = bytesOf(NONCE_BYTES);
const mac = bytesOf(MAC_BYTES);

/** Of a WebSocket. */
const closeCode = integer(1_000, 4_999);

const shardReport = record<ShardReport>({
  shardId: required('ShardID', shardId),
  phase: required('Phase', oneOf(SHARD_PHASES)),
  pingMs: required('PingMs', real),
  guilds: required('Guilds', integer(-1, Number.MAX_SAFE_INTEGER)),
  events: required('Events', count),
  session: session('extended'),
  epoch: maybe('Epoch', epoch),
  refused: maybe('Refused', closeCode),
  reason: maybe('Reason', text),
  silentMs: maybe('SilentMs', count),
});

const processReport = record<ProcessReport>({
  memoryBytes: required('MemoryBytes', count),
  cpuPercent: required('CpuPercent', real),
  eventLoopDelayMs: required('EventLoopDelayMs', real),
  uptimeMs: required('UptimeMs', real),
});

const duration = integer(0, MAX_INT32);
const nodeBounds = record<NodeBounds>({
  lingerMs: required('LingerMs', duration),
  patienceMs: required('PatienceMs', duration),
  readyMs: required('ReadyMs', duration),
  handlersMs: required('HandlersMs', duration),
});

const ONE_SHARD: Fields<{ shardId: number }> = { shardId: required('ShardID', shardId) };
const TRANSFER: Fields<{ migrationId: string; shardId: number }> = {
  migrationId: required('MigrationID', name(1, MAX_NAME_LENGTH)),
  shardId: required('ShardID', shardId),
};

export const MESSAGE_TABLE: { readonly [K in TableKind]: Fields<MessageFields<K>> } = {
  identify: {
    totalShards: required('TotalShards', shardCount),
    runningShards: required('RunningShards', shardIds),
    version: required('Version', word),
    nodeId: required('NodeID', nodeIdOrEmpty),
    logicVersion: required('OrchestratorLogicVersion', integer(0, MAX_INT32)),
    capabilities: optional('Capabilities', capabilities, []),
    host: optional('Host', word, null),
    pid: optional('PID', integer(0, MAX_INT32), null),
    heldSessions: optional('HeldSessions', sessions, []),
    runningEpochs: maybe('RunningEpochs', epochs),
    orchestratorEpoch: maybe('OrchestratorEpoch', epoch),
    instance: maybe('Instance', name(1, MAX_NAME_LENGTH)),
    bounds: maybe('Bounds', nodeBounds),
    zone: maybe('Zone', name(1, MAX_NAME_LENGTH)),
    nonce: maybe('Nonce', nonce),
  },
  challenge: { nonce: required('Nonce', nonce), mac: required('MAC', mac) },
  proof: { mac: required('MAC', mac), identify: required('Identify', bytes) },
  identified: {
    totalShards: required('TotalShards', shardCount),
    nodeId: required('NodeID', nodeId),
    capabilities: optional('Capabilities', capabilities, []),
    heartbeatIntervalMs: optional('HeartbeatIntervalMs', integer(0, MAX_INT32), 0),
    orchestratorEpoch: maybe('OrchestratorEpoch', epoch),
    leaseMs: maybe('LeaseMs', integer(0, MAX_INT32)),
    leadShard: maybe('LeadShard', shardId),
  },
  shutdown: {
    final: optional('Final', flag, false),
    sessions: optional('Sessions', sessions, []),
  },
  startShards: { shardIds: required('ShardIDs', shardIds), epochs: maybe('Epochs', epochs) },
  resumeShards: { shards: required('Shards', list(shardToResume, MAX_SHARDS)) },
  stopShard: { ...ONE_SHARD, session: session('extended'), epoch: maybe('Epoch', epoch) },
  prepareMigration: {
    origin: required('Origin', flag),
    ...ONE_SHARD,
    session: session('base'),
    epoch: maybe('Epoch', epoch),
    takeover: maybe('Takeover', oneOf(TAKEOVERS)),
  },
  startMigration: ONE_SHARD,
  allUserDataSent: { numEvents: required('NumEvents', count) },
  rejected: {
    code: required('Code', word),
    message: required('Message', text),
    retryable: required('Retryable', flag),
  },
  heartbeat: {
    sequence: required('Sequence', count),
    shards: required('Shards', list(shardReport, MAX_SHARDS)),
    process: required('Process', processReport),
    signals: maybe('Signals', nodeSignals),
  },
  heartbeatAck: { sequence: required('Sequence', count) },
  commandFailed: { command: required('Command', word), ...ONE_SHARD, message: required('Message', text) },
  identifyRequest: ONE_SHARD,
  identifyGranted: ONE_SHARD,
  identifyFinished: { ...ONE_SHARD, ready: required('Ready', flag) },
  shardTakenOver: { ...ONE_SHARD, epoch: required('Epoch', epoch) },
  shardLeaving: { ...TRANSFER, patienceMs: required('PatienceMs', duration) },
  shardMayLeave: TRANSFER,
  transferOpen: {
    ...TRANSFER,
    role: required('Role', oneOf(TRANSFER_ROLES)),
    session: session('extended'),
    freezeTimeoutMs: required('FreezeTimeoutMs', integer(0, MAX_INT32)),
    epoch: maybe('Epoch', epoch),
  },
  transferOpened: { ...TRANSFER, session: session('extended'), creditBytes: required('CreditBytes', count) },
  transferCopy: { ...TRANSFER, creditBytes: required('CreditBytes', count) },
  transferData: {
    ...TRANSFER,
    index: required('Index', count),
    eventId: required('EventID', integer(FIRST_USER_EVENT_ID, MAX_EVENT_ID)),
    body: required('Body', bytes),
  },
  transferCopied: { ...TRANSFER, events: required('Events', count), bytes: required('Bytes', count) },
  transferWarmUp: { ...TRANSFER, session: session('extended'), unserved: maybe('Unserved', flag) },
  transferWarm: TRANSFER,
  transferCredit: { ...TRANSFER, bytes: required('Bytes', count) },
  transferFreeze: TRANSFER,
  transferManifest: {
    ...TRANSFER,
    events: required('Events', count),
    bytes: required('Bytes', count),
    hash: required('Hash', name(0, MAX_NAME_LENGTH)),
    session: session('extended'),
  },
  transferVerified: { ...TRANSFER, ok: required('OK', flag), reason: required('Reason', text) },
  transferRelease: TRANSFER,
  transferReleased: TRANSFER,
  transferActivate: { ...TRANSFER, redelivers: maybe('Redelivers', flag) },
  transferActivated: { ...TRANSFER, resumed: required('Resumed', flag) },
  transferDone: TRANSFER,
  transferAbort: { ...TRANSFER, reason: required('Reason', text) },
  transferFailed: { ...TRANSFER, step: required('Step', word), reason: required('Reason', text) },
  ...CALL_FIELDS,
  ...JOB_FIELDS,
  ...LEAVE_FIELDS,
  ...ROLLOUT_FIELDS,
  ...LEADERSHIP_FIELDS,
  versionHealth: VERSION_FIELDS,
};
