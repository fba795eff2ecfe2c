/**
 * A TCP proxy that misbehaves on command, between a client and a real server: latency, a trickle, a stop, a reset, a
 * connection that swallows everything (half-open), no connection at all. Settings hold for connections that are open
 * and for those to come.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { formatAddress, parseAddress, systemClock, type Address, type Cancel, type Clock } from '@dshard/transport';

export type Faults = {
  /** Added to each direction. */
  latencyMs: number;
  /** The most each direction passes on in a second; Infinity: no limit. */
  bytesPerSecond: number;
  /** Reads nothing while set, so that the senders' windows fill. */
  paused: boolean;
  /** Takes everything and passes nothing on, ends included: a peer that is gone without a word. */
  swallow: boolean;
  /** New connections are reset. */
  refuse: boolean;
};

const NO_FAULTS: Readonly<Faults> = {
  latencyMs: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  paused: false,
  swallow: false,
  refuse: false,
};

/** What a direction holds before it stops reading, so that a slow line slows the sender down. */
const WINDOW_BYTES = 256 * 1024;

export class FaultProxy {
  readonly #target: Address;
  readonly #clock: Clock;
  readonly #links = new Set<Link>();
  readonly #server: Server;
  #faults: Faults = { ...NO_FAULTS };

  private constructor(target: Address, clock: Clock) {
    this.#target = target;
    this.#clock = clock;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#onClient(client));
  }

  /** Listens on a free port of 127.0.0.1. */
  static async to(target: Address, clock: Clock = systemClock()): Promise<FaultProxy> {
    const proxy = new FaultProxy(target, clock);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen({ host: '127.0.0.1', port: 0 }, resolve);
    });
    return proxy;
  }

  /** Where clients connect. */
  get address(): Address {
    const { address, port } = this.#server.address() as AddressInfo;
    return formatAddress(address, port);
  }

  get connections(): number {
    return this.#links.size;
  }

  /** Changes what is named, for all connections. */
  set(faults: Partial<Faults>): void {
    this.#faults = { ...this.#faults, ...faults };
    for (const link of this.#links) link.apply(this.#faults);
  }

  /** Passes everything on again. What was swallowed is gone. */
  heal(): void {
    this.set(NO_FAULTS);
  }

  /** Both ends of every connection see a reset. */
  reset(): void {
    for (const link of this.#links) link.reset();
  }

  /** Both ends of every connection see a clean close, in the middle of whatever it was. */
  drop(): void {
    for (const link of this.#links) link.destroy();
  }

  /** Drops what is open and gives the port back. */
  async close(): Promise<void> {
    this.drop();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #onClient(client: Socket): void {
    if (this.#faults.refuse) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ ...parseAddress(this.#target), allowHalfOpen: true, noDelay: true });
    const link = new Link(client, server, this.#clock, () => this.#links.delete(link));
    this.#links.add(link);
    link.apply(this.#faults);
  }
}

/** One proxied connection. */
class Link {
  readonly #sockets: readonly [Socket, Socket];
  readonly #lanes: readonly [Lane, Lane];

  constructor(client: Socket, server: Socket, clock: Clock, onGone: () => void) {
    this.#sockets = [client, server];
    this.#lanes = [new Lane(client, server, clock), new Lane(server, client, clock)];
    for (const socket of this.#sockets) {
      socket.on('error', () => this.reset());
      socket.on('close', () => {
        if (this.#sockets.every((each) => each.destroyed)) {
          for (const lane of this.#lanes) lane.stop();
          onGone();
        }
      });
    }
  }

  apply(faults: Readonly<Faults>): void {
    for (const lane of this.#lanes) lane.apply(faults);
  }

  reset(): void {
    for (const socket of this.#sockets) {
      if (!socket.destroyed) socket.resetAndDestroy();
    }
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** One direction. What it has read waits in order until its time has come; at most one timer is set. */
class Lane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #clock: Clock;
  #faults: Readonly<Faults> = NO_FAULTS;
  /** `null` stands for the end of the direction. */
  readonly #waiting: { at: number; bytes: Buffer | null }[] = [];
  #waitingBytes = 0;
  #freeAt = 0;
  #cancelTimer: Cancel | null = null;

  constructor(from: Socket, to: Socket, clock: Clock) {
    this.#from = from;
    this.#to = to;
    this.#clock = clock;
    from.on('data', (bytes) => this.#onRead(bytes));
    from.on('end', () => this.#onRead(null));
    to.on('drain', () => this.#readOrNot());
  }

  apply(faults: Readonly<Faults>): void {
    this.#faults = faults;
    this.#readOrNot();
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#waiting.length = 0;
  }

  #readOrNot(): void {
    const { paused, swallow } = this.#faults;
    const full = this.#to.writableNeedDrain || this.#waitingBytes > WINDOW_BYTES;
    if (paused || (full && !swallow)) this.#from.pause();
    else this.#from.resume();
  }

  #onRead(bytes: Buffer | null): void {
    if (this.#faults.swallow) return;
    const { latencyMs, bytesPerSecond } = this.#faults;
    const now = this.#clock.monotonicMs();
    // The line is busy with what came before, then with this.
    this.#freeAt = Math.max(now, this.#freeAt) + ((bytes?.length ?? 0) * 1000) / bytesPerSecond;
    this.#waiting.push({ at: this.#freeAt + latencyMs, bytes });
    this.#waitingBytes += bytes?.length ?? 0;
    this.#passOn();
  }

  #passOn(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const waitMs = first.at - this.#clock.monotonicMs();
      if (waitMs > 0) {
        this.#cancelTimer = this.#clock.after(waitMs, () => this.#passOn());
        break;
      }
      this.#waiting.shift();
      this.#waitingBytes -= first.bytes?.length ?? 0;
      this.#write(first.bytes);
    }
    this.#readOrNot();
  }

  #write(bytes: Buffer | null): void {
    if (this.#faults.swallow || this.#to.destroyed) return;
    if (bytes === null) this.#to.end();
    else this.#to.write(bytes);
  }
}
