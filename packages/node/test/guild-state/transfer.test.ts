import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyState, reduce } from '../../src/guild-state/reduce.js';
import type { ShardState } from '../../src/guild-state/reduce.js';
import { KEEP_ALL } from '../../src/guild-state/people.js';
import { IncomingGuilds, OutgoingGuilds } from '../../src/guild-state/transfer.js';
import type { GuildPart } from '../../src/guild-state/transfer.js';
import { begin, EVERYTHING, inWorld, kept, shownByWorld } from './world.js';

const read = (text: string): GuildPart => JSON.parse(text) as GuildPart;

/** Moves a shard while `meanwhile` happens between two parts; what is said at the end is what the destination has. */
function move(from: ShardState, meanwhile: () => void): { state: ShardState; parts: number } {
  const out = new OutgoingGuilds(from);
  const incoming = new IncomingGuilds(KEEP_ALL);
  let parts = 0;
  const send = (texts: Iterable<string>, between: () => void): void => {
    for (const text of texts) {
      incoming.take(read(text));
      parts++;
      between();
    }
  };
  send(out.everything(), meanwhile);
  send(out.changes(), meanwhile);
  expect(incoming.whole()).toBeNull();
  // Frozen: nothing happens meanwhile.
  send(out.changes(), () => undefined);
  send([out.done()], () => undefined);
  expect(out.pending).toBe(0);
  out.end();
  const state = incoming.whole();
  if (state === null) throw new Error('The copy is not whole.');
  return { state, parts };
}

describe('guilds that move', () => {
  test('are at their destination what they are in the world, whatever happens while they are copied', async () => {
    const moves = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1_000_000 }), moves, async (seed, bursts) => {
        await inWorld(seed, (gateway, first) => {
          let here = first;
          gateway.onEmitted(({ type, json }) => {
            if (here !== first) reduce(here, { t: type, d: JSON.parse(json) as unknown });
          });
          begin(gateway, first);
          gateway.traffic.setMix(EVERYTHING);
          for (const burst of bursts) {
            gateway.traffic.burst(burst);
            here = move(here, () => gateway.traffic.burst(burst % 5)).state;
            expect(kept(here)).toEqual(shownByWorld(gateway));
            gateway.traffic.burst(burst);
            expect(kept(here)).toEqual(shownByWorld(gateway));
          }
        });
      }),
      { numRuns: 25 },
    );
  });

  test('are sent again as far as they have changed, and as a whole when they came anew', async () => {
    await inWorld(3, (gateway, state) => {
      begin(gateway, state);
      const [id = ''] = state.guilds.keys();
      const out = new OutgoingGuilds(state);
      expect([...out.everything()].length).toBeGreaterThan(20);
      expect([...out.changes()]).toEqual([]);
      const member = gateway.world.guild(id)?.ownerId ?? '';
      gateway.people.edit(id, { kind: 'member', id: member, data: { nick: 'Doc' } });
      expect(out.pending).toBe(1);
      const parts = [...out.changes()].map(read);
      expect(parts).toMatchObject([{ kind: 'put', id, part: 'members', items: [{ nick: 'Doc' }] }]);
      reduce(state, { t: 'GUILD_DELETE', d: { id, unavailable: true } });
      expect([...out.changes()].map(read)).toEqual([{ kind: 'unavailable', id }]);
    });
  });

  test('are not there when they went meanwhile, and the copy is not taken when one is missing', async () => {
    await inWorld(4, (gateway, state) => {
      begin(gateway, state);
      const [id = ''] = state.guilds.keys();
      const { state: moved } = move(state, () => reduce(state, { t: 'GUILD_DELETE', d: { id } }));
      expect([...moved.guilds.keys()]).toEqual([...state.guilds.keys()]);
      expect(moved.guilds.has(id)).toBe(false);
      const out = new OutgoingGuilds(state);
      const incoming = new IncomingGuilds(KEEP_ALL);
      const texts = [...out.everything(), out.done()];
      texts.filter((text) => !text.includes(`"kind":"guild"`)).forEach((text) => incoming.take(read(text)));
      expect(incoming.whole()).toBeNull();
    });
  });

  test('are not taken when they are of another format, and come from Discord', () => {
    const incoming = new IncomingGuilds(KEEP_ALL);
    incoming.take({ kind: 'shard', format: 0, user: { id: '1' }, application: { id: '1' } });
    incoming.take({ kind: 'unavailable', id: '5' });
    incoming.take({ kind: 'done', user: { id: '1' }, guildIds: [] });
    expect(incoming.whole()).toBeNull();
  });

  test('take the parts of a large guild in pieces', () => {
    const state = emptyState();
    const members = Array.from({ length: 2_000 }, (_, index) => ({
      user: { id: `${index}`, username: `user-${index}` },
      roles: [],
    }));
    reduce(state, { t: 'READY', d: { user: { id: '1' }, application: { id: '1' }, guilds: [] } });
    reduce(state, { t: 'GUILD_CREATE', d: { id: '5', member_count: 2_000, members } });
    const texts = [...new OutgoingGuilds(state).everything()];
    expect(Math.max(...texts.map((text) => text.length))).toBeLessThan(20_000);
    expect(texts.length).toBeGreaterThan(5);
  });
});
