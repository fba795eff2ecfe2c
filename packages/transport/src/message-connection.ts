/**
 * One control connection: whole messages over a byte stream, the same for both sides.
 *
 * States: `open`; `closing` (an end is decided, the last bytes go out, what comes in is dropped); `closed` (the stream
 * is gone, `onClose` was called). Invariants: messages are delivered in order and never while reading is paused;
 * nothing is delivered after the state left `open`; outbound memory stays under `maxBufferedBytes`, inbound under one
 * frame and one chunk. What a peer does wrong, and what our own handler does wrong with its message, ends this
 * connection only.
 */
import {
  decodeMessage,
  encodeMessage,
  FrameReader,
  MAX_BODY_BYTES,
  MAX_FIRST_BODY_BYTES,
  messageOf,
} from '@dshard/protocol';
import { FRAME_HEADER_BYTES, ProtocolError, UnknownEventError, type Frame, type Message } from '@dshard/protocol';
import type { Address, ByteStream, CloseReason } from './byte-stream.js';
import type { TransportErrorCode } from './errors.js';
import type { FrameHolder, UnfinishedFrames } from './unfinished-frames.js';

/**
 * Why a message connection is over. `code` is stable: one of `TRANSPORT_ERRORS`, one of `PROTOCOL_ERRORS` when the peer
 * broke the protocol, or what was given to `close`. `cause` is the error behind it, if there is one.
 */
export type ConnectionEnd = { code: string; message: string; cause?: unknown };

export type MessageConnectionHandlers = {
  onMessage(message: Message): void;
  /** The peer takes bytes again after `send` returned false. */
  onDrain?(): void;
  /** A message whose id is not known here came, and was ignored. */
  onUnknownEvent?(eventId: number): void;
  /**
   * The peer broke a rule. Nothing more of it is read; who takes this closes the connection, at once or later. Without
   * it the connection is closed at once.
   */
  onBroken?(end: ConnectionEnd): void;
  /** Called exactly once, last; nothing is delivered after it. */
  onClose(end: ConnectionEnd): void;
};

export type MessageConnectionOptions = {
  /** The most bytes one frame's body may have. Default 16 MiB. */
  maxFrameBytes?: number;
  /** The limit until `established()` was called (an unknown peer's first frame). Default 64 KiB. */
  maxFirstFrameBytes?: number;
  /** Outbound bytes held for a slow peer before the connection is closed with `DSO_SLOW_PEER`. Default 64 MiB. */
  maxBufferedBytes?: number;
  /** `send` returns false above this many outbound bytes. Default 1 MiB. */
  highWaterBytes?: number;
  /** Bounds what unfinished frames of all connections hold, and for how long. Default: nobody does. */
  unfinished?: UnfinishedFrames | null;
};

/** One control connection: whole messages in, whole messages out, in order, bounded. */
export type MessageConnection = {
  readonly remote: Address;
  readonly loopback: boolean;
  readonly bufferedBytes: number;
  /** Starts delivery. Called once. */
  handle(handlers: MessageConnectionHandlers): void;
  /**
   * Encodes and sends; writes of one turn go out together. False: hold back until `onDrain` (or it is over). Throws a
   * `ProtocolError` for a message that breaks a bound of the protocol: nothing of it is sent, and the connection lives
   * on.
   */
  send(message: Message): boolean;
  /** The peer is known now: the larger frame limit applies. */
  established(): void;
  pauseReading(): void;
  resumeReading(): void;
  /** Flushes, then closes. `onClose` gets the given end. */
  close(end: ConnectionEnd): void;
  destroy(end: ConnectionEnd): void;
};

export type OpenMessageConnection = (stream: ByteStream, options?: MessageConnectionOptions) => MessageConnection;

const DEFAULT_MAX_BUFFERED_BYTES = 64 * 1024 * 1024;
const DEFAULT_HIGH_WATER_BYTES = 1024 * 1024;
/** Messages that were sent in one turn are copied together into writes of about this size; larger ones go alone. */
const WRITE_BYTES = 64 * 1024;

export const openMessageConnection: OpenMessageConnection = (stream, options = {}) =>
  new StreamMessageConnection(stream, options);

type State = { kind: 'open' } | { kind: 'closing'; end: ConnectionEnd } | { kind: 'closed'; end: ConnectionEnd };

class StreamMessageConnection implements MessageConnection, FrameHolder {
  readonly #stream: ByteStream;
  readonly #reader: FrameReader;
  readonly #maxFrameBytes: number;
  readonly #maxBufferedBytes: number;
  readonly #highWaterBytes: number;
  readonly #unfinished: UnfinishedFrames | null;
  #state: State = { kind: 'open' };
  #handlers: MessageConnectionHandlers | null = null;
  #readingPaused = false;
  #delivering = false;
  /** Frames of this turn, on their way to the stream at its end. */
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #flushScheduled = false;
  /** Whether `send` returned false and `onDrain` is owed. */
  #drainOwed = false;

  constructor(stream: ByteStream, options: MessageConnectionOptions) {
    this.#stream = stream;
    this.#maxFrameBytes = options.maxFrameBytes ?? MAX_BODY_BYTES;
    this.#maxBufferedBytes = options.maxBufferedBytes ?? DEFAULT_MAX_BUFFERED_BYTES;
    this.#highWaterBytes = options.highWaterBytes ?? DEFAULT_HIGH_WATER_BYTES;
    this.#unfinished = options.unfinished ?? null;
    this.#reader = new FrameReader(Math.min(options.maxFirstFrameBytes ?? MAX_FIRST_BODY_BYTES, this.#maxFrameBytes));
  }

  get remote(): Address {
    return this.#stream.remote;
  }

  get loopback(): boolean {
    return this.#stream.loopback;
  }

  get bufferedBytes(): number {
    return this.#queuedBytes + this.#stream.bufferedBytes;
  }

  handle(handlers: MessageConnectionHandlers): void {
    this.#handlers = handlers;
    this.#stream.handle({
      onData: (chunk) => this.#onData(chunk),
      onDrain: () => this.#onWritable(),
      onClose: (reason) => this.#onStreamClose(reason),
    });
  }

  send(message: Message): boolean {
    if (this.#state.kind !== 'open') return false;
    const frame = encodeMessage(message);
    this.#checkLength(message, frame.length - FRAME_HEADER_BYTES);
    this.#queue.push(frame);
    this.#queuedBytes += frame.length;
    if (this.bufferedBytes > this.#maxBufferedBytes) {
      this.destroy(this.#slowPeer());
      return false;
    }
    this.#scheduleFlush();
    const roomLeft = this.bufferedBytes <= this.#highWaterBytes;
    if (!roomLeft) this.#drainOwed = true;
    return roomLeft;
  }

  established(): void {
    this.#reader.maxBodyBytes = this.#maxFrameBytes;
  }

  pauseReading(): void {
    if (this.#readingPaused || this.#state.kind !== 'open') return;
    this.#readingPaused = true;
    this.#stream.pause();
  }

  resumeReading(): void {
    if (!this.#readingPaused || this.#state.kind !== 'open') return;
    this.#readingPaused = false;
    // In a turn of its own, so that no message reaches a caller who is in the middle of something else. What was read
    // before the pause goes first; only then may the stream go on, and perhaps report its end.
    queueMicrotask(() => {
      this.#deliver();
      if (!this.#readingPaused && this.#state.kind === 'open') this.#stream.resume();
    });
  }

  close(end: ConnectionEnd): void {
    if (this.#state.kind !== 'open') return;
    this.#state = { kind: 'closing', end };
    this.#unfinished?.release(this);
    this.#flush();
    this.#stream.end();
  }

  destroy(end: ConnectionEnd): void {
    if (this.#state.kind === 'closed') return;
    // The first reason is the one that is told, also when a close that takes too long is made short.
    if (this.#state.kind === 'open') this.#state = { kind: 'closing', end };
    this.#dropQueue();
    this.#stream.destroy();
  }

  #onData(chunk: Uint8Array): void {
    if (this.#state.kind !== 'open') return;
    this.#reader.push(chunk);
    this.#deliver();
  }

  /** Hands over the messages that are there, until there is none, or reading is paused, or the connection is over. */
  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    let delivered = 0;
    try {
      while (this.#state.kind === 'open' && !this.#readingPaused && this.#deliverNext()) delivered += 1;
    } finally {
      this.#delivering = false;
    }
    // While reading is paused the peer cannot end its frame.
    const isUnfinished = this.#state.kind === 'open' && !this.#readingPaused && this.#reader.pendingBytes > 0;
    if (isUnfinished) this.#unfinished?.hold(this, this.#reader.heldBytes, delivered > 0);
    else this.#unfinished?.release(this);
  }

  /** The peer broke a rule. */
  broken(end: ConnectionEnd): void {
    const handlers = this.#handlers;
    if (handlers?.onBroken === undefined || this.#state.kind !== 'open') {
      this.close(end);
      return;
    }
    this.pauseReading();
    this.#reader.drop();
    this.#call(() => handlers.onBroken?.(end));
  }

  /** False when there is no whole message. */
  #deliverNext(): boolean {
    const handlers = this.#handlers;
    if (handlers === null) return false;
    try {
      const frame = this.#reader.next();
      if (frame === null) return false;
      const message = decodeKnown(frame);
      this.#call(() => (message === null ? handlers.onUnknownEvent?.(frame.eventId) : handlers.onMessage(message)));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.broken({ code: error.code, message: error.message, cause: error });
    }
    return true;
  }

  /** Runs a handler of our own side. One that throws costs this connection, and nobody else's. */
  #call(handler: () => void): void {
    try {
      handler();
    } catch (cause) {
      const reason = messageOf(cause);
      const message = `Handling a message of ${this.remote} failed: ${reason}`;
      this.destroy({ ...ended('DSO_HANDLER_FAILED', message), cause });
    }
  }

  #checkLength(message: Message, bodyBytes: number): void {
    if (bodyBytes <= this.#maxFrameBytes) return;
    throw new ProtocolError(
      'DSO_FRAME_TOO_LARGE',
      `A ${message.kind} message of ${bodyBytes} bytes cannot be sent; ${this.#maxFrameBytes} are allowed.`,
    );
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    queueMicrotask(() => {
      this.#flushScheduled = false;
      if (this.#state.kind === 'open' && this.#flush()) this.#onWritable();
    });
  }

  /** Gives the queue to the stream. True when the stream takes more at once, so that it will not report a drain. */
  #flush(): boolean {
    const frames = this.#queue;
    this.#dropQueue();
    let takesMore = true;
    for (const bytes of joined(frames)) takesMore = this.#stream.write(bytes);
    return takesMore;
  }

  #dropQueue(): void {
    this.#queue = [];
    this.#queuedBytes = 0;
  }

  #onWritable(): void {
    if (!this.#drainOwed || this.#state.kind !== 'open') return;
    this.#drainOwed = false;
    this.#call(() => this.#handlers?.onDrain?.());
  }

  #onStreamClose(reason: CloseReason): void {
    const end = this.#state.kind === 'open' ? this.#endOfStream(reason) : this.#state.end;
    this.#state = { kind: 'closed', end };
    this.#unfinished?.release(this);
    this.#dropQueue();
    this.#handlers?.onClose(end);
  }

  #endOfStream({ error }: CloseReason): ConnectionEnd {
    if (error !== undefined) {
      return {
        ...ended('DSO_CONNECTION_LOST', `The connection to ${this.remote} broke: ${error.message}.`),
        cause: error,
      };
    }
    if (this.#reader.pendingBytes > 0) {
      return ended('DSO_CONNECTION_LOST', `${this.remote} closed the connection in the middle of a message.`);
    }
    return ended('DSO_CONNECTION_CLOSED', `${this.remote} closed the connection.`);
  }

  #slowPeer(): ConnectionEnd {
    const held = `${this.bufferedBytes} bytes are waiting for it, and ${this.#maxBufferedBytes} are allowed`;
    return ended('DSO_SLOW_PEER', `${this.remote} reads too slowly: ${held}.`);
  }
}

function ended(code: TransportErrorCode, message: string): ConnectionEnd {
  return { code, message };
}

/** The message of a frame, or null when nobody here knows its id. */
function decodeKnown({ eventId, body }: Frame): Message | null {
  try {
    return decodeMessage(eventId, body);
  } catch (error) {
    if (error instanceof UnknownEventError) return null;
    throw error;
  }
}

/** The frames in order, small ones copied together. */
function* joined(frames: readonly Uint8Array[]): Generator<Uint8Array> {
  let from = 0;
  while (from < frames.length) {
    let to = from;
    let bytes = 0;
    do bytes += frames[to++]?.length ?? 0;
    while (to < frames.length && bytes + (frames[to]?.length ?? 0) <= WRITE_BYTES);
    yield concatenated(frames.slice(from, to), bytes);
    from = to;
  }
}

function concatenated(frames: readonly Uint8Array[], bytes: number): Uint8Array {
  const [only] = frames;
  if (only !== undefined && frames.length === 1) return only;
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const frame of frames) {
    all.set(frame, at);
    at += frame.length;
  }
  return all;
}
