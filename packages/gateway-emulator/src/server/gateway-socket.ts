/**
 * A websocket of the emulator: `ws`'s own, plus one thing that `ws` keeps to itself, the moment the client's close
 * frame (or the end of its stream) was *read*. `ws` emits `close` only when the TCP connection is gone, which can be
 * after the client's next process has resumed the session: the emulator would then see it held twice when it was not.
 *
 * `ws` answers a client's close frame by calling `close` on itself, so a call that is not `closeFromHere` is the
 * client's.
 */
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { closeCodes } from '../core/discord.js';

/** No close frame was seen. */
const abnormalClosure = 1006;
const noStatus = 1005;
/** What `ws` closes with by itself when a message exceeds its `maxPayload`. Discord calls that a decode error. */
const messageTooBig = 1009;

export type GatewaySocketWatcher = {
  /** Called once, with the client's close code, 1005 without one, 1006 without a close frame. */
  onLeave(code: number): void;
  /** The client broke the websocket protocol itself; the socket is being closed with 1002, as RFC 6455 has it. */
  onProtocolError(problem: string): void;
};

export class GatewaySocket extends WebSocket {
  #left = false;
  #fromHere = false;
  #watcher: GatewaySocketWatcher | null = null;

  watch(stream: Socket, watcher: GatewaySocketWatcher): void {
    this.#watcher = watcher;
    stream.once('end', () => this.#leave(abnormalClosure));
    this.once('close', () => this.#leave(abnormalClosure));
    // An error is always followed by `close`; without a listener it would take the process down.
    this.on('error', (error) => {
      if ('code' in error && String(error.code).startsWith('WS_ERR_')) watcher.onProtocolError(error.message);
    });
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
    this.#watcher?.onLeave(code);
  }
}
