import { decode } from '@msgpack/msgpack';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolError, UnknownEventError, UserEventRegistry } from '@dshard/protocol';

type Events = { guild: { id: bigint; name: string }; ping: number; blob: Uint8Array };

function registry(): UserEventRegistry<Events> {
  return new UserEventRegistry<Events>().register(101, 'guild').register(102, 'ping').register(103, 'blob', 'raw');
}

describe('registering', () => {
  test.each([0, 1, 20, 99, -100, 100.5, Number.NaN, 2 ** 32])('refuses the id %d', (id) => {
    const attempt = (): unknown => new UserEventRegistry().register(id, 'x');
    expect(attempt).toThrow(ProtocolError);
    expect(attempt).toThrow(`The user event "x" has the id ${id}, but must have one from 100 to 4294967295`);
  });

  test('refuses an id and a name that are in use, and says by whom', () => {
    expect(() => registry().register(101, 'ping')).toThrow('The user event "ping" has the id of "guild", 101.');
    expect(() => registry().register(110, 'ping')).toThrow('There is a user event "ping" already, with the id 102.');
  });

  test('takes the first and the last id there is', () => {
    const events = new UserEventRegistry().register(100, 'first').register(2 ** 32 - 1, 'last');
    expect([events.nameOf(100), events.nameOf(2 ** 32 - 1), events.nameOf(101)]).toEqual(['first', 'last', undefined]);
  });
});

describe('values', () => {
  test('go by name or by id', () => {
    const guild = { id: 1145789456123654144n, name: 'Zoë' };
    const byName = registry().encode('guild', guild);
    expect(byName).toEqual(registry().encode(101, guild));
    expect(registry().decode(101, byName.body)).toEqual({ eventId: 101, name: 'guild', value: guild });
  });

  test('are the body itself where the event is raw, and must be bytes then', () => {
    const bytes = Uint8Array.of(0xde, 0xad);
    expect(registry().encode('blob', bytes).body).toBe(bytes);
    expect(registry().decode(103, bytes).value).toBe(bytes);
    expect(() => registry().encode(103, 'text' as never)).toThrow('"blob" is registered as raw');
  });

  test('are an empty body when they are null', () => {
    expect(registry().encode('ping', null as never).body.length).toBe(0);
    expect(registry().decode(102, new Uint8Array(0)).value).toBeNull();
  });

  test('are refused when nobody registered their event, in both directions', () => {
    expect(() => registry().encode('other' as never, 1 as never)).toThrow(UnknownEventError);
    expect(() => registry().decode(150, new Uint8Array(0))).toThrow('The event id 150 is not known here.');
  });

  test('are refused by the name of the event when they cannot be read, as the fault of the peer', () => {
    expect(() => registry().decode(101, Uint8Array.of(0xc1))).toThrow(
      /The body of the user event "guild" holds the byte/,
    );
  });

  test('are the same after encoding and decoding, whatever plain data they are', () => {
    const plain = fc.anything({
      withTypedArray: false,
      withNullPrototype: false,
      maxDepth: 4,
      key: fc.string().filter((key) => key !== '__proto__'),
      values: [
        fc.boolean(),
        fc.integer(),
        fc.maxSafeInteger(),
        fc.double({ noNaN: true }),
        fc.string({ unit: 'grapheme' }),
        fc.constant(null),
        fc.uint8Array(),
        fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
        fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
      ],
    });
    const events = new UserEventRegistry().register(100, 'any');
    fc.assert(
      fc.property(plain, (value) => {
        const { body } = events.encode('any', value);
        expect(events.decode(100, body).value).toEqual(value);
        // Read by another implementation, it is the same.
        if (body.length > 0) expect(narrowed(decode(body, { useBigInt64: true }))).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    [2 ** 31, [0xce, 0x80, 0, 0, 0]],
    [2 ** 32, [0xd3, 0, 0, 0, 1, 0, 0, 0, 0]],
    [-(2 ** 31) - 1, [0xd3, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]],
    [1n, [0xd3, 0, 0, 0, 0, 0, 0, 0, 1]],
    [2n ** 63n - 1n, [0xd3, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
  ])('%d is written as a signed integer, which Go peers read', (value, bytes) => {
    const events = new UserEventRegistry().register(100, 'any');
    expect([...events.encode('any', value).body]).toEqual(bytes);
  });

  test.each([
    ['a function', () => undefined],
    ['a symbol', Symbol('x')],
    ['a Set', new Set()],
    ['no date', new Date(Number.NaN)],
    ['an integer beyond 64 bits', 2n ** 64n],
    ['one below them', -(2n ** 63n) - 1n],
  ])('are refused when they have no form in MessagePack: %s', (_, value) => {
    const events = new UserEventRegistry().register(100, 'any');
    const attempt = (): unknown => events.encode('any', { deep: [value] });
    expect(attempt).toThrow(expect.objectContaining({ code: 'DSO_VALUE_NOT_ENCODABLE' }));
  });

  // A Go bot's state had `map[int64]…`, `time.Time` and uint64: it could not be read, or not be sent on.
  test.each<[string, string, unknown]>([
    [
      'a map with integers for keys',
      '82d30000000000000005a161d3fffffffffffffffea162',
      new Map([
        [5, 'a'],
        [-2, 'b'],
      ]),
    ],
    ['a map with an integer beyond 2^53 for a key', '81cfffffffffffffffffc3', new Map([[2n ** 64n - 1n, true]])],
    ['a map with a list for a key', '81910102', null],
    ['a map with bytes for a key', '81c4010102', null],
    [
      'a map with keys of several kinds',
      '83a16101c302c0c2',
      new Map<unknown, unknown>([
        ['a', 1],
        [true, 2],
        [null, false],
      ]),
    ],
    ['keys that begin with NUL', '82a3002330a178a10001', { '\0#0': 'x', '\0': 1 }],
    ['the largest uint64', 'cfffffffffffffffff', 2n ** 64n - 1n],
    ['a time of seconds', 'd6ff5f5e1000', new Date(1_600_000_000_000)],
    ['a time of milliseconds', 'd7ff1dcd65005f5e1000', new Date(1_600_000_000_125)],
    ['a time of nanoseconds', 'd7ff000000045f5e1000', null],
    ['a time before 1970', 'c70cff00000000ffffffffffffffff', new Date(-1000)],
    ['a time beyond Dates', 'c70cff000000007fffffffffffffff', null],
    ['another extension', 'd4052a', null],
    ['an extension of an odd length', 'c70305010203', null],
  ])('of a Go peer come and are sent on: %s', (_, hex, value) => {
    const events = new UserEventRegistry().register(100, 'any');
    const read = events.decode(100, new Uint8Array(Buffer.from(hex, 'hex'))).value;
    if (value !== null) expect(read).toEqual(value);
    // Integers may come back in a shorter form.
    const again = events.decode(100, events.encode('any', read).body).value;
    expect(again).toEqual(read);
    if (!hex.includes('d3')) expect(Buffer.from(events.encode('any', read).body).toString('hex')).toBe(hex);
  });

  test('are refused when they contain themselves', () => {
    const loop: unknown[] = [];
    loop.push(loop);
    const events = new UserEventRegistry().register(100, 'any');
    expect(() => events.encode('any', loop)).toThrow(/nested more than 32 levels deep/);
  });

  test('are written and read when they are nested as deeply as allowed', () => {
    let value: unknown = 1;
    for (let depth = 0; depth < 32; depth++) value = [value];
    const events = new UserEventRegistry().register(100, 'any');
    expect(events.decode(100, events.encode('any', value).body).value).toEqual(value);
    expect(() => events.encode('any', [value])).toThrow(ProtocolError);
  });
});

/** Bigints that a number holds exactly, as one. */
function narrowed(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Array.isArray(value)) return value.map(narrowed);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, narrowed(inner)]));
}
