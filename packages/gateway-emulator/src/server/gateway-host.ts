/**
 * One address that serves the gateway: 127.0.0.1 (or another that is near) and a port, for HTTP and websockets,
 * encrypted or not. There are two: the generic host of `/gateway` and the resume host of READY. Each can be made to
 * fail in the ways that real ones do:
 *
 * - `up`: serves.
 * - `refuse`: nobody listens.
 * - `unavailable`: answers everything with 503.
 * - `silent`: accepts websockets and never says a word.
 * - `hang-up`: accepts connections and ends each as soon as something is asked on it, without an answer.
 *
 * Leaving `up` cuts every websocket it has, `refuse` everything else too. The port stays its own. REST that shares the
 * host fails along with it, unless it is to be kept; with `refuse` it cannot be.
 */
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
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
  onSocket: (socket: GatewaySocket, stream: GatewayStream, query: URLSearchParams) => void;
  /** Where it listens. */
  address: string;
  /** The name in its URLs; null: its address. */
  hostName: string | null;
  /** Null: unencrypted. */
  tls: { key: string; cert: string } | null;
};

/** What a websocket goes over. */
export type GatewayStream = {
  readonly socket: Socket;
  /** Ends the TCP connection with a reset. */
  reset(): void;
};

const tlsPort = 443;
/** Larger messages are not even buffered. Far above what clients may send: the core sees the merely too large. */
const maxMessageBytes = 1_048_576;

export class GatewayHost {
  readonly #options: GatewayHostOptions;
  /** TCP connections, below the encryption where there is one, by the peer's address and port. */
  readonly #sockets = new Map<string, Socket>();
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

  /** For websockets. */
  get url(): string {
    return `${this.#options.tls === null ? 'ws' : 'wss'}://${this.#authority(this.#options.hostName)}`;
  }

  /** For requests; by its address, whatever its name. */
  get httpUrl(): string {
    return this.nameUrl(null);
  }

  /** For requests, by a name that leads here. */
  nameUrl(hostName: string | null): string {
    return `${this.#options.tls === null ? 'http' : 'https'}://${this.#authority(hostName)}`;
  }

  /** Listens. Throws `DSO_EMULATOR_PORT_TAKEN` or `DSO_EMULATOR_LISTEN_FAILED`. */
  async listen(port: number): Promise<void> {
    const { tls, address } = this.#options;
    const onRequest: RequestListener = (request, response) => {
      const isServed = this.#mode === 'up' || this.#keepsRest || this.#options.isOperators?.(request) === true;
      if (isServed) this.#options.onRequest(request, response);
      else if (this.#mode === 'hang-up') request.socket.destroy();
      else response.writeHead(503).end('upstream connect error');
    };
    const server =
      tls === null ? createServer(onRequest) : createTlsServer({ key: tls.key, cert: tls.cert }, onRequest);
    server.on('connection', (socket) => {
      const peer = peerOf(socket);
      this.#sockets.set(peer, socket);
      socket.once('close', () => this.#sockets.delete(peer));
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
      if (this.#mode === 'up') this.#options.onSocket(socket, this.#streamOf(request.socket), queryOf(request));
      else socket.on('error', () => undefined);
    });
  }

  #streamOf(socket: Socket): GatewayStream {
    const tcp = this.#sockets.get(peerOf(socket)) ?? socket;
    return { socket, reset: () => tcp.resetAndDestroy() };
  }

  #authority(hostName: string | null): string {
    const { address, tls } = this.#options;
    const host = hostName ?? address;
    return tls !== null && this.#port === tlsPort ? host : `${host}:${this.#port}`;
  }

  async #stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#sockets.values()) socket.destroy();
    await closed;
  }

  #listenError(port: number, cause: Error): EmulatorError {
    const taken = 'code' in cause && cause.code === 'EADDRINUSE';
    const { address, name } = this.#options;
    const message = taken
      ? `The ${name} cannot listen on ${address}:${port}: the port is taken. Stop what listens there, or choose another port.`
      : `The ${name} cannot listen on ${address}:${port}: ${cause.message}.`;
    return new EmulatorError(taken ? 'DSO_EMULATOR_PORT_TAKEN' : 'DSO_EMULATOR_LISTEN_FAILED', message, { cause });
  }
}

function portOf(bound: AddressInfo | string | null): number {
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}

function queryOf(request: IncomingMessage): URLSearchParams {
  const query = (request.url ?? '').split('?').slice(1).join('?');
  return new URLSearchParams(query);
}
