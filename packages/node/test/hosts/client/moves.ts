/**
 * What every host for a library's own client has to do with its caches and events, run with the real library against
 * the emulator.
 */
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { leakGuard, until } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OrchestratedOptions } from '../../../src/hosts/client/options.js';
import { EVERYTHING } from '../../guild-state/world.js';
import { emulator } from '../subject.js';
import { TEST_TIMEOUTS } from '../timeouts.js';
import { Actor } from './scene.js';
import type { MakeClientBot } from './scene.js';

const SHARDS = 2;

export function describeClientMoves(library: string, make: MakeClientBot): void {
  describe(`${library}: a shard that moves`, () => {
    leakGuard({ beforeEach, afterEach }, { graceMs: 5_000 });

    let gateway: GatewayEmulator;
    const actors: Actor[] = [];
    let rounds = 0;

    beforeEach(async () => {
      gateway = await emulator({ shards: SHARDS, guilds: 6, members: 12 });
    });

    afterEach(async () => {
      await Promise.all(actors.splice(0).map((actor) => actor.close()));
      await gateway.close();
    });

    function actor(name: string, options: OrchestratedOptions = {}): Actor {
      const made = new Actor(name, gateway, SHARDS, make, {
        ...options,
        timeouts: { ...TEST_TIMEOUTS, ...options.timeouts },
      });
      actors.push(made);
      return made;
    }

    /** Nothing more is on its way to the bot of this shard. */
    async function settled(...all: Actor[]): Promise<void> {
      const last = guildIds().map((guildId) => {
        rounds++;
        gateway.people.say(`last ${rounds}`, { guildId });
        return `message last ${rounds}`;
      });
      await until(() => all.every(({ bot }) => last.every((event) => bot.events.includes(event))), {
        what: 'the last messages',
      });
    }

    /** A process that begins now, and has seen as much as `other`. */
    async function begun(other: Actor): Promise<Actor> {
      const witness = actor('witness');
      await witness.start(0);
      await settled(other, witness);
      return witness;
    }

    const guildIds = (shardId = 0): string[] => [...gateway.world.guildsOf(shardId, SHARDS)].map(({ id }) => id);
    const ofShards = (events: readonly string[]): string[] => events.filter((event) => !event.startsWith('message'));

    test('has whole caches, as those of a session that begins now, whatever happened meanwhile', async () => {
      const [a, b] = [actor('a'), actor('b')];
      await a.start(0);
      gateway.traffic.setMix(EVERYTHING);
      gateway.traffic.start(300);
      for (let round = 0; round < 3; round++) {
        const [from, to] = round % 2 === 0 ? [a, b] : [b, a];
        await until(() => gateway.traffic.made > 100 * (round + 1), { what: 'things to happen' });
        await from.move(0, to);
      }
      gateway.traffic.stop();
      await settled(b);
      // What a library forgets to do in the course of events is not asked here.
      await b.move(0, a);
      await settled(a);
      const witness = await begun(a);
      expect(a.bot.shown()).toEqual(witness.bot.shown());
      expect(b.bot.guildIds()).toEqual([]);
      expect([a.identifies, b.identifies]).toEqual([1, 0]);
      expect(gateway.ledger.verdict().violations).toEqual([]);
    }, 60_000);

    test('tells that it is ready, once, and neither that guilds came nor that they went', async () => {
      const [a, b] = [actor('a'), actor('b')];
      await a.start(0, 1);
      const before = a.bot.events.length;
      await a.move(0, b);
      await a.move(1, b);
      await settled(b);
      const left = ofShards(a.bot.events.slice(before));
      expect(left.filter((event) => !/shardMoved|shardLeaving/u.test(event))).toEqual([]);
      const came = ofShards(b.bot.events);
      expect(came.filter((event) => event === 'ready')).toHaveLength(1);
      expect(came.filter((event) => /guildCreate|guildDelete|guildUnavailable/u.test(event))).toEqual([]);
      const messages = b.bot.events.findIndex((event) => event.startsWith('message'));
      expect(b.bot.events.indexOf('ready')).toBeLessThan(messages);
    });

    test('makes the client ready while the origin still serves; what is sent then waits for the shard', async () => {
      const [a, b] = [actor('a'), actor('b')];
      await a.start(0);
      const [guildId = ''] = guildIds();
      let members: Promise<number> = Promise.resolve(0);
      b.bot.onReady(() => {
        b.bot.setPresence(0, 'in ready');
        members = b.bot.fetchMembers(guildId);
        return members;
      });
      await a.copy(0, b);
      expect(b.bot.events).toContain('ready');
      expect(a.host.report()).toMatchObject([{ shardId: 0, phase: 'ready' }]);
      gateway.people.say('still there', { guildId });
      await until(() => a.bot.events.includes('message still there'), { what: 'the origin to serve' });
      const cursor = await a.migrate(0, b);
      await b.host.resumeShard(0, cursor, b.context);
      await a.host.released(0);
      expect(await members).toBe(gateway.world.guild(guildId)?.memberCount);
      expect(b.identifies).toBe(0);
    });

    test('leaves nothing behind where it was shown when it does not come after all', async () => {
      const [a, b] = [actor('a'), actor('b')];
      await a.start(0);
      await a.copy(0, b);
      expect(b.bot.guildIds().length).toBeGreaterThan(0);
      await b.host.abortTransferTo(0);
      a.host.stays(0);
      expect(b.bot.guildIds()).toEqual([]);
      expect(b.host.shardsInClient()).toEqual([]);
      await a.move(0, b);
      await settled(b);
      expect(b.bot.guildIds().toSorted()).toEqual(guildIds().toSorted());
    });

    test('can send presence, requests for members and voice states', async () => {
      const [a, b] = [actor('a'), actor('b')];
      await a.start(0);
      await a.move(0, b);
      const [guildId = ''] = guildIds();
      const guild = gateway.world.guild(guildId);
      b.bot.setPresence(0, 'after the move');
      expect(await b.bot.fetchMembers(guildId)).toBe(guild?.memberCount);
      b.bot.joinVoice(guildId, guild?.voiceChannelIds()[0] ?? '');
      await until(() => b.bot.events.includes(`voice ${guildId}`), { what: 'the bot to be in the channel' });
    });

    test('answers for a while where it left, where something is looked up by its id', async () => {
      const [a, b] = [actor('a', { lingerMs: 60_000 }), actor('b')];
      if (a.bot.hasCaches === false) return;
      await a.start(0);
      const [guildId = ''] = guildIds();
      const channelId = gateway.world.guild(guildId)?.textChannels[0]?.id ?? '';
      await a.move(0, b);
      expect(a.bot.guildIds()).toEqual([]);
      expect(a.bot.finds(guildId, channelId)).toBe(true);
      await b.move(0, a);
      await settled(a);
      expect(a.bot.guildIds().toSorted()).toEqual(guildIds().toSorted());
      expect(a.bot.finds(guildId, channelId)).toBe(true);
      await a.host.stopShard(0, { keepSession: true });
      // It was let go of here: a handler whose promise nobody had lost its guild as soon as the node had ended.
      await a.host.shutdown();
      expect([a.bot.finds(guildId, channelId), a.bot.guildIds()]).toEqual([true, []]);
    });

    test('takes along a guild that is not available as such, and it is no new one when it is back', async () => {
      const [a, b] = [actor('a'), actor('b')];
      await a.start(0);
      const [guildId = ''] = guildIds();
      gateway.admin.beginOutage([guildId]);
      await until(() => a.bot.events.includes(`guildUnavailable ${guildId}`), { what: 'the outage' });
      await a.move(0, b);
      expect(b.bot.guildIds()).not.toContain(guildId);
      gateway.admin.endOutage([guildId]);
      await settled(b);
      const witness = await begun(b);
      expect(b.bot.shown()).toEqual(witness.bot.shown());
      expect(b.bot.events).toContain(`guildAvailable ${guildId}`);
      expect(b.bot.events).not.toContain(`guildCreate ${guildId}`);
    });

    test('is resumed at once when its node died, and its guilds come from Discord by one IDENTIFY', async () => {
      const [a, b] = [actor('a'), actor('b')];
      await a.start(0);
      const checkpoint = a.host.cursorOf(0);
      gateway.people.say('while nobody was there', { guildId: guildIds()[0] ?? '' });
      await a.host.stopShard(0, { keepSession: true });
      if (checkpoint === null) throw new Error('There is no cursor.');
      await b.host.prepareTransferTo(0, checkpoint);
      await b.host.stateLost(0);
      await b.host.resumeShard(0, checkpoint, b.context, { stateLost: true, redelivers: true });
      await b.ready(0);
      await settled(b);
      expect(b.identifies).toBe(1);
      expect(b.bot.events.filter((event) => event === 'message while nobody was there')).toHaveLength(1);
      const witness = await begun(b);
      expect(b.bot.shown()).toEqual(witness.bot.shown());
    });

    test('brings the bot’s own state before the first event, and is not taken where that is refused', async () => {
      const given: unknown[] = [];
      const own = {
        exportShard: (shardId: number) => ({ shardId, count: 7 }),
        importShard: (_: number, state: unknown) => void given.push(state),
      };
      const refuses = { ...own, importShard: () => Promise.reject(new Error('no')) };
      const [a, b, c] = [actor('a', own), actor('b', own), actor('c', refuses)];
      await a.start(0);
      await a.move(0, b);
      expect(given).toEqual([{ shardId: 0, count: 7 }]);
      await b.copy(0, c);
      const cursor = await b.migrate(0, c);
      await expect(c.host.resumeShard(0, cursor, c.context)).rejects.toMatchObject({ code: 'DSO_IMPORT_FAILED' });
      expect(c.bot.guildIds()).toEqual([]);
      await b.host.resumeShard(0, cursor, b.context);
      await settled(b);
      expect(b.identifies + c.identifies).toBe(0);
    });
  });
}
