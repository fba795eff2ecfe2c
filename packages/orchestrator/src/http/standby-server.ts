/**
 * The REST interface of an orchestrator that waits for its turn. `/livez` says that it lives; `/readyz` and all else
 * are answered with 503 and say who leads, so that a load balancer passes it by, and `dso` goes where it has to.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import { CONTRACT } from '@dshard/api';
import { listeningContext, parseAddress, renewOnChange, type Clock, type Logger } from '@dshard/transport';
import type { Leader } from '../ports/state-store.js';
import type { ApiToken } from '../domain/state/access.js';
import { OwnProcess } from '../adapters/own-process.js';
import { failed, type Reply } from './answers.js';
import { createAccess, visitOf } from './access.js';
import { standbyMetrics } from './metrics.js';
import type { HttpServerOptions } from './server.js';

export type StandbyServerOptions = Pick<
  HttpServerOptions,
  'listen' | 'tls' | 'token' | 'tokenlessLoopback' | 'hosts' | 'publicMetrics' | 'version'
> & {
  leader: () => Leader | null;
  clock: Clock;
  logger: Logger;
};

const PATIENCE_MS = 5_000;
const MAX_CONNECTIONS = 128;

export class StandbyServer {
  readonly #options: StandbyServerOptions;
  readonly #ownProcess: OwnProcess;
  #server: Server | null = null;

  constructor(options: StandbyServerOptions) {
    this.#options = options;
    this.#ownProcess = new OwnProcess(options.clock);
  }

  /** Does nothing where it listens already, or the port is taken. */
  async open(): Promise<void> {
    if (this.#server !== null) return;
    const { listen, tls = null, clock, logger } = this.#options;
    const limits = { requestTimeout: PATIENCE_MS, headersTimeout: PATIENCE_MS, keepAliveTimeout: 1 };
    const answer = this.#answerer();
    const server =
      tls === null
        ? createServer(limits, answer)
        : createTlsServer({ ...limits, ...listeningContext(tls, clock.wallClock()) }, answer);
    server.maxConnections = MAX_CONNECTIONS;
    const { host, port } = parseAddress(listen);
    const isListening = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen({ host, port }, () => resolve(true));
    });
    if (!isListening) return;
    server.on('error', () => undefined);
    if (tls !== null && server instanceof TlsServer) renewOnChange(server, { files: tls, clock, logger });
    this.#server = server;
    this.#ownProcess.start();
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    this.#ownProcess.close();
    if (server === null) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  #answerer(): (request: IncomingMessage, response: ServerResponse) => void {
    const { listen, leader, version, publicMetrics = false } = this.#options;
    // A standby has not read the store, so it knows the configured token only.
    const none: ReadonlyMap<string, ApiToken> = new Map<string, ApiToken>();
    const apiTokens = (): ReadonlyMap<string, ApiToken> => none;
    const access = createAccess({ ...this.#options, apiTokens, listenHost: parseAddress(listen).host });
    return (request, response) => {
      request.resume();
      const path = (request.url ?? '').split('?')[0];
      const visit = visitOf(request);
      const found = access.checkSource(visit) ?? access.identify(visit);
      const isProbe = path === CONTRACT.readyz.path || path === CONTRACT.healthz.path;
      const maySee = 'role' in found || publicMetrics;
      if (path === CONTRACT.livez.path) reply(response, 200, { ok: true });
      else if (path === CONTRACT.metrics.path && maySee) {
        const look = { version, leads: false, process: this.#ownProcess.figures() };
        const { status, body, headers } = standbyMetrics(look, request.headers.accept);
        send(response, status, body, headers);
      } else if ('role' in found) reply(response, 503, standbyAnswer(leader()));
      else if (isProbe) reply(response, 503, { ready: false });
      else {
        const { status, body } = failed(found.code, found.message);
        reply(response, status, body);
      }
    };
  }
}

/** `Leader`: the REST interface of whoever leads, for programs. */
function standbyAnswer(leader: Leader | null): Record<string, unknown> {
  const at = leader?.http == null ? '' : ` Its REST interface is ${leader.http}.`;
  const text =
    leader === null
      ? 'This orchestrator is a standby, and nobody leads now.'
      : `This orchestrator is a standby. The one that leads runs on host ${leader.host}, process id ${leader.pid}.${at}`;
  return { Message: text, Error: true, ready: false, missing: [text], notUp: [], Leader: leader?.http ?? null };
}

function reply(response: ServerResponse, status: number, document: Record<string, unknown>): void {
  const headers = { 'content-type': 'application/json', ...(status === 503 && { 'retry-after': '1' }) };
  send(response, status, JSON.stringify(document), headers);
}

function send(response: ServerResponse, status: number, text: string, headers: Reply<string>['headers'] = {}): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text), connection: 'close' });
  response.end(text);
}
