/** The emulator's own HTTP: `/ledger` and `/emulator/…`. Bodies are JSON; unknown fields are refused. */
import type { Admin } from '../admin.js';
import type { SessionSelector } from '../core/faults.js';
import { EmulatorError } from '../errors.js';
import { parseHandledReport } from '../ledger/handled-report.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Traffic } from '../world/traffic.js';
import type { HostMode } from './gateway-host.js';
import { hostModes } from './gateway-host.js';
import type { HttpHandler, HttpResponse } from './http.js';

export type EmulatorRoutesOptions = { admin: Admin; ledger: Ledger; traffic: Traffic };

type Body = Record<string, unknown>;
type Route = { fields: readonly string[]; run: (body: Body) => unknown };

export function emulatorRoutes({ admin, ledger, traffic }: EmulatorRoutesOptions): HttpHandler {
  const routes: Record<string, Route> = {
    'GET /ledger': { fields: [], run: () => ledger.verdict() },
    'GET /ledger/outstanding': { fields: [], run: () => outstandingJson(ledger) },
    'GET /emulator/status': { fields: [], run: () => admin.status() },
    'POST /emulator/traffic': {
      fields: ['rate', 'burst'],
      run: (body) => {
        steer(traffic, body);
        return { rate: traffic.rate, made: traffic.made };
      },
    },
    'POST /emulator/reconnect': {
      fields: ['shards', 'sessionId'],
      run: (body) => ({ affected: admin.reconnect(selectorOf(body)) }),
    },
    'POST /emulator/invalidate': {
      fields: ['shards', 'sessionId', 'resumable'],
      run: (body) => ({ affected: admin.invalidate(selectorOf(body), { resumable: body['resumable'] === true }) }),
    },
    'POST /emulator/drop': {
      fields: ['shards', 'sessionId', 'code'],
      run: (body) => ({ affected: admin.drop(selectorOf(body), { code: closeCodeOf(body) }) }),
    },
    'POST /emulator/expire': {
      fields: ['shards', 'sessionId'],
      run: (body) => ({ affected: admin.expire(selectorOf(body)) }),
    },
    'POST /emulator/heartbeat': {
      fields: ['shards', 'sessionId'],
      run: (body) => ({ affected: admin.requestHeartbeat(selectorOf(body)) }),
    },
    'POST /emulator/resume-host': {
      fields: ['mode'],
      run: async (body) => {
        const mode = hostModeOf(body['mode']);
        await admin.setResumeHost(mode);
        return { mode };
      },
    },
    'POST /emulator/token': {
      fields: ['token'],
      run: (body) => {
        if (typeof body['token'] !== 'string' || body['token'] === '') throw badRequest('"token" must be a string');
        admin.issueToken(body['token']);
        return { tokenValid: true };
      },
    },
  };
  return async ({ method, path, readBody }): Promise<HttpResponse | null> => {
    if (path === '/ledger/handled' && method === 'POST') {
      ledger.handled(parseHandledReport(await readBody()));
      return { status: 200, body: { outstanding: ledger.outstanding().total } };
    }
    const route = routes[`${method} ${path}`];
    if (route === undefined) return null;
    const body = method === 'POST' ? parseBody(await readBody(), route.fields) : {};
    return { status: 200, body: await route.run(body) };
  };
}

function outstandingJson(ledger: Ledger): unknown {
  const { total, perShard } = ledger.outstanding();
  return { total, perShard: Object.fromEntries(perShard) };
}

function steer(traffic: Traffic, { rate, burst }: Body): void {
  if (rate !== undefined) {
    if (typeof rate !== 'number' || !(rate >= 0) || rate > 1_000_000)
      throw badRequest('"rate" must be a number from 0 to 1000000');
    if (rate === 0) traffic.stop();
    else traffic.start(rate);
  }
  if (burst !== undefined) {
    if (!Number.isSafeInteger(burst) || Number(burst) < 0 || Number(burst) > 100_000) {
      throw badRequest('"burst" must be an integer from 0 to 100000');
    }
    traffic.burst(Number(burst));
  }
}

function parseBody(text: string, fields: readonly string[]): Body {
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw badRequest('the body is not JSON', cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest('the body is not a JSON object');
  for (const name of Object.keys(value)) {
    if (!fields.includes(name)) throw badRequest(`"${name}" is not known here; known are ${fields.join(', ')}`);
  }
  return { ...value };
}

function selectorOf({ shards, sessionId }: Body): SessionSelector {
  const selector: SessionSelector = {};
  if (shards !== undefined) {
    if (!Array.isArray(shards) || !shards.every((shard): shard is number => Number.isSafeInteger(shard))) {
      throw badRequest('"shards" must be an array of shard numbers');
    }
    selector.shards = shards;
  }
  if (sessionId !== undefined) {
    if (typeof sessionId !== 'string') throw badRequest('"sessionId" must be a string');
    selector.sessionId = sessionId;
  }
  return selector;
}

/** What a close frame may carry: RFC 6455 keeps the rest for itself. */
function closeCodeOf({ code }: Body): number | null {
  if (code === undefined || code === null) return null;
  if (
    typeof code === 'number' &&
    Number.isSafeInteger(code) &&
    (code === 1000 || code === 1001 || (code >= 3000 && code <= 4999))
  )
    return code;
  throw badRequest('"code" must be 1000, 1001 or from 3000 to 4999; without it the socket is cut');
}

function hostModeOf(value: unknown): HostMode {
  const mode = hostModes.find((candidate) => candidate === value);
  if (mode === undefined) throw badRequest(`"mode" must be one of ${hostModes.join(', ')}`);
  return mode;
}

function badRequest(problem: string, cause?: unknown): EmulatorError {
  return new EmulatorError('DSO_EMULATOR_BAD_REQUEST', `The request is refused: ${problem}.`, { cause });
}
