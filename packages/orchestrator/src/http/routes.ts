/** The routes, one for each path of the contract. Who may call is in `access.ts`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CONTRACT, ENDPOINT_NAMES, type EndpointName } from '@dshard/api';
import { failed, type Reply } from './answers.js';
import { HANDLERS, type Handler, type Surroundings } from './handlers.js';
import { readParameters } from './parameters.js';

export function addRoutes(app: FastifyInstance, surroundings: Surroundings): void {
  for (const name of ENDPOINT_NAMES) {
    const { method, path, alsoAt } = CONTRACT[name];
    const url = alsoAt === undefined ? [path] : [path, alsoAt];
    for (const each of url) {
      app.route({
        method,
        url: each,
        // A HEAD of an event stream would stay open for nobody.
        exposeHeadRoute: name !== 'events',
        handler: (request, reply) => answer(name, request, reply, surroundings),
      });
    }
  }
}

async function answer(
  name: EndpointName,
  request: FastifyRequest,
  reply: FastifyReply,
  surroundings: Surroundings,
): Promise<FastifyReply> {
  const body = name === 'events' ? lastEvent(request) : request.body;
  const read = readParameters<object>(CONTRACT[name].parameters, request.query, body, request.params);
  if (!read.ok) return send(reply, failed(400, read.message));
  const handler = HANDLERS[name] as Handler<object, unknown>;
  const handled = await handler({ values: read.values, by: requesterOf(request), request, reply }, surroundings);
  return handled === null ? reply : send(reply, handled);
}

/** An EventSource that came back says in `Last-Event-ID` where it was; that wins over the `after` it began with. */
function lastEvent({ headers }: FastifyRequest): { after?: unknown } {
  const id = headers['last-event-id'];
  return id === undefined || id === '' ? {} : { after: id };
}

function send(reply: FastifyReply, { status, body }: Reply<unknown>): FastifyReply {
  return reply.code(status).send(body);
}

/** So much of a name goes into the history. */
const MAX_NAME_LENGTH = 120;

/** Who asks, for the history: the name that they say (nobody checks it), and the address, which they cannot choose. */
function requesterOf({ headers, socket }: Pick<FastifyRequest, 'headers' | 'socket'>): string {
  const given = headers['x-requested-by'];
  const name = (Array.isArray(given) ? given.join(' ') : (given ?? '')).replaceAll(/[^\x20-\x7e]+/g, ' ').trim();
  const remote = socket.remoteAddress?.replace(/^::ffff:/, '') ?? 'an unknown address';
  return `${name === '' ? 'REST' : name.slice(0, MAX_NAME_LENGTH)} from ${remote}`;
}
