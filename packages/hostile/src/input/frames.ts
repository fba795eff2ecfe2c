/**
 * Frames that nobody honest sends: valid ones of every kind, of which bytes, fields or meaning were changed, and noise.
 * `broken` frames end the connection; all others leave the connection as it is, and must change nothing.
 */
import { decodeMessage, EVENT_IDS, UnknownEventError, type Message } from '@dshard/protocol';
import { encode } from '@msgpack/msgpack';
import type { Dice } from './dice.js';

export type HostileFrame = {
  bytes: Uint8Array;
  what: string;
  /** A valid frame of this kind was the beginning. */
  kind: string | null;
  /** The message as its receiver reads it; null: its receiver cannot. */
  message: Message | null;
};

type Fields = Record<string, unknown>;

/** Of no fleet here. */
const GHOST = 'ghost-of-nobody';
const SESSION = { SessionID: 'f00d', Sequence: 3, ResumeGatewayUrl: 'wss://gateway-us-east1-b.discord.gg' };
const TRANSFER = { MigrationID: 'm-of-nobody', ShardID: 0 };
const BODY = Uint8Array.of(1, 2, 3);
const REPORT = { ShardID: 0, Phase: 'ready', PingMs: 1, Guilds: 1, Events: 1, ...SESSION };
const PROCESS = { MemoryBytes: 1, CpuPercent: 1, EventLoopDelayMs: 1, UptimeMs: 1 };
const QUESTION = { Name: 'shards', Args: BODY, Each: 'node', Shards: [0], TimeoutMs: 10 };
const IDENTIFY = { TotalShards: 0, RunningShards: [], Version: 'v', NodeID: GHOST, OrchestratorLogicVersion: 2 };

/** A valid body of each kind, by the names on the wire. A kind that the protocol has no more is left out. */
const BODIES: Readonly<Record<string, Fields>> = {
  identify: { ...IDENTIFY, Capabilities: ['auth', 'heartbeat'], Host: 'h', PID: 1 },
  identified: { TotalShards: 4, NodeID: GHOST, Capabilities: [] },
  startShards: { ShardIDs: [0, 1], Epochs: [1, 1] },
  stopShard: { ShardID: 0, ...SESSION, Epoch: 1 },
  prepareMigration: { Origin: true, ShardID: 0, ...SESSION, Epoch: 1 },
  startMigration: { ShardID: 0 },
  allUserDataSent: { NumEvents: 3, ShardID: 0 },
  heartbeat: { Sequence: 1, Shards: [REPORT], Process: PROCESS },
  heartbeatAck: { Sequence: 1 },
  shardUserEvent: { ShardID: 0, EventID: 100, Body: BODY },
  migrationAborted: { ShardID: 0, Reason: 'why not' },
  migrationFinished: { ShardID: 0 },
  commandFailed: { Command: 'startShards', ShardID: 0, Message: 'no' },
  identifyRequest: { ShardID: 0 },
  identifyGranted: { ShardID: 0 },
  identifyFinished: { ShardID: 0, Ready: false },
  transferOpen: { ...TRANSFER, Role: 'origin', FreezeTimeoutMs: 1, Epoch: 1 },
  transferOpened: { ...TRANSFER, CreditBytes: 1, ...SESSION },
  transferCopy: { ...TRANSFER, CreditBytes: 1 },
  transferData: { ...TRANSFER, Index: 0, EventID: 100, Body: BODY },
  transferCopied: { ...TRANSFER, Events: 1, Bytes: 3 },
  transferCredit: { ...TRANSFER, Bytes: 3 },
  transferFreeze: TRANSFER,
  transferManifest: { ...TRANSFER, Events: 1, Bytes: 3, Hash: 'aa', ...SESSION },
  transferVerified: { ...TRANSFER, OK: true, Reason: '' },
  transferRelease: TRANSFER,
  transferReleased: TRANSFER,
  transferActivate: TRANSFER,
  transferActivated: { ...TRANSFER, Resumed: true },
  transferDone: TRANSFER,
  transferAbort: { ...TRANSFER, Reason: 'off' },
  transferFailed: { ...TRANSFER, Step: 'open', Reason: 'no' },
  shardTakenOver: { ShardID: 0, Epoch: 1 },
  shardLeaving: { ...TRANSFER, PatienceMs: 1 },
  shardMayLeave: TRANSFER,
  transferWarmUp: TRANSFER,
  transferWarm: TRANSFER,
  resumeShards: { Shards: [{ ShardID: 0, ...SESSION, Takeover: 'lost', Epoch: 1 }] },
  callStart: { CallID: 'c', ...QUESTION },
  callAsk: { CallID: 'c', ...QUESTION },
  callAnswer: { CallID: 'c', Answers: [{ Shards: [0], Value: BODY }] },
  callEnded: { CallID: 'c', Answers: [], Missing: [] },
  jobMark: { MarkID: 'm', Name: 'job', DueAt: 1 },
  jobMarked: { MarkID: 'm', IsNew: true, Latest: 1 },
  rolloutAnswer: { RequestID: 'r', Code: '', Message: 'ok' },
};

const IDS: ReadonlyMap<string, number> = new Map(Object.entries(EVENT_IDS));
const KINDS: readonly string[] = Object.keys(BODIES).filter((kind) => IDS.has(kind));

/** Any frame, and in nine of ten cases one that was valid before. */
export function hostileFrame(dice: Dice, totalShards: number): HostileFrame {
  if (dice.chance(0.1)) return read(frameOf(dice.below(2 ** 32), dice.bytes(dice.below(200))), 'noise', null);
  const kind = dice.pick(KINDS);
  const body = structuredClone(BODIES[kind] ?? {});
  const id = IDS.get(kind) ?? 0;
  const change = dice.below(10);
  if (change < 5) {
    const what = changeMeaning(dice, body, totalShards);
    return read(frameOf(id, bytesOf(body)), `${kind}, ${what}`, kind);
  }
  if (change < 8) {
    const what = changeField(dice, body);
    return read(frameOf(id, bytesOf(body)), `${kind}, ${what}`, kind);
  }
  const frame = frameOf(id, bytesOf(body));
  const what = changeBytes(dice, frame);
  return read(what.bytes, `${kind}, ${what.what}`, kind);
}

/** The types are right, and what it says cannot be. */
function changeMeaning(dice: Dice, body: Fields, totalShards: number): string {
  const changes: (() => string | null)[] = [
    () => set(body, 'ShardID', totalShards + dice.below(90_000)),
    () => set(body, 'ShardIDs', [totalShards, totalShards + 1, 99_999]),
    () =>
      set(
        body,
        'ShardIDs',
        Array.from({ length: dice.pick([10, 1_000, 99_000]) }, () => 0),
      ),
    () => set(body, 'Epoch', dice.pick([0, 1, Number.MAX_SAFE_INTEGER])),
    () => set(body, 'MigrationID', dice.text().slice(0, 200) || 'm'),
    () => set(body, 'Sequence', dice.pick([-5, 0, Number.MAX_SAFE_INTEGER])),
    () => set(body, 'ResumeGatewayUrl', dice.pick(['ws://127.0.0.1:9', 'wss://evil.example', 'file:///', ' '])),
    () => set(body, 'Reason', dice.text()),
    () => set(body, 'Name', dice.text().slice(0, 200)),
    () => set(body, 'Extra', dice.value()),
    () => set(body, 'Body', dice.bytes(dice.pick([0, 10, 100_000]))),
    () =>
      set(
        body,
        'Shards',
        Array.from({ length: dice.pick([2, 2_000]) }, () => 0),
      ),
  ];
  for (;;) {
    const what = dice.pick(changes)();
    if (what !== null) return what;
  }
}

/** Whether the field is there, or is one more. */
function set(body: Fields, name: string, value: unknown): string | null {
  if (!(name in body) && name !== 'Extra') return null;
  body[name] = value;
  return `${name} is impossible`;
}

function changeField(dice: Dice, body: Fields): string {
  const names = Object.keys(body);
  if (names.length === 0 || dice.chance(0.1)) {
    body[dice.text().slice(0, 100)] = dice.value();
    return 'one field more';
  }
  const name = dice.pick(names);
  if (dice.chance(0.3)) {
    delete body[name];
    return `${name} is missing`;
  }
  const inner = body[name];
  if (Array.isArray(inner) && dice.chance(0.5)) body[name] = [...(inner as unknown[]), dice.value()];
  else body[name] = dice.value();
  return `${name} is something else`;
}

function bytesOf(body: Fields): Uint8Array {
  return encode(body, { maxDepth: 400 });
}

function changeBytes(dice: Dice, frame: Uint8Array): { bytes: Uint8Array; what: string } {
  const at = dice.below(frame.length);
  switch (dice.below(5)) {
    case 0: {
      frame[at] = (frame[at] ?? 0) ^ (1 << dice.below(8));
      return { bytes: frame, what: `a bit of byte ${at} is another` };
    }
    case 1: {
      for (let count = 0; count < 8; count += 1) frame[8 + dice.below(Math.max(1, frame.length - 8))] = dice.below(256);
      return { bytes: frame, what: 'eight bytes are others' };
    }
    case 2:
      return {
        bytes: withLength(frame, dice.pick([0, 1, 2 ** 24 + 1, 2 ** 31, 2 ** 32 - 1])),
        what: 'the length lies',
      };
    case 3:
      return { bytes: withLength(frame.slice(0, 8 + dice.below(frame.length)), frame.length), what: 'it is cut short' };
    default:
      return { bytes: frameOf(dice.pick([0, 4, 22, 98, 99]), frame.slice(8)), what: 'its id is another' };
  }
}

function frameOf(eventId: number, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(8 + body.length);
  frame.set(body, 8);
  new DataView(frame.buffer).setUint32(0, eventId, true);
  return withLength(frame, body.length);
}

function withLength(frame: Uint8Array, length: number): Uint8Array {
  if (frame.length >= 8) new DataView(frame.buffer, frame.byteOffset, 8).setUint32(4, length, true);
  return frame;
}

/** As its receiver reads it. */
function read(bytes: Uint8Array, what: string, kind: string | null): HostileFrame {
  return { bytes, what, kind, message: messageIn(bytes) };
}

function messageIn(bytes: Uint8Array): Message | null {
  if (bytes.length < 8) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(4, true) !== bytes.length - 8) return null;
  try {
    return decodeMessage(view.getUint32(0, true), bytes.subarray(8));
  } catch (error) {
    // What is not known is ignored, like a user event of which nobody has heard.
    return error instanceof UnknownEventError ? { kind: 'userEvent', eventId: 100, body: new Uint8Array() } : null;
  }
}
