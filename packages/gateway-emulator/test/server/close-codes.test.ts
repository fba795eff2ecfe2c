/** Every close code of Discord's, over the real socket, by each of its causes. A code without a row here fails. */
import { leakGuard, virtualClock } from '@dshard/testkit';
import type { VirtualClock } from '@dshard/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { closeCodes } from '../../src/core/discord.js';
import type { GatewayEmulator } from '../../src/emulator.js';
import { startGatewayEmulator } from '../../src/emulator.js';
import type { EmulatorOptions } from '../../src/options.js';
import { RawClient } from './raw-client.js';

leakGuard({ beforeEach, afterEach });

/** What can be done to a client: `identified` it is from the start where the row says so. */
type Stage = { client: RawClient; gateway: GatewayEmulator; clock: VirtualClock; sessionId: string };

type Row = {
  code: keyof typeof closeCodes;
  cause: string;
  options?: EmulatorOptions;
  query?: string;
  identified?: true;
  act?: (stage: Stage) => unknown;
};

const identify = (more: Record<string, unknown> = {}) => {
  return ({ client, gateway }: Stage): void =>
    client.send({ op: 2, d: { token: gateway.token, intents: 513, properties: {}, shard: [0, 1], ...more } });
};

const resume = ({ gateway, sessionId }: Stage, seq: number): RawClient => {
  const next = new RawClient(gateway.url);
  void next
    .until('HELLO', ({ op }) => op === 10)
    .then(() => next.send({ op: 6, d: { token: gateway.token, session_id: sessionId, seq } }));
  return next;
};

const rows: Row[] = [
  {
    code: 'unknownError',
    cause: 'op 7 was not followed',
    identified: true,
    act: async ({ client, gateway, clock }) => {
      gateway.admin.reconnect();
      await client.until('op 7', ({ op }) => op === 7);
      clock.advance(5_100);
    },
  },
  {
    code: 'unknownError',
    cause: 'the operator drops it',
    identified: true,
    act: ({ gateway }) => gateway.admin.drop({}, { code: 4000 }),
  },
  { code: 'unknownOpcode', cause: 'an opcode that nobody sends', act: ({ client }) => client.send({ op: 7, d: null }) },
  {
    code: 'unknownOpcode',
    cause: 'a payload that does not fit its opcode',
    identified: true,
    act: ({ client }) => client.send({ op: 8, d: {} }),
  },
  { code: 'decodeError', cause: 'no JSON', act: ({ client }) => client.socket.send('{') },
  { code: 'decodeError', cause: '4097 bytes', act: ({ client }) => client.socket.send(' '.repeat(4_097)) },
  { code: 'decodeError', cause: 'encoding=etf, which is not served', query: '?v=10&encoding=etf' },
  {
    code: 'notAuthenticated',
    cause: 'a payload before IDENTIFY',
    act: ({ client }) => client.send({ op: 3, d: { status: 'idle' } }),
  },
  {
    code: 'notAuthenticated',
    cause: 'a payload after op 9 false',
    identified: true,
    act: async ({ client, gateway }) => {
      gateway.admin.invalidate();
      await client.until('op 9', ({ op }) => op === 9);
      client.send({ op: 3, d: { status: 'idle' } });
    },
  },
  {
    code: 'notAuthenticated',
    cause: 'the token was reset',
    identified: true,
    act: ({ gateway }) => gateway.admin.revokeToken(),
  },
  {
    code: 'notAuthenticated',
    cause: 'intents were taken away',
    identified: true,
    act: ({ gateway }) => gateway.admin.revokeIntents(512),
  },
  { code: 'authenticationFailed', cause: 'a wrong token', act: identify({ token: 'x' }) },
  { code: 'authenticationFailed', cause: 'no session start left', options: { sessionStartLimit: 0 }, act: identify() },
  { code: 'alreadyAuthenticated', cause: 'a second IDENTIFY', identified: true, act: identify() },
  {
    code: 'alreadyAuthenticated',
    cause: 'RESUME on a socket that has a session',
    identified: true,
    act: ({ client, gateway, sessionId }) =>
      client.send({ op: 6, d: { token: gateway.token, session_id: sessionId, seq: 1 } }),
  },
  {
    code: 'sessionInvalid',
    cause: 'its session was resumed elsewhere',
    identified: true,
    act: async (stage) => {
      const taker = resume(stage, 1);
      await taker.until('RESUMED', ({ t }) => t === 'RESUMED');
      await taker.cut();
    },
  },
  {
    code: 'invalidSeq',
    cause: 'RESUME from a sequence that never was',
    identified: true,
    act: async (stage) => {
      await stage.client.cut();
      const late = resume(stage, 999);
      await late.untilClosed();
      stage.client.closedWith = late.closedWith;
    },
  },
  {
    code: 'rateLimited',
    cause: '121 payloads in a minute',
    act: ({ client }) => {
      for (let sent = 0; sent < 121; sent += 1) client.send({ op: 1, d: null });
    },
  },
  {
    code: 'sessionTimedOut',
    cause: 'no heartbeat',
    identified: true,
    act: ({ clock }) => clock.advance(62_000),
  },
  {
    code: 'sessionTimedOut',
    cause: 'its session was ended',
    identified: true,
    act: ({ gateway }) => gateway.admin.expire(),
  },
  { code: 'invalidShard', cause: 'a tuple that cannot be', act: identify({ shard: [1, 1] }) },
  {
    code: 'invalidShard',
    cause: 'no multiple of what a large bot was assigned',
    options: { guilds: 150_001, maxGuildsPerShard: 1_000_000 },
    act: identify({ shard: [0, 17] }),
  },
  { code: 'shardingRequired', cause: '2501 guilds', options: { guilds: 2_501 }, act: identify() },
  { code: 'invalidApiVersion', cause: 'v=5', query: '?v=5&encoding=json' },
  { code: 'invalidIntents', cause: 'a bit that means nothing', act: identify({ intents: 1 << 19 }) },
  { code: 'invalidIntents', cause: 'none', act: identify({ intents: undefined }) },
  {
    code: 'disallowedIntents',
    cause: 'one that was not granted',
    options: { disallowedIntents: 1 << 8 },
    act: identify({ intents: 1 << 8 }),
  },
];

test('every close code that is served has a row here', () => {
  expect([...new Set(rows.map(({ code }) => code))].toSorted()).toEqual(Object.keys(closeCodes).toSorted());
});

test.each(rows.map((row) => ({ ...row, number: closeCodes[row.code] })))(
  'a socket is closed with $number: $cause',
  async ({ number, options = {}, query = '', identified, act }) => {
    const clock = virtualClock();
    await using gateway = await startGatewayEmulator({ guilds: 1, ...options }, { clock });
    const client = new RawClient(`${gateway.url}/${query}`);
    const sessionId = identified ? (await client.identify(gateway.token)).d.session_id : '';
    if (act !== undefined) {
      await client.until('HELLO', ({ op }) => op === 10);
      await act({ client, gateway, clock, sessionId });
    }
    expect(await client.untilClosed()).toBe(number);
  },
);
