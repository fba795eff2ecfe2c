/** Faults of sessions and their sockets. */
import type { SessionSelector } from '../core/faults.js';
import { startAnswers } from '../core/start-answers.js';
import type { Admin } from './admin.js';
import { booleanOf, choiceOf, closeCodeOf, guildIdsOf, numberOf, selectorOf, type Body } from './body.js';
import { dayMs, forMsMeaning, lastingOf, type AdminRequest, type AdminRequests } from './request.js';

const selectorFields = {
  shards: 'which shards: `[0, 3]` or `"0-3,7"`; without it all',
  sessionId: 'which session; without it all',
};

/** Something that hits sessions and answers how many. `read` takes the fields beyond the selector. */
function fault<Fields>(
  what: string,
  fields: Readonly<Record<string, string>>,
  read: (body: Body) => Fields,
  act: (admin: Admin, selector: SessionSelector, fields: Fields) => number,
): AdminRequest {
  return {
    what,
    fields: { ...selectorFields, ...fields },
    prepare: (body, { admin }) => {
      const selector = selectorOf(body);
      const values = read(body);
      return () => ({ affected: act(admin, selector, values) });
    },
  };
}

/** How IDENTIFYs or RESUMEs are answered from now on. */
function answers(what: string, name: 'answerIdentifies' | 'answerResumes'): AdminRequest {
  const { shards } = selectorFields;
  return {
    what,
    fields: {
      answer: '`never`, `resumable` (op 9 `true`), `refuse` (op 9 `false`), or `serve`: as always',
      shards,
      forMs: forMsMeaning,
    },
    prepare: (body, { admin }) => {
      const [answer, selector, lasting] = [choiceOf(body, 'answer', startAnswers), selectorOf(body), lastingOf(body)];
      return () => {
        admin[name](answer, selector, lasting);
        return { answers: admin.status().answers };
      };
    },
  };
}

const nothing = (): null => null;

export const sessionRequests: AdminRequests = {
  'POST /emulator/reconnect': fault(
    'op 7; who stays longer than `reconnectGraceMs` is closed with 4000',
    {},
    nothing,
    (admin, selector) => admin.reconnect(selector),
  ),
  'POST /emulator/invalidate': fault(
    'op 9; a session that is not resumable ends',
    { resumable: 'the `d` of op 9; default false' },
    (body) => ({ resumable: booleanOf(body, 'resumable', false) }),
    (admin, selector, options) => admin.invalidate(selector, options),
  ),
  'POST /emulator/drop': fault(
    'closes sockets, or ends them without a close frame; sessions are kept',
    { code: 'the close code: 1000, 1001, 3000 to 4999; without it no close frame' },
    (body) => ({ code: closeCodeOf(body) }),
    (admin, selector, options) => admin.drop(selector, options),
  ),
  'POST /emulator/reset': fault('resets the TCP connections; sessions are kept', {}, nothing, (admin, selector) =>
    admin.reset(selector),
  ),
  'POST /emulator/stall': fault(
    'nothing passes any more on sockets that stay open, in either direction',
    { forMs: forMsMeaning },
    lastingOf,
    (admin, selector, lasting) => admin.stall(selector, lasting),
  ),
  'POST /emulator/deafen': fault(
    'sockets get no event any more, and their heartbeats are acknowledged; what they miss is replayed at a RESUME, which ends it',
    {},
    nothing,
    (admin, selector) => admin.deafen(selector),
  ),
  'POST /emulator/slow': fault(
    'what the gateway says arrives late, or slowly',
    {
      latencyMs: 'delay of every payload',
      bytesPerSecond: 'how wide the line is; without it as wide as it gets',
      forMs: forMsMeaning,
    },
    (body) => ({
      latencyMs: numberOf(body, 'latencyMs', { min: 0, max: dayMs }) ?? 0,
      bytesPerSecond: numberOf(body, 'bytesPerSecond', { min: 1, max: Number.MAX_SAFE_INTEGER }) ?? null,
      ...lastingOf(body),
    }),
    (admin, selector, options) => admin.slow(selector, options),
  ),
  'POST /emulator/heal': fault('ends `stall` and `slow`; what was held is delivered', {}, nothing, (admin, selector) =>
    admin.heal(selector),
  ),
  'POST /emulator/voice-drop': {
    what: 'closes sockets of the voice gateway, or ends them without a close frame',
    fields: {
      guilds: 'of which guilds, by their ids; without it all',
      code: '4014: the bot must not come back, 4015: it resumes, 4006: it identifies; without it no close frame',
    },
    prepare: (body, { admin }) => {
      const [guilds, code] = [guildIdsOf(body) ?? null, closeCodeOf(body)];
      return () => ({ affected: admin.dropVoice({ guilds, code }) });
    },
  },
  'POST /emulator/expire': fault(
    'ends sessions as if their time were over; sockets are closed with 4009',
    {},
    nothing,
    (admin, selector) => admin.expire(selector),
  ),
  'POST /emulator/resumes': answers(
    'how every RESUME is answered; a session that is refused ends, every other one is kept',
    'answerResumes',
  ),
  'POST /emulator/identifies': answers('how every IDENTIFY is answered; it costs no session start', 'answerIdentifies'),
  'POST /emulator/heartbeat': fault('asks for a heartbeat (op 1)', {}, nothing, (admin, selector) =>
    admin.requestHeartbeat(selector),
  ),
};
