/** Any message that the protocol allows, of every kind, for property tests. */
import * as fc from 'fast-check';
import {
  CALL_EACH,
  CAPABILITIES,
  LEAVE_INTENTS,
  MAX_SHARDS,
  printable,
  SELF_TESTS,
  SHARD_PHASES,
  TAKEOVERS,
} from '@dshard/protocol';
import type { GatewaySession, Message, MessageKind, MessageOf, NodeSignals, ShardSession } from '@dshard/protocol';

const MAX_INT32 = 2 ** 31 - 1;

const shardId = fc.nat(MAX_SHARDS - 1);
const shardIds = fc.array(shardId, { maxLength: 40 });
const count = fc.maxSafeNat();
const ms = fc.nat(MAX_INT32);
/** Not -0, and no integers beyond 53 bits: a Go peer would write them as integers, and they would come back changed. */
const real = fc.double({ min: -1e15, max: 1e15, noNaN: true }).map((value) => value + 0);
const label = fc.string({ unit: 'grapheme', maxLength: 60 }).map(printable);
const name = label.filter((text) => text !== '');
const nodeId = fc.stringMatching(/^[A-Za-z0-9._ôœ日-]{1,128}$/).filter((id) => id !== '.' && id !== '..');
const body = fc.uint8Array({ maxLength: 300 });
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const userEventId = fc.integer({ min: 100, max: 2 ** 32 - 1 });

/** A sequence is a bigint only where a number would not do. */
const sequence = fc
  .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
const gatewayUrl = fc.constantFrom('', 'wss://gateway-us-east1-b.discord.gg', 'ws://127.0.0.1:4000/?v=10');
const session: fc.Arbitrary<GatewaySession> = fc.record(
  { sessionId: name, sequence: fc.oneof(count, sequence), resumeGatewayUrl: gatewayUrl, redelivers: fc.boolean() },
  { requiredKeys: ['sessionId', 'sequence', 'resumeGatewayUrl'] },
);
const shardSession: fc.Arbitrary<ShardSession> = fc
  .tuple(shardId, session)
  .map(([id, rest]) => ({ shardId: id, ...rest }));
const sessions = fc.array(shardSession, { maxLength: 5 });
const maybeSession = fc.option(session);

/** Of a field that may be missing altogether. */
const some = { requiredKeys: [] };
const epoch = fc.record({ epoch: count }, some);

function both<A extends object, B extends object>(a: fc.Arbitrary<A>, b: fc.Arbitrary<B>): fc.Arbitrary<A & B> {
  return fc.tuple(a, b).map(([left, right]) => ({ ...left, ...right }));
}

const transfer = { migrationId: name, shardId };

const signals: fc.Arbitrary<NodeSignals> = fc.record({
  health: fc.option(fc.record({ ok: fc.boolean(), reason: fc.option(label) })),
  selfTest: fc.constantFrom(...SELF_TESTS),
  selfTestReason: fc.option(label),
  events: count,
  handlerErrors: count,
  handlerMs: real,
  eventLoopDelayMs: real,
  memoryBytes: count,
  resumesRefused: count,
  importsFailed: count,
});

const question = {
  name,
  args: body,
  each: fc.constantFrom(...CALL_EACH),
  shards: shardIds,
  timeoutMs: fc.integer({ min: 1, max: 600_000 }),
};
const callAnswer = { shards: shardIds, value: body, error: fc.option(label) };

const BY_KIND: { [K in MessageKind]: fc.Arbitrary<Omit<MessageOf<K>, 'kind'>> } = {
  identify: both(
    fc.record(
      {
        runningEpochs: fc.array(count, { maxLength: 5 }),
        orchestratorEpoch: count,
        instance: name,
        nonce: bytes32,
        bounds: fc.record({ lingerMs: ms, patienceMs: ms, readyMs: ms, handlersMs: ms }),
      },
      some,
    ),
    fc.record({
      totalShards: fc.nat(MAX_SHARDS),
      runningShards: shardIds,
      version: label,
      nodeId: fc.oneof(fc.constant(''), nodeId),
      logicVersion: fc.nat(MAX_INT32),
      capabilities: fc.array(fc.oneof(fc.constantFrom(...CAPABILITIES), name), { maxLength: 10 }),
      host: fc.option(label),
      pid: fc.option(fc.nat(MAX_INT32)),
      heldSessions: sessions,
    }),
  ),
  challenge: fc.record({ nonce: bytes32, mac: bytes32 }),
  proof: fc.record({ mac: bytes32, identify: body }),
  identified: both(
    fc.record({ orchestratorEpoch: count, leaseMs: fc.nat(MAX_INT32) }, some),
    fc.record({
      totalShards: fc.nat(MAX_SHARDS),
      nodeId,
      capabilities: fc.subarray([...CAPABILITIES]),
      heartbeatIntervalMs: fc.nat(MAX_INT32),
    }),
  ),
  shutdown: fc.record({ final: fc.boolean(), sessions }),
  startShards: both(fc.record({ shardIds }), fc.record({ epochs: fc.array(count, { maxLength: 5 }) }, some)),
  stopShard: both(fc.record({ shardId, session: maybeSession }), epoch),
  prepareMigration: both(
    fc.record({ origin: fc.boolean(), shardId, session: maybeSession }),
    fc.record({ epoch: count, takeover: fc.constantFrom(...TAKEOVERS) }, some),
  ),
  resumeShards: fc.record({
    shards: fc.array(both(both(shardSession, fc.record({ takeover: fc.constantFrom(...TAKEOVERS) })), epoch), {
      maxLength: 5,
    }),
  }),
  shardTakenOver: fc.record({ shardId, epoch: count }),
  startMigration: fc.record({ shardId }),
  allUserDataSent: fc.record({ numEvents: count }),
  userEvent: fc.record({ eventId: userEventId, body }),
  rejected: fc.record({ code: label, message: label, retryable: fc.boolean() }),
  heartbeat: both(
    fc.record({ signals }, some),
    fc.record({
      sequence: count,
      shards: fc.array(
        both(
          epoch,
          fc.record({
            shardId,
            phase: fc.constantFrom(...SHARD_PHASES),
            pingMs: real,
            guilds: fc.integer({ min: -1, max: MAX_INT32 }),
            events: count,
            session: maybeSession,
          }),
        ),
        { maxLength: 5 },
      ),
      process: fc.record({ memoryBytes: count, cpuPercent: real, eventLoopDelayMs: real, uptimeMs: real }),
    }),
  ),
  notLeader: fc.record({ leader: fc.option(label) }),
  versionHealth: fc.record({ failing: fc.option(label) }),
  heartbeatAck: fc.record({ sequence: count }),
  commandFailed: fc.record({ command: label, shardId, message: label }),
  identifyRequest: fc.record({ shardId }),
  identifyGranted: fc.record({ shardId }),
  identifyFinished: fc.record({ shardId, ready: fc.boolean() }),
  transferOpen: both(
    epoch,
    fc.record({
      ...transfer,
      role: fc.constantFrom('origin', 'destination'),
      session: maybeSession,
      freezeTimeoutMs: fc.nat(MAX_INT32),
    }),
  ),
  transferOpened: fc.record({ ...transfer, session: maybeSession, creditBytes: count }),
  transferCopy: fc.record({ ...transfer, creditBytes: count }),
  transferData: fc.record({ ...transfer, index: count, eventId: userEventId, body }),
  transferCopied: fc.record({ ...transfer, events: count, bytes: count }),
  transferWarmUp: fc.record({ ...transfer, session: maybeSession }),
  transferWarm: fc.record(transfer),
  shardLeaving: fc.record({ ...transfer, patienceMs: ms }),
  shardMayLeave: fc.record(transfer),
  transferCredit: fc.record({ ...transfer, bytes: count }),
  transferFreeze: fc.record(transfer),
  transferManifest: fc.record({ ...transfer, events: count, bytes: count, hash: label, session: maybeSession }),
  transferVerified: fc.record({ ...transfer, ok: fc.boolean(), reason: label }),
  transferRelease: fc.record(transfer),
  transferReleased: fc.record(transfer),
  transferActivate: both(fc.record(transfer), fc.record({ redelivers: fc.boolean() }, some)),
  transferActivated: fc.record({ ...transfer, resumed: fc.boolean() }),
  transferDone: fc.record(transfer),
  transferAbort: fc.record({ ...transfer, reason: label }),
  transferFailed: fc.record({ ...transfer, step: label, reason: label }),
  jobMark: fc.record({ markId: name, name, dueAt: count }),
  leave: fc.record({
    withinMs: fc.nat(),
    intent: fc.constantFrom(...LEAVE_INTENTS),
    successor: fc.constantFrom('', 'web-2'),
  }),
  shutdownNoted: fc.record({ cursors: count }),
  rolloutRequest: fc.record({ requestId: name }),
  rolloutAnswer: fc.record({ requestId: name, code: label, message: label }),
  jobMarked: fc.record({ markId: name, isNew: fc.boolean(), latest: count }),
  callStart: fc.record({ callId: name, ...question }),
  callAsk: fc.record({ askId: name, ...question }),
  callAnswer: fc.record({ askId: name, answers: fc.array(fc.record(callAnswer), { maxLength: 4 }) }),
  callEnded: fc.record({
    callId: name,
    answers: fc.array(fc.record({ nodeId: fc.constantFrom('a', 'web-1'), ...callAnswer }), { maxLength: 4 }),
    missing: fc.array(fc.record({ nodeId: fc.constantFrom('', 'a'), shards: shardIds, reason: label }), {
      maxLength: 3,
    }),
    error: fc.option(label),
  }),
};

export const MESSAGE_KINDS: readonly MessageKind[] = Object.keys(BY_KIND) as MessageKind[];

export function messageOf(kind: MessageKind): fc.Arbitrary<Message> {
  return (BY_KIND[kind] as fc.Arbitrary<object>).map((fields) => ({ kind, ...fields }) as Message);
}

export const anyMessage: fc.Arbitrary<Message> = fc.oneof(...MESSAGE_KINDS.map(messageOf));
