export { negotiate } from './capabilities.js';
export { decodeMessage, encodeMessage, FRAME_HEADER_BYTES } from './codec.js';
export { highestFromNode, highestFromOrchestrator, highestObeyed } from './numbers.js';
export { FrameReader } from './frame-reader.js';
export type { Frame } from './frame-reader.js';
export { CALL_EACH } from './call-messages.js';
export type {
  CallAnswer,
  CallAnswerEntry,
  CallAsk,
  CallEach,
  CallEnded,
  CallMessage,
  CallStart,
} from './call-messages.js';
export type { JobMark, JobMarked, JobMessage } from './job-messages.js';
export { LEAVE_INTENTS } from './leave-messages.js';
export type { Leave, LeaveIntent, LeaveMessage, ShutdownNoted } from './leave-messages.js';
export { MAX_CALL_ARGS_BYTES, MAX_CALL_BYTES, MAX_CALL_VALUE_BYTES } from './limits.js';
export { MAX_BODY_BYTES, MAX_FIRST_BODY_BYTES, MAX_NAME_LENGTH, MAX_SHARDS, MAX_URL_LENGTH } from './limits.js';
export { nearest } from './nearest.js';
export { longestShardList } from './shard-lists.js';
export { isNodeId } from './wire-types.js';
export { parseWholeNumber } from './numbers.js';
export { isPrintable, printable, printableDocument, printableJson, withoutTokens } from './printable.js';
export { NONCE_BYTES, provenBytes } from './proof.js';
export type { Exchange } from './proof.js';
export { MessagePackExtension } from './msgpack-extension.js';
export { UserEventRegistry } from './user-events.js';
export type { DecodedUserEvent, EncodedUserEvent, UserEventFormat, UserEventMap } from './user-events.js';
export { CodedError, counted, messageOf, PROTOCOL_ERRORS, ProtocolError, UnknownEventError } from './errors.js';
export type { ErrorEntry, ProtocolErrorCode } from './errors.js';
export { EVENT_IDS, isAbout, isFrom, MESSAGE_TRAITS } from './message-traits.js';
export type { MessageAbout, MessageFrom } from './message-traits.js';
export { CAPABILITIES, FIRST_USER_EVENT_ID, LOGIC_VERSION, SHARD_PHASES, TAKEOVERS } from './messages.js';
export type {
  AllUserDataSent,
  Capability,
  Challenge,
  CommandFailed,
  GatewaySession,
  Heartbeat,
  HeartbeatAck,
  Identified,
  Identify,
  IdentifyFinished,
  IdentifyGranted,
  IdentifyRequest,
  Message,
  MessageKind,
  MessageOf,
  NodeBounds,
  PrepareMigration,
  ProcessReport,
  Proof,
  Rejected,
  ShardPhase,
  ShardReport,
  ShardSession,
  ShardToResume,
  ShardTakenOver,
  Shutdown,
  StartMigration,
  StartShards,
  StopShard,
  Takeover,
  UserEvent,
} from './messages.js';
export { SELF_TESTS } from './signal-messages.js';
export type { HealthOpinion, NodeSignals, SelfTest, VersionHealth } from './signal-messages.js';
export type { NotLeader } from './leadership-messages.js';
export type { RolloutAnswer, RolloutMessage, RolloutRequest } from './rollout-messages.js';
export type {
  ShardLeaving,
  ShardMayLeave,
  TransferAbort,
  TransferActivate,
  TransferActivated,
  TransferCopied,
  TransferCopy,
  TransferCredit,
  TransferData,
  TransferDone,
  TransferFailed,
  TransferFreeze,
  TransferManifest,
  TransferMessage,
  TransferOpen,
  TransferOpened,
  TransferRelease,
  TransferReleased,
  TransferVerified,
  TransferWarm,
  TransferWarmUp,
} from './transfer-messages.js';
