/** The connections to the orchestrator that the session asked for, by its own ids. At most one is current. */
import { openMessageConnection } from '@dshard/transport';
import type { ConnectionEnd, MessageConnection } from '@dshard/transport';
import { messageOf, type Message } from '@dshard/protocol';
import type { Orchestrators } from './orchestrators.js';

export type ConnectionsOptions = {
  orchestrators: Orchestrators;
  timeoutMs: number;
  connected: (connection: number) => void;
  connectFailed: (reason: string) => void;
  message: (connection: number, message: Message) => void;
  unknownEvent: (eventId: number) => void;
  /** A connection takes more, or is gone, whoever ended it: whoever held back for its sake need not. */
  drained: () => void;
  /** Not called for a connection that this side closed or dropped. */
  lost: (connection: number, reason: string) => void;
};

export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #open = new Map<number, MessageConnection>();
  readonly #closing = new Set<Promise<void>>();
  #attempt: AbortController | null = null;
  #lastId = 0;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  async connect(): Promise<void> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    const { orchestrators, timeoutMs } = this.#options;
    let connection: MessageConnection;
    try {
      const stream = await orchestrators.connect({ timeoutMs, signal: attempt.signal });
      connection = openMessageConnection(stream);
    } catch (error) {
      if (!attempt.signal.aborted) {
        this.#options.connectFailed(messageOf(error));
      }
      return;
    }
    if (attempt.signal.aborted) {
      connection.destroy({ code: 'DSO_NODE_CLOSED', message: 'The node has left.' });
      return;
    }
    this.#adopt(connection);
  }

  /** As another orchestrator said. */
  leaderIs(address: string | null): void {
    this.#options.orchestrators.leaderIs(address);
  }

  #adopt(connection: MessageConnection): void {
    const id = ++this.#lastId;
    this.#open.set(id, connection);
    let closed = (): void => undefined;
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    this.#closing.add(gone);
    connection.handle({
      onMessage: (message) => {
        if (this.#open.has(id)) {
          this.#options.message(id, message);
        }
      },
      onUnknownEvent: (eventId) => this.#options.unknownEvent(eventId),
      onDrain: () => this.#options.drained(),
      onClose: (end: ConnectionEnd) => {
        this.#closing.delete(gone);
        closed();
        if (this.#open.delete(id)) {
          this.#options.drained();
          this.#options.lost(id, end.message);
        }
      },
    });
    this.#options.connected(id);
  }

  /** False: the connection has enough to send for now. True also when it is gone: then there is nothing to wait for. */
  send(connection: number, message: Message): boolean {
    return this.#open.get(connection)?.send(message) ?? true;
  }

  established(connection: number): void {
    this.#open.get(connection)?.established();
  }

  reading(connection: number, paused: boolean): void {
    if (paused) {
      this.#open.get(connection)?.pauseReading();
    } else {
      this.#open.get(connection)?.resumeReading();
    }
  }

  /** Flushes, then closes. */
  close(connection: number, reason: string): void {
    const open = this.#open.get(connection);
    this.#open.delete(connection);
    this.#options.drained();
    open?.close({ code: 'DSO_NODE_CLOSED', message: reason });
  }

  drop(connection: number, reason: string): void {
    const open = this.#open.get(connection);
    this.#open.delete(connection);
    this.#options.drained();
    open?.destroy({ code: 'DSO_CONNECTION_LOST', message: reason });
  }

  /** No new ones; resolves when those that are closing are gone. */
  async shutdown(): Promise<void> {
    this.#attempt?.abort();
    await Promise.all(this.#closing);
  }
}
