/** Faults of the gateway as a whole: hosts, starts, tokens, guilds. And its traffic, its schedule, its status. */
import { badRequest } from '../errors.js';
import { hostFailures, hostModes, type HostMode } from '../server/gateway-host.js';
import { booleanOf, choiceOf, closeCodeOf, guildIdsOf, numberOf, stringOf, type Body } from './body.js';
import type { AdminRequest, AdminRequests, RequestContext } from './request.js';
import { forMsMeaning, lastingOf, longestMs, simple } from './request.js';

const hostFields: Readonly<Record<string, string>> = {
  mode: '`up`, `refuse` (nobody listens), `unavailable` (503), `silent` (accepts and says nothing), `hang-up` (accepts and ends)',
  forMs: forMsMeaning,
};

/** The answer to a request that shuts this interface out has to get out first. */
const refuseAfterMs = 100;

export const gatewayRequests: AdminRequests = {
  'GET /emulator/status': simple('sockets, sessions, budget, traffic, hosts, outages', ({ admin }) => admin.status()),
  'POST /emulator/next-sockets': {
    what: 'op 7 to the next sockets, before HELLO or instead of it',
    fields: { times: 'to how many sockets; default 1, 0 takes it back', hello: 'whether HELLO follows; default true' },
    atOnce: true,
    prepare: (body, { admin }) => {
      const times = numberOf(body, 'times', { min: 0, max: 1_000_000 }) ?? 1;
      const hello = booleanOf(body, 'hello', true);
      return () => {
        admin.reconnectNextSockets({ times, hello });
        return { times, hello };
      };
    },
  },
  'POST /emulator/throttle': {
    what: 'answers every IDENTIFY and RESUME with op 9; sessions are kept',
    fields: { forMs: 'how long; 0 ends it' },
    prepare: (body, { admin }) => {
      const forMs = needed(numberOf(body, 'forMs', { min: 0, max: longestMs }), '"forMs" must say how long');
      return () => {
        admin.throttleStarts({ forMs });
        return { forMs };
      };
    },
  },
  'POST /emulator/resume-host': {
    what: 'the host of `resume_gateway_url` fails',
    fields: hostFields,
    prepare: (body, { admin }) => {
      const mode = choiceOf(body, 'mode', hostModes);
      const lasting = lastingOf(body);
      return async () => {
        await admin.setResumeHost(mode, lasting);
        return { mode };
      };
    },
  },
  'POST /emulator/gateway-host': {
    what: "the generic host fails, Discord's REST included; `refuse` needs `forMs`, because it shuts this interface out too",
    fields: hostFields,
    prepare: prepareGatewayHost,
  },
  'POST /emulator/gateway-away': {
    what: 'the gateway is away, both its hosts, while sessions live on: none expires, and their replay buffers keep everything until each is resumed; `refuse` needs `forMs`, because it shuts this interface out too',
    fields: {
      how: '`hang-up` (default: accepts and ends), `refuse`, `unavailable`, `silent`',
      rest: "whether Discord's REST is served all the same; default true, with `refuse` it cannot be",
      forMs: forMsMeaning,
    },
    prepare: prepareGatewayAway,
  },
  'POST /emulator/gateway-back': simple(
    'it is back; the time of sessions that wait for a RESUME begins',
    async ({ admin }) => {
      await admin.bringGatewayBack();
      return { sessionsHeld: false };
    },
  ),
  'POST /emulator/outage': {
    what: 'guilds become unavailable (GUILD_DELETE); nothing happens in them',
    fields: { guilds: 'their ids', forMs: forMsMeaning },
    prepare: (body, { admin }) => {
      const guildIds = needed(guildIdsOf(body), '"guilds" must say which guilds');
      const lasting = lastingOf(body);
      return () => ({ affected: admin.beginOutage(guildIds, lasting) });
    },
  },
  'POST /emulator/outage-end': {
    what: 'they are back (GUILD_CREATE)',
    fields: { guilds: 'their ids; without it all that are unavailable' },
    prepare: (body, { admin }) => {
      const guildIds = guildIdsOf(body);
      return () => ({ affected: admin.endOutage(guildIds ?? admin.status().unavailableGuilds) });
    },
  },
  'POST /emulator/token': {
    what: 'issues a token; sessions live on',
    fields: { token: 'the new one' },
    atOnce: true,
    prepare: (body, { admin }) => {
      const token = stringOf(body, 'token');
      if (token.startsWith('Bot ')) throw badRequest('"token" is given without "Bot " before it');
      return () => {
        admin.issueToken(token);
        return { tokenValid: true };
      };
    },
  },
  'POST /emulator/token-reset': simple(
    'all sessions are closed with 4003, IDENTIFY fails with 4004 until a token is issued',
    ({ admin }) => {
      admin.revokeToken();
      return { tokenValid: false };
    },
  ),
  'POST /emulator/revoke-intents': {
    what: 'all sessions are closed with 4003, or `code`, IDENTIFY with one of the intents is closed with 4014',
    fields: { intents: 'bits', code: 'what sessions are closed with; default 4003' },
    prepare: (body, { admin }) => {
      const [intents, code] = [intentsOf(body), closeCodeOf(body)];
      return () => {
        admin.revokeIntents(intents, code === null ? {} : { code });
        return { intents };
      };
    },
  },
  'POST /emulator/grant-intents': {
    what: 'gives intents back',
    fields: { intents: 'bits' },
    prepare: (body, { admin }) => {
      const intents = intentsOf(body);
      return () => {
        admin.grantIntents(intents);
        return { disallowedIntents: admin.status().disallowedIntents };
      };
    },
  },
  'POST /emulator/session-starts': {
    what: "gives back the day's session starts, or leaves so many",
    fields: { remaining: 'how many are left; without it all' },
    prepare: (body, { admin }) => {
      const remaining = numberOf(body, 'remaining', { min: 0, max: Number.MAX_SAFE_INTEGER });
      return () => {
        admin.refillSessionStarts(remaining === undefined ? {} : { remaining });
        return admin.status().identifies;
      };
    },
  },
  'POST /emulator/traffic': {
    what: 'messages',
    fields: { rate: 'per second; 0 stops', burst: 'so many at once' },
    prepare: (body, { traffic }) => {
      const rate = numberOf(body, 'rate', { min: 0, max: 1_000_000, fraction: true });
      const burst = numberOf(body, 'burst', { min: 0, max: 100_000 });
      return () => {
        if (rate === 0) traffic.stop();
        else if (rate !== undefined) traffic.start(rate);
        if (burst !== undefined) traffic.burst(burst);
        return { rate: traffic.rate, made: traffic.made };
      };
    },
  },
  'GET /emulator/schedule': simple('what will happen later', ({ admin }) => admin.scheduled()),
  'POST /emulator/schedule/cancel': {
    what: 'it will not',
    fields: { id: 'of the entry' },
    atOnce: true,
    prepare: (body, { admin }) => {
      const id = needed(
        numberOf(body, 'id', { min: 0, max: Number.MAX_SAFE_INTEGER }),
        '"id" must say which entry; GET /emulator/schedule lists them',
      );
      return () => ({ cancelled: admin.cancelScheduled(id) });
    },
  },
};

function prepareGatewayHost(body: Body, { admin }: RequestContext): ReturnType<AdminRequest['prepare']> {
  const mode: HostMode = choiceOf(body, 'mode', hostModes);
  const lasting = lastingOf(body);
  if (mode !== 'refuse')
    return async () => {
      await admin.setGatewayHost(mode, lasting);
      return { mode };
    };
  needed(lasting.forMs, '"forMs" is needed with refuse: this interface cannot be reached meanwhile');
  return () => {
    const timing = { inMs: refuseAfterMs };
    return { mode, scheduled: admin.schedule('gateway-host', timing, () => admin.setGatewayHost(mode, lasting)) };
  };
}

function prepareGatewayAway(body: Body, { admin }: RequestContext): ReturnType<AdminRequest['prepare']> {
  const how = choiceOf(body, 'how', hostFailures, 'hang-up');
  const rest = booleanOf(body, 'rest', how !== 'refuse');
  const lasting = lastingOf(body);
  if (how !== 'refuse')
    return async () => {
      await admin.takeGatewayAway({ how, rest, ...lasting });
      return { how, rest };
    };
  if (rest) throw badRequest('"rest" cannot be true with refuse: REST has the port of the gateway; use hang-up');
  needed(lasting.forMs, '"forMs" is needed with refuse: this interface cannot be reached meanwhile');
  return () => {
    const act = (): Promise<void> => admin.takeGatewayAway({ how, rest, ...lasting });
    return { how, rest, scheduled: admin.schedule('gateway-away', { inMs: refuseAfterMs }, act) };
  };
}

function intentsOf(body: Body): number {
  return needed(numberOf(body, 'intents', { min: 1, max: 2 ** 31 - 1 }), '"intents" must say which bits');
}

function needed<T>(value: T | undefined, problem: string): T {
  if (value === undefined) throw badRequest(problem);
  return value;
}
