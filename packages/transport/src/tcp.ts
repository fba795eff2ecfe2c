/**
 * The transport of production: TCP through `node:net`, in plain text, or by TLS (`tls.ts`). No delay (messages are
 * small and awaited), keep-alive (a cut cable is noticed even with heartbeats off).
 *
 * A stream of ours that was ended sends FIN and goes on reading until the peer closes too, because closing a socket
 * with unread bytes resets it, and a reset may overtake what was just sent. A peer that never closes is cut off after
 * `lingerMs`.
 */
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { formatAddress, isLoopback, parseAddress } from './address.js';
import type { Address, ByteStream, ByteStreamHandlers, Listener, Transport } from './byte-stream.js';
import type { Cancel, Clock } from './clock.js';
import { TransportError, type TransportErrorCode } from './errors.js';
import { systemClock } from './system-clock.js';

const KEEP_ALIVE_DELAY_MS = 15_000;
const DEFAULT_LINGER_MS = 2_000;
/** Connections that may wait to be accepted: a whole fleet that connects at once. The system may allow fewer. */
const BACKLOG = 4_096;
/** So much is written before the turn is over. */
const CORKED_BYTES = 64 * 1024;

export type TcpTransportOptions = {
  /** Default: the machine's. */
  clock?: Clock;
  /** How long an ended stream waits for the peer's close. Default 2 s. */
  lingerMs?: number;
};

export function tcpTransport(options: TcpTransportOptions = {}): Transport {
  return socketTransport(PLAIN, options);
}

/** How sockets are made, in plain text or by TLS. */
export type Sockets = {
  /** `ready`: the event of the socket after which bytes can be sent. Throws a TransportError. */
  dial(host: string, port: number): { socket: Socket; ready: 'connect' | 'secureConnect' };
  server(onSocket: (socket: Socket) => void): Server;
  /** What an error means, in our words; null: what the operating system's means. */
  faultOf(this: void, error: Error): Fault | null;
};

const PLAIN: Sockets = {
  dial: (host, port) => ({ socket: createConnection({ host, port }), ready: 'connect' }),
  server: (onSocket) => createServer({ pauseOnConnect: true }, onSocket),
  faultOf: () => null,
};

export function socketTransport(sockets: Sockets, options: TcpTransportOptions): Transport {
  const { clock = systemClock(), lingerMs = DEFAULT_LINGER_MS } = options;
  const wrap = (socket: Socket): ByteStream => {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    return new TcpStream(socket, { clock, lingerMs, faultOf: sockets.faultOf });
  };
  return {
    connect: (address, connectOptions) => connect(sockets, address, { ...connectOptions, clock, wrap }),
    listen: (address, onStream) => listen(sockets, address, (socket) => onStream(wrap(socket))),
  };
}

type Connecting = { signal?: AbortSignal; timeoutMs: number; clock: Clock; wrap: (socket: Socket) => ByteStream };

async function connect(
  sockets: Sockets,
  address: Address,
  { signal, timeoutMs, clock, wrap }: Connecting,
): Promise<ByteStream> {
  const { host, port } = parseAddress(address);
  if (port === 0) throw new TransportError('DSO_ADDRESS_INVALID', `Cannot connect to ${address}: port 0 is no port.`);
  if (signal?.aborted) throw connectAborted(address, signal);
  const { socket, ready } = sockets.dial(host, port);
  return new Promise<ByteStream>((resolve, reject) => {
    const abort = (error: TransportError): void => {
      settle();
      // The socket may still report an error of its own while it goes down; nobody is interested any more.
      socket.on('error', () => undefined);
      socket.destroy();
      reject(error);
    };
    const onReady = (): void => {
      settle();
      resolve(wrap(socket));
    };
    const onError = (error: Error): void => abort(connectFailed(address, error, sockets));
    const onAbort = (): void => abort(connectAborted(address, signal));
    const cancelTimeout = clock.after(timeoutMs, () => abort(connectTimedOut(address, timeoutMs)));
    const settle = (): void => {
      cancelTimeout();
      signal?.removeEventListener('abort', onAbort);
      socket.off(ready, onReady);
      socket.off('error', onError);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once(ready, onReady);
    socket.once('error', onError);
  });
}

async function listen(sockets: Sockets, address: Address, onSocket: (socket: Socket) => void): Promise<Listener> {
  const { host, port } = parseAddress(address);
  const server = sockets.server(onSocket);
  await new Promise<void>((resolve, reject) => {
    const onError = (error: Error): void => reject(listenFailed(address, error));
    server.once('error', onError);
    server.listen({ host, port, backlog: BACKLOG }, () => {
      server.off('error', onError);
      resolve();
    });
  });
  // Failing to accept one connection (out of file descriptors) concerns that peer only, and it will try again.
  server.on('error', () => undefined);
  let closing: Promise<void> | undefined;
  return {
    address: boundAddress(server),
    close: () => (closing ??= closeServer(server)),
  };
}

/**
 * Resolves when the port is free. `server.close` reports only after the last accepted stream is gone too, and these
 * live on, so its report is not waited for: the port itself is released at once.
 */
async function closeServer(server: Server): Promise<void> {
  server.close();
}

function boundAddress(server: Server): Address {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new TypeError('A TCP server has no address of its own.');
  return formatAddress(bound.address, bound.port);
}

/**
 * One socket. `open` until `end` or `destroy`; `ending` while the last bytes and the peer's close are awaited; `closed`
 * when the socket is gone. `onClose` is called once, on entering `closed` or at `handle` if that came later.
 */
type StreamOptions = { clock: Clock; lingerMs: number; faultOf: Sockets['faultOf'] };

class TcpStream implements ByteStream {
  readonly remote: Address;
  readonly loopback: boolean;
  readonly #socket: Socket;
  readonly #options: StreamOptions;
  #state: 'open' | 'ending' | 'closed' = 'open';
  #handlers: ByteStreamHandlers | null = null;
  #paused = false;
  #corked = false;
  #error: Error | undefined;
  #cancelLinger: Cancel = () => undefined;

  constructor(socket: Socket, options: StreamOptions) {
    const host = socket.remoteAddress ?? 'unknown';
    this.remote = formatAddress(host, socket.remotePort ?? 0);
    this.loopback = isLoopback(host);
    this.#socket = socket;
    this.#options = options;
    socket.on('error', (error) => {
      const fault = options.faultOf(error);
      this.#error ??= fault === null ? error : new Error(fault.fault, { cause: error });
    });
    socket.on('close', () => this.#enterClosed());
  }

  get bufferedBytes(): number {
    return this.#state === 'closed' ? 0 : this.#socket.writableLength;
  }

  handle(handlers: ByteStreamHandlers): void {
    if (this.#handlers !== null) throw new Error(`The stream of ${this.remote} is handled already.`);
    this.#handlers = handlers;
    if (this.#state === 'closed') {
      queueMicrotask(() => this.#reportClose());
      return;
    }
    this.#socket.on('data', (chunk: Buffer) => {
      if (this.#state === 'open') handlers.onData(chunk);
    });
    this.#socket.on('drain', () => {
      if (this.#state === 'open') handlers.onDrain();
    });
    if (!this.#paused) this.#socket.resume();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#state !== 'open') return false;
    this.#cork();
    const takesMore = this.#socket.write(bytes);
    if (this.#socket.writableLength >= CORKED_BYTES) this.#uncork();
    return takesMore;
  }

  /**
   * Behind the promises of this turn, all that was written goes out in one piece: who awaits each message of thousands
   * would pay for a call of the system each time.
   */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#socket.cork();
    process.nextTick(() => this.#uncork());
  }

  #uncork(): void {
    if (!this.#corked) return;
    this.#corked = false;
    this.#socket.uncork();
  }

  pause(): void {
    if (this.#state !== 'open') return;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (this.#state !== 'open') return;
    this.#paused = false;
    if (this.#handlers !== null) this.#socket.resume();
  }

  end(): void {
    if (this.#state !== 'open') return;
    const { clock, lingerMs } = this.#options;
    this.#state = 'ending';
    this.#socket.end();
    this.#socket.resume();
    this.#cancelLinger = clock.after(lingerMs, () => this.#socket.destroy());
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #enterClosed(): void {
    this.#state = 'closed';
    this.#cancelLinger();
    this.#reportClose();
  }

  #reportClose(): void {
    this.#handlers?.onClose(this.#error === undefined ? {} : { error: this.#error });
  }
}

/** What the operating system says, in our words. */
export type Fault = { code: TransportErrorCode; fault: string };

const CONNECT_FAULTS: Readonly<Record<string, Fault>> = {
  ECONNREFUSED: { code: 'DSO_CONNECT_REFUSED', fault: 'nobody listens there' },
  ETIMEDOUT: { code: 'DSO_CONNECT_TIMEOUT', fault: 'it did not answer' },
  ENOTFOUND: { code: 'DSO_HOST_UNKNOWN', fault: 'there is no host of that name' },
  EAI_AGAIN: { code: 'DSO_HOST_UNKNOWN', fault: 'the name server did not answer' },
  EHOSTUNREACH: { code: 'DSO_HOST_UNREACHABLE', fault: 'there is no route to the host' },
  ENETUNREACH: { code: 'DSO_HOST_UNREACHABLE', fault: 'there is no route to its network' },
};

const LISTEN_FAULTS: Readonly<Record<string, Fault>> = {
  EADDRINUSE: { code: 'DSO_PORT_TAKEN', fault: 'another process listens there already' },
  EADDRNOTAVAIL: { code: 'DSO_ADDRESS_NOT_OURS', fault: 'no network interface of this machine has that address' },
  ENOTFOUND: { code: 'DSO_HOST_UNKNOWN', fault: 'there is no host of that name' },
  EAI_AGAIN: { code: 'DSO_HOST_UNKNOWN', fault: 'the name server did not answer' },
  EACCES: { code: 'DSO_LISTEN_FORBIDDEN', fault: 'this user may not use that port' },
};

function connectFailed(address: Address, cause: Error, { faultOf }: Sockets): TransportError {
  const other: Fault = { code: 'DSO_CONNECT_FAILED', fault: cause.message };
  const known = faultOf(cause) ?? CONNECT_FAULTS[systemCode(cause)] ?? other;
  return new TransportError(known.code, `Cannot connect to ${address}: ${known.fault}.`, { cause });
}

function connectTimedOut(address: Address, timeoutMs: number): TransportError {
  return new TransportError(
    'DSO_CONNECT_TIMEOUT',
    `Cannot connect to ${address}: it did not answer within ${timeoutMs} ms.`,
  );
}

function connectAborted(address: Address, signal: AbortSignal | undefined): TransportError {
  return new TransportError('DSO_CONNECT_ABORTED', `Connecting to ${address} was aborted.`, {
    cause: signal?.reason,
  });
}

function listenFailed(address: Address, cause: Error): TransportError {
  const known = LISTEN_FAULTS[systemCode(cause)] ?? { code: 'DSO_LISTEN_FAILED', fault: cause.message };
  return new TransportError(known.code, `Cannot listen on ${address}: ${known.fault}.`, { cause });
}

export function systemCode(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}
