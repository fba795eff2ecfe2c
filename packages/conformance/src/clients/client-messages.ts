/** What a client process is told when it is started, and what it says to the suite over its IPC channel. */

export type ClientOrder = {
  apiUrl: string;
  gatewayUrl: string;
  resumePort: number;
  token: string;
  intents: number;
  shards: number;
};

export type ClientMessage =
  /** A shard has a new session. */
  | { kind: 'ready'; shard: number; userId: string | null }
  | { kind: 'resumed'; shard: number }
  /** What the library knows of guilds: ids that reached user code, or its cache. */
  | { kind: 'guild'; id: string }
  /** User code was given a message. */
  | { kind: 'message'; shard: number; s: number; id: string; at: number }
  /** The library gave up, or threw. */
  | { kind: 'failed'; problem: string };

/** The name of the environment variable with the order, as JSON. */
export const orderVariable = 'CONFORMANCE_ORDER';
