import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeMessage, FrameReader, ProtocolError } from '@dshard/protocol';

function frameOf(eventId: number, body: Uint8Array): Uint8Array {
  return encodeMessage({ kind: 'userEvent', eventId, body });
}

type Plain = { eventId: number; body: number[] };

function readAll(reader: FrameReader): Plain[] {
  const frames: Plain[] = [];
  for (let frame = reader.next(); frame !== null; frame = reader.next()) {
    frames.push({ eventId: frame.eventId, body: [...frame.body] });
  }
  return frames;
}

const anyFrame = fc.record({
  eventId: fc.integer({ min: 100, max: 2 ** 32 - 1 }),
  body: fc.array(fc.nat(255), { maxLength: 60 }),
});

function cut(stream: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const length of lengths) {
    chunks.push(stream.slice(at, at + length));
    at += length;
  }
  return [...chunks, stream.slice(at)];
}

describe('frames come out as they went in', () => {
  test('frames come out whole and in order, however the stream is cut into chunks', () => {
    const chunking = fc.array(fc.nat(40), { maxLength: 60 });
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 20 }), chunking, (frames, lengths) => {
        const stream = Buffer.concat(frames.map(({ eventId, body }) => frameOf(eventId, Uint8Array.from(body))));
        const reader = new FrameReader(60);
        const seen: Plain[] = [];
        for (const chunk of cut(stream, lengths)) {
          reader.push(chunk);
          seen.push(...readAll(reader));
        }
        expect(seen).toEqual(frames);
        expect(reader.pendingBytes).toBe(0);
      }),
    );
  });

  test('frames that are kept stay as they are while the reader reads on', () => {
    const reader = new FrameReader(1000);
    const stream = Buffer.concat([1, 2, 3, 4, 5].map((value) => frameOf(100 + value, new Uint8Array(50).fill(value))));
    const kept = [];
    for (const chunk of cut(stream, [30, 30, 60, 3, 3, 100])) {
      reader.push(chunk);
      for (let frame = reader.next(); frame !== null; frame = reader.next()) kept.push(frame);
    }
    expect(kept.map(({ body }) => new Set(body))).toEqual([1, 2, 3, 4, 5].map((value) => new Set([value])));
  });

  test('a stream cut short gives the whole frames and no more', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { minLength: 1, maxLength: 5 }), fc.nat(), (frames, cutAt) => {
        const stream = Buffer.concat(frames.map(({ eventId, body }) => frameOf(eventId, Uint8Array.from(body))));
        const reader = new FrameReader(60);
        reader.push(stream.subarray(0, cutAt % stream.length));
        const seen = readAll(reader);
        expect(seen.length).toBeLessThan(frames.length);
        expect(seen).toEqual(frames.slice(0, seen.length));
      }),
    );
  });
});

describe('the limit', () => {
  test('is checked on the header, before the body is there', () => {
    const reader = new FrameReader(100);
    reader.push(Uint8Array.of(5, 0, 0, 0, 101, 0, 0));
    expect(reader.next()).toBeNull();
    reader.push(Uint8Array.of(0));
    const attempt = (): unknown => reader.next();
    expect(attempt).toThrow(ProtocolError);
    expect(attempt).toThrow('A frame with event id 5 announces 101 bytes; 100 are allowed.');
  });

  test('stays broken once a frame went beyond, and the reader keeps no bytes', () => {
    const reader = new FrameReader(10);
    reader.push(frameOf(100, new Uint8Array(11)));
    expect(() => reader.next()).toThrow('announces 11 bytes');
    reader.push(frameOf(100, new Uint8Array(1)));
    expect(reader.pendingBytes).toBe(0);
    expect(() => reader.next()).toThrow('announces 11 bytes');
  });

  test('may be raised between two frames of one chunk', () => {
    const reader = new FrameReader(10);
    reader.push(Buffer.concat([frameOf(100, new Uint8Array(10)), frameOf(101, new Uint8Array(20))]));
    expect(reader.next()?.eventId).toBe(100);
    reader.maxBodyBytes = 20;
    expect(reader.next()?.eventId).toBe(101);
  });

  test('allows a body of just its size, and of nothing', () => {
    const reader = new FrameReader(10);
    reader.push(frameOf(100, new Uint8Array(10)));
    reader.push(frameOf(101, new Uint8Array(0)));
    expect(readAll(reader).map(({ body }) => body.length)).toEqual([10, 0]);
  });
});

describe('memory and time', () => {
  test('a header that announces much makes the reader hold only what came', () => {
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 1000 }, () => {
      const reader = new FrameReader(16 * 1024 * 1024);
      reader.push(Uint8Array.of(100, 0, 0, 0, 0, 0, 0, 1));
      expect(reader.next()).toBeNull();
      reader.push(Uint8Array.of(1));
      expect(reader.next()).toBeNull();
      return reader;
    });
    expect(readers.every((reader) => reader.pendingBytes === 9)).toBe(true);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
  });

  test('a frame that comes byte by byte is copied a bounded number of times', () => {
    const copied = countCopiedBytes(() => {
      const reader = new FrameReader(1024 * 1024);
      const frame = frameOf(100, new Uint8Array(200_000));
      let readAt = -1;
      for (let at = 0; at < frame.length; at++) {
        reader.push(frame.subarray(at, at + 1));
        if (reader.next() !== null) readAt = at;
      }
      expect(readAt).toBe(frame.length - 1);
    });
    expect(copied).toBeLessThan(4 * 200_000);
  });
});

/** Bytes that went through `Uint8Array.prototype.set` meanwhile. */
function countCopiedBytes(run: () => void): number {
  const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as { set: Uint8Array['set'] };
  const { set } = typedArray;
  let copied = 0;
  typedArray.set = function (this: Uint8Array, source, offset) {
    copied += source.length;
    return set.call(this, source, offset);
  };
  try {
    run();
  } finally {
    typedArray.set = set;
  }
  return copied;
}
