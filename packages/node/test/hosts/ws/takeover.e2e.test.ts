/**
 * Takeover with the real library against the emulator: what is marked, and what a host does that may have been
 * succeeded.
 */
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { leakGuard, until } from '@dshard/testkit';
import { systemClock } from '@dshard/transport';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HostContext, LossCause, OwnershipLease } from '../../../src/index.js';
import { LeaseClient } from '../../../src/ownership-lease.js';
import { verdictOf } from '../subject.js';
import { Scene } from './bots.js';
import type { Bot } from './bots.js';

leakGuard({ beforeEach, afterEach }, { graceMs: 5_000 });

const scene = new Scene();
let gateway: GatewayEmulator;

const bot = scene.bot.bind(scene);

afterEach(() => scene.close());

const messagesOf = (each: Bot): number[] => each.seen.filter(({ type }) => type === 'MESSAGE_CREATE').map(({ s }) => s);

/** A node that slept: nothing is trusted until `answer` is called. */
function doubtful(): OwnershipLease & { answer: (outcome: 'confirmed' | 'timedOut') => void; asked: LossCause[] } {
  let isTrusted = false;
  let settle: (outcome: 'confirmed' | 'timedOut') => void = () => undefined;
  const trusted = new Promise<'confirmed' | 'timedOut'>((resolve) => {
    settle = resolve;
  });
  const asked: LossCause[] = [];
  return {
    asked,
    mayDeliver: () => isTrusted,
    isAwake: () => isTrusted,
    trusted: () => trusted,
    beforeResume: (cause) => {
      asked.push(cause);
      return isTrusted ? null : trusted;
    },
    answer: (outcome) => {
      isTrusted = true;
      settle(outcome);
    },
  };
}

describe('what may have been handled before', () => {
  test('is marked up to RESUMED, and nothing after it', async () => {
    gateway = await scene.world({ rate: 300 });
    const a = bot('a');
    await a.start(0);
    await until(() => messagesOf(a).length > 5, { what: 'messages' });
    const checkpoint = a.host.cursorOf(0)!;
    await until(() => messagesOf(a).length > 30, { what: 'more messages' });
    await a.host.stopShard(0, { keepSession: true });
    const got: { s: number; redelivered: boolean; type: string }[] = [];
    const lost: number[] = [];
    const b = bot('b', {
      onDispatch: ({ s, t }, _shard, { redelivered }) => void (s > 0 && got.push({ s, redelivered, type: t })),
      state: { stateLost: (shardId) => void lost.push(shardId) },
    });
    await b.host.stateLost!(0);
    await b.host.resumeShard(0, checkpoint, b.context, { stateLost: true, redelivers: true });
    await until(() => got.filter(({ redelivered }) => !redelivered).length > 5, { what: 'new messages' });
    const resumed = got.findIndex(({ type }) => type === 'RESUMED');
    expect(lost).toEqual([0]);
    expect(resumed).toBeGreaterThan(0);
    expect(got.map(({ redelivered }) => redelivered)).toEqual(got.map((_, index) => index < resumed));
    expect(got[0]?.s).toBe(checkpoint.sequence + 1);
  });

  test('is marked also on a connection that waited at HELLO', async () => {
    gateway = await scene.world({ rate: 300 });
    const a = bot('a');
    await a.start(0);
    await until(() => messagesOf(a).length > 5, { what: 'messages' });
    const checkpoint = a.host.cursorOf(0)!;
    const got: { redelivered: boolean; type: string }[] = [];
    const b = bot('b', {
      onDispatch: ({ s, t }, _shard, { redelivered }) => void (s > 0 && got.push({ redelivered, type: t })),
    });
    await b.host.preconnect?.(0, checkpoint, b.context);
    await until(() => messagesOf(a).length > 30, { what: 'more messages' });
    await a.host.stopShard(0, { keepSession: true });
    await b.host.resumeShard(0, checkpoint, b.context, { stateLost: false, redelivers: true });
    await until(() => got.filter(({ redelivered }) => !redelivered).length > 5, { what: 'new messages' });
    const resumed = got.findIndex(({ type }) => type === 'RESUMED');
    expect(resumed).toBeGreaterThan(0);
    expect(got.map(({ redelivered }) => redelivered)).toEqual(got.map((_, index) => index < resumed));
  });

  test('is not there after an exact migration', async () => {
    gateway = await scene.world({ rate: 300 });
    const a = bot('a');
    await a.start(0);
    const marks: boolean[] = [];
    const b = bot('b', { onDispatch: (_, __, { redelivered }) => void marks.push(redelivered) });
    await a.migrate(0, b);
    await until(() => marks.length > 10, { what: 'messages' });
    expect(marks).not.toContain(true);
  });
});

/** Of a node that is awake all the time, and that the orchestrator does not answer. */
function endingLease(): { lease: OwnershipLease; end: () => void } {
  let nowMs = 0;
  const lease = new LeaseClient({ ...systemClock(), now: () => nowMs }, () => undefined);
  lease.leased(400);
  lease.close();
  return { lease, end: () => (nowMs = 500) };
}

// Under load a node whose lease was over read its socket late: twelve events that its successor had handled, and
// Discord's close behind them (npm run chaos -- --hosts 3).
test.each([
  ['is dropped when Discord’s close is behind it', true],
  ['is handed over when nothing is behind it', false],
])('what a host whose lease is over reads %s', async (_, isTaken) => {
  gateway = await scene.world();
  const a = bot('a');
  const { lease, end } = endingLease();
  Object.assign(a.context as { -readonly [K in keyof HostContext]: HostContext[K] }, { lease });
  await a.start(0);
  const before = messagesOf(a).length;
  end();
  // All in one turn: so all is there to be read in one.
  gateway.traffic.burst(20);
  if (isTaken) gateway.admin.drop({ shards: [0] }, { code: 4006 });
  const sent = gateway.ledger.verdict().emitted;
  expect(sent).toBeGreaterThan(0);
  if (isTaken) await until(() => gateway.admin.status().sockets === 0, { what: 'the connection to be gone' });
  else await until(() => messagesOf(a).length > before, { what: 'messages' });
  expect(messagesOf(a).length > before).toBe(!isTaken);
});

describe('a host that may have been succeeded', () => {
  async function asleep(): Promise<{ a: Bot; lease: ReturnType<typeof doubtful> }> {
    gateway = await scene.world({ rate: 300 });
    const lease = doubtful();
    const a = bot('a');
    Object.assign(a.context as { -readonly [K in keyof HostContext]: HostContext[K] }, { lease });
    await a.host.startShards([0], a.context);
    await until(() => gateway.ledger.verdict().emitted > 20, { what: 'messages to be sent' });
    return { a, lease };
  }

  test('hands nothing over, and then everything, in order', async () => {
    const { a, lease } = await asleep();
    expect(messagesOf(a)).toEqual([]);
    lease.answer('confirmed');
    await until(() => messagesOf(a).length > 20, { what: 'messages' });
    expect(messagesOf(a)).toEqual(messagesOf(a).toSorted((x, y) => x - y));
    expect(gateway.ledger.verdict()).toMatchObject({ identifies: { used: 1 } });
  });

  test('resumes from its cursor when nobody can say, so that Discord replays what was kept', async () => {
    const { a, lease } = await asleep();
    lease.answer('timedOut');
    await until(() => a.seen.some(({ type }) => type === 'RESUMED'), { what: 'the replay, and RESUMED' });
    const sequences = messagesOf(a);
    expect(sequences.length).toBeGreaterThan(0);
    expect(sequences).toEqual([...new Set(sequences)].toSorted((x, y) => x - y));
    expect(await verdictOf(gateway)).toMatchObject({ lost: 0, identifies: { used: 1 } });
  });

  test.each<[LossCause, 'confirmed' | 'timedOut', boolean]>([
    ['displaced', 'confirmed', true],
    ['displaced', 'timedOut', true],
    ['unproven', 'timedOut', true],
    ['unproven', 'confirmed', false],
  ])('resumes after a connection that was %s, %s: what is replayed is marked: %s', async (cause, answer, marked) => {
    gateway = await scene.world({ rate: 300 });
    const got: { type: string; redelivered: boolean }[] = [];
    const a = bot('a', { onDispatch: ({ t }, _, { redelivered }) => void got.push({ type: t, redelivered }) });
    let goOn = (): void => undefined;
    const answered = new Promise<'confirmed' | 'timedOut'>((resolve) => (goOn = () => resolve(answer)));
    const lease: OwnershipLease = {
      mayDeliver: () => true,
      isAwake: () => true,
      trusted: () => Promise.resolve('confirmed'),
      beforeResume: (lost) => (lost === cause ? answered : null),
    };
    Object.assign(a.context as { -readonly [K in keyof HostContext]: HostContext[K] }, { lease });
    await a.start(0);
    await until(() => got.length > 10, { what: 'messages' });
    gateway.admin.drop({}, cause === 'displaced' ? { code: 4006 } : {});
    await until(() => gateway.admin.status().sockets === 0, { what: 'the connection to be gone' });
    const seen = got.length;
    const emitted = gateway.ledger.verdict().emitted;
    await until(() => gateway.ledger.verdict().emitted > emitted + 20, { what: 'more messages' });
    goOn();
    await until(() => got.slice(seen).some(({ type }) => type === 'RESUMED'), { what: 'the shard to be resumed' });
    const replayed = got.slice(seen, seen + got.slice(seen).findIndex(({ type }) => type === 'RESUMED'));
    expect(replayed.length).toBeGreaterThan(10);
    expect(new Set(replayed.map(({ redelivered }) => redelivered))).toEqual(new Set([marked]));
  });

  test('asks before it resumes a session that another connection has', async () => {
    gateway = await scene.world({ rate: 100 });
    const lease = doubtful();
    lease.answer('confirmed');
    const asked: LossCause[] = [];
    let goOn = (): void => undefined;
    const context: OwnershipLease = {
      ...lease,
      beforeResume: (cause, signal) => {
        asked.push(cause);
        if (cause !== 'displaced') return null;
        return new Promise((resolve, reject) => {
          goOn = () => resolve('confirmed');
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        });
      },
    };
    const [a, b] = [bot('a'), bot('b')];
    Object.assign(a.context as { -readonly [K in keyof HostContext]: HostContext[K] }, { lease: context });
    await a.start(0);
    await b.host.resumeShard(0, a.host.cursorOf(0)!, b.context);
    await until(() => asked.includes('displaced'), { what: 'the displaced host to ask' });
    await b.ready(0);
    const before = messagesOf(b).length;
    await until(() => messagesOf(b).length > before + 10, { what: 'its successor to go on undisturbed' });
    expect(a.phase(0)).not.toBe('ready');
    // It is told that it was succeeded: it lets go, and never resumes.
    await a.host.stopShard(0, { keepSession: true });
    goOn();
    await until(() => messagesOf(b).length > before + 30, { what: 'its successor to go on undisturbed' });
    expect(b.seen.filter(({ type }) => type === 'RESUMED')).toHaveLength(1);
  });
});
