/** What Discord and the network do to a connection: the session is kept wherever it can be, and nothing is lost. */
import { WebSocketShardEvents } from '@discordjs/ws';
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { leakGuard, until } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verdictOf } from '../subject.js';
import { Scene } from './bots.js';
import type { EmulatorOptions } from '../subject.js';
import { TEST_TIMEOUTS } from '../timeouts.js';
import { leave } from '../leave.js';

leakGuard({ beforeEach, afterEach }, { graceMs: 5_000 });

const scene = new Scene();
let gateway: GatewayEmulator;

async function world(options: EmulatorOptions = {}): Promise<void> {
  gateway = await scene.world(options);
}

const bot = scene.bot.bind(scene);

afterEach(() => scene.close());

describe("through the gateway's moods", () => {
  test.each(['refuse', 'unavailable', 'silent'] as const)(
    'a resume URL that is dead (%s) is left for the generic one, and the session is resumed',
    async (mode) => {
      await world({ rate: 200 });
      const a = bot('a');
      const b = bot('b');
      await a.start(0, 1);
      await gateway.admin.setResumeHost(mode);
      await Promise.all([a.migrate(0, b), a.migrate(1, b)]);
      await b.ready(0, 1);
      expect(b.permits).toEqual([]);
      expect(b.host.cursorOf(0)?.resumeGatewayUrl).toBe('');
      expect(await verdictOf(gateway)).toMatchObject({ clean: true, identifies: { used: 2 } });
    },
  );

  test('a resume URL that is no URL is left for the generic one', async () => {
    await world({ rate: 100 });
    const a = bot('a');
    const b = bot('b');
    await a.start(0);
    const session = await leave(a.host, 0);
    await b.host.resumeShard(0, { ...session, resumeGatewayUrl: 'nonsense' }, b.context);
    expect(await verdictOf(gateway)).toMatchObject({ clean: true, identifies: { used: 1 } });
  });

  test.each([
    ['op 7', () => gateway.admin.reconnect()],
    ['a cut connection', () => gateway.admin.drop()],
    ['4000', () => gateway.admin.drop({}, { code: 4000 })],
    [
      '1000 from Discord, which the library takes for the end of the session',
      () => gateway.admin.drop({}, { code: 1000 }),
    ],
    ['4008, which the library takes for the end of the session', () => gateway.admin.drop({}, { code: 4008 })],
    ['op 9 resumable', () => gateway.admin.invalidate({}, { resumable: true })],
  ])('a shard is resumed without a permit after %s, and nothing is lost', async (_, fault) => {
    await world({ rate: 300 });
    const a = bot('a');
    await a.start(0, 1);
    await until(() => gateway.ledger.verdict().handled > 20, { what: 'traffic' });
    expect(fault()).toBe(2);
    await until(() => gateway.ledger.verdict().gaps.length >= 2, { what: 'both shards to be resumed' });
    expect(a.permits).toHaveLength(2);
    expect(await verdictOf(gateway)).toMatchObject({ lost: 0, duplicated: 0, outOfOrder: 0, identifies: { used: 2 } });
  });

  // Found by `npm run chaos -- --only gateway-invalid-resumable` on a busy machine: an event and op 9 were read in one
  // turn. The library asked for the sequence to RESUME from before it emitted that event, Discord replayed it, and user
  // code had it twice, unmarked.
  test('op 9 resumable right behind events makes none of them come twice', async () => {
    await world({ rate: 300 });
    const a = bot('a');
    await a.start(0, 1);
    await until(() => gateway.ledger.verdict().handled > 20, { what: 'traffic' });
    gateway.admin.stall({}, { forMs: 150 });
    const { emitted } = gateway.ledger.verdict();
    await until(() => gateway.ledger.verdict().emitted > emitted + 10, { what: 'events that wait in front of op 9' });
    expect(gateway.admin.invalidate({}, { resumable: true })).toBe(2);
    await until(() => gateway.ledger.verdict().gaps.length >= 2, { what: 'both shards to be resumed' });
    expect(await verdictOf(gateway)).toMatchObject({ lost: 0, duplicated: 0, outOfOrder: 0, identifies: { used: 2 } });
  });

  test('a resume URL that was dead once is not tried again', async () => {
    await world({ rate: 100 });
    const a = bot('a');
    await a.start(0);
    await gateway.admin.setResumeHost('silent');
    const resumed = (count: number) =>
      until(() => gateway.ledger.verdict().gaps.length === count, { what: `${count} resumes` });
    gateway.admin.drop();
    await resumed(1);
    gateway.admin.drop();
    await resumed(2);
    const verdict = await verdictOf(gateway);
    expect(verdict).toMatchObject({ lost: 0, duplicated: 0, identifies: { used: 1 } });
    expect(verdict.gaps[0]!.ms).toBeGreaterThan(TEST_TIMEOUTS.handshakeMs);
    expect(verdict.gaps[1]!.ms).toBeLessThan(TEST_TIMEOUTS.handshakeMs);
  });

  test('an invalid session asks for a permit, then identifies', async () => {
    await world({ rate: 100 });
    const a = bot('a');
    await a.start(0, 1);
    gateway.admin.invalidate({ shards: [0] });
    await until(() => a.permits.length === 3, { what: 'the request' });
    await a.ready(0);
    expect(a.permits.at(-1)).toEqual({ shardId: 0, granted: true, ended: true });
    expect(gateway.ledger.verdict().identifies.used).toBe(3);
    expect(a.seen.filter(({ type }) => type === 'READY')).toHaveLength(3);
  });

  test('a shard that is stopped while it reconnects stays stopped', async () => {
    await world();
    const a = bot('a');
    await a.start(0);
    const cursor = a.host.cursorOf(0);
    gateway.admin.drop();
    await until(() => a.phase(0) === 'disconnected', { what: 'the loss to be noticed' });
    expect(await a.host.stopShard(0, { keepSession: true })).toEqual(cursor);
    // The library connects again half a second after a loss; another shard's life covers that time.
    const b = bot('b');
    await b.host.resumeShard(0, cursor!, b.context);
    gateway.admin.drop();
    await until(() => gateway.ledger.verdict().gaps.length >= 2, {
      what: 'the other bot to have lost and resumed it',
    });
    expect(gateway.admin.status().sockets).toBe(1);
    expect(gateway.ledger.verdict().violations).toEqual([]);
  });

  test('a listener that throws is logged and loses nothing', async () => {
    await world({ rate: 100 });
    const a = bot('a');
    a.host.manager.on(WebSocketShardEvents.Dispatch, () => {
      throw new Error('mine');
    });
    await a.start(0);
    await until(() => a.logged.some((line) => line.includes('mine')), { what: 'the complaint' });
    expect(await verdictOf(gateway)).toMatchObject({ clean: true });
  });

  test('a shard works with zlib-stream as well', async () => {
    await world({ rate: 500 });
    const a = bot('a', { compression: 0 });
    const b = bot('b', { compression: 0 });
    await a.start(0, 1);
    await until(() => gateway.ledger.verdict().handled > 50, { what: 'traffic' });
    await Promise.all([a.migrate(0, b), a.migrate(1, b)]);
    gateway.admin.reconnect();
    await until(() => gateway.ledger.verdict().gaps.length >= 4, { what: 'all resumes' });
    expect(await verdictOf(gateway)).toMatchObject({ clean: true, identifies: { used: 2 } });
  });
});
