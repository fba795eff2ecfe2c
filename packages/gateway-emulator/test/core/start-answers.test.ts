import { describe, expect, test } from 'vitest';
import { holdSessions, releaseSessions } from '../../src/core/sessions.js';
import type { AnswerRule, StartAnswer } from '../../src/core/start-answers.js';
import { createAnswerRules, setStartAnswer, standingAnswers, startAnswer } from '../../src/core/start-answers.js';
import { Harness } from './harness.js';

const rule = (answer: StartAnswer, shards: number[] | null = null, until: number | null = null): AnswerRule => ({
  answer,
  shards: shards === null ? null : new Set(shards),
  until,
});

describe('the answer to a RESUME', () => {
  test.each<[string, AnswerRule[], number | null, number, StartAnswer]>([
    ['no rule serves', [], 0, 0, 'serve'],
    ['a rule for all shards holds for each', [rule('never')], 7, 0, 'never'],
    ['a rule for all shards holds for a session that nobody knows', [rule('never')], null, 0, 'never'],
    ['a rule for some shards holds for these', [rule('refuse', [1, 2])], 2, 0, 'refuse'],
    ['a rule for some shards does not hold for others', [rule('refuse', [1, 2])], 3, 0, 'serve'],
    ['a rule for some shards does not hold for an unknown session', [rule('refuse', [1])], null, 0, 'serve'],
    ['the rule that came last holds', [rule('never'), rule('resumable', [1])], 1, 0, 'resumable'],
    ['a rule for all shards undoes those for some', [rule('never', [1]), rule('resumable')], 1, 0, 'resumable'],
    ['some shards can be served while others are not', [rule('never'), rule('serve', [1])], 1, 0, 'serve'],
    ['serving all shards undoes everything', [rule('never'), rule('refuse', [1]), rule('serve')], 1, 0, 'serve'],
    ['a rule holds until just before its end', [rule('never', null, 10)], 1, 9, 'never'],
    ['a rule does not hold from its end on', [rule('never', null, 10)], 1, 10, 'serve'],
    ['a rule that is over uncovers the one below', [rule('never'), rule('refuse', [1], 10)], 1, 10, 'never'],
  ])('is found by the rules: %s', (_what, rules, shard, now, expected) => {
    const known = createAnswerRules();
    for (const one of rules) setStartAnswer(known, 'resume', one, 0);
    expect(startAnswer(known, 'resume', shard, now)).toBe(expected);
    expect(startAnswer(known, 'identify', shard, now)).toBe('serve');
  });

  test('is not kept in memory when its rule is over', () => {
    const known = createAnswerRules();
    for (let at = 0; at < 100; at += 1) setStartAnswer(known, 'resume', rule('never', [at], at + 1), at);
    expect(known.resume.length).toBe(1);
    expect(standingAnswers(known, 'resume', 100)).toEqual([]);
  });
});

describe('a RESUME', () => {
  function twoLost(): { harness: Harness; ids: [string, string] } {
    const harness = new Harness({ guilds: 0, maxConcurrency: 2, identifyWindowMs: 0 });
    const clients = [harness.connect().identify([0, 2]), harness.connect().identify([1, 2])] as const;
    for (const client of clients) client.close(4200);
    return { harness, ids: [clients[0].sessionId, clients[1].sessionId] };
  }

  test('that is never answered leaves a socket that acknowledges heartbeats, and a session for another RESUME', () => {
    const { harness, ids } = twoLost();
    setStartAnswer(harness.state.answers, 'resume', rule('never', [0], harness.now + 20_000), harness.now);
    harness.message(0, 2);
    const waiting = harness.connect().resume(ids[0], 1);
    expect(harness.connect().resume(ids[1], 1).last?.t).toBe('RESUMED');
    harness.advance(19_999);
    expect(waiting.send({ op: 1, d: 1 }).seen).toEqual(['op10', 'op11']);
    expect(waiting.closedWith).toBeNull();
    harness.advance(1);
    expect(waiting.seen).toEqual(['op10', 'op11']);
    waiting.close(4900);
    expect(harness.connect().resume(ids[0], 1).seen).toEqual(['op10', 'MESSAGE_CREATE', 'RESUMED']);
    expect(harness.violations()).toEqual([]);
  });

  test('that is never answered does not keep its session from running out of time', () => {
    const { harness, ids } = twoLost();
    setStartAnswer(harness.state.answers, 'resume', rule('never'), harness.now);
    harness.connect().resume(ids[0], 1);
    harness.advance(90_000);
    expect(harness.state.sessions.size).toBe(0);
  });

  test('that gets op 9 true may come again, and is served when that is over', () => {
    const { harness, ids } = twoLost();
    setStartAnswer(harness.state.answers, 'resume', rule('resumable', null, harness.now + 20_000), harness.now);
    const client = harness.connect().resume(ids[0], 1);
    expect(client.last).toMatchObject({ op: 9, d: true });
    harness.advance(10_000);
    expect(client.resume(ids[0], 1).last).toMatchObject({ op: 9, d: true });
    expect(harness.connect().identify([1, 2]).seen).toContain('READY');
    harness.advance(10_000);
    expect(client.resume(ids[0], 1).last?.t).toBe('RESUMED');
  });

  test('that is refused ends its session, and an IDENTIFY on the same socket is served', () => {
    const { harness, ids } = twoLost();
    setStartAnswer(harness.state.answers, 'resume', rule('refuse', [1]), harness.now);
    const client = harness.connect().resume(ids[1], 1);
    expect(client.last).toMatchObject({ op: 9, d: false });
    expect([...harness.state.sessions.keys()]).toEqual([ids[0]]);
    expect(client.identify([1, 2]).seen).toContain('READY');
    expect(harness.ledger.verdict().identifies).toMatchObject({ used: 3, whileResumable: 0 });
  });
});

describe('an IDENTIFY', () => {
  test.each([
    ['never', 'op10'],
    ['refuse', 'op9'],
    ['resumable', 'op9'],
  ] as const)('that is answered with %s costs no session start', (answer, last) => {
    const harness = new Harness({ guilds: 0 });
    setStartAnswer(harness.state.answers, 'identify', rule(answer), harness.now);
    const client = harness.connect().identify();
    expect(client.seen.at(-1)).toBe(last);
    expect(harness.state.budget.used).toBe(0);
    setStartAnswer(harness.state.answers, 'identify', rule('serve'), harness.now);
    expect(harness.connect().identify().seen).toContain('READY');
  });
});

describe('while the gateway is away and sessions live on', () => {
  test('none expires, however long that takes, and no event is pushed out of its buffer until it is resumed', () => {
    const harness = new Harness({ guilds: 0, replayBuffer: 3, sessionTtlMs: 60_000 });
    const first = harness.connect().identify();
    holdSessions(harness.state);
    first.close(1006);
    for (let index = 0; index < 10; index += 1) harness.message();
    harness.advance(600_000);
    releaseSessions(harness.state, harness.now);
    harness.message();
    harness.advance(59_999);
    const second = harness.connect().resume(first.sessionId, 1);
    expect(second.seen).toEqual(['op10', ...Array.from({ length: 11 }, () => 'MESSAGE_CREATE'), 'RESUMED']);
    harness.message();
    expect(first.sessionId).toBe([...harness.state.sessions.keys()][0]);
    second.close(4200);
    expect(harness.connect().resume(first.sessionId, 1).last).toMatchObject({ op: 9, d: false });
  });

  test('a session that waited already goes on waiting; its time begins anew when the gateway is back', () => {
    const harness = new Harness({ guilds: 0, sessionTtlMs: 60_000 });
    const first = harness.connect().identify();
    first.close(1006);
    harness.advance(59_000);
    holdSessions(harness.state);
    harness.advance(600_000);
    expect(harness.state.sessions.size).toBe(1);
    releaseSessions(harness.state, harness.now);
    harness.advance(59_999);
    expect(harness.state.sessions.size).toBe(1);
    harness.advance(1);
    expect(harness.state.sessions.size).toBe(0);
  });
});
