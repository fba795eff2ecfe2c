/**
 * One address that serves the gateway: 127.0.0.1 and a port, for HTTP and websockets. There are two: the generic host of
 * `/gateway` and the resume host of READY. Each can be made to fail in the ways that real ones do:
 *
 * - `up`: serves.
 * - `refuse`: nobody listens.
 * - `unavailable`: answers everything with 503.
 * - `silent`: accepts websockets and never says a word.
 * - `hang-up`: accepts connections and ends each as soon as something is asked on it, without an answer.
 *
 * Leaving `up` cuts every websocket it has, `refuse` everything else too. The port stays its own. REST that shares the host fails along with
 * it, unless it is to be kept; with `refuse` it cannot be.
 */
import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { EmulatorError } from '../errors.js';
import { GatewaySocket } from './gateway-socket.js';

export type HostMode = 'up' | HostFailure;
export type HostFailure = 'refuse' | 'unavailable' | 'silent' | 'hang-up';

export const hostFailures: readonly HostFailure[] = ['refuse', 'unavailable', 'silent', 'hang-up'];
export const hostModes: readonly HostMode[] = ['up', ...hostFailures];

export type GatewayHostOptions = {
  /** For error messages. */
  name: string;
  /** Requests that are served in `unavailable` and `silent` too: the operator's own. */
  isOperators?: (request: IncomingMessage) => boolean;
  onRequest: RequestListener;
  onSocket: (socket: GatewaySocket, stream: Socket, query: URLSearchParams) => void;
};

const address = '127.0.0.1';
/** Larger messages are not even buffered. Far above what clients may send, so that the core sees those that are merely too large. */
const maxMessageBytes = 1_048_576;

export class GatewayHost {
  readonly #options: GatewayHostOptions;
  readonly #sockets = new Set<Socket>();
  readonly #upgraded = new Set<Duplex>();
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    // A flood of pings from a client that reads no pongs must not fill the memory: the edge answers them.
    autoPong: false,
    maxPayload: maxMessageBytes,
    // The core reads the bytes itself and answers bad UTF-8 as Discord does.
    skipUTF8Validation: true,
    WebSocket: GatewaySocket,
  });
  #server: Server | null = null;
  #port = 0;
  #mode: HostMode = 'up';
  #keepsRest = false;

  constructor(options: GatewayHostOptions) {
    this.#options = options;
  }

  get mode(): HostMode {
    return this.#mode;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `ws://${address}:${this.#port}`;
  }

  /** Listens. Throws `DSO_EMULATOR_PORT_TAKEN` or `DSO_EMULATOR_LISTEN_FAILED`. */
  async listen(port: number): Promise<void> {
    const server = createServer((request, response) => {
      const isServed = this.#mode === 'up' || this.#keepsRest || this.#options.isOperators?.(request) === true;
      if (isServed) this.#options.onRequest(request, response);
      else if (this.#mode === 'hang-up') request.socket.destroy();
      else response.writeHead(503).end('upstream connect error');
    });
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('upgrade', (request, stream, head) => this.#upgrade(request, stream, head));
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(this.#listenError(port, error)));
      server.listen(port, address, resolve);
    });
    this.#port = portOf(server.address());
    this.#server = server;
  }

  /** `keepRest`: only websockets fail. */
  async setMode(mode: HostMode, { keepRest = false }: { keepRest?: boolean } = {}): Promise<void> {
    this.#keepsRest = keepRest;
    if (mode === this.#mode) return;
    const listens = this.#server !== null;
    this.#mode = mode;
    if (mode === 'refuse') await this.#stop();
    else if (!listens) await this.listen(this.#port);
    else if (mode !== 'up') for (const stream of this.#upgraded) stream.destroy();
  }

  async close(): Promise<void> {
    await this.#stop();
    this.#webSockets.close();
  }

  #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    // Until `ws` takes the stream over, a client that resets it must not take the process down.
    stream.on('error', () => undefined);
    this.#upgraded.add(stream);
    stream.once('close', () => this.#upgraded.delete(stream));
    if (this.#mode === 'unavailable') {
      stream.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    if (this.#mode === 'hang-up') {
      stream.destroy();
      return;
    }
    this.#webSockets.handleUpgrade(request, stream, head, (socket) => {
      if (!(socket instanceof GatewaySocket)) return;
      if (this.#mode === 'up') this.#options.onSocket(socket, request.socket, queryOf(request));
      else socket.on('error', () => undefined);
    });
  }

  async #stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #listenError(port: number, cause: Error): EmulatorError {
    const taken = 'code' in cause && cause.code === 'EADDRINUSE';
    const message = taken
      ? `The ${this.#options.name} cannot listen on ${address}:${port}: the port is taken. Stop what listens there, or choose another port.`
      : `The ${this.#options.name} cannot listen on ${address}:${port}: ${cause.message}.`;
    return new EmulatorError(taken ? 'DSO_EMULATOR_PORT_TAKEN' : 'DSO_EMULATOR_LISTEN_FAILED', message, { cause });
  }
}

function portOf(bound: AddressInfo | string | null): number {
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}

function queryOf(request: IncomingMessage): URLSearchParams {
  const query = (request.url ?? '').split('?').slice(1).join('?');
  return new URLSearchParams(query);
}
