/**
 * Cuts a stream of bytes, chunked anyhow, into frames.
 *
 * Invariants: the limit is checked as soon as the 8 bytes of a header are there, before anything is allocated for the
 * body; what is held is at most what the peer has sent plus as much again, never what it announced; each byte is copied
 * a bounded number of times. It is pulled, not pushed: the limit may change between two frames of one chunk.
 *
 * States: reading; after a violation, broken, where nothing is accepted any more.
 */
import { FRAME_HEADER_BYTES } from './codec.js';
import { ProtocolError } from './errors.js';

export type Frame = {
  readonly eventId: number;
  /** A view; it stays valid, since the reader never writes again where it has read. */
  readonly body: Uint8Array;
};

const NO_BYTES = new Uint8Array(0);

export class FrameReader {
  /** The most bytes the body of a frame may have. May be changed at any time; it holds from the next frame on. */
  maxBodyBytes: number;
  /** What is not read yet lies at `#start` to `#end`. A chunk is used in place; only pieces of frames are copied. */
  #bytes: Uint8Array = NO_BYTES;
  #start = 0;
  #end = 0;
  /** Whether `#bytes` is the reader's own, with room after `#end`, and not a chunk of the caller. */
  #owned = false;
  #violation: ProtocolError | null = null;

  constructor(maxBodyBytes: number) {
    this.maxBodyBytes = maxBodyBytes;
  }

  /** Bytes that came and are not part of a frame yet. */
  get pendingBytes(): number {
    return this.#end - this.#start;
  }

  /** Memory that is held for them. */
  get heldBytes(): number {
    return this.#owned ? this.#bytes.length : this.pendingBytes;
  }

  /** Takes the next bytes of the stream. They must not be changed afterwards. */
  push(chunk: Uint8Array): void {
    if (this.#violation !== null || chunk.length === 0) return;
    if (this.pendingBytes === 0) {
      this.#bytes = chunk;
      this.#start = 0;
      this.#end = chunk.length;
      this.#owned = false;
      return;
    }
    if (!this.#owned || this.#bytes.length - this.#end < chunk.length) this.#move(this.pendingBytes + chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The next whole frame, or null when more bytes are needed. Throws `DSO_FRAME_TOO_LARGE`, and then always. */
  next(): Frame | null {
    if (this.#violation !== null) throw this.#violation;
    if (this.pendingBytes < FRAME_HEADER_BYTES) return null;
    const { eventId, bodyBytes } = this.#header();
    if (bodyBytes > this.maxBodyBytes) {
      this.#violation = new ProtocolError(
        'DSO_FRAME_TOO_LARGE',
        `A frame with event id ${eventId} announces ${bodyBytes} bytes; ${this.maxBodyBytes} are allowed.`,
      );
      this.#drop();
      throw this.#violation;
    }
    if (this.pendingBytes < FRAME_HEADER_BYTES + bodyBytes) return null;
    const bodyStart = this.#start + FRAME_HEADER_BYTES;
    this.#start = bodyStart + bodyBytes;
    const body = this.#bytes.subarray(bodyStart, this.#start);
    if (this.pendingBytes === 0) this.#drop();
    return { eventId, body };
  }

  /** Forgets what is pending, and takes no more. */
  drop(): void {
    this.#violation ??= new ProtocolError('DSO_BODY_MALFORMED', 'The stream was given up.');
    this.#drop();
  }

  #header(): { eventId: number; bodyBytes: number } {
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#start, FRAME_HEADER_BYTES);
    return { eventId: view.getUint32(0, true), bodyBytes: view.getUint32(4, true) };
  }

  /**
   * Moves what is pending into memory of our own with room for `needed` bytes. Doubling keeps the copying linear; a
   * frame whose length is known gets no more than that, unless it is there already.
   */
  #move(needed: number): void {
    const frame =
      this.pendingBytes >= FRAME_HEADER_BYTES ? FRAME_HEADER_BYTES + this.#header().bodyBytes : FRAME_HEADER_BYTES;
    const larger = new Uint8Array(Math.max(needed, Math.min(2 * needed, frame)));
    larger.set(this.#bytes.subarray(this.#start, this.#end));
    this.#bytes = larger;
    this.#end -= this.#start;
    this.#start = 0;
    this.#owned = true;
  }

  #drop(): void {
    this.#bytes = NO_BYTES;
    this.#start = 0;
    this.#end = 0;
    this.#owned = false;
  }
}
