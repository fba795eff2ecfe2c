/** What a gateway shard needs of a Discord library: one connection, that does as it is told and decides nothing. */
import type { Cursor } from '../session/state.js';
import type { SocketEvent } from './events.js';

/** What a bot sends. */
export type Sending = { readonly op: number; readonly d?: unknown };

export type GatewaySocket = {
  /** Sends IDENTIFY. After HELLO, on a connection that was made for it. */
  identify(): void;
  /** Sends RESUME. After HELLO. */
  resume(session: Cursor): void;
  /** After READY or RESUMED. Resolves when it is out; may wait for the connection's rate limit. */
  send(payload: Sending): Promise<void>;
  /** Closes, or cuts what is still being made; `closed` is told in either case. */
  close(code: number): void;
  /** Ends it without the peer's help. */
  cut(): void;
  /** The peer's close was read; `closed` follows. */
  readonly isClosing: boolean;
};

export type SocketRequest = {
  readonly shardId: number;
  readonly totalShards: number;
  readonly url: string;
  /** RESUME follows at HELLO, else IDENTIFY. */
  readonly resumes: boolean;
  /** What to heartbeat with; null: there is no session yet. */
  readonly cursor: () => Cursor | null;
  /** What the connection says. `closed` comes once, last; never in the turn in which it is opened. */
  readonly event: (event: SocketEvent) => void;
  readonly ping: (ms: number) => void;
  /** A send that the connection could not take any more: it goes out on the next one. */
  readonly resend: (payload: Sending) => void;
  /** For the manager's listeners: what the library tells besides, with its values. */
  readonly tell: (event: SocketNews, values: readonly unknown[]) => void;
};

export type SocketNews = 'closed' | 'debug' | 'error' | 'heartbeat' | 'hello' | 'socketError';

/** Begins to connect. */
export type OpenSocket = (request: SocketRequest) => GatewaySocket;
