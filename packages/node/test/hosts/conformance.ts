/**
 * What every shard host has to do, run with the real library against the emulator: the host by itself, with a test in
 * the orchestrator's place. A host's own test file calls `describeShardHost` with a function that makes a bot on its
 * library.
 *
 * The measure is the emulator's ledger: what it emitted has to be handed to user code once, in order, and nothing
 * identifies without a permit.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { leakGuard, until } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Cursor, OwnershipLease } from '../../src/index.js';
import { emulator, registerCommand, Subject, traffic, verdictOf } from './subject.js';
import type { EmulatorOptions, MakeBot, Mood } from './subject.js';
import { leave } from './leave.js';

/**
 * A node that does not know whether its shards are still its own, until somebody says so: nothing is handed over
 * before.
 */
function unsure(): { lease: OwnershipLease; confirm: () => void } {
  let isSure = false;
  let confirm = (): void => undefined;
  const trusted = new Promise<'confirmed'>((resolve) => {
    confirm = () => {
      isSure = true;
      resolve('confirmed');
    };
  });
  return {
    lease: { mayDeliver: () => isSure, isAwake: () => isSure, trusted: () => trusted, beforeResume: () => null },
    confirm,
  };
}

/** @param library its name, for the titles. */
export function describeShardHost(library: string, make: MakeBot): void {
  describe(`a shard host for ${library}`, () => {
    leakGuard({ beforeEach, afterEach }, { graceMs: 5_000 });

    let gateway: GatewayEmulator;
    const subjects: Subject[] = [];

    async function world(options: EmulatorOptions = {}): Promise<void> {
      gateway = await emulator(options);
    }

    async function bot(name: string, mood: Mood = {}): Promise<Subject> {
      const subject = new Subject(name, gateway, 4, make, mood);
      subjects.push(subject);
      await subject.host.sessionEstablished?.(subject.context);
      return subject;
    }

    afterEach(async () => {
      await Promise.all(subjects.splice(0).map((subject) => subject.close()));
      await gateway.close();
    });

    describe('starting and stopping', () => {
      test('identifies with a permit, becomes ready, hands over what comes, reports', async () => {
        await world({ rate: 200 });
        const a = await bot('a');
        await a.start(0, 1, 2, 3);
        await traffic(gateway, 50);
        expect(a.permits.map(({ shardId }) => shardId).toSorted((x, y) => x - y)).toEqual([0, 1, 2, 3]);
        await until(() => a.permits.every(({ ended }) => ended === true), { what: 'permits to be given back' });
        const reports = a.host.report?.() ?? [];
        expect(reports.map(({ shardId }) => shardId)).toEqual([0, 1, 2, 3]);
        expect(reports.every(({ session }) => session !== null)).toBe(true);
        expect(await verdictOf(gateway)).toMatchObject({ clean: true, identifies: { used: 4 } });
      });

      test('waits for the permit, and does not identify when it is stopped first', async () => {
        await world();
        const a = await bot('a');
        let release = (): void => undefined;
        a.hold = new Promise((resolve) => (release = resolve));
        await a.host.startShards([1], a.context);
        await until(() => a.permits.length === 1, { what: 'the request' });
        expect(gateway.ledger.verdict().identifies.used).toBe(0);
        expect(await a.host.stopShard(1, { keepSession: true })).toBeNull();
        release();
        await until(() => gateway.admin.status().sockets === 0, { what: 'the connection to be closed' });
        expect(gateway.ledger.verdict().identifies.used).toBe(0);
      });

      test('keeps the session at a stop, and its cursor is the last event that user code got', async () => {
        await world({ rate: 500 });
        const a = await bot('a');
        await a.start(0);
        await traffic(gateway, 50);
        const stopped = a.host.stopShard(0, { keepSession: true });
        const seen = a.seen.length;
        const cursor = await stopped;
        await traffic(gateway, 20);
        expect(a.seen).toHaveLength(seen);
        expect(cursor?.sequence).toBe(a.lastOf(0));
        expect(gateway.admin.status().sessions).toMatchObject([{ sessionId: cursor?.sessionId, attached: false }]);
        expect(a.phase(0)).toBe('absent');
      });

      test('ends the session at a final stop', async () => {
        await world();
        const a = await bot('a');
        await a.start(0);
        expect(await a.host.stopShard(0, { keepSession: false })).toBeNull();
        await until(() => gateway.admin.status().sessions.length === 0, { what: 'the session to end' });
      });

      test('does nothing when it is to stop a shard that it does not have', async () => {
        await world();
        const a = await bot('a');
        expect(await a.host.stopShard(3, { keepSession: true })).toBeNull();
      });
    });

    describe('migrating', () => {
      test('a shard resumes in another process from its cursor: no IDENTIFY, nothing lost or twice', async () => {
        await world({ rate: 300 });
        const [a, b] = [await bot('a'), await bot('b')];
        await a.start(0, 1);
        await traffic(gateway, 50);
        for (const shardId of [0, 1]) {
          const session = await leave(a.host, shardId);
          expect(session.sequence).toBe(a.lastOf(shardId));
          expect((await b.host.resumeShard(shardId, session, b.context)) ?? 'resumed').toBe('resumed');
          await a.host.released?.(shardId);
        }
        await b.ready(0, 1);
        await traffic(gateway, 50);
        expect(b.permits).toEqual([]);
        expect(await verdictOf(gateway)).toMatchObject({ clean: true, identifies: { used: 2 } });
      });

      test('a migration that is aborted lets the shard go on where it was', async () => {
        await world({ rate: 300 });
        const a = await bot('a');
        await a.start(0);
        await traffic(gateway, 30);
        const session = await leave(a.host, 0);
        await a.host.resumeShard(0, session, a.context);
        await a.ready(0);
        expect(await verdictOf(gateway)).toMatchObject({ clean: true, identifies: { used: 1 } });
      });

      test('a shard without a session does not move, and is not hurt by the attempt', async () => {
        await world();
        const a = await bot('a');
        let release = (): void => undefined;
        a.hold = new Promise((resolve) => (release = resolve));
        await a.host.startShards([0], a.context);
        await expect(leave(a.host, 0)).rejects.toThrow();
        release();
        await a.ready(0);
      });

      test('a shard in the middle of a replay that a dead node may have handled does not move: the next would not know what to mark', async () => {
        await world({ rate: 300 });
        const { lease, confirm } = unsure();
        const [a, b] = [await bot('a'), await bot('b', { lease })];
        await a.start(0);
        await traffic(gateway, 20);
        const checkpoint = a.host.report?.()[0]?.session as Cursor;
        await traffic(gateway, 40);
        await a.host.stopShard(0, { keepSession: true });
        // RESUMED has come, and the replay is kept.
        await b.host.resumeShard(0, checkpoint, b.context, { stateLost: false, redelivers: true });
        const refusal = { code: 'DSO_SHARD_NO_SESSION', message: expect.stringContaining('replay') as string };
        await expect(leave(b.host, 0)).rejects.toMatchObject(refusal);
        expect(b.lastOf(0)).toBeUndefined();
        const stopped = await b.host.stopShard(0, { keepSession: true });
        expect(stopped).toMatchObject({ sequence: checkpoint.sequence, redelivers: true });
        await b.host.resumeShard(0, checkpoint, b.context, { stateLost: false, redelivers: true });
        confirm();
        await traffic(gateway, 20);
        const moved = await leave(b.host, 0);
        expect(moved).toEqual({ ...checkpoint, sequence: b.lastOf(0) });
        await b.host.resumeShard(0, moved, b.context);
        await b.ready(0);
        expect(await verdictOf(gateway)).toMatchObject({ lost: 0, outOfOrder: 0, identifies: { used: 1 } });
      });

      // A bot was killed. Commands since its last heartbeat came again on the next node, where answering them was
      // refused; the bot died of that, and so did the next one.
      test('commands that a dead node may have answered do not come again; those after the takeover do', async () => {
        await world();
        const [a, b] = [await bot('a'), await bot('b')];
        await a.start(0);
        const { people, world: discord } = gateway;
        await registerCommand(gateway);
        const [guildId] = discord.guildIdsOf(0, 4);
        const place = { guildId: guildId ?? '' };
        const checkpoint = a.host.report?.()[0]?.session as Cursor;
        const commands = (of: Subject): number => of.seen.filter(({ type }) => type === 'INTERACTION_CREATE').length;
        people.useCommand('ping', {}, place);
        people.say('hello', place);
        await until(() => commands(a) === 1 && gateway.ledger.verdict().handled === 1, { what: 'the first node' });
        await a.host.stopShard(0, { keepSession: true });
        await b.host.resumeShard(0, checkpoint, b.context, { stateLost: false, redelivers: true });
        await b.ready(0);
        await until(() => b.seen.some(({ type }) => type === 'MESSAGE_CREATE'), { what: 'the message, again' });
        expect(commands(b)).toBe(0);
        people.useCommand('ping', {}, place);
        await until(() => commands(b) === 1, { what: 'the next command' });
        expect(b.lastOf(0)).toBe(b.host.report?.()[0]?.session?.sequence);
      });

      test('a shard that is frozen and unfrozen hands over nothing meanwhile, all of it afterwards, on the same connection', async () => {
        await world({ rate: 1_000 });
        const a = await bot('a');
        if (a.host.freeze === undefined) return;
        await a.start(0, 1);
        await traffic(gateway, 50);
        for (const shardId of [0, 1]) {
          expect((await a.host.freeze(shardId)).sequence).toBe(a.lastOf(shardId));
        }
        const seen = a.seen.length;
        await traffic(gateway, 200);
        expect(a.seen).toHaveLength(seen);
        expect(a.phase(0)).toBe('frozen');
        for (const shardId of [0, 1]) await a.host.unfreeze?.(shardId);
        await a.ready(0, 1);
        expect(await verdictOf(gateway)).toMatchObject({ clean: true, gaps: [], identifies: { used: 2 } });
      });

      test('a shard that is frozen and released keeps its session, and is resumed elsewhere from the cursor', async () => {
        await world({ rate: 500 });
        const [a, b] = [await bot('a'), await bot('b')];
        if (a.host.freeze === undefined) return;
        await a.start(0);
        await traffic(gateway, 50);
        const early = a.host.cursorOf?.(0) ?? null;
        if (early !== null) await b.host.preconnect?.(0, early, b.context);
        const cursor = await a.host.freeze(0);
        await traffic(gateway, 50);
        await a.host.release?.(0);
        expect((await b.host.resumeShard(0, cursor, b.context)) ?? 'resumed').toBe('resumed');
        await a.host.released?.(0);
        await b.ready(0);
        await traffic(gateway, 50);
        expect(await verdictOf(gateway)).toMatchObject({ clean: true, identifies: { used: 1 } });
      });

      test('a connection that is lost while the shard is frozen loses no event', async () => {
        await world({ rate: 300 });
        const a = await bot('a');
        if (a.host.freeze === undefined) return;
        await a.start(0);
        await traffic(gateway, 30);
        await a.host.freeze(0);
        await traffic(gateway, 20);
        gateway.admin.drop();
        await traffic(gateway, 20);
        await a.host.unfreeze?.(0);
        await a.ready(0);
        expect(await verdictOf(gateway)).toMatchObject({
          lost: 0,
          duplicated: 0,
          outOfOrder: 0,
          identifies: { used: 1 },
        });
      });

      test('state goes along, and is whole', async () => {
        await world({ rate: 100 });
        const [a, b] = [await bot('a'), await bot('b')];
        if (!('exportDelta' in a.host)) return;
        await a.start(0);
        a.state.set(0, new Map(Array.from({ length: 50 }, (_, index) => [`k${index}`, { index }])));
        const session = await a.host.freeze(0);
        await b.host.prepareTransferTo?.(0, session);
        const transfer = {
          send: async (event: string | number, value: unknown): Promise<void> => {
            await b.host.handleUserEvent?.(0, `${event}`, structuredClone(value));
          },
          handled: () => Promise.resolve(),
          signal: new AbortController().signal,
        };
        await a.host.exportState?.(0, transfer);
        await a.host.exportDelta?.(0, transfer);
        await a.host.release?.(0);
        await b.host.resumeShard(0, session, b.context);
        await a.host.released?.(0);
        expect(b.state.get(0)).toEqual(new Map(Array.from({ length: 50 }, (_, index) => [`k${index}`, { index }])));
        expect(await verdictOf(gateway)).toMatchObject({ clean: true, identifies: { used: 1 } });
      });
    });

    describe("through the gateway's moods", () => {
      test.each<[string, () => number]>([
        ['op 7', () => gateway.admin.reconnect()],
        ['a cut connection', () => gateway.admin.drop()],
        ['4000', () => gateway.admin.drop({}, { code: 4000 })],
        ['1000 from Discord', () => gateway.admin.drop({}, { code: 1000 })],
        ['4008', () => gateway.admin.drop({}, { code: 4008 })],
        ['op 9 resumable', () => gateway.admin.invalidate({}, { resumable: true })],
      ])(
        'a shard is resumed without a permit after %s, and nothing is lost',
        async (_, fault) => {
          await world({ rate: 200 });
          const a = await bot('a');
          await a.start(0, 1);
          await traffic(gateway, 20);
          expect(fault()).toBe(2);
          await until(() => gateway.ledger.verdict().gaps.length >= 2, {
            what: 'both shards to be resumed',
            timeoutMs: 15_000,
          });
          expect(a.permits).toHaveLength(2);
          expect(await verdictOf(gateway)).toMatchObject({
            lost: 0,
            duplicated: 0,
            outOfOrder: 0,
            identifies: { used: 2 },
          });
        },
        30_000,
      );

      test.each(['refuse', 'unavailable', 'silent'] as const)(
        'a resume URL that is dead (%s) is left for the generic one, and the session is resumed',
        async (mode) => {
          await world({ rate: 100 });
          const [a, b] = [await bot('a'), await bot('b')];
          await a.start(0);
          await gateway.admin.setResumeHost(mode);
          const session = await leave(a.host, 0);
          await b.host.resumeShard(0, session, b.context);
          await a.host.released?.(0);
          await b.ready(0);
          expect(b.permits).toEqual([]);
          expect(await verdictOf(gateway)).toMatchObject({ clean: true, identifies: { used: 1 } });
        },
        30_000,
      );

      // A RESUME carries the bot's token, and hosts sent it to whatever URL a session came with.
      test("a resume URL of a stranger's host is not connected to, and the session is resumed at the generic one", async () => {
        await world({ rate: 100 });
        const [a, b] = [await bot('a'), await bot('b')];
        let calls = 0;
        const stranger = createServer((socket) => {
          calls += 1;
          socket.destroy();
        });
        await once(stranger.listen(0, 'localhost'), 'listening');
        const { port } = stranger.address() as AddressInfo;
        await a.start(0);
        const session = await leave(a.host, 0);
        await b.host.resumeShard(0, { ...session, resumeGatewayUrl: `ws://localhost:${port}` }, b.context);
        await a.host.released?.(0);
        await b.ready(0);
        await once(stranger.close(), 'close');
        expect(calls).toBe(0);
        expect(b.permits).toEqual([]);
        expect(await verdictOf(gateway)).toMatchObject({ clean: true, identifies: { used: 1 } });
      });

      test('an invalid session asks for a permit, then identifies', async () => {
        await world({ rate: 100 });
        const a = await bot('a');
        await a.start(0);
        const before = a.host.report?.()[0]?.session?.sessionId;
        gateway.admin.invalidate({ shards: [0] });
        await until(() => a.permits.length === 2 && a.permits[1]?.ended === true, {
          what: 'the shard to identify anew',
          timeoutMs: 15_000,
        });
        await a.ready(0);
        expect(a.host.report?.()[0]?.session?.sessionId).not.toBe(before);
        expect(gateway.ledger.verdict().identifies.used).toBe(2);
        // What came in between reached nobody: the bot is told, so that it can fetch it.
        await until(() => a.missed.length === 1, { what: 'the bot to be told' });
        const [missed] = a.missed;
        expect(missed?.shardId).toBe(0);
        expect(missed?.guilds.length).toBeGreaterThan(0);
        expect(missed?.lostTo.getTime()).toBeGreaterThan(missed?.lostFrom.getTime() ?? Infinity);
      }, 30_000);

      test('a resume whose session is gone is done when the shard is ready in a new one, and not before', async () => {
        await world();
        const [a, b] = [await bot('a'), await bot('b')];
        await a.start(0);
        const session = await leave(a.host, 0);
        gateway.admin.expire();
        let release = (): void => undefined;
        b.hold = new Promise((resolve) => (release = resolve));
        let outcome: string | null = null;
        const resumed = b.host.resumeShard(0, session, b.context).then((how) => (outcome = how ?? 'sessionLost'));
        await until(() => b.permits.length === 1, { what: 'the request for a permit', timeoutMs: 15_000 });
        expect(gateway.ledger.verdict().identifies.used).toBe(1);
        expect(outcome).toBeNull();
        expect(b.phase(0)).toBe('waiting');
        release();
        await resumed;
        expect(outcome).toBe('sessionLost');
        expect(b.phase(0)).toBe('ready');
      }, 30_000);

      // A RESUME that Discord did not answer for 30 s was a failed move: the shard was stopped on both nodes, and its
      // session thrown away.
      test('RESUMEs that are never answered are few, and the session lives on until one is', async () => {
        await world({ rate: 100 });
        const [a, b] = [await bot('a'), await bot('b')];
        await a.start(0);
        await traffic(gateway, 10);
        const session = await leave(a.host, 0);
        gateway.admin.answerResumes('never');
        const resumed = b.host.resumeShard(0, session, b.context);
        await until(() => gateway.admin.status().asked.resume === 2, { what: 'a second RESUME', timeoutMs: 15_000 });
        expect(b.host.report?.()[0]?.session).toMatchObject({
          sessionId: session.sessionId,
          sequence: session.sequence,
        });
        gateway.admin.answerResumes('serve');
        expect((await resumed) ?? 'resumed').toBe('resumed');
        await a.host.released?.(0);
        expect(gateway.admin.status().asked.resume).toBeLessThanOrEqual(4);
        expect(b.permits).toEqual([]);
        expect(await verdictOf(gateway)).toMatchObject({ lost: 0, duplicated: 0, identifies: { used: 1 } });
      }, 40_000);

      // The library RESUMEd on its own socket at once, each time: 8,000 RESUMEs a second while Discord said "invalid,
      // try again".
      test('op 9 resumable for a while makes pauses that grow, and the session lives on', async () => {
        await world({ rate: 100 });
        const a = await bot('a');
        await a.start(0);
        await traffic(gateway, 10);
        gateway.admin.answerResumes('resumable', {}, { forMs: 3_000 });
        gateway.admin.drop();
        await until(() => a.seen.some(({ type }) => type === 'RESUMED'), { what: 'RESUMED', timeoutMs: 25_000 });
        expect(gateway.admin.status().asked.resume).toBeLessThanOrEqual(5);
        expect(a.permits).toHaveLength(1);
        expect(await verdictOf(gateway)).toMatchObject({ lost: 0, duplicated: 0, identifies: { used: 1 } });
      }, 40_000);

      test('a session whose every RESUME is refused is given up, and the shard identifies with a permit', async () => {
        await world();
        const a = await bot('a');
        await a.start(0);
        gateway.admin.answerResumes('refuse');
        gateway.admin.drop();
        await until(() => a.permits.length === 2 && a.permits[1]?.ended === true, {
          what: 'the shard to identify anew',
          timeoutMs: 20_000,
        });
        await a.ready(0);
        expect(gateway.admin.status().asked).toEqual({ identify: 2, resume: 1 });
        expect(a.logged.join()).toContain('session is gone');
      }, 40_000);

      // Discord was away while a shard moved: the destination gave up after 30 s, and what the session could have
      // replayed was lost.
      test.each(['hang-up', 'silent'] as const)(
        'a gateway that is away (%s) while a shard moves has the session resumed when it is back',
        async (how) => {
          await world({ rate: 100 });
          const [a, b] = [await bot('a'), await bot('b')];
          await a.start(0, 1);
          await traffic(gateway, 10);
          const session = await leave(a.host, 0);
          await gateway.admin.takeGatewayAway({ how, forMs: 5_000 });
          expect((await b.host.resumeShard(0, session, b.context)) ?? 'resumed').toBe('resumed');
          await a.host.released?.(0);
          await until(() => a.phase(1) === 'ready', { what: 'the other shard to be back', timeoutMs: 20_000 });
          expect(a.permits.length + b.permits.length).toBe(2);
          expect(await verdictOf(gateway)).toMatchObject({ lost: 0, duplicated: 0, identifies: { used: 2 } });
        },
        60_000,
      );

      test('4014 while running is refused for good, reported with the code, and left alone', async () => {
        await world({ rate: 100 });
        const a = await bot('a');
        await a.start(0, 1);
        const before = a.host.report?.().find(({ shardId }) => shardId === 0)?.session;
        gateway.admin.drop({ shards: [0] }, { code: 4014 });
        await until(() => a.logged.some((line) => line.includes('4014')), { what: 'it to be said' });
        const report = a.host.report?.().find(({ shardId }) => shardId === 0);
        expect(report).toMatchObject({ phase: 'disconnected', refused: 4014 });
        expect(report?.session?.sessionId).toBe(before?.sessionId);
        await traffic(gateway, 50);
        expect(gateway.admin.status()).toMatchObject({ sockets: 1, asked: { identify: 2, resume: 0 } });
        await a.host.stopShard(0, { keepSession: true });
      });

      test('a connection that lost its session without a word is found out, and what was missed is handed over', async () => {
        await world({ rate: 100, doubleAttach: 'silence-old' });
        const [a, b] = [await bot('a'), await bot('b', { quietMs: 300 })];
        await a.start(0);
        const session = await leave(a.host, 0);
        await b.host.resumeShard(0, session, b.context);
        await b.ready(0);
        await traffic(gateway, 20);
        // Somebody who was cut off for too long takes it, and is gone.
        await a.host.resumeShard(0, b.host.report?.()[0]?.session as Cursor, a.context);
        await a.host.stopShard(0, { keepSession: true });
        await until(() => gateway.admin.status().sessions.some(({ attached }) => attached), { what: 'it to be back' });
        await traffic(gateway, 20);
        expect(await verdictOf(gateway)).toMatchObject({ lost: 0, outOfOrder: 0, identifies: { used: 1 } });
      });

      // Operators told of fifteen hours on such a socket, with every heartbeat acknowledged.
      test('a connection that goes deaf is found out by what is usual for the shard, and what was missed is handed over', async () => {
        await world({ rate: 100 });
        const a = await bot('a', { quietMs: 100 });
        await a.start(0);
        await traffic(gateway, 150);
        expect(gateway.admin.deafen({ shards: [0] })).toBe(1);
        const { resume } = gateway.admin.status().asked;
        await until(() => gateway.admin.status().asked.resume > resume, { what: 'it to be found out' });
        await traffic(gateway, 20);
        expect(await verdictOf(gateway)).toMatchObject({ lost: 0, outOfOrder: 0, identifies: { used: 1 } });
      });

      test('a shard that is stopped while it reconnects stays stopped', async () => {
        await world({ rate: 100 });
        let goOn = (): void => undefined;
        let slow: Promise<'confirmed'> | null = null;
        const trusting: OwnershipLease = {
          mayDeliver: () => true,
          isAwake: () => true,
          trusted: () => Promise.resolve('confirmed'),
          beforeResume: () => slow,
        };
        const [a, b] = [await bot('a', { lease: trusting }), await bot('b')];
        await a.start(0);
        slow = new Promise((resolve) => (goOn = () => resolve('confirmed')));
        gateway.admin.drop();
        await until(() => gateway.admin.status().sockets === 0, { what: 'the connection to be gone' });
        const cursor = await a.host.stopShard(0, { keepSession: true });
        goOn();
        expect(cursor).not.toBeNull();
        await b.host.resumeShard(0, cursor as Cursor, b.context);
        await b.ready(0);
        await traffic(gateway, 40);
        expect(gateway.admin.status().sockets).toBe(1);
        expect(await verdictOf(gateway)).toMatchObject({
          lost: 0,
          duplicated: 0,
          violations: [],
          identifies: { used: 1 },
        });
      });
    });
  });
}
