/** What an identified client asks for, and is answered. */
import { describe, expect, test } from 'vitest';
import { intents } from '../../src/core/discord.js';
import type { Client } from './harness.js';
import { Harness } from './harness.js';
import { botId, guildId, smallWorld, voiceChannelId } from './small-world.js';

function identified(harness: Harness, bits = 0): Client {
  return harness.connect().identify([0, 1], { intents: bits });
}

function small({ members = 3, bits = 0 }: { members?: number; bits?: number } = {}): {
  harness: Harness;
  client: Client;
} {
  const harness = new Harness({ identifyWindowMs: 0 }, smallWorld({ members }));
  return { harness, client: identified(harness, bits) };
}

/** The data of all dispatches of a type. */
function data(client: Client, type: string): unknown[] {
  return client.received.filter(({ t }) => t === type).map(({ d }) => d);
}

describe('a client is closed with 4001 for', () => {
  test.each([
    [3, 3],
    [3, { status: 'sleeping' }],
    [3, { afk: 1 }],
    [3, { since: 'now' }],
    [3, { activities: {} }],
    [3, { activities: [{ name: 1, type: 0 }] }],
    [4, {}],
    [4, { guild_id: 5 }],
    [4, { guild_id: guildId, channel_id: 5 }],
    [4, { guild_id: guildId, self_mute: 'no' }],
    [8, {}],
    [8, { guild_id: [guildId], query: '', limit: 0 }],
    [8, { guild_id: guildId }],
    [8, { guild_id: guildId, query: 1, limit: 0 }],
    [8, { guild_id: guildId, query: '', limit: -1 }],
    [8, { guild_id: guildId, user_ids: [1] }],
    [8, { guild_id: guildId, query: '', limit: 0, presences: 1 }],
    [31, {}],
    [31, { guild_ids: [1] }],
    [43, { guild_id: guildId }],
    [43, { fields: [] }],
    [43, { guild_id: guildId, fields: [1] }],
  ])('opcode %i with %o', (op, d) => {
    const { harness, client } = small();
    expect(client.send({ op, d }).closedWith).toBe(4001);
    expect(harness.violations()).toEqual(['bad-payload']);
    expect(harness.connect().resume(client.sessionId, 1).last?.t).toBe('RESUMED');
  });

  test('an IDENTIFY with a presence that is no presence', () => {
    expect(new Harness().connect().identify([0, 1], { presence: { status: 1 } }).closedWith).toBe(4001);
  });
});

describe('presence (op 3)', () => {
  test('is kept over a RESUME, and begins with that of IDENTIFY', () => {
    const harness = new Harness();
    const client = harness
      .connect()
      .identify([0, 1], { presence: { status: 'idle', activities: [], since: null, afk: false } });
    const session = [...harness.state.sessions.values()][0];
    expect(session?.presence.status).toBe('idle');
    client.send({
      op: 3,
      d: { since: 91_879_201, activities: [{ name: 'a game', type: 0 }], status: 'dnd', afk: true },
    });
    client.close(4200);
    harness.connect().resume(client.sessionId, 1);
    expect(session?.presence).toEqual({ status: 'dnd', activities: ['a game'], afk: true });
  });
});

describe('voice (op 4)', () => {
  const join = { op: 4, d: { guild_id: guildId, channel_id: voiceChannelId, self_mute: true, self_deaf: false } };
  const leave = { op: 4, d: { ...join.d, channel_id: null } };

  test('joining shows every session the voice state, and tells the one that asked where the server is', () => {
    const { harness, client } = small({ bits: intents.guildVoiceStates });
    const other = identified(harness, intents.guildVoiceStates);
    const without = identified(harness);
    client.send(join);
    const state = { channel_id: voiceChannelId, user_id: botId, session_id: client.sessionId, self_mute: true };
    for (const { last, seen } of [client, other]) {
      expect(seen).toContain('VOICE_STATE_UPDATE');
      expect(last).toBeDefined();
    }
    expect(data(other, 'VOICE_STATE_UPDATE')).toMatchObject([{ ...state, member: { user: { id: botId } } }]);
    expect(client.last).toMatchObject({ t: 'VOICE_SERVER_UPDATE', d: { guild_id: guildId } });
    expect(other.seen).not.toContain('VOICE_SERVER_UPDATE');
    expect(without.seen).toEqual(['op10', 'READY']);
    expect(harness.ledger.verdict()).toMatchObject({ emitted: 0, clean: true });
  });

  test('muting oneself needs no new server, hanging up ends it, hanging up again does nothing', () => {
    const { client } = small({ bits: intents.guildVoiceStates });
    client.send(join).send({ op: 4, d: { ...join.d, self_mute: false } });
    expect(data(client, 'VOICE_SERVER_UPDATE')).toHaveLength(1);
    client.send(leave).send(leave);
    expect(data(client, 'VOICE_STATE_UPDATE')).toMatchObject([
      { self_mute: true },
      { self_mute: false },
      { channel_id: null },
    ]);
  });

  test('joining again where it is, and in another channel, gives a new token each time', () => {
    const harness = new Harness({ guilds: 1 });
    const guild = harness.world.guildAt(0);
    const [here = '', there = ''] = guild.voiceChannelIds();
    const client = harness.connect().identify([0, 1], { intents: 1 | intents.guildVoiceStates });
    const d = { guild_id: guild.id, self_mute: false, self_deaf: true };
    for (const channel_id of [here, here, there, there]) client.send({ op: 4, d: { ...d, channel_id } });
    expect(data(client, 'VOICE_STATE_UPDATE').map((state) => (state as { channel_id: string }).channel_id)).toEqual([
      here,
      here,
      there,
      there,
    ]);
    const tokens = data(client, 'VOICE_SERVER_UPDATE').map((server) => (server as { token: string }).token);
    expect(new Set(tokens).size).toBe(4);
    expect(harness.state.voice.get(guild.id)?.token).toBe(tokens[3]);
  });

  test('is in GUILD_CREATE for a session that starts meanwhile, if it sees voice states', () => {
    const harness = new Harness({ guilds: 1, identifyWindowMs: 0 });
    const guild = harness.world.guildAt(0);
    const [channel_id] = guild.voiceChannelIds();
    const client = harness.connect().identify([0, 1], { intents: 1 | intents.guildVoiceStates });
    client.send({ op: 4, d: { guild_id: guild.id, channel_id, self_mute: false, self_deaf: true } });
    const voiceStates = (bits: number): unknown[] => {
      const other = harness.connect().identify([0, 1], { intents: bits });
      const [created] = data(other, 'GUILD_CREATE') as { voice_states: { user_id: string }[] }[];
      return created?.voice_states.filter(({ user_id }) => user_id === harness.world.userId) ?? [];
    };
    expect(voiceStates(1 | intents.guildVoiceStates)).toMatchObject([
      { channel_id, session_id: client.sessionId, self_deaf: true },
    ]);
    expect(voiceStates(1)).toEqual([]);
  });

  test('a RESUME keeps it, a new session does not', () => {
    const { harness, client } = small({ bits: intents.guildVoiceStates });
    client.send(join).close(4200);
    const resumed = harness.connect().resume(client.sessionId, client.last?.s ?? 0);
    expect(harness.state.voice.size).toBe(1);
    const other = identified(harness, intents.guildVoiceStates);
    resumed.close(1000);
    expect(harness.state.voice.size).toBe(0);
    expect(other.last).toMatchObject({ t: 'VOICE_STATE_UPDATE', d: { channel_id: null } });
  });

  test.each([
    ['a channel that is no voice channel', { ...join.d, channel_id: '78' }],
    ['a guild that the bot is not in', { ...join.d, guild_id: '5' }],
  ])('is not changed by a request for %s', (_what, d) => {
    expect(small({ bits: intents.guildVoiceStates }).client.send({ op: 4, d }).seen).toEqual(['op10', 'READY']);
  });
});

describe('members (op 8)', () => {
  const all = { op: 8, d: { guild_id: guildId, query: '', limit: 0, nonce: 'n1' } };

  test('come in chunks of 1000 members', () => {
    const { client } = small({ members: 2_000, bits: intents.guildMembers });
    client.send(all);
    const chunks = data(client, 'GUILD_MEMBERS_CHUNK') as { members: unknown[] }[];
    expect(chunks.map(({ members }) => members.length)).toEqual([1_000, 1_000, 1]);
    expect(chunks).toMatchObject(
      [0, 1, 2].map((index) => ({ guild_id: guildId, chunk_index: index, chunk_count: 3, nonce: 'n1' })),
    );
  });

  test('all of them once in 30 s per guild, whoever asks; then RATE_LIMITED says when', () => {
    const { harness, client } = small({ bits: intents.guildMembers });
    const other = identified(harness, intents.guildMembers);
    client.send(all);
    harness.advance(29_000);
    other.send(all);
    expect(other.last).toMatchObject({
      t: 'RATE_LIMITED',
      d: { opcode: 8, retry_after: 1, meta: { guild_id: guildId, nonce: 'n1' } },
    });
    expect(harness.violations()).toEqual(['members-too-early']);
    harness.advance(1_000);
    expect(other.send(all).last?.t).toBe('GUILD_MEMBERS_CHUNK');
  });

  test('that are all asked for need the GUILD_MEMBERS intent', () => {
    const { harness, client } = small();
    expect(client.send(all).seen).toEqual(['op10', 'READY']);
    expect(harness.violations()).toEqual(['request-without-intent']);
  });

  test('by prefix of a name there are at most 100', () => {
    const { client } = small({ members: 300 });
    const ask = (query: string, limit: number): number => {
      client.send({ op: 8, d: { guild_id: guildId, query, limit } });
      const { members } = client.last!.d as unknown as { members: unknown[] };
      return members.length;
    };
    expect([ask('USER-', 0), ask('user-1', 5), ask('nick of user-29', 50), ask('nobody', 1), ask('', 1_000)]).toEqual([
      100, 5, 11, 0, 100,
    ]);
  });

  test('by id, with those that are not there', () => {
    const { client } = small();
    client.send({ op: 8, d: { guild_id: guildId, user_ids: ['10', '99'], nonce: 'x'.repeat(33) } });
    expect(client.last?.d).toEqual({
      guild_id: guildId,
      chunk_index: 0,
      chunk_count: 1,
      not_found: ['99'],
      members: [{ user: { id: '10', username: 'user-0' } }],
    });
    client.send({ op: 8, d: { guild_id: guildId, user_ids: '11', limit: 0 } });
    expect(client.last?.d).toMatchObject({ members: [{ user: { id: '11' } }] });
  });

  test('with presences only for those who have the intent', () => {
    const d = { guild_id: guildId, user_ids: ['10', '11'], presences: true };
    expect(small().client.send({ op: 8, d }).last?.d).not.toHaveProperty('presences');
    expect(small({ bits: intents.guildPresences }).client.send({ op: 8, d }).last?.d).toMatchObject({
      presences: [{ user: { id: '10' }, status: 'online' }],
    });
  });

  test('of a guild that is on another shard there is no answer', () => {
    const harness = new Harness({}, smallWorld());
    const client = harness.connect().identify([0, 2], { intents: intents.guildMembers });
    expect(client.send(all).seen).toEqual(['op10', 'READY']);
  });
});

test('soundboard sounds (op 31) come guild by guild', () => {
  const { client } = small();
  client.send({ op: 31, d: { guild_ids: [guildId, '5', guildId] } });
  expect(data(client, 'SOUNDBOARD_SOUNDS')).toEqual([{ guild_id: guildId, soundboard_sounds: [{ name: 'quack' }] }]);
});

test('channel info (op 43) has the fields that were asked for', () => {
  const { client } = small();
  client.send({ op: 43, d: { guild_id: guildId, fields: ['status'] } });
  client.send({ op: 43, d: { guild_id: guildId, fields: ['status', 'voice_start_time', 'other'] } });
  expect(data(client, 'CHANNEL_INFO')).toEqual([
    { guild_id: guildId, channels: [{ id: voiceChannelId, status: 'busy' }] },
    { guild_id: guildId, channels: [{ id: voiceChannelId, status: 'busy', voice_start_time: 5 }] },
  ]);
});

test('answers are replayed like everything else', () => {
  const { harness, client } = small();
  client.send({ op: 31, d: { guild_ids: [guildId] } }).close(4200);
  expect(harness.connect().resume(client.sessionId, 1).seen).toEqual(['op10', 'SOUNDBOARD_SOUNDS', 'RESUMED']);
});
