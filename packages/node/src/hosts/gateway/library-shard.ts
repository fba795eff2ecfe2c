/**
 * A `WebSocketShard` of @discordjs/ws with two doors more. A RESUME, which the library sends as soon as HELLO came, can be held
 * back (the library heartbeats meanwhile). And every `destroy`, which the library calls on itself whenever a
 * connection ends, is shown to the hosted shard first. That is the one place where it decides to forget a session, to go
 * on with it, or to give up.
 */
import type {
  IContextFetchingStrategy,
  WebSocketShard,
  WebSocketShardDestroyOptions,
  WebSocketShardStatus,
} from '@discordjs/ws';
import type { GatewayOpcodes, GatewaySendPayload } from 'discord-api-types/v10';
import type { Cursor } from '../../session/state.js';
import type { GatewayLibrary, ShardEvent } from './library.js';

/** The part of the library's private connection that is needed to be sure it is gone. */
type Socket = {
  readyState: number;
  onmessage: unknown;
  onclose: unknown;
  on?(event: 'error', listener: () => void): unknown;
  terminate?(): void;
};

const RESUME_OPCODE: GatewayOpcodes.Resume = 6;

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

export class LibraryShard {
  readonly #hooks: LibraryShardHooks;
  readonly #shard: WebSocketShard;
  readonly #valuesOf: GatewayLibrary['valuesOf'];
  /** The library's own, beneath the doors. */
  readonly #plain: Pick<WebSocketShard, 'destroy' | 'send'>;

  constructor(library: GatewayLibrary, strategy: IContextFetchingStrategy, id: number, hooks: LibraryShardHooks) {
    this.#hooks = hooks;
    this.#valuesOf = library.valuesOf;
    const shard = new library.WebSocketShard(strategy, id);
    this.#shard = shard;
    this.#plain = { destroy: shard.destroy.bind(shard), send: shard.send.bind(shard) };
    shard.destroy = (options) => this.destroy(options);
    shard.send = (payload) => this.send(payload);
  }

  get status(): WebSocketShardStatus {
    return this.#shard.status;
  }

  connect(): Promise<void> {
    return this.#shard.connect();
  }

  /** `values` as 2.x emits them, whichever version it is. */
  on(event: ShardEvent, listener: (values: readonly unknown[]) => void): void {
    const emitter: { on(event: string, listener: (...args: unknown[]) => void): unknown } = this.#shard;
    emitter.on(event, (...args) => listener(this.#valuesOf(args)));
  }

  async destroy(options: WebSocketShardDestroyOptions = {}): Promise<void> {
    const decided = this.#hooks.beforeDestroy(options);
    if (decided === null) {
      return;
    }
    this.#giveUpHandshake();
    const socket = this.#socket;
    this.#hooks.closing(() => socket?.terminate?.());
    await this.#plain.destroy(decided);
  }

  async send(payload: GatewaySendPayload): Promise<void> {
    if (payload.op !== RESUME_OPCODE) {
      return this.#plain.send(payload);
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
    await this.#plain.send({ op: RESUME_OPCODE, d: { ...payload.d, session_id: sessionId, seq: sequence } });
  }

  /** Closes for good. Resolves when the peer has answered the close, or there was nothing to close. */
  async shutDown(code: number): Promise<void> {
    this.#giveUpHandshake();
    await this.#plain.destroy({ code, reason: 'The shard leaves this process' });
  }

  /** Cuts a connection that does not close. */
  cut(): void {
    this.#socket?.terminate?.();
  }

  get #socket(): Socket | null {
    return (this.#shard as unknown as { connection: Socket | null }).connection;
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
