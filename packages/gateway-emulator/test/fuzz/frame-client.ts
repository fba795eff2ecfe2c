/** A client that writes websocket frames bit by bit (RFC 6455, 5.2), valid or not, and reads what comes back. */
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { until } from '@dshard/testkit';

export type Frame = { fin: boolean; rsv: number; opcode: number; masked: boolean; payload: Uint8Array };

export function encodeFrame({ fin, rsv, opcode, masked, payload }: Frame): Buffer {
  const length = payload.byteLength;
  const first = (fin ? 0x80 : 0) | ((rsv & 7) << 4) | (opcode & 15);
  const mask = masked ? 0x80 : 0;
  const head =
    length < 126
      ? Buffer.from([first, mask | length])
      : length < 65_536
        ? Buffer.from([first, mask | 126, length >> 8, length & 0xff])
        : Buffer.concat([Buffer.from([first, mask | 127, 0, 0, 0, 0]), uint32(length)]);
  if (!masked) return Buffer.concat([head, payload]);
  const key = [0x11, 0x22, 0x33, 0x44];
  return Buffer.concat([head, Buffer.from(key), Buffer.from(payload.map((byte, at) => byte ^ (key[at % 4] ?? 0)))]);
}

/** A whole text message of a client. */
export function textFrame(text: string): Frame {
  return { fin: true, rsv: 0, opcode: 1, masked: true, payload: Buffer.from(text) };
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const handshake =
  'GET /?v=10&encoding=json HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';

export class FrameClient {
  readonly texts: string[] = [];
  pongs = 0;
  /** Of the close frame that came; 1005 when it had no code. */
  closeCode: number | null = null;
  ended = false;
  readonly #stream: Socket;
  #unread = Buffer.alloc(0);
  #upgraded = false;

  constructor(port: number) {
    this.#stream = createConnection(port, '127.0.0.1', () => this.#stream.write(handshake));
    this.#stream.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#stream.on('error', () => undefined);
    this.#stream.on('close', () => {
      this.ended = true;
    });
  }

  write(bytes: Uint8Array): void {
    if (!this.#stream.destroyed) this.#stream.write(bytes);
  }

  /** Half-closes: nothing more will be written. */
  end(): void {
    this.#stream.end();
  }

  async gone(): Promise<void> {
    this.#stream.destroy();
    await until(() => this.ended, { what: 'the connection to be gone' });
  }

  #read(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    if (!this.#upgraded) {
      const end = this.#unread.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.#upgraded = true;
      this.#unread = this.#unread.subarray(end + 4);
    }
    for (let frame = this.#takeFrame(); frame !== null; frame = this.#takeFrame()) this.#handle(frame);
  }

  #takeFrame(): { opcode: number; payload: Buffer } | null {
    const bytes = this.#unread;
    if (bytes.length < 2) return null;
    const short = (bytes[1] ?? 0) & 0x7f;
    const headBytes = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < headBytes) return null;
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (bytes.length < headBytes + length) return null;
    this.#unread = bytes.subarray(headBytes + length);
    return { opcode: (bytes[0] ?? 0) & 15, payload: bytes.subarray(headBytes, headBytes + length) };
  }

  #handle({ opcode, payload }: { opcode: number; payload: Buffer }): void {
    if (opcode === 1) this.texts.push(payload.toString('utf8'));
    else if (opcode === 10) this.pongs += 1;
    else if (opcode === 8) this.closeCode = payload.length < 2 ? 1005 : payload.readUInt16BE(0);
  }
}
