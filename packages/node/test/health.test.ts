/** The bot's own opinion, as the orchestrator hears it. */
import type { NodeSignals } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import type { HealthCheck, NodeOptions } from '../src/index.js';
import { EXTENDED } from './fake-orchestrator.js';
import { close, world } from './node-world.js';

const BEATING = { ...EXTENDED, heartbeatIntervalMs: 1_000 };

async function beating(options: Partial<NodeOptions> = {}) {
  const bot = await world(BEATING, options);
  bot.orchestrator.onMessage = (peer, message) => {
    if (message.kind === 'heartbeat') peer.send({ kind: 'heartbeatAck', sequence: message.sequence });
  };
  await bot.start();
  const signals = (): NodeSignals | undefined => bot.orchestrator.peer.of('heartbeat').at(-1)?.signals;
  return { ...bot, signals };
}

describe('the opinion that a bot has of itself', () => {
  test('is null in heartbeats as long as the bot has none', async () => {
    const { node, clock, signals } = await beating();
    await clock.run(2_000);
    expect(signals()).toMatchObject({ health: null, selfTest: 'none', selfTestReason: null });
    await close(node, clock);
  });

  test.for<[string, HealthCheck, NodeSignals['health']]>([
    ['true', () => true, { ok: true, reason: null }],
    ['nothing', () => undefined, { ok: true, reason: null }],
    ['no reason', () => [].join(', '), { ok: true, reason: null }],
    ['false', () => false, { ok: false, reason: null }],
    ['a reason', () => 'the database is read-only', { ok: false, reason: 'the database is read-only' }],
    ['a promise', async () => Promise.resolve('no answer from Redis'), { ok: false, reason: 'no answer from Redis' }],
    [
      'a throw',
      () => {
        throw new Error('ECONNREFUSED');
      },
      { ok: false, reason: 'ECONNREFUSED' },
    ],
    ['a rejection', () => Promise.reject(new Error('gone')), { ok: false, reason: 'gone' }],
    [
      'what is no answer',
      (() => 7) as unknown as HealthCheck,
      { ok: false, reason: 'health answered with a number; true, false or a sentence was expected.' },
    ],
  ])('is understood when it is %s', async ([, check, expected]) => {
    const { node, clock, signals } = await beating({ health: check });
    await clock.run(2_000);
    expect(signals()?.health).toEqual(expected);
    await close(node, clock);
  });

  test('is a complaint when it takes too long, and the next answer is asked for all the same', async () => {
    let hangs = true;
    const health: HealthCheck = () => (hangs ? new Promise(() => undefined) : true);
    const { node, clock, signals } = await beating({ health, limits: { healthMs: 2_000 } });
    await clock.run(3_000);
    expect(signals()?.health).toEqual({ ok: false, reason: expect.stringContaining('within 2000 ms') });
    hangs = false;
    await clock.run(10_000);
    expect(signals()?.health).toEqual({ ok: true, reason: null });
    await close(node, clock);
  });

  test('is told at once when it changes, and logged when it is a complaint', async () => {
    let well = true;
    const { node, clock, orchestrator, logged } = await beating();
    node.health(() => well || 'out of disk');
    await clock.run(4_500);
    const before = orchestrator.peer.of('heartbeat').length;
    well = false;
    await clock.run(700);
    const since = orchestrator.peer.of('heartbeat').slice(before);
    expect(since.at(-1)?.signals?.health).toEqual({ ok: false, reason: 'out of disk' });
    expect(logged).toContain('The bot says that it is not well: out of disk');
    await close(node, clock);
  });

  test('is the first complaint of several checks, and none when they are taken off again', async () => {
    const { node, clock, signals } = await beating();
    node.health(() => true);
    const off = node.health(() => 'the second one complains');
    await clock.run(6_000);
    expect(signals()?.health).toEqual({ ok: false, reason: 'the second one complains' });
    off();
    await clock.run(6_000);
    expect(signals()?.health).toEqual({ ok: true, reason: null });
    await close(node, clock);
  });
});

describe('a self test', () => {
  test('runs once at the start: running, then passed', async () => {
    let runs = 0;
    let pass = (): void => undefined;
    const selfTest: HealthCheck = () => {
      runs += 1;
      return new Promise((resolve) => (pass = () => resolve(true)));
    };
    const { node, clock, signals } = await beating({ selfTest });
    await clock.run(1_500);
    expect(signals()?.selfTest).toBe('running');
    pass();
    await clock.run(500);
    expect(signals()).toMatchObject({ selfTest: 'passed', selfTestReason: null });
    expect(runs).toBe(1);
    await close(node, clock);
  });

  test('that does not end within its bound has failed, and says so', async () => {
    const { node, clock, signals, logged } = await beating({ selfTest: () => new Promise(() => undefined) });
    await clock.run(31_000);
    expect(signals()).toMatchObject({ selfTest: 'failed', selfTestReason: expect.stringContaining('30000 ms') });
    expect(logged.join('\n')).toContain("The bot's self test failed");
    await close(node, clock);
  });
});

test('an orchestrator that does not know signals gets none', async () => {
  const capabilities = EXTENDED.capabilities.filter((each) => each !== 'signals');
  const { node, clock, orchestrator, start } = await world({ ...BEATING, capabilities }, { health: () => false });
  await start();
  await clock.run(2_000);
  expect(orchestrator.peer.of('heartbeat').at(-1)).not.toHaveProperty('signals');
  await close(node, clock);
});

test('signals of a host that cannot be used are told as 0, and complained of once', async () => {
  const { node, clock, host, signals, logged } = await beating();
  Object.assign(host, { signals: () => ({ events: 'many', handlerErrors: 2 }) });
  await clock.run(3_000);
  expect(signals()).toMatchObject({ events: 0, handlerErrors: 2, handlerMs: 0 });
  expect(logged.filter((text) => text.includes("The host's signals"))).toHaveLength(1);
  await close(node, clock);
});

test('a hook that is no function is refused by name', async () => {
  await expect(world(EXTENDED, { selfTest: true as never })).rejects.toThrow(
    /"selfTest" of createNode must be a function/u,
  );
});
