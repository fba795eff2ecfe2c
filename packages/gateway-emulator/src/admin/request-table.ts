/**
 * Every request of the admin interface, in one table. Routing, the refusal of unknown fields, `GET /emulator` and
 * `docs/reference/gateway-emulator-http.md` are made from it.
 */
import { badRequest } from '../errors.js';
import { numberOf, type Body } from './body.js';
import { gatewayRequests } from './gateway-requests.js';
import { ledgerRequests } from './ledger-requests.js';
import { isSchedulable, longestMs, type AdminRequests } from './request.js';
import type { Timing } from './schedule.js';
import { sessionRequests } from './session-requests.js';
import { worldRequests } from './world-requests.js';

export const requestTable: AdminRequests = {
  'GET /emulator': { what: 'this table, as JSON', fields: {}, prepare: () => describeRequests },
  ...gatewayRequests,
  ...sessionRequests,
  ...worldRequests,
  ...ledgerRequests,
};

/** One more, whose body is read as a whole. */
export const handledRequest = 'POST /ledger/handled';
const handledMeaning = 'takes a report of what user code handled: one batch, an array of them, or one per line';

/** Of every request that can happen later. */
export const timingFields: Readonly<Record<string, string>> = {
  inMs: 'milliseconds until the first time',
  everyMs: 'milliseconds from one time to the next; without it there is one',
  times: 'how often in all; without it, with `everyMs`, until cancelled',
};

/** Null: none of the fields is there, so it happens now. */
export function timingOf(body: Body): Timing | null {
  const inMs = numberOf(body, 'inMs', { min: 0, max: longestMs });
  const everyMs = numberOf(body, 'everyMs', { min: 1, max: longestMs });
  const times = numberOf(body, 'times', { min: 1, max: Number.MAX_SAFE_INTEGER });
  if (inMs === undefined && everyMs === undefined) {
    if (times !== undefined) throw badRequest('"times" needs "everyMs"');
    return null;
  }
  return {
    ...(inMs === undefined ? {} : { inMs }),
    ...(everyMs === undefined ? {} : { everyMs }),
    ...(times === undefined ? {} : { times }),
  };
}

function describeRequests(): Record<string, unknown> {
  const described = Object.entries(requestTable).map(([name, request]) => {
    const { what, query, fields } = request;
    return [name, { what, query, fields: isSchedulable(name, request) ? { ...fields, ...timingFields } : fields }];
  });
  return { ...Object.fromEntries(described), [handledRequest]: { what: handledMeaning, fields: {} } };
}
