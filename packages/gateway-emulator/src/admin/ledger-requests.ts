/** What the ledger knows, over HTTP, but for reports of handled events (`POST /ledger/handled`). */
import { readHandled } from '../ledger/exactly-once.js';
import { choiceOf, stringOf } from './body.js';
import { simple, type AdminRequests } from './request.js';

export const ledgerRequests: AdminRequests = {
  'GET /ledger': simple('the verdict', ({ ledger }) => ledger.verdict()),
  'GET /ledger/report': simple('the verdict for people, as text', ({ ledger }) => ledger.report()),
  'GET /ledger/answers': simple('whether the bot replied to each message of people, and once: counts', ({ answers }) =>
    answers.counts(),
  ),
  'GET /ledger/outstanding': simple('emitted and not yet handled, in all and per shard', ({ ledger }) => {
    const { total, perShard } = ledger.outstanding();
    return { total, perShard: Object.fromEntries(perShard) };
  }),
  'GET /ledger/shards': simple('per shard: sessions, resumes, emitted, replayed', ({ ledger }) => ledger.shards()),
  'GET /ledger/sessions': simple('every session and what happened to it', ({ ledger }) => ledger.sessions()),
  'POST /ledger/emitted': {
    what: 'the traffic a session was given, in order',
    fields: { sessionId: 'which session' },
    atOnce: true,
    prepare: (body, { ledger }) => {
      const sessionId = stringOf(body, 'sessionId');
      return () => ledger.emittedTo(sessionId);
    },
  },
  'POST /ledger/expect-exactly-once': {
    what: 'whether everything emitted was handled once: `{ ok, problems }`',
    fields: {
      handled: 'the events handled, in their order: `[{ id }]` or `[{ sessionId, s }]`; without it, what was reported',
      repeats: '`never` (default) or `if-redelivered`: an event may come again where it is marked `redelivered`',
      order: '`per-shard` (default) or `any`',
      missed: '`never` (default) or `allowed`: whether events may have found no session of their shard',
    },
    atOnce: true,
    prepare: (body, { ledger }) => {
      const handled = body['handled'] === undefined ? undefined : readHandled(body['handled']);
      const repeats = choiceOf(body, 'repeats', ['never', 'if-redelivered'], 'never');
      const order = choiceOf(body, 'order', ['per-shard', 'any'], 'per-shard');
      const missed = choiceOf(body, 'missed', ['never', 'allowed'], 'never');
      return () => ledger.checkExactlyOnce(handled, { repeats, order, missed });
    },
  },
};
