/**
 * The routes, one for each path of the contract. Who comes is found out in `access.ts`; here the role is compared with
 * what the entry needs, before anything of the request is looked at.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CONTRACT, ENDPOINT_NAMES, type AnyEndpoint, type EndpointName } from '@dshard/api';
import type { Expected } from '../domain/state/access.js';
import type { Identity } from './access.js';
import { failed, type Reply } from './answers.js';
import { mayDo } from './api-tokens.js';
import type { Client, Handler, Surroundings } from './handler.js';
import { HANDLERS } from './handlers.js';
import { readParameters } from './parameters.js';

export type RouteSurroundings = Surroundings & {
  /** null: nobody who showed that they may ask. */
  identityOf(this: void, request: FastifyRequest): Identity | null;
  /** Whether everybody may ask, without a token. */
  isOpen(this: void, path: string): boolean;
};

export function addRoutes(app: FastifyInstance, surroundings: RouteSurroundings): void {
  for (const name of ENDPOINT_NAMES) {
    const { method, path, alsoAt, streams }: AnyEndpoint = CONTRACT[name];
    const url = alsoAt === undefined ? [path] : [path, alsoAt];
    for (const each of url) {
      app.route({
        method,
        url: each,
        // A HEAD of an event stream would stay open for nobody.
        exposeHeadRoute: streams !== true,
        handler: (request, reply) => answer(name, request, reply, surroundings),
      });
    }
  }
}

async function answer(
  name: EndpointName,
  request: FastifyRequest,
  reply: FastifyReply,
  surroundings: RouteSurroundings,
): Promise<FastifyReply> {
  const entry: AnyEndpoint = CONTRACT[name];
  const identity = surroundings.identityOf(request);
  const isOpen = entry.role === 'none' || surroundings.isOpen(entry.path);
  if (!isOpen && (identity === null || !mayDo(identity.role, entry.role))) {
    return send(reply, roleTooLow(identity, entry));
  }
  const body = name === 'events' ? lastEvent(request) : request.body;
  const read = readParameters<object>(entry.parameters, request.query, body, request.params);
  if (!read.ok) return send(reply, failed('DSO_PARAMETER_INVALID', read.message, { parameters: read.parameters }));
  const expected = expectedBy(entry, request, read.values);
  const client = requesterOf(request);
  const recorded =
    identity !== null && mayChange(entry, read.values)
      ? surroundings.audit.begin({ identity, ...client, action: name, parameters: read.values })
      : null;
  const handler = HANDLERS[name] as Handler<object, unknown>;
  const meta = { requestId: request.id, ...(expected && { expected }) };
  const asked = { values: read.values, by: nameOf(client, identity), client, request, reply, identity, meta };
  const handled = await handler(asked, surroundings);
  if (handled === null) return reply;
  recorded?.ended(handled.status, codeIn(handled.body));
  return send(reply, handled);
}

/** Such requests are in the audit. */
function mayChange({ role, method }: AnyEndpoint, values: { dryRun?: unknown }): boolean {
  return role !== 'none' && role !== 'read' && method !== 'GET' && values.dryRun !== true;
}

function roleTooLow(identity: Identity | null, { role }: AnyEndpoint): Reply<unknown> {
  const has = identity === null ? 'nothing' : `the role ${identity.role}`;
  const text = `This needs a token with the role ${role}; "${identity?.name ?? 'no token'}" has ${has}.`;
  return failed('DSO_ROLE_TOO_LOW', text, { needs: role, has: identity?.role ?? null });
}

function codeIn(body: unknown): string | null {
  const { code }: { code?: unknown } = Object(body);
  return typeof code === 'string' ? code : null;
}

/** What the request says that the thing to be changed is. */
function expectedBy({ edits }: AnyEndpoint, { headers }: FastifyRequest, values: object): Expected | undefined {
  const [, tag] = /^"([^"]*)"$/.exec(headers['if-match'] ?? '') ?? [];
  if (edits === undefined || headers['if-match'] === undefined || headers['if-match'] === '*') return undefined;
  const version = tag ?? '';
  if (edits.thing === 'rollout') return { of: { thing: 'rollout' }, version };
  const named: { readonly [parameter: string]: unknown } = { ...values };
  return { of: { thing: edits.thing, id: String(named[edits.parameter ?? '']) }, version };
}

/** An EventSource that came back says in `Last-Event-ID` where it was; that wins over the `after` it began with. */
function lastEvent({ headers }: FastifyRequest): { after?: unknown } {
  const id = headers['last-event-id'];
  return id === undefined || id === '' ? {} : { after: id };
}

function send(reply: FastifyReply, { status, body, headers = {} }: Reply<unknown>): FastifyReply {
  return reply.code(status).headers(headers).send(body);
}

/** So much of a name goes into the history. */
const MAX_NAME_LENGTH = 120;

/** The name that they say (nobody checks it), and the address, which they cannot choose. */
function requesterOf({ headers, socket }: Pick<FastifyRequest, 'headers' | 'socket'>): Client {
  const given = headers['x-requested-by'];
  const name = (Array.isArray(given) ? given.join(' ') : (given ?? '')).replaceAll(/[^\x20-\x7e]+/g, ' ').trim();
  const from = socket.remoteAddress?.replace(/^::ffff:/, '') ?? 'an unknown address';
  return { client: name === '' ? 'REST' : name.slice(0, MAX_NAME_LENGTH), from };
}

/** For the history. */
function nameOf({ client, from }: Client, identity: Identity | null): string {
  const token = identity === null || identity.id === null ? '' : `, token ${identity.name}`;
  return `${client}${token} from ${from}`;
}
