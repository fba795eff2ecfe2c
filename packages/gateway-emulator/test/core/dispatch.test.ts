import { describe, expect, test } from 'vitest';
import { dispatch } from '../../src/core/dispatch.js';
import { Harness } from './harness.js';

describe('routing', () => {
  test("follows each session's own shard count", () => {
    const harness = new Harness({ maxConcurrency: 16, guilds: 0 });
    const shards = (
      [
        [0, 1],
        [0, 2],
        [1, 2],
        [5, 6],
      ] as const
    ).map((shard) => harness.connect().identify(shard));
    const event = { id: '1', type: 'MESSAGE_CREATE', json: '{}', intents: 512 };
    harness.run(dispatch(harness.state, { ...event, route: 5 }, harness.now));
    expect(shards.map((client) => client.seen.includes('MESSAGE_CREATE'))).toEqual([true, false, true, true]);
    expect(harness.ledger.verdict()).toMatchObject({ emitted: 1, missed: 0 });
  });

  test('sends events without a guild to shard 0 only', () => {
    const harness = new Harness({ maxConcurrency: 16, guilds: 0 });
    const intents = { intents: 512 | 4096 };
    const [zero, one] = [harness.connect().identify([0, 2], intents), harness.connect().identify([1, 2], intents)];
    harness.run(
      dispatch(harness.state, { id: '1', type: 'MESSAGE_CREATE', json: '{}', route: null, intents: 4096 }, harness.now),
    );
    expect([zero.seen.length, one.seen.length]).toEqual([3, 2]);
  });

  test('gives every session of a shard its own copy, numbered by itself', () => {
    const harness = new Harness({ identifyWindowMs: 0, guilds: 0 });
    const first = harness.connect().identify();
    harness.message();
    const second = harness.connect().identify();
    harness.message();
    expect([first.last?.s, second.last?.s]).toEqual([3, 2]);
    expect(first.last?.d).toEqual(second.last?.d);
    expect(harness.ledger.verdict().emitted).toBe(2);
  });

  test('leaves out sessions without the intent', () => {
    const harness = new Harness({ guilds: 0 });
    const client = harness.connect().identify([0, 1], { intents: 1 });
    harness.message();
    expect(client.seen).toEqual(['op10', 'READY']);
    expect(harness.ledger.verdict()).toMatchObject({ emitted: 0, missed: 0 });
  });
});

describe('message content', () => {
  test('is empty for sessions without its intent, and made so once', () => {
    const harness = new Harness({ guilds: 0, identifyWindowMs: 0 });
    const clients = [512, 512, 512 | (1 << 15)].map((intents) => harness.connect().identify([0, 1], { intents }));
    let made = 0;
    const jsonWithoutContent = (): string => {
      made += 1;
      return '{"content":""}';
    };
    const event = { id: '1', type: 'MESSAGE_CREATE', json: '{"content":"hello"}', jsonWithoutContent };
    harness.run(dispatch(harness.state, { ...event, route: 5, intents: 512 }, harness.now));
    expect(clients.map((client) => client.last?.d)).toEqual([{ content: '' }, { content: '' }, { content: 'hello' }]);
    expect(made).toBe(1);
  });

  test('stays empty when it is replayed', () => {
    const harness = new Harness({ guilds: 0 });
    const client = harness.connect().identify();
    client.close(4200);
    const event = { id: '1', type: 'MESSAGE_CREATE', json: '{"id":"1"}', jsonWithoutContent: () => '{"id":""}' };
    harness.run(dispatch(harness.state, { ...event, route: 5, intents: 512 }, harness.now));
    expect(harness.connect().resume(client.sessionId, 1).received[1]?.d).toEqual({ id: '' });
  });
});

test('events that need no intent reach every session', () => {
  const harness = new Harness({ guilds: 0 });
  const client = harness.connect().identify([0, 1], { intents: 0 });
  harness.run(
    dispatch(harness.state, { id: '1', type: 'INTERACTION_CREATE', json: '{}', route: 5, intents: 0 }, harness.now),
  );
  expect(client.last?.t).toBe('INTERACTION_CREATE');
});

test("events for a shard that has lost its session are missed; before its first IDENTIFY they are nobody's", () => {
  const harness = new Harness({ guilds: 0 });
  harness.message();
  expect(harness.ledger.verdict().missed).toBe(0);
  harness.connect().identify().close(1000);
  harness.message();
  expect(harness.ledger.verdict()).toMatchObject({ missed: 1, emitted: 0, clean: false });
});

test('events that reach a session of another shard count are not missed', () => {
  const harness = new Harness({ guilds: 0, identifyWindowMs: 0 });
  harness.connect().identify([0, 2]).close(1000);
  harness.connect().identify([0, 1]);
  harness.message(0, 2);
  expect(harness.ledger.verdict()).toMatchObject({ missed: 0, emitted: 1 });
});
