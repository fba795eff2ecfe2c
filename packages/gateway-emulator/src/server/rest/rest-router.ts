/**
 * Discord's REST as a table: paths with `:name` for what varies, with or without `/api` and a version before them.
 * Everything but what is marked open needs the bot's token; refusals are Discord's own.
 */
import type { UploadedFile } from '../../world/message-body.js';
import { RestError } from '../../world/rest-error.js';
import type { HttpHandler, HttpRequest, HttpResponse } from '../http.js';

export type RestCall = {
  /** What stands in the path for `:name`. */
  param: (name: string) => string;
  query: URLSearchParams;
  /** The JSON of the body, or of its `payload_json`, and the files beside it. Throws RestError for what is none. */
  sent: () => Promise<{ json: unknown; files: UploadedFile[] }>;
};

export type RestRoute = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  /** Needs no token: it has one in its path, or is for everybody. */
  open?: true;
  /** A body of null answers with 204. */
  run: (call: RestCall) => { status?: number; body: unknown } | Promise<{ status?: number; body: unknown }>;
};

const prefix = /^(?:\/api)?(?:\/v(\d+))?(\/.*?)\/?$/;

export function restRouter(
  routes: readonly RestRoute[],
  served: { versions: readonly number[]; authorized: (authorization: string | null) => boolean },
): HttpHandler {
  const compiled = routes.map((route) => ({ route, pattern: compile(route.path) }));
  return async (request) => {
    const [, version, path = ''] = prefix.exec(request.path) ?? [];
    const matching = compiled.flatMap(({ route, pattern }) => {
      const match = pattern.exec(path);
      return match === null ? [] : [{ route, params: match.groups ?? {} }];
    });
    if (matching.length === 0) return null;
    try {
      if (version !== undefined && !served.versions.includes(Number(version))) throw new RestError('invalidVersion');
      const found = matching.find(({ route }) => route.method === request.method);
      if (found === undefined) throw new RestError('methodNotAllowed');
      if (found.route.open === undefined && !served.authorized(request.authorization))
        throw new RestError('unauthorized');
      return await run(found.route, found.params, request);
    } catch (error) {
      if (error instanceof RestError) return { status: error.status, body: error.body };
      throw error;
    }
  };
}

async function run(route: RestRoute, params: Record<string, string>, request: HttpRequest): Promise<HttpResponse> {
  const { status, body } = await route.run({
    param: (name) => decode(params[name] ?? ''),
    query: request.query,
    sent: () => readSent(request),
  });
  return { status: status ?? (body === null ? 204 : 200), body };
}

function compile(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}$`);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// Bodies as Discord takes them: JSON, or multipart with `payload_json` and files.

/** Throws RestError `invalidJson`. */
async function readSent(request: HttpRequest): Promise<{ json: unknown; files: UploadedFile[] }> {
  const { contentType } = request;
  if (contentType?.startsWith('multipart/form-data')) return readForm(await request.readBytes(), contentType);
  const text = await request.readBody();
  return { json: text.trim() === '' ? {} : parse(text), files: [] };
}

async function readForm(
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
): Promise<{ json: unknown; files: UploadedFile[] }> {
  let form: FormData;
  try {
    form = await new Response(bytes, { headers: { 'content-type': contentType } }).formData();
  } catch {
    throw new RestError('invalidJson');
  }
  const payload = form.get('payload_json');
  const fields = [...form.entries()];
  const files = fields.flatMap(([, value]) =>
    typeof value === 'string' ? [] : [{ filename: value.name, size: value.size }],
  );
  if (typeof payload === 'string') return { json: parse(payload), files };
  const texts = fields.filter(([, value]) => typeof value === 'string');
  return { json: Object.fromEntries(texts), files };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RestError('invalidJson');
  }
}
