import type { APIMessage } from 'discord-api-types/v10';
import { describe, expect, test } from 'vitest';
import { Answers } from '../../src/ledger/answers.js';

function scene(): {
  answers: Answers;
  write: (id: string) => void;
  reply: (id: string, to?: string) => void;
  pass: (ms: number) => void;
} {
  let now = 0;
  const answers = new Answers(() => now);
  const write = (eventId: string): void =>
    answers.record({
      kind: 'emitted',
      at: now,
      eventId,
      type: 'MESSAGE_CREATE',
      sessionId: 's',
      shard: 0,
      count: 1,
      s: 1,
    });
  const reply = (id: string, to?: string): void => {
    const message = { id, message_reference: to === undefined ? undefined : { message_id: to } } as APIMessage;
    answers.posted({ n: 1, at: now, kind: 'message', channelId: 'c', message });
    write(id);
  };
  return { answers, write, reply, pass: (ms) => (now += ms) };
}

describe('answers', () => {
  test('count each message by the replies to it, and never the replies themselves', () => {
    const { answers, write, reply, pass } = scene();
    ['a', 'b', 'c'].forEach(write);
    reply('x', 'a');
    reply('y', 'b');
    reply('z', 'b');
    reply('news');
    pass(20_000);
    expect(answers.counts()).toEqual({ messages: 3, answeredOnce: 1, answeredTwice: 1, waiting: 0, unanswered: 1 });
  });

  test('wait ten seconds before a message counts as unanswered', () => {
    const { answers, write, pass } = scene();
    write('a');
    expect(answers.counts()).toMatchObject({ waiting: 1, unanswered: 0 });
    pass(10_000);
    expect(answers.counts()).toMatchObject({ waiting: 0, unanswered: 1 });
  });

  test('count a message that found no session, which nobody could answer', () => {
    const { answers, pass } = scene();
    answers.record({ kind: 'missed', at: 0, eventId: 'a', type: 'MESSAGE_CREATE', shard: 0 });
    answers.record({ kind: 'missed', at: 0, eventId: 'b', type: 'TYPING_START', shard: 0 });
    pass(10_000);
    expect(answers.counts()).toMatchObject({ messages: 1, unanswered: 1 });
  });

  test('take an event of several sessions for one message', () => {
    const { answers, write, reply } = scene();
    write('a');
    write('a');
    reply('x', 'a');
    expect(answers.counts()).toMatchObject({ messages: 1, answeredOnce: 1 });
  });

  test('keep the counts of messages that are not kept one by one any more', () => {
    const { answers, write, reply } = scene();
    write('first');
    reply('x', 'first');
    for (let index = 0; index < 100_000; index += 1) write(`m${index}`);
    expect(answers.counts()).toMatchObject({ messages: 100_001, answeredOnce: 1, waiting: 100_000 });
  });
});
