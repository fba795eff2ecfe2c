/**
 * The id of each request: what the client says in `X-Request-Id`, so that a caller's own ids go on here, or one of
 * ours. The id is in the answer, in the log, and in the history of what the request began; there, ids of operations
 * and migrations lead on, which are in the logs of nodes as well.
 */
import type { IncomingMessage } from 'node:http';
import { printable } from '@dshard/protocol';
import type { Logger, Random } from '@dshard/transport';
import type { FastifyInstance } from 'fastify';

const HEADER = 'x-request-id';
const USABLE = /^[\x21-\x7e]{1,128}$/;

export function requestIds(random: Random): (request: Pick<IncomingMessage, 'headers'>) => string {
  const part = (): string =>
    Math.floor(random.next() * 36 ** 8)
      .toString(36)
      .padStart(8, '0');
  return ({ headers }) => {
    const given = headers[HEADER];
    return typeof given === 'string' && USABLE.test(given) ? given : `${part()}${part()}`;
  };
}

/** Answers the id with everything, and tells the log of each answer: in `debug` of what only reads. */
export function tellRequests(app: FastifyInstance, logger: Logger): void {
  app.addHook('onRequest', async (request, reply) => {
    void reply.header(HEADER, request.id);
  });
  app.addHook('onResponse', async (request, { statusCode: status, elapsedTime }) => {
    const { method, id, url } = request;
    const path = printable(url.split('?')[0] ?? '');
    const ms = Math.round(elapsedTime);
    const text = `${method} ${path} was answered with ${status} after ${ms} ms.`;
    logger[method === 'POST' ? 'info' : 'debug']({ request: id, method, path, status, ms }, text);
  });
}
