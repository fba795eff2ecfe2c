import type { Message } from '@dshard/protocol';
import type { Address, ByteStream } from './byte-stream.js';

/** Why a message connection is over. `code` is stable (`DSO_…` where one of our limits or rules ended it). */
export type ConnectionEnd = { code: string; message: string };

export type MessageConnectionHandlers = {
  onMessage(message: Message): void;
  /** The peer takes bytes again after `send` returned false. */
  onDrain?(): void;
  /** Called exactly once, last; nothing is delivered after it. */
  onClose(end: ConnectionEnd): void;
};

export type MessageConnectionOptions = {
  /** The most bytes one frame's body may have. Default 16 MiB. */
  maxFrameBytes?: number;
  /** The limit until `established()` was called (an unknown peer's first frame). Default 64 KiB. */
  maxFirstFrameBytes?: number;
  /** Outbound bytes a slow peer may make us hold before the connection is closed with `DSO_SLOW_PEER`. Default 64 MiB. */
  maxBufferedBytes?: number;
  /** `send` returns false above this many outbound bytes. Default 1 MiB. */
  highWaterBytes?: number;
};

/** One control connection: whole messages in, whole messages out, in order, bounded. */
export type MessageConnection = {
  readonly remote: Address;
  readonly loopback: boolean;
  readonly bufferedBytes: number;
  handle(handlers: MessageConnectionHandlers): void;
  /** Encodes and sends; writes of one turn go out together. False: hold back until `onDrain`. */
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
