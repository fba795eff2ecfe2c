/** The emulator's own HTTP: `/ledger…` and `/emulator…`, by `requestTable`. Bodies are JSON; unknown fields are refused. */
import { bodyOfQuery, parseBody } from '../admin/body.js';
import type { RequestContext } from '../admin/request.js';
import { handledRequest, requestTable, timingFields, timingOf } from '../admin/request-table.js';
import { parseHandledReport } from '../ledger/handled-report.js';
import type { HttpHandler, HttpResponse } from './http.js';

const ownPath = /^\/(?:emulator|ledger)(?:[/?]|$)/;

/** Whether a path is the emulator's own, not Discord's. */
export function isEmulatorPath(path: string): boolean {
  return ownPath.test(path);
}

export function emulatorRoutes(context: RequestContext): HttpHandler {
  const { admin, ledger } = context;
  return async ({ method, path, query, readBody }): Promise<HttpResponse | null> => {
    if (!isEmulatorPath(path)) return null;
    const name = `${method} ${path.replace(/\/$/, '')}`;
    if (name === handledRequest) {
      ledger.handled(parseHandledReport(await readBody()));
      return { status: 200, body: { outstanding: ledger.outstanding().total } };
    }
    const request = Object.hasOwn(requestTable, name) ? requestTable[name] : undefined;
    if (request === undefined) return notFound(method, path);
    const { fields, schedulable } = request;
    const known = [...Object.keys(fields), ...(schedulable === true ? Object.keys(timingFields) : [])];
    const body = method === 'POST' ? parseBody(await readBody(), known) : bodyOfQuery(query, known);
    const action = request.prepare(body, context);
    const timing = schedulable === true ? timingOf(body) : null;
    if (timing !== null) return { status: 202, body: { scheduled: admin.schedule(name, timing, action) } };
    return { status: 200, body: await action() };
  };
}

/** Says what there is: another method of the path, or where to look. */
function notFound(method: string, path: string): HttpResponse {
  const others = Object.keys(requestTable).filter((name) => name.endsWith(` ${path}`));
  const code = 'DSO_EMULATOR_BAD_REQUEST';
  if (others.length > 0)
    return { status: 405, body: { code, message: `${method} ${path} is not served; there is ${others.join(', ')}.` } };
  return { status: 404, body: { code, message: `There is no ${path}. GET /emulator lists what there is.` } };
}
