/** The emulator's own HTTP: `/ledger…` and `/emulator…`, by `requestTable`. Bodies are JSON without unknown fields. */
import { parseHandledReport } from '../ledger/handled-report.js';
import type { HttpHandler, HttpResponse } from '../server/http.js';
import { parseBody, refuseUnknown } from './body.js';
import { handledRequest, requestTable, timingFields, timingOf } from './request-table.js';
import { isSchedulable, type AdminParts } from './request.js';

const ownPath = /^\/(?:emulator|ledger)(?:[/?]|$)/;

/** Whether a path is the emulator's own, not Discord's. */
export function isEmulatorPath(path: string): boolean {
  return ownPath.test(path);
}

export function emulatorRoutes(parts: AdminParts): HttpHandler {
  const { admin, ledger } = parts;
  return async ({ method, path, query, authority, origin, readBody }): Promise<HttpResponse | null> => {
    if (!isEmulatorPath(path)) return null;
    if (!isLocal(authority) || (origin !== null && !isLocal(origin.replace(/^\w+:\/\//, '')))) return notFromHere;
    const name = `${method} ${path.replace(/\/$/, '')}`;
    if (name === handledRequest) {
      ledger.handled(parseHandledReport(await readBody()));
      return { status: 200, body: { outstanding: ledger.outstanding().total } };
    }
    const request = Object.hasOwn(requestTable, name) ? requestTable[name] : undefined;
    if (request === undefined) return notFound(method, path);
    const canWait = isSchedulable(name, request);
    refuseUnknown(query.keys(), Object.keys(request.query ?? {}));
    const known = [...Object.keys(request.fields), ...(canWait ? Object.keys(timingFields) : [])];
    const body = method === 'POST' ? parseBody(await readBody(), known) : {};
    const action = request.prepare(body, { ...parts, query });
    const timing = canWait ? timingOf(body) : null;
    if (timing !== null) return { status: 202, body: { scheduled: admin.schedule(name, timing, action) } };
    return { status: 200, body: await action() };
  };
}

/** A web page must not steer the emulator of whoever looks at it, whatever name it gives 127.0.0.1. */
const notFromHere: HttpResponse = {
  status: 403,
  body: {
    code: 'DSO_EMULATOR_BAD_REQUEST',
    message: 'The admin interface is for this machine, by the name 127.0.0.1 or localhost.',
  },
};

function isLocal(authority: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i.test(authority);
}

/** Says what there is: another method of the path, or where to look. */
function notFound(method: string, path: string): HttpResponse {
  const others = Object.keys(requestTable).filter((name) => name.endsWith(` ${path}`));
  const code = 'DSO_EMULATOR_BAD_REQUEST';
  if (others.length > 0)
    return { status: 405, body: { code, message: `${method} ${path} is not served; there is ${others.join(', ')}.` } };
  return { status: 404, body: { code, message: `There is no ${path}. GET /emulator lists what there is.` } };
}
