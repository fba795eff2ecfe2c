/** How payloads leave a socket: as text, or deflated in one stream for the life of the connection (`compress=zlib-stream`). */
import type { Deflate } from 'node:zlib';
import { constants, createDeflate } from 'node:zlib';
import type { GatewaySocket } from './gateway-socket.js';

export type Outlet = {
  /** Bytes given to `send` that the operating system has not taken yet, about. */
  waitingBytes(): number;
  send(text: string): void;
  /** Closes after everything sent before. */
  close(code: number, reason: string): void;
  /** Frees what the outlet holds; the socket is gone. */
  release(): void;
};

export function textOutlet(socket: GatewaySocket): Outlet {
  return {
    waitingBytes: () => socket.bufferedAmount,
    send: (text) => socket.send(text),
    close: (code, reason) => socket.closeFromHere(code, reason),
    release: () => undefined,
  };
}

/**
 * Each payload is one websocket message that ends in 00 00 ff ff (a sync flush). Deflate works in the background, so a close
 * waits for the payloads before it.
 */
export function zlibOutlet(socket: GatewaySocket): Outlet {
  const deflate: Deflate = createDeflate({ level: constants.Z_BEST_SPEED });
  const chunks: Buffer[] = [];
  let pendingPayloads = 0;
  let pendingBytes = 0;
  let closing: { code: number; reason: string } | null = null;
  let released = false;

  deflate.on('data', (chunk: Buffer) => chunks.push(chunk));

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
      deflate.write(text);
      deflate.flush(constants.Z_SYNC_FLUSH, () => flushed(text.length));
    },
    close: (code, reason) => {
      if (pendingPayloads === 0) socket.closeFromHere(code, reason);
      else closing = { code, reason };
    },
    release: () => {
      released = true;
      deflate.destroy();
    },
  };
}
