import { decode, encode } from '@msgpack/msgpack';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeMessage,
  encodeMessage,
  EVENT_IDS,
  MAX_SHARDS,
  ProtocolError,
  UnknownEventError,
} from '@dshard/protocol';
import type { Message } from '@dshard/protocol';
import { anyMessage, MESSAGE_KINDS, messageOf } from './arbitrary-messages.js';
import { goForm } from './go-form.js';

function decodeFrame(frame: Uint8Array): Message {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  expect(view.getUint32(4, true)).toBe(frame.length - 8);
  return decodeMessage(view.getUint32(0, true), frame.subarray(8));
}

/** The code of the `ProtocolError` that `attempt` throws; anything else that is thrown fails the test. */
function codeOf(attempt: () => unknown): string | null {
  try {
    attempt();
    return null;
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
}

describe('round trip', () => {
  test.each(MESSAGE_KINDS)('a message of the kind %s is the same after encoding and decoding', (kind) => {
    fc.assert(
      fc.property(messageOf(kind), (message) => {
        expect(decodeFrame(encodeMessage(message))).toEqual(message);
      }),
    );
  });

  test('a message is the same after a Go peer wrote every integer as int64', () => {
    const maps = anyMessage.filter(({ kind }) => kind !== 'userEvent');
    fc.assert(
      fc.property(maps, (message) => {
        const frame = encodeMessage(message);
        if (frame.length === 8) return;
        const inGoForm = goForm(decode(frame.subarray(8), { useBigInt64: true }));
        expect(decodeMessage(frame[0]!, new Uint8Array(inGoForm))).toEqual(message);
      }),
    );
  });
});

describe('toward a base-level peer a message holds the base fields and nothing else', () => {
  test.each<[Message, string[]]>([
    [
      {
        kind: 'identify',
        totalShards: 0,
        runningShards: [],
        version: '',
        nodeId: '',
        logicVersion: 2,
        capabilities: [],
        host: null,
        pid: null,
        heldSessions: [],
      },
      ['TotalShards', 'RunningShards', 'Version', 'NodeID', 'OrchestratorLogicVersion'],
    ],
    [
      { kind: 'identified', totalShards: 1, nodeId: 'a', capabilities: [], heartbeatIntervalMs: 0 },
      ['TotalShards', 'NodeID'],
    ],
    [{ kind: 'shutdown', final: false, sessions: [] }, []],
    [{ kind: 'stopShard', shardId: 1, session: null }, ['ShardID']],
    [
      { kind: 'prepareMigration', origin: true, shardId: 1, session: null },
      ['Origin', 'ShardID', 'SessionID', 'Sequence', 'ResumeGatewayUrl'],
    ],
    [{ kind: 'allUserDataSent', numEvents: 1 }, ['NumEvents']],
  ])('$kind is written with its base fields only', (message, names) => {
    const body = encodeMessage(message).subarray(8);
    expect(Object.keys(body.length === 0 ? {} : (decode(body) as object))).toEqual(names);
  });
});

describe('decoding is lenient where the base level is', () => {
  test('fields that are not known are ignored', () => {
    const body = encode({ ShardID: 7, Zone: 'eu', Deep: { er: [1, 2, { three: 3 }] } });
    expect(decodeMessage(EVENT_IDS.startMigration, body)).toEqual({ kind: 'startMigration', shardId: 7 });
  });

  test('nil is read as an extended field that is left out, and as an empty body', () => {
    const empty = { kind: 'shutdown', final: false, sessions: [] };
    expect(decodeMessage(EVENT_IDS.shutdown, encode({ Final: null, Sessions: null }))).toEqual(empty);
    expect(decodeMessage(EVENT_IDS.shutdown, encode(null))).toEqual(empty);
  });

  test('a sentence that is too long is cut, in both directions', () => {
    const message: Message = { kind: 'rejected', code: 'DSO_X', message: 'x'.repeat(10_000), retryable: false };
    expect(decodeFrame(encodeMessage(message))).toEqual({ ...message, message: 'x'.repeat(4096) });
  });

  test('an event id below 100 that is not known is told apart from a violation', () => {
    const known = new Set(Object.values(EVENT_IDS));
    for (let id = 0; id < 100; id++) {
      if (known.has(id)) continue;
      expect(() => decodeMessage(id, new Uint8Array(0))).toThrow(UnknownEventError);
      expect(codeOf(() => decodeMessage(id, new Uint8Array(0)))).toBe('DSO_EVENT_UNKNOWN');
    }
  });
});

const identify = { TotalShards: 1, RunningShards: [0], Version: 'v', NodeID: 'n', OrchestratorLogicVersion: 2 };
const prepare = { Origin: false, ShardID: 1, SessionID: 's', Sequence: 1, ResumeGatewayUrl: '' };
const data = { MigrationID: 'm', ShardID: 1, Index: 0 };
const report = { ShardID: 1, Phase: 'ready', PingMs: 1.5, Guilds: 1, Events: 1 };
const load = { MemoryBytes: 1, CpuPercent: 0.5, EventLoopDelayMs: 0, UptimeMs: 1 };

describe('decoding refuses, by code and in words', () => {
  test.each<[keyof typeof EVENT_IDS, unknown, string, string]>([
    ['startMigration', [], 'DSO_BODY_MALFORMED', 'The body of startMigration is not a map.'],
    ['startMigration', 'ShardID', 'DSO_BODY_MALFORMED', 'The body of startMigration is not a map.'],
    ['startMigration', {}, 'DSO_FIELD_MISSING', 'startMigration.ShardID is missing.'],
    ['startMigration', { ShardID: null }, 'DSO_FIELD_TYPE', 'startMigration.ShardID is null, but must be an integer'],
    ['startMigration', { ShardID: '1' }, 'DSO_FIELD_TYPE', 'startMigration.ShardID is "1", but must be an integer'],
    ['startMigration', { ShardID: 1.5 }, 'DSO_FIELD_TYPE', 'startMigration.ShardID is 1.5, but must be an integer'],
    ['startMigration', { ShardID: -1 }, 'DSO_FIELD_RANGE', 'is -1, but must be an integer from 0 to 99999'],
    ['startMigration', { ShardID: MAX_SHARDS }, 'DSO_FIELD_RANGE', 'startMigration.ShardID is 100000'],
    ['startMigration', { ShardID: 2n ** 62n }, 'DSO_FIELD_RANGE', 'startMigration.ShardID is 4611686018427387904'],
    ['startShards', { ShardIDs: 1 }, 'DSO_FIELD_TYPE', 'startShards.ShardIDs is 1, but must be a list'],
    ['startShards', { ShardIDs: [1, 'x'] }, 'DSO_FIELD_TYPE', 'an item of startShards.ShardIDs is "x"'],
    [
      'startShards',
      { ShardIDs: Array.from({ length: MAX_SHARDS + 1 }, () => 0) },
      'DSO_FIELD_RANGE',
      'startShards.ShardIDs has 100001 items; 100000 are allowed.',
    ],
    ['identify', { ...identify, TotalShards: MAX_SHARDS + 1 }, 'DSO_FIELD_RANGE', 'identify.TotalShards is 100001'],
    ['identify', { ...identify, NodeID: 'a/b' }, 'DSO_FIELD_RANGE', 'identify.NodeID is "a/b"'],
    [
      'identify',
      { ...identify, NodeID: 'x'.repeat(129) },
      'DSO_FIELD_RANGE',
      `is "${'x'.repeat(60)}"…, but must be 1 to`,
    ],
    ['identify', { ...identify, NodeID: 'a\nb' }, 'DSO_FIELD_RANGE', 'identify.NodeID is "a\\nb"'],
    [
      'identify',
      { ...identify, Version: 'v'.repeat(257) },
      'DSO_FIELD_RANGE',
      'must be a string of 0 to 256 printable characters',
    ],
    ['identify', { ...identify, Version: 2 }, 'DSO_FIELD_TYPE', 'identify.Version is 2'],
    ['identify', { ...identify, Capabilities: [''] }, 'DSO_FIELD_RANGE', 'an item of identify.Capabilities is ""'],
    ['identify', { ...identify, Capabilities: Array(65).fill('a') }, 'DSO_FIELD_RANGE', 'has 65 items; 64 are allowed'],
    [
      'identify',
      { ...identify, HeldSessions: [{ ShardID: 1 }] },
      'DSO_FIELD_MISSING',
      'HeldSessions.SessionID is missing',
    ],
    [
      'identify',
      { ...identify, HeldSessions: [7] },
      'DSO_FIELD_TYPE',
      'an item of identify.HeldSessions must be a map',
    ],
    ['identified', { TotalShards: 1, NodeID: '' }, 'DSO_FIELD_RANGE', 'identified.NodeID is ""'],
    [
      'prepareMigration',
      { ...prepare, Origin: 1 },
      'DSO_FIELD_TYPE',
      'prepareMigration.Origin is 1, but must be true or',
    ],
    ['prepareMigration', { ...prepare, SessionID: undefined }, 'DSO_FIELD_TYPE', 'prepareMigration.SessionID is null'],
    ['prepareMigration', { ...prepare, Sequence: 0.5 }, 'DSO_FIELD_RANGE', 'prepareMigration.Sequence is 0.5'],
    [
      'prepareMigration',
      { ...prepare, Sequence: 2n ** 63n },
      'DSO_FIELD_RANGE',
      'is 9223372036854775808, but must be an',
    ],
    ['prepareMigration', { ...prepare, Sequence: '1' }, 'DSO_FIELD_TYPE', 'prepareMigration.Sequence is "1"'],
    ['allUserDataSent', { NumEvents: -1 }, 'DSO_FIELD_RANGE', 'allUserDataSent.NumEvents is -1'],
    ['transferData', { ...data, EventID: 99, Body: new Uint8Array(1) }, 'DSO_FIELD_RANGE', 'EventID is 99'],
    ['transferData', { ...data, EventID: 100, Body: 'x' }, 'DSO_FIELD_TYPE', 'Body is "x", but must be bytes'],
    [
      'heartbeat',
      { Sequence: 1, Shards: [{ ...report, Phase: 'odd' }], Process: load },
      'DSO_FIELD_RANGE',
      'one of waiting,',
    ],
    [
      'heartbeat',
      { Sequence: 1, Shards: [], Process: { ...load, CpuPercent: Number.NaN } },
      'DSO_FIELD_RANGE',
      'CpuPercent',
    ],
    ['heartbeat', { Sequence: 1, Shards: [], Process: [] }, 'DSO_FIELD_TYPE', 'heartbeat.Process must be a map'],
  ])('a body of %s that breaks a rule is refused (%#)', (kind, body, code, words) => {
    const attempt = (): unknown => decodeMessage(EVENT_IDS[kind], encode(body, { useBigInt64: true }));
    expect(codeOf(attempt)).toBe(code);
    expect(attempt).toThrow(words);
  });
});

describe('encoding refuses what decoding would', () => {
  test.each<[Message, string]>([
    [{ kind: 'startShards', shardIds: [MAX_SHARDS] }, 'DSO_FIELD_RANGE'],
    [{ kind: 'stopShard', shardId: Number.NaN, session: null }, 'DSO_FIELD_TYPE'],
    [
      { kind: 'stopShard', shardId: 1, session: { sessionId: '', sequence: 1, resumeGatewayUrl: '' } },
      'DSO_FIELD_RANGE',
    ],
    [
      { kind: 'identified', totalShards: 1, nodeId: 'a b', capabilities: [], heartbeatIntervalMs: 0 },
      'DSO_FIELD_RANGE',
    ],
    [{ kind: 'userEvent', eventId: 99, body: new Uint8Array(0) }, 'DSO_FIELD_RANGE'],
    [{ kind: 'userEvent', eventId: 2 ** 32, body: new Uint8Array(0) }, 'DSO_FIELD_RANGE'],
  ])('a message that breaks a rule is not written: %o', (message, code) => {
    expect(codeOf(() => encodeMessage(message))).toBe(code);
  });
});

describe('hostile bodies end in a ProtocolError, whatever they are', () => {
  const ids = Object.values(EVENT_IDS);

  test('random bytes throw nothing but a ProtocolError', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ids), fc.uint8Array({ maxLength: 200 }), (id, body) => {
        codeOf(() => decodeMessage(id, body));
      }),
      { numRuns: 3000 },
    );
  });

  test('random MessagePack values throw nothing but a ProtocolError', () => {
    const value = fc.object({ key: fc.constantFrom('ShardID', 'ShardIDs', 'SessionID', 'Process', 'Body', 'NodeID') });
    fc.assert(
      fc.property(fc.constantFrom(...ids), value, (id, body) => {
        codeOf(() => decodeMessage(id, encode(body)));
      }),
    );
  });

  test('a message with one flipped bit throws nothing but a ProtocolError', () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(), (message, bit) => {
        const frame = encodeMessage(message);
        if (frame.length === 8) return;
        const at = 8 + (Math.floor(bit / 8) % (frame.length - 8));
        frame[at] = frame[at]! ^ (1 << (bit % 8));
        codeOf(() => decodeFrame(frame));
      }),
      { numRuns: 1000 },
    );
  });

  test('a message that is cut short is refused as malformed', () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(), (message, cut) => {
        if (message.kind === 'userEvent') return;
        const frame = encodeMessage(message);
        if (frame.length === 8) return;
        const body = frame.subarray(8, 8 + (cut % (frame.length - 8)));
        const code = codeOf(() => decodeMessage(EVENT_IDS[message.kind], body));
        // The empty body is that of a shutdown; nothing else may be made of a part.
        if (body.length > 0) expect(code).toBe('DSO_BODY_MALFORMED');
      }),
    );
  });

  test('bytes after the end of a body are refused as malformed', () => {
    const body = encode({ ShardID: 1 });
    expect(codeOf(() => decodeMessage(21, Uint8Array.of(...body, 0xc0)))).toBe('DSO_BODY_MALFORMED');
  });

  test.each([
    ['lists', 0x91],
    ['maps', 0x81],
  ])('a million nested %s are refused as too complex', (_, head) => {
    expect(codeOf(() => decodeMessage(1, new Uint8Array(1_000_000).fill(head)))).toBe('DSO_BODY_TOO_COMPLEX');
  });

  test('more values than any honest message has are refused as too complex', () => {
    const emptyMaps = new Uint8Array(5 + 2 ** 21).fill(0x80);
    emptyMaps.set([0xdd, 0, 0x20, 0, 0]);
    expect(codeOf(() => decodeMessage(1, emptyMaps))).toBe('DSO_BODY_TOO_COMPLEX');
  });

  test.each([
    ['a list', [0xdd, 0xff, 0xff, 0xff, 0xff]],
    ['a map', [0xdf, 0xff, 0xff, 0xff, 0xff]],
    ['a string', [0xdb, 0xff, 0xff, 0xff, 0xff]],
    ['bytes', [0xc6, 0xff, 0xff, 0xff, 0xff]],
    ['an extension', [0xc9, 0xff, 0xff, 0xff, 0xff, 0]],
  ])('%s that announces four thousand million entries and holds none is refused', (_, head) => {
    expect(codeOf(() => decodeMessage(1, Uint8Array.from(head)))).toBe('DSO_BODY_MALFORMED');
  });

  test('a map with the key __proto__ is refused as malformed', () => {
    const body = Uint8Array.of(0x81, 0xa9, ...new TextEncoder().encode('__proto__'), 0x80);
    expect(codeOf(() => decodeMessage(21, body))).toBe('DSO_BODY_MALFORMED');
  });
});

/** The story: a RESUME carries the bot's token, and went to whatever URL a session came with. */
test.each([
  ['wss://gateway-us-east1-b.discord.gg', true],
  ['ws://127.0.0.1:4000', true],
  ['', true],
  ['https://gateway.discord.gg', false],
  ['file:///etc/passwd', false],
  ['wss://user:secret@gateway.discord.gg', false],
  ['wss://gateway.discord.gg/#part', false],
  ['wss://gateway.discord.gg/\u001b[2J', false],
  ['nonsense', false],
])('the resume URL %j is passed on: %j; what is none is left out, and the session stays', (url, isPassedOn) => {
  const session = { SessionID: 's', Sequence: 3, ResumeGatewayUrl: url };
  const body = encode({ ShardID: 0, ...session });
  const read = decodeMessage(EVENT_IDS.stopShard, body);
  expect(read).toMatchObject({
    session: { sessionId: 's', sequence: 3, resumeGatewayUrl: isPassedOn ? url : '' },
  });
});
