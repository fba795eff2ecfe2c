/**
 * How payloads leave a socket: as text, or compressed in one stream for the life of the connection ("Gateway: Transport
 * Compression"), `zlib-stream` or `zstd-stream`. With text, single payloads may be compressed on their own ("Payload
 * Compression").
 */
import type { Socket } from 'node:net';
import type { Deflate } from 'node:zlib';
import * as zlib from 'node:zlib';
import type { GatewaySocket } from './gateway-socket.js';

export type Outlet = {
  /** Bytes given to `send` that the operating system has not taken yet, about. */
  waitingBytes(): number;
  /** `deflate`: as one zlib stream of its own. Compressed streams ignore it. */
  send(text: string, deflate?: boolean): void;
  /** Closes after everything sent before. */
  close(code: number, reason: string): void;
  /** Frees what the outlet holds; the socket is gone. */
  release(): void;
};

/** `compress` of the websocket's URL. */
export function openOutlet(socket: GatewaySocket, stream: Socket, compress: string | null): Outlet {
  if (compress === 'zlib-stream') {
    const deflate = zlib.createDeflate({ level: zlib.constants.Z_BEST_SPEED });
    return streamOutlet(socket, deflate, zlib.constants.Z_SYNC_FLUSH);
  }
  if (compress !== 'zstd-stream') return textOutlet(socket, stream);
  const native = createNativeZstd();
  if (native !== null) return streamOutlet(socket, native, zstdFlush);
  const encode = rawZstdStream();
  return plainOutlet(socket, (text) => encode(Buffer.from(text)));
}

/** Text goes past `ws` onto the stream, in one write: the two of `ws` cost half as much again. */
function textOutlet(socket: GatewaySocket, stream: Socket): Outlet {
  return {
    ...plainOutlet(socket, (text) => zlib.deflateSync(text)),
    send: (text, deflate = false) => {
      if (socket.readyState !== socket.OPEN) return;
      if (deflate) socket.send(zlib.deflateSync(text));
      else stream.write(textFrame(text));
    },
  };
}

function plainOutlet(socket: GatewaySocket, encode: (text: string) => Buffer): Outlet {
  return {
    waitingBytes: () => socket.bufferedAmount,
    send: (text) => socket.send(encode(text)),
    close: (code, reason) => socket.closeFromHere(code, reason),
    release: () => undefined,
  };
}

/** `ZSTD_e_flush`. */
const zstdFlush = 1;

/** Node's own Zstandard, from 22.15 on. It writes, flushes and ends as its deflate does. */
function createNativeZstd(): Deflate | null {
  const create: unknown = Reflect.get(zlib, 'createZstdCompress');
  return typeof create === 'function' ? (create as () => Deflate)() : null;
}

/**
 * Each payload is one websocket message that ends where the compressor was flushed (zlib: in 00 00 ff ff). It works in
 * the background, so a close waits for the payloads before it.
 */
function streamOutlet(socket: GatewaySocket, compressor: Deflate, flushKind: number): Outlet {
  const chunks: Buffer[] = [];
  let pendingPayloads = 0;
  let pendingBytes = 0;
  let closing: { code: number; reason: string } | null = null;
  let released = false;

  compressor.on('data', (chunk: Buffer) => chunks.push(chunk));

  const flushed = (bytes: number): void => {
    if (released) return;
    pendingPayloads -= 1;
    pendingBytes -= bytes;
    socket.send(Buffer.concat(chunks.splice(0)));
    if (pendingPayloads === 0 && closing !== null) socket.closeFromHere(closing.code, closing.reason);
  };

  return {
    waitingBytes: () => socket.bufferedAmount + pendingBytes,
    send: (text) => {
      if (released || closing !== null) return;
      pendingPayloads += 1;
      pendingBytes += text.length;
      compressor.write(text);
      compressor.flush(flushKind, () => flushed(text.length));
    },
    close: (code, reason) => {
      if (pendingPayloads === 0) socket.closeFromHere(code, reason);
      else closing = { code, reason };
    },
    release: () => {
      released = true;
      compressor.destroy();
    },
  };
}

/** A websocket text frame of a server: whole, unmasked, uncompressed (RFC 6455, 5.2). */
const finalText = 0x81;

export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(head + length);
  frame[0] = finalText;
  if (head === 2) frame[1] = length;
  else if (head === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(text, head);
  return frame;
}

// A Zstandard stream without the compressing: a frame header once, then every payload as raw blocks (RFC 8878, 3.1.1).
// Any decompressor reads it. It stands in where Node has no Zstandard of its own (before 22.15).

/** A raw block has at most so many bytes, and never more than the window. */
const maxBlockBytes = 128 * 1024;
const blockHeaderBytes = 3;

/** Magic number; a descriptor that says: no content size, no checksum, no dictionary; a window of 2^17 bytes. */
const frameHeader = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 7 << 3]);

/** Writes payloads of one stream: each call gives the bytes of the next. The frame is never ended, as Discord's. */
export function rawZstdStream(): (payload: Buffer) => Buffer {
  let begun = false;
  return (payload) => {
    const parts: Buffer[] = begun ? [] : [frameHeader];
    begun = true;
    for (let at = 0; at < payload.byteLength; at += maxBlockBytes) {
      const block = payload.subarray(at, at + maxBlockBytes);
      const header = Buffer.alloc(blockHeaderBytes);
      // Bit 0: last block of the frame; bits 1 and 2: raw.
      header.writeUIntLE(block.byteLength << 3, 0, blockHeaderBytes);
      parts.push(header, block);
    }
    return Buffer.concat(parts);
  };
}
