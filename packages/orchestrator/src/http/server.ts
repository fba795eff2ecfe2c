/**
 * The REST interface: the ancestor's endpoints, so that its command line works, and `/v1` with all there is to know.
 *
 * Every answer that is not a document of its own is `{"Message":"…","Error":…}`, unknown paths, garbage and refusals
 * included. Nothing here times an operation out: moving a node takes as long as it takes. What is bounded is what a
 * stranger can make us hold: the time to send a request and to read its answer, its size, and the number of connections
 * and event streams.
 */
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { hostname } from 'node:os';
import formbody from '@fastify/formbody';
import { CONTRACT, type Configuration } from '@dshard/api';
import { printable } from '@dshard/protocol';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { formatAddress, isLoopback, listeningContext, parseAddress, renewOnChange } from '@dshard/transport';
import type { Address, Clock, Logger, Random, TlsFiles } from '@dshard/transport';
import { OwnProcess } from '../adapters/own-process.js';
import { OrchestratorError, addressTaken, addressUnusable } from '../errors.js';
import type { OrchestratorHandle } from '../runtime/contract.js';
import { createAccess, visitOf, type Access, type Identity } from './access.js';
import { failed, refusal } from './answers.js';
import { Audit } from './audit.js';
import { addDashboard, DASHBOARD_ROUTES } from './dashboard.js';
import { LiveStreams } from './live/live-streams.js';
import { countAnswers } from './metrics.js';
import { RefusedRequests } from './refused-requests.js';
import { requestIds, tellRequests } from './request-log.js';
import { addRoutes } from './routes.js';
import { OpenStreams } from './server-sent-events.js';
import { CSRF_HEADER, isCsrf, Sessions } from './sessions.js';

export type HttpServerOptions = {
  orchestrator: OrchestratorHandle;
  /** `host:port`. */
  listen: Address;
  /** Certificate and key, and whose clients have to show. Default: plain text. */
  tls?: TlsFiles | null;
  /** Without one the server only listens on loopback. */
  token: string | null;
  /** Let requests without a token in from this machine, although there is one. */
  tokenlessLoopback: boolean;
  /** Further names the server is reached by, for the Host header. */
  hosts: readonly string[];
  /** Metrics are shown to everybody, without a token. */
  publicMetrics?: boolean;
  /** The orchestrator's own version, shown in /v1/status. */
  version: string;
  /** What is in force, for `/v1/config`. */
  configuration: Configuration;
  random: Random;
  /** Who listens on a port, as far as it can be known: for whoever finds the port taken. */
  listenerOn?: (port: number) => { pid: number; name: string } | null;
  /** Until it says yes, everybody is told to come back later. */
  isReady(): boolean;
  clock: Clock;
  logger: Logger;
  timeouts?: HttpTimeouts;
};

export type HttpServer = {
  /** For tests: `inject` answers without a socket. */
  readonly app: FastifyInstance;
  /** Resolves with the real address. Rejects with DSO_CLOSED_BY_DEFAULT, DSO_ADDRESS_TAKEN or DSO_ADDRESS_UNUSABLE. */
  start(): Promise<Address>;
  /** Ends event streams, answers what is being answered, closes what is left open. May be called twice. */
  close(): Promise<void>;
};

/** No operation needs more: node ids and shard numbers. */
const MAX_BODY_BYTES = 64 * 1024;
/** How long a client may take, and how often we look. */
type HttpTimeouts = {
  /** To send a request, and its head. */
  requestMs: number;
  headMs: number;
  lookEveryMs: number;
  /** To read an answer, once we have begun to send. */
  readingMs: number;
  /** To read the last words, when it is refused. */
  lastWordsMs: number;
};

const TIMEOUTS: HttpTimeouts = {
  requestMs: 30_000,
  headMs: 15_000,
  lookEveryMs: 5_000,
  readingMs: 30_000,
  lastWordsMs: 1_000,
};
/** Clients at once; further ones are closed. Behind a proxy all have one address. */
const MAX_CONNECTIONS = 512;
/** How long answers under way may take when the server closes. */
const CLOSE_GRACE_MS = 1000;

/** Probes: open to everybody, by any name. */
const OPEN: ReadonlySet<string> = new Set([CONTRACT.healthz.path, CONTRACT.livez.path, CONTRACT.readyz.path]);

/** Names this run in the ids of events. */
const RUN_BYTES = 4;
/** For a look at who has the port. */
const LOOK_MS = 1_000;
const PART = { what: 'The REST interface', key: 'http.listen', flag: '--http' };

export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { orchestrator, clock, logger, tls = null, timeouts = TIMEOUTS, publicMetrics = false } = options;
  const listen = parseAddress(options.listen);
  const apiTokens = (): OrchestratorHandle['state']['apiTokens'] => orchestrator.state.apiTokens;
  const sessions = new Sessions({ token: options.token, apiTokens, clock });
  const access = createAccess({ ...options, listenHost: listen.host, apiTokens, sessions });
  const streams = new OpenStreams(clock);
  const live = new LiveStreams(orchestrator, streams, clock, {
    version: options.version,
    leader: { host: hostname(), pid: process.pid },
    run: Buffer.from(options.random.bytes(RUN_BYTES)).toString('hex'),
  });
  const refusals = new RefusedRequests(clock, logger);
  const ownProcess = new OwnProcess(clock);
  const isOpen = (path: string): boolean => OPEN.has(path) || (publicMetrics && path === CONTRACT.metrics.path);
  const app = fastify({
    bodyLimit: MAX_BODY_BYTES,
    genReqId: requestIds(options.random),
    requestTimeout: timeouts.requestMs,
    serverFactory: (handler) => {
      const limits = { headersTimeout: timeouts.headMs, connectionsCheckingInterval: timeouts.lookEveryMs };
      if (tls === null) return createServer(limits, handler);
      const server = createTlsServer({ ...limits, ...listeningContext(tls, clock.wallClock()) }, handler);
      renewOnChange(server, { files: tls, clock, logger });
      return server;
    },
    routerOptions: { maxParamLength: 256 },
    // Paths that cannot be decoded never become a request of ours; they get the same body.
    frameworkErrors: (error, _request, reply) => {
      const answer: FastifyReply = reply;
      void answer.code(error.statusCode ?? 400).send(failed('DSO_REQUEST_INVALID', printable(error.message)).body);
    },
    // Refusals of the HTTP parser happen before there is a request, too.
    clientErrorHandler(error, socket) {
      logger.debug({ reason: error.message }, 'A client sent something that is not HTTP.');
      const { body } = failed('DSO_REQUEST_INVALID', 'That was not a request this server understands.');
      const text = JSON.stringify(body);
      // A client that is half open would keep its descriptor: it never reads the end of the connection.
      socket.once(
        'close',
        clock.after(timeouts.lastWordsMs, () => socket.destroy()),
      );
      if (!socket.writable) return;
      socket.end(
        `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
      );
    },
  });
  await app.register(formbody, { bodyLimit: MAX_BODY_BYTES });
  acceptEmptyJson(app);

  app.server.maxConnections = MAX_CONNECTIONS;

  tellRequests(app, logger);
  // A client that asks on before it was answered would have us make hundreds of answers at once, and hold them all.
  const asking = new WeakSet<Socket>();
  app.addHook('onRequest', async ({ raw: { socket } }, reply) => {
    if (asking.has(socket)) {
      socket.destroy();
      return reply.hijack();
    }
    asking.add(socket);
    reply.raw.once('close', () => asking.delete(socket));
    return undefined;
  });
  // An answer that nobody reads. An event stream sees to that itself.
  app.addHook('onSend', async (_request, { raw }) => {
    const cancel = clock.after(timeouts.readingMs, () => raw.destroy());
    raw.once('close', cancel);
  });
  const identities = new WeakMap<FastifyRequest, Identity>();
  app.addHook('onRequest', async (request, reply) => {
    // Probes come by any name and without a token; they are told nothing but that somebody is here.
    const visit = visitOf(request);
    const url = request.routeOptions.url ?? '';
    const source = access.checkSource(visit);
    // The files of the dashboard tell nothing of the fleet; who uses the page shows who they are to what the page asks.
    if (source === null && DASHBOARD_ROUTES.has(url)) return;
    // Who logs in has no token yet; where the request comes from counts all the same.
    if (source === null && url === CONTRACT.logIn.path && request.method === CONTRACT.logIn.method) return;
    const found = source ?? withoutForgery(request, access.identify(visit));
    if (found !== null && 'role' in found) identities.set(request, found);
    else if (!isOpen(url) && found !== null) {
      refusals.tell(visit.remoteAddress ?? 'unknown', printable(request.url), found.message);
      const { code, message, retryAfterMs } = found;
      const wait = retryAfterMs === undefined ? null : Math.ceil(retryAfterMs / 1000);
      const { status, body } = failed(code, message, wait === null ? {} : { retryAfterSeconds: wait });
      if (status === 401) void reply.header('www-authenticate', 'Bearer');
      if (wait !== null) void reply.header('retry-after', String(wait));
      await reply.code(status).send(body);
      return;
    }
    if (!options.isReady() && url !== CONTRACT.livez.path) {
      const { status, body } = failed('DSO_STARTING', 'The orchestrator is starting.');
      await reply.code(status).send(body);
    }
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500)
      logger.error({ request: request.id, path: request.url, error: error.message }, 'A request failed.');
    const code = status >= 500 ? 'DSO_INTERNAL' : 'DSO_REQUEST_INVALID';
    return reply.code(status).send(refusal(status, code, printable(error.message)).body);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = printable(request.url.split('?')[0] ?? '');
    const other = request.method === 'GET' ? 'POST' : 'GET';
    const hint = app.hasRoute({ method: other, url: path }) ? ` There is ${other} ${path}.` : '';
    return reply.code(404).send(failed('DSO_NO_SUCH_PATH', `There is no ${request.method} ${path}.${hint}`).body);
  });
  const identityOf = (request: FastifyRequest): Identity | null => identities.get(request) ?? null;
  const audit = new Audit(orchestrator, clock);
  addRoutes(app, {
    ...options,
    streams,
    live,
    access,
    sessions,
    isTls: tls !== null,
    audit,
    identityOf,
    isOpen,
    ownProcess,
  });
  countAnswers(app, orchestrator.ledger);
  addDashboard(app);
  // An open event stream would keep the server from ever closing.
  app.addHook('preClose', () => {
    streams.close();
    live.close();
  });

  return {
    app,
    async start() {
      if (options.token === null && !isLoopback(listen.host)) {
        throw new OrchestratorError(
          'DSO_CLOSED_BY_DEFAULT',
          `The REST interface would listen on ${options.listen}, where others can reach it, and there is no token. Set one (DSO_TOKEN, or tokenFile in dso.yaml), or listen on 127.0.0.1.`,
        );
      }
      try {
        await app.listen(listen);
      } catch (cause) {
        const taken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
        if (!taken) throw addressUnusable(options.listen, PART, cause);
        const listener = options.listenerOn?.(listen.port) ?? null;
        throw addressTaken(options.listen, PART, cause, {
          listener,
          isOurs: await isOrchestrator(options.listen, clock),
        });
      }
      ownProcess.start();
      const bound = app.server.address();
      return formatAddress(listen.host, typeof bound === 'object' && bound ? bound.port : listen.port);
    },
    async close() {
      refusals.close();
      ownProcess.close();
      const cancel = clock.after(CLOSE_GRACE_MS, () => app.server.closeAllConnections());
      await app.close().finally(cancel);
    },
  };
}

/** Who comes with a cookie, and would change something, shows that it is a page of ours that asks. */
function withoutForgery<Found extends ReturnType<Access['identify']>>(
  { method, headers }: FastifyRequest,
  found: Found,
): Found | Exclude<ReturnType<Access['identify']>, Identity> {
  if (!('role' in found) || found.session === undefined || method === 'GET' || method === 'HEAD') return found;
  if (headers.origin !== undefined && isCsrf(headers[CSRF_HEADER], found.session)) return found;
  const what = 'A request with the cookie of a session that would change something';
  const message = `${what} needs the header X-Dso-Csrf with the "csrf" of the session, and an Origin.`;
  return { code: 'DSO_CSRF_REFUSED', message };
}

/** Whether what listens there answers as this does, with a status or a refusal. */
async function isOrchestrator(address: Address, clock: Clock): Promise<boolean> {
  const tooLate = new AbortController();
  const cancel = clock.after(LOOK_MS, () => tooLate.abort());
  try {
    const response = await fetch(`http://${address}${CONTRACT.status.path}`, {
      headers: { connection: 'close' },
      signal: tooLate.signal,
    });
    const answer = Object(await response.json()) as Partial<Record<string, unknown>>;
    return 'shardCounts' in answer || ('Message' in answer && answer['Error'] === true);
  } catch {
    return false;
  } finally {
    cancel();
  }
}

/** A POST without a body is fine, whatever content type a client says it has. */
function acceptEmptyJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, {});
    else void parse(request, body.toString(), done);
  });
}
