/**
 * A websocket of the emulator: `ws`'s own, plus one thing that `ws` keeps to itself, the moment the client's close frame
 * (or the end of its stream) was *read*. `ws` emits `close` only when the TCP connection is gone, which can be after the
 * client's next process has resumed the session: the emulator would then see it held twice when it was not.
 *
 * `ws` answers a client's close frame by calling `close` on itself, so a call that is not `closeFromHere` is the client's.
 */
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { closeCodes } from '../core/discord.js';

/** No close frame was seen. */
const abnormalClosure = 1006;
const noStatus = 1005;
/** What `ws` closes with by itself when a message exceeds its `maxPayload`. Discord calls that a decode error. */
const messageTooBig = 1009;

export class GatewaySocket extends WebSocket {
  #left = false;
  #fromHere = false;
  #onLeave: ((code: number) => void) | null = null;

  /** Calls `onLeave` once, with the client's close code, 1005 without one, 1006 without a close frame. */
  watch(stream: Socket, onLeave: (code: number) => void): void {
    this.#onLeave = onLeave;
    stream.once('end', () => this.#leave(abnormalClosure));
    this.once('close', () => this.#leave(abnormalClosure));
    // An error is always followed by `close`; without a listener it would take the process down.
    this.on('error', () => undefined);
  }

  closeFromHere(code: number, reason: string): void {
    this.#fromHere = true;
    super.close(code, reason);
  }

  override close(code?: number, data?: string | Buffer): void {
    const shown = code === messageTooBig ? closeCodes.decodeError : code;
    if (!this.#fromHere) this.#leave(shown ?? noStatus);
    super.close(shown, data);
  }

  #leave(code: number): void {
    if (this.#left) return;
    this.#left = true;
    this.#onLeave?.(code);
  }
}
