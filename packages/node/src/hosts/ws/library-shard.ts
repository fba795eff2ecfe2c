/**
 * `WebSocketShard` of @discordjs/ws with two doors more. A RESUME, which the library sends as soon as HELLO came, can be held
 * back (the library heartbeats meanwhile). And every `destroy`, which the library calls on itself whenever a
 * connection ends, is shown to the hosted shard first. That is the one place where it decides to forget a session, to go
 * on with it, or to give up.
 */
import { WebSocketShard } from '@discordjs/ws';
import type { IContextFetchingStrategy, WebSocketShardDestroyOptions } from '@discordjs/ws';
import { GatewayOpcodes } from 'discord-api-types/v10';
import type { GatewaySendPayload } from 'discord-api-types/v10';
import type { Cursor } from '../../session/state.js';

/** The part of the library's private connection that is needed to be sure it is gone. */
type Socket = {
  readyState: number;
  onmessage: unknown;
  onclose: unknown;
  on?(event: 'error', listener: () => void): unknown;
  terminate?(): void;
};

const SOCKET_CONNECTING = 0;
const SOCKET_OPEN = 1;

export type LibraryShardHooks = {
  /** Returns the options to go on with, or null: nothing is to be done. */
  beforeDestroy(options: WebSocketShardDestroyOptions): WebSocketShardDestroyOptions | null;
  /** A connection is being closed, to be followed by another; `cut` ends it without the peer's help. */
  closing(cut: () => void): void;
  /** A RESUME is about to be sent: what to wait for, and what to RESUME from then. */
  beforeResume(): { wait: Promise<void> | null; session: () => Cursor | null };
};

export class LibraryShard extends WebSocketShard {
  readonly #hooks: LibraryShardHooks;

  constructor(strategy: IContextFetchingStrategy, id: number, hooks: LibraryShardHooks) {
    super(strategy, id);
    this.#hooks = hooks;
  }

  override async destroy(options: WebSocketShardDestroyOptions = {}): Promise<void> {
    const decided = this.#hooks.beforeDestroy(options);
    if (decided === null) {
      return;
    }
    this.#giveUpHandshake();
    const socket = this.#socket;
    this.#hooks.closing(() => socket?.terminate?.());
    await super.destroy(decided);
  }

  override async send(payload: GatewaySendPayload): Promise<void> {
    if (payload.op !== GatewayOpcodes.Resume) {
      return super.send(payload);
    }
    const { wait, session } = this.#hooks.beforeResume();
    const socket = this.#socket;
    if (wait !== null) {
      await wait;
    }
    const current = session();
    // A connection that ended meanwhile is followed by one with a RESUME of its own.
    if (socket !== this.#socket || socket?.readyState !== SOCKET_OPEN || current === null) {
      return;
    }
    // Not the session that the library took when it began to connect: the cursor may have moved on since.
    const { sessionId, sequence } = current;
    await super.send({ op: GatewayOpcodes.Resume, d: { ...payload.d, session_id: sessionId, seq: sequence } });
  }

  /** Closes for good. Resolves when the peer has answered the close, or there was nothing to close. */
  async shutDown(code: number): Promise<void> {
    this.#giveUpHandshake();
    await super.destroy({ code, reason: 'The shard leaves this process' });
  }

  /** Cuts a connection that does not close. */
  cut(): void {
    this.#socket?.terminate?.();
  }

  get #socket(): Socket | null {
    return (this as unknown as { connection: Socket | null }).connection;
  }

  /**
   * The library only lets go of a connection that is still being made: it would open later with nobody listening, or
   * fail with an 'error' that nobody catches, which ends the process.
   */
  #giveUpHandshake(): void {
    const socket = this.#socket;
    socket?.on?.('error', () => undefined);
    if (socket?.readyState === SOCKET_CONNECTING) {
      socket.onmessage = null;
      socket.onclose = null;
      socket.terminate?.();
    }
  }
}
