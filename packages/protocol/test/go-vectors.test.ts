import { decode } from '@msgpack/msgpack';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeMessage, encodeMessage, FrameReader, UserEventRegistry } from '@dshard/protocol';
import type { Message } from '@dshard/protocol';
import { goFrame } from './go-form.js';

type Vector = { name: string; event: number; value: unknown; frameHex: string };
type WireValue = Record<string, unknown>;

const vectors = JSON.parse(readFileSync(new URL('vectors/go-vectors.json', import.meta.url), 'utf8'), (_, value) =>
  typeof value === 'object' && value !== null && 'int64' in value ? BigInt(value.int64) : value,
) as Vector[];

/** What a base-level value must look like to our code: nil lists empty, extended fields empty. */
function expectedMessage(event: number, value: WireValue): Message {
  const list = (name: string): number[] => (value[name] ?? []) as number[];
  const number = (name: string): number => value[name] as number;
  const string = (name: string): string => value[name] as string;
  switch (event) {
    case 1:
      return {
        kind: 'identify',
        totalShards: number('TotalShards'),
        runningShards: list('RunningShards'),
        version: string('Version'),
        nodeId: string('NodeID'),
        logicVersion: number('OrchestratorLogicVersion'),
        capabilities: [],
        host: null,
        pid: null,
        heldSessions: [],
      };
    case 2:
      return {
        kind: 'identified',
        totalShards: number('TotalShards'),
        nodeId: string('NodeID'),
        capabilities: [],
        heartbeatIntervalMs: 0,
      };
    case 3:
      return { kind: 'shutdown', final: false, sessions: [] };
    case 10:
      return { kind: 'startShards', shardIds: list('ShardIDs') };
    case 11:
      return { kind: 'stopShard', shardId: number('ShardID'), session: null };
    case 20: {
      const session = {
        sessionId: string('SessionID'),
        sequence: number('Sequence'),
        resumeGatewayUrl: string('ResumeGatewayUrl'),
      };
      return {
        kind: 'prepareMigration',
        origin: value['Origin'] as boolean,
        shardId: number('ShardID'),
        session: session.sessionId === '' ? null : session,
      };
    }
    case 21:
      return { kind: 'startMigration', shardId: number('ShardID') };
    case 23:
      return { kind: 'allUserDataSent', numEvents: number('NumEvents') };
    default:
      throw new Error(`no expectation for event ${event}`);
  }
}

/** Not a Buffer, which compares differently. */
function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

function decodeFrame(bytes: Uint8Array): Message {
  const reader = new FrameReader(1024 * 1024);
  reader.push(bytes);
  const frame = reader.next();
  expect(reader.next()).toBeNull();
  return decodeMessage(frame!.eventId, frame!.body);
}

/** A frame of ours, its body as plain data. */
function bodyOf(frame: Uint8Array): unknown {
  const body = frame.subarray(8);
  return body.length === 0 ? undefined : decode(body, { useBigInt64: true });
}

function nilToEmpty(body: WireValue): WireValue {
  return Object.fromEntries(Object.entries(body).map(([key, inner]) => [key, inner ?? []]));
}

const baseVectors = vectors.filter(({ event }) => event < 100);
const userVectors = vectors.filter(({ event }) => event >= 100);

test('the file holds what the tests below expect to find', () => {
  expect(baseVectors.length).toBe(17);
  expect(userVectors.length).toBe(5);
});

describe.each(baseVectors)('$name', ({ event, value, frameHex }) => {
  const expected = expectedMessage(event, (value ?? {}) as WireValue);

  test('is decoded to the value that Go wrote', () => {
    expect(decodeFrame(fromHex(frameHex))).toEqual(expected);
  });

  test('is the same after our encoder wrote it', () => {
    expect(decodeFrame(encodeMessage(expected))).toEqual(expected);
  });

  test('what we encode is, in the int64 form, byte for byte what a Go peer writes', () => {
    const goBody = bodyOf(fromHex(frameHex)) as WireValue | undefined;
    const hasNil = Object.values(goBody ?? {}).includes(null);
    // The one difference that cannot be kept: a nil list is an empty one to us.
    const wanted = hasNil ? goFrame(event, nilToEmpty(goBody!)).toString('hex') : frameHex;
    expect(goFrame(event, bodyOf(encodeMessage(expected))).toString('hex')).toBe(wanted);
  });
});

describe('user events', () => {
  const registry = new UserEventRegistry().register(101, 'text').register(102, 'guild');
  const rawRegistry = new UserEventRegistry().register(150, 'blob', 'raw');

  test.each(userVectors)(
    'the user event $name is read and written byte for byte as by a Go peer',
    ({ event, value, frameHex }) => {
      const message = decodeFrame(fromHex(frameHex));
      if (message.kind !== 'userEvent') throw new Error(`decoded to ${message.kind}`);
      expect(message.eventId).toBe(event);
      expect(Buffer.from(encodeMessage(message)).toString('hex')).toBe(frameHex);

      if (event === 150) {
        const hex = value === null ? '' : (value as { rawHex: string }).rawHex;
        const decoded = rawRegistry.decode(event, message.body);
        expect(Buffer.from(decoded.value as Uint8Array).toString('hex')).toBe(hex);
        expect(rawRegistry.encode('blob', decoded.value).body).toEqual(message.body);
      } else {
        const decoded = registry.decode(event, message.body);
        expect(decoded.value).toEqual(value);
        expect(registry.decode(event, registry.encode(decoded.name, value).body)).toEqual(decoded);
        expect(registry.encode(event, value).body).toEqual(message.body);
      }
    },
  );
});
