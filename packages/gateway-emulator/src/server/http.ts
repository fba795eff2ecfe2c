/** JSON over node:http: a table of routes, bodies with a limit, errors as answers. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { messageOf } from '@dshard/protocol';
import { EmulatorError } from '../errors.js';

export type HttpRequest = {
  method: string;
  path: string;
  query: URLSearchParams;
  authorization: string | null;
  contentType: string | null;
  /** `Host`, and `Origin` where a web page asks. */
  authority: string;
  origin: string | null;
  readBytes: () => Promise<Uint8Array<ArrayBuffer>>;
  readBody: () => Promise<string>;
};

/** A body that is a string is sent as text, everything else as JSON. */
export type HttpResponse = { status: number; body: unknown };

/** Null: not mine. */
export type HttpHandler = (request: HttpRequest) => HttpResponse | null | Promise<HttpResponse | null>;

const maxBodyBytes = 32 * 1_048_576;

class BodyTooLarge extends Error {}

/** Asks the handlers in turn. What none of them knows is Discord's 404. */
export function requestListener(handlers: readonly HttpHandler[]): RequestListener {
  return (request, response) => {
    void answer(handlers, request).then((result) => send(response, result));
  };
}

async function answer(handlers: readonly HttpHandler[], request: IncomingMessage): Promise<HttpResponse> {
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
  const asked: HttpRequest = {
    method: request.method ?? 'GET',
    path,
    query: new URLSearchParams(query),
    authorization: request.headers.authorization ?? null,
    authority: request.headers.host ?? '',
    origin: request.headers.origin ?? null,
    contentType: request.headers['content-type'] ?? null,
    readBytes: () => readBytes(request),
    readBody: async () => Buffer.from(await readBytes(request)).toString('utf8'),
  };
  try {
    for (const handler of handlers) {
      const result = await handler(asked);
      if (result !== null) return result;
    }
    return { status: 404, body: { message: '404: Not Found', code: 0 } };
  } catch (error) {
    if (error instanceof EmulatorError) return { status: 400, body: { message: error.message, code: error.code } };
    if (error instanceof BodyTooLarge)
      return { status: 413, body: { message: error.message, code: 'DSO_EMULATOR_BAD_REQUEST' } };
    const message = messageOf(error);
    return { status: 500, body: { message: `The emulator failed: ${message}`, code: 0 } };
  }
}

async function readBytes(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    if (!(chunk instanceof Buffer)) continue;
    bytes += chunk.byteLength;
    if (bytes > maxBodyBytes)
      throw new BodyTooLarge(`A body has at most ${maxBodyBytes} bytes; send several smaller ones.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, { status, body }: HttpResponse): void {
  if (response.destroyed) return;
  if (status === 204) {
    response.writeHead(204).end();
    return;
  }
  const isText = typeof body === 'string';
  const text = isText ? body : JSON.stringify(body);
  const type = isText ? 'text/plain; charset=utf-8' : 'application/json';
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) }).end(text);
}
