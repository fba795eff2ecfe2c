/**
 * The two ends of a connection in memory, with the manners of TCP: bytes arrive in order and later; what a reader does
 * not take stays with the writer as `bufferedBytes`; an end is answered by an end; what is dropped shows as a reset.
 *
 * States of an end: `open`; `ending` (its own end is sent; it reads on, throws away what it reads, and waits for the
 * peer's end, at most `LINGER_MS`); `closed` (reported once, as soon as there are handlers).
 */
import type { Address, ByteStream, ByteStreamHandlers, Cancel, Clock, CloseReason } from '@dshard/transport';

export type MemoryConnectionSettings = {
  clock: Clock;
  latencyMs: () => number;
  highWaterBytes: number;
  /** Both ends are closed. */
  onGone: () => void;
};

/** As the connecting end sees it: `out` is what it sends. */
export type CutDirection = 'both' | 'in' | 'out';

/** As in the TCP adapter. */
const LINGER_MS = 2_000;

export class MemoryConnection {
  readonly connected: ByteStream;
  readonly accepted: ByteStream;
  readonly #ends: readonly [MemoryStream, MemoryStream];

  constructor(
    { from, to, loopback }: { from: Address; to: Address; loopback: boolean },
    settings: MemoryConnectionSettings,
  ) {
    const onClosed = (): void => {
      if (this.#ends.every((end) => end.closed)) settings.onGone();
    };
    const connected = new MemoryStream(to, loopback, settings, onClosed);
    const accepted = new MemoryStream(from, loopback, settings, onClosed);
    connected.peer = accepted;
    accepted.peer = connected;
    this.connected = connected;
    this.accepted = accepted;
    this.#ends = [connected, accepted];
  }

  /** From now on nothing arrives at either end, or only at one of them, and neither is told. */
  cut(direction: CutDirection): void {
    const [connected, accepted] = this.#ends;
    if (direction !== 'out') connected.cut = true;
    if (direction !== 'in') accepted.cut = true;
  }

  reset(): void {
    for (const end of this.#ends) end.fail(resetByPeer());
  }
}

function resetByPeer(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
}

type Parcel = { kind: 'bytes'; bytes: Uint8Array } | { kind: 'end' } | { kind: 'reset' };

class MemoryStream implements ByteStream {
  readonly remote: Address;
  readonly loopback: boolean;
  /** Set by the connection before anybody sees the stream. */
  peer: MemoryStream | null = null;
  /** Nothing arrives here any more. */
  cut = false;
  readonly #settings: MemoryConnectionSettings;
  readonly #onClosed: () => void;
  #state: 'open' | 'ending' | { closed: CloseReason } = 'open';
  #handlers: ByteStreamHandlers | null = null;
  /** On their way to the peer, first in first out: a timer for each, whichever fires first takes the oldest. */
  #inFlight: Parcel[] = [];
  #lastArrivalMs = 0;
  /** Arrived here, not taken yet. */
  #inbox: Parcel[] = [];
  #paused = false;
  #taking = false;
  #bufferedBytes = 0;
  #drainOwed = false;
  #cancelLinger: Cancel = () => undefined;

  constructor(remote: Address, loopback: boolean, settings: MemoryConnectionSettings, onClosed: () => void) {
    this.remote = remote;
    this.loopback = loopback;
    this.#settings = settings;
    this.#onClosed = onClosed;
  }

  get closed(): boolean {
    return typeof this.#state === 'object';
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  handle(handlers: ByteStreamHandlers): void {
    if (this.#handlers !== null) throw new Error(`The stream of ${this.remote} is handled already.`);
    this.#handlers = handlers;
    queueMicrotask(() => {
      if (typeof this.#state === 'object') handlers.onClose(this.#state.closed);
      else this.#take();
    });
  }

  write(bytes: Uint8Array): boolean {
    if (this.#state !== 'open') return false;
    this.#bufferedBytes += bytes.length;
    // A copy, as the operating system makes one.
    this.#dispatch({ kind: 'bytes', bytes: bytes.slice() });
    const takesMore = this.#bufferedBytes < this.#settings.highWaterBytes;
    if (!takesMore) this.#drainOwed = true;
    return takesMore;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    queueMicrotask(() => this.#take());
  }

  end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#dispatch({ kind: 'end' });
    this.#cancelLinger = this.#settings.clock.after(LINGER_MS, () => this.destroy());
    queueMicrotask(() => this.#take());
  }

  destroy(): void {
    if (this.closed) return;
    const dropped = this.#bufferedBytes > 0;
    // The timers stay, so there is one for the parcel that tells the peer.
    this.#inFlight = [];
    this.#dispatch({ kind: dropped ? 'reset' : 'end' });
    this.#close({});
  }

  /** The network breaks the connection. */
  fail(error: Error): void {
    this.#close({ error });
  }

  #dispatch(parcel: Parcel): void {
    const { clock, latencyMs } = this.#settings;
    // Jitter may not reorder a direction.
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, clock.now() + latencyMs());
    this.#inFlight.push(parcel);
    clock.after(this.#lastArrivalMs - clock.now(), () => {
      const oldest = this.#inFlight.shift();
      if (oldest !== undefined) this.peer?.arrive(oldest);
    });
  }

  /** Called by the peer. */
  arrive(parcel: Parcel): void {
    if (this.closed || this.cut) return;
    if (parcel.kind === 'reset') {
      this.#close({ error: resetByPeer() });
      return;
    }
    this.#inbox.push(parcel);
    this.#take();
  }

  #take(): void {
    if (this.#taking) return;
    this.#taking = true;
    try {
      while (this.#reads()) {
        const parcel = this.#inbox.shift();
        if (parcel === undefined) return;
        this.#takeOne(parcel);
      }
    } finally {
      this.#taking = false;
    }
  }

  #reads(): boolean {
    if (this.#state === 'ending') return true;
    return this.#state === 'open' && this.#handlers !== null && !this.#paused;
  }

  #takeOne(parcel: Parcel): void {
    if (parcel.kind === 'bytes') {
      this.peer?.wasTaken(parcel.bytes.length);
      if (this.#state === 'open') this.#handlers?.onData(parcel.bytes);
      return;
    }
    // The peer's end is answered by ours, if ours was not first; both directions are done then.
    this.end();
    this.#close({});
  }

  /** Called by the peer. */
  wasTaken(bytes: number): void {
    if (this.closed) return;
    this.#bufferedBytes -= bytes;
    if (this.#bufferedBytes > 0 || !this.#drainOwed) return;
    this.#drainOwed = false;
    queueMicrotask(() => {
      if (this.#state === 'open') this.#handlers?.onDrain();
    });
  }

  #close(reason: CloseReason): void {
    if (this.closed) return;
    this.#state = { closed: reason };
    this.#cancelLinger();
    this.#inbox = [];
    this.#bufferedBytes = 0;
    this.#onClosed();
    const handlers = this.#handlers;
    if (handlers !== null) queueMicrotask(() => handlers.onClose(reason));
  }
}
