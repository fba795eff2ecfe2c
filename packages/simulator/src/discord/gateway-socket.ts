/**
 * A websocket, as far as gateways need one: texts in order, and a close code, over a byte stream. Frame: length (u32
 * LE) of what follows, kind (one byte), content.
 */
import type { ByteStream } from '@dshard/transport';

export type GatewaySocketHandlers = {
  onText(text: Uint8Array): void;
  /** Once, when the peer's close frame or the end of the stream was read; 1006 without a close frame. */
  onClose(code: number): void;
  /** Once, last: the stream is gone. */
  onGone?(): void;
};

const LENGTH_BYTES = 4;
const TEXT = 0;
const CLOSE = 1;
const ABNORMAL = 1006;

export class GatewaySocket {
  readonly #stream: ByteStream;
  readonly #handlers: GatewaySocketHandlers;
  #pending = new Uint8Array(0);
  #closeTold = false;

  constructor(stream: ByteStream, handlers: GatewaySocketHandlers) {
    this.#stream = stream;
    this.#handlers = handlers;
    stream.handle({
      onData: (chunk) => this.#onData(chunk),
      onDrain: () => undefined,
      onClose: () => {
        this.#tellClose(ABNORMAL);
        handlers.onGone?.();
      },
    });
  }

  send(text: string): void {
    this.#write(TEXT, new TextEncoder().encode(text));
  }

  /** Sends a close frame and ends the stream; what is still coming is read, until the peer has ended it too. */
  close(code: number): void {
    this.#write(CLOSE, new Uint8Array([code & 0xff, code >> 8]));
    this.#stream.end();
  }

  /** Drops the connection without a word. */
  cut(): void {
    this.#stream.destroy();
  }

  #write(kind: number, content: Uint8Array): void {
    const frame = new Uint8Array(LENGTH_BYTES + 1 + content.length);
    new DataView(frame.buffer).setUint32(0, content.length + 1, true);
    frame[LENGTH_BYTES] = kind;
    frame.set(content, LENGTH_BYTES + 1);
    this.#stream.write(frame);
  }

  #onData(chunk: Uint8Array): void {
    let bytes = chunk;
    if (this.#pending.length > 0) {
      bytes = new Uint8Array(this.#pending.length + chunk.length);
      bytes.set(this.#pending);
      bytes.set(chunk, this.#pending.length);
    }
    let at = 0;
    while (bytes.length - at >= LENGTH_BYTES) {
      const length = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(0, true);
      if (bytes.length - at < LENGTH_BYTES + length) break;
      const kind = bytes[at + LENGTH_BYTES];
      const content = bytes.subarray(at + LENGTH_BYTES + 1, at + LENGTH_BYTES + length);
      at += LENGTH_BYTES + length;
      if (kind === CLOSE) {
        this.#tellClose((content[0] ?? 0) | ((content[1] ?? 0) << 8));
        // The answer; without it a connection whose end is lost on the way would stay for ever.
        this.#stream.end();
      } else if (!this.#closeTold) this.#handlers.onText(content);
    }
    this.#pending = bytes.slice(at);
  }

  #tellClose(code: number): void {
    if (this.#closeTold) return;
    this.#closeTold = true;
    this.#handlers.onClose(code);
  }
}
