import { describe, expect, test } from 'vitest';
import { Harness, token } from './harness.js';

describe('RESUME', () => {
  test('replays what came after the sequence, in order, then RESUMED; what follows is new', () => {
    const harness = new Harness({ guilds: 0 });
    const first = harness.connect().identify();
    const ids = [harness.message(), harness.message()];
    first.close(4200);
    ids.push(harness.message(), harness.message());
    const second = harness.connect().resume(first.sessionId, 2);
    ids.push(harness.message());
    expect(second.seen).toEqual([
      'op10',
      'MESSAGE_CREATE',
      'MESSAGE_CREATE',
      'MESSAGE_CREATE',
      'RESUMED',
      'MESSAGE_CREATE',
    ]);
    expect(second.received.map((payload) => payload.s)).toEqual([null, 3, 4, 5, 6, 7]);
    expect(second.received.filter((payload) => payload.t === 'MESSAGE_CREATE').map((payload) => payload.d.id)).toEqual(
      ids.slice(1),
    );
    expect(harness.ledger.sessions()).toMatchObject([{ emitted: 5, replayed: 3 }]);
  });

  test('can be repeated; RESUMED itself is never replayed', () => {
    const harness = new Harness({ guilds: 0 });
    const first = harness.connect().identify();
    harness.message();
    first.close(1006);
    const second = harness.connect().resume(first.sessionId, 1);
    second.close(1005);
    const third = harness.connect().resume(first.sessionId, 1);
    expect(third.received.map((payload) => [payload.t, payload.s])).toEqual([
      [null, null],
      ['MESSAGE_CREATE', 2],
      ['RESUMED', 4],
    ]);
  });

  test.each([
    ['an unknown session', 'f'.repeat(32), 1, {}],
    ['a wrong token', null, 1, { token: 'other' }],
  ])('of %s gets op 9 false, and the socket may identify', (_what, sessionId, seq, more) => {
    const harness = new Harness({ identifyWindowMs: 0 });
    const first = harness.connect().identify();
    first.close(4200);
    const second = harness.connect().resume(sessionId ?? first.sessionId, seq, more);
    expect(second.last).toMatchObject({ op: 9, d: false });
    expect(second.closedWith).toBeNull();
    expect(second.identify().seen).toContain('READY');
  });

  test.each([
    ['either', true],
    ['bare', false],
  ] as const)('with "Bot " before the token, where the token may be %s, is served: %s', (resumeToken, served) => {
    const harness = new Harness({ guilds: 0, resumeToken });
    const first = harness.connect().identify();
    first.close(4200);
    const second = harness.connect().resume(first.sessionId, 1, { token: `Bot ${token}` });
    expect(second.last).toMatchObject(served ? { t: 'RESUMED' } : { op: 9, d: false });
  });

  test('from a sequence that never was is closed with 4007; the session lives on', () => {
    const harness = new Harness({ guilds: 0 });
    const first = harness.connect().identify();
    first.close(4200);
    expect(harness.connect().resume(first.sessionId, 2).closedWith).toBe(4007);
    expect(harness.connect().resume(first.sessionId, 1).last?.t).toBe('RESUMED');
    expect(harness.violations()).toEqual(['bad-resume']);
  });

  test.each([
    [-1, 'before its time is over', 'RESUMED'],
    [0, 'when its time is over', null],
  ])('%i ms around the time limit: %s', (offset, _when, expected) => {
    const harness = new Harness({ sessionTtlMs: 60_000 });
    const first = harness.connect().identify();
    first.close(1006);
    harness.now += 60_000 + offset;
    const client = harness.connect().resume(first.sessionId, 1);
    expect(client.last?.t).toBe(expected);
    if (expected === null) expect(client.last).toMatchObject({ op: 9, d: false });
  });

  test('after more events than the buffer keeps gets op 9 false; after as many as it keeps, all of them', () => {
    for (const [events, seen] of [
      [3, 'RESUMED'],
      [4, 'op9'],
    ] as const) {
      const harness = new Harness({ guilds: 0, replayBuffer: 3 });
      const first = harness.connect().identify();
      first.close(4200);
      for (let index = 0; index < events; index += 1) harness.message();
      expect(harness.connect().resume(first.sessionId, 1).seen.at(-1)).toBe(seen);
    }
  });

  test('with by-guilds keeps 100 events for a shard without guilds', () => {
    const harness = new Harness({ guilds: 0, replayBuffer: 'by-guilds' });
    const first = harness.connect().identify();
    for (let index = 0; index < 101; index += 1) harness.message();
    first.close(4200);
    expect(harness.connect().resume(first.sessionId, 2).received).toHaveLength(102);
    expect(harness.connect().resume(first.sessionId, 1).last?.op).toBe(9);
  });

  test.each([[1000], [1001]])('is impossible once the client has closed with %i', (code) => {
    const harness = new Harness();
    const first = harness.connect().identify();
    first.close(code);
    expect(harness.violations()).toEqual(['session-closed-for-good']);
    expect(harness.connect().resume(first.sessionId, 1).last).toMatchObject({ op: 9, d: false });
  });

  test.each([[4000], [4200], [1012], [1005], [1006]])('is possible after the client has closed with %i', (code) => {
    const harness = new Harness();
    const first = harness.connect().identify();
    first.close(code);
    expect(harness.connect().resume(first.sessionId, 1).last?.t).toBe('RESUMED');
    expect(harness.violations()).toEqual([]);
  });
});

describe('a session resumed while another socket holds it', () => {
  test('is counted, and the old socket closed', () => {
    const harness = new Harness({ guilds: 0 });
    const old = harness.connect().identify();
    const taker = harness.connect().resume(old.sessionId, 1);
    harness.message();
    expect(old.closedWith).toBe(4006);
    expect(taker.seen.slice(1)).toEqual(['RESUMED', 'MESSAGE_CREATE']);
    expect(harness.violations()).toEqual(['double-attach']);
    old.close(4006);
    expect(taker.closedWith).toBeNull();
    expect([...harness.state.sessions.values()][0]?.attachment.kind).toBe('attached');
  });

  test('leaves the old socket open and silent where so configured', () => {
    const harness = new Harness({ guilds: 0, doubleAttach: 'silence-old' });
    const old = harness.connect().identify();
    harness.connect().resume(old.sessionId, 1);
    harness.message();
    expect(old.closedWith).toBeNull();
    expect(old.seen).toEqual(['op10', 'READY']);
    expect(old.send({ op: 1, d: 1 }).last?.op).toBe(11);
    expect(harness.violations()).toEqual(['double-attach']);
  });
});

describe("with doubleAttach: 'keep-both'", () => {
  test('both sockets get everything from then on, and only the new one ends the session', () => {
    const harness = new Harness({ guilds: 0, doubleAttach: 'keep-both' });
    const old = harness.connect().identify();
    const taker = harness.connect().resume(old.sessionId, 1);
    harness.message();
    expect([old.last?.t, taker.last?.t]).toEqual(['MESSAGE_CREATE', 'MESSAGE_CREATE']);
    expect(old.last?.s).toBe(taker.last?.s);
    expect(old.send({ op: 1, d: 1 }).last?.op).toBe(11);
    expect(old.identify().closedWith).toBe(4005);
    harness.message();
    expect(taker.last?.s).toBe(4);
    expect(harness.violations()).toEqual(['double-attach', 'bad-payload']);
    expect(harness.ledger.verdict()).toMatchObject({ emitted: 2 });
  });

  test('the old one hears what the session gets while it waits for a RESUME, and may identify when it is gone', () => {
    const harness = new Harness({ guilds: 0, doubleAttach: 'keep-both', identifyWindowMs: 0 });
    const old = harness.connect().identify();
    const taker = harness.connect().resume(old.sessionId, 1);
    taker.close(4200);
    harness.message();
    expect(old.last?.t).toBe('MESSAGE_CREATE');
    harness.advance(90_000);
    expect(harness.state.sessions.size).toBe(0);
    harness.message();
    expect(old.seen.filter((seen) => seen === 'MESSAGE_CREATE')).toHaveLength(1);
  });
});

test('a gap is the time from the loss of the socket to RESUMED', () => {
  const harness = new Harness();
  const first = harness.connect().identify([3, 4]);
  harness.advance(1_000);
  const detachedAt = harness.now;
  first.close(4200);
  harness.advance(70);
  harness.connect().resume(first.sessionId, 1);
  expect(harness.ledger.verdict().gaps).toEqual([
    { shard: 3, sessionId: first.sessionId, detachedAt, resumedAt: detachedAt + 70, ms: 70 },
  ]);
});
