/**
 * What of @discordjs/ws is used while a program runs. The class comes from the host, because there are two of it: 2.x,
 * and the 1.x inside discord.js 14. They differ in how events carry their values; the words below are the same in both
 * (a test compares).
 */
import type {
  WebSocketShard,
  WebSocketShardDestroyRecovery as Recovery,
  WebSocketShardStatus as Status,
} from '@discordjs/ws';

import type { Link } from '../../gateway-shard/state.js';

export type GatewayLibrary = {
  readonly WebSocketShard: typeof WebSocketShard;
  /** The values of an event, as 2.x emits them: `[payload]`, `[code]`, `[error]`. */
  readonly valuesOf: (args: readonly unknown[]) => readonly unknown[];
};

export const WebSocketShardStatus: typeof Status = {
  Idle: 0,
  Connecting: 1,
  Resuming: 2,
  Ready: 3,
};

export const WebSocketShardDestroyRecovery: typeof Recovery = { Reconnect: 0, Resume: 1 };

export const WebSocketShardEvents = {
  Closed: 'closed',
  Debug: 'debug',
  Dispatch: 'dispatch',
  Error: 'error',
  HeartbeatComplete: 'heartbeat',
  Hello: 'hello',
  Ready: 'ready',
  Resumed: 'resumed',
  SocketError: 'socketError',
} as const;

/** A link in the library's words. */
export function statusOf(link: Link['kind']): Status {
  switch (link) {
    case 'ready':
      return WebSocketShardStatus.Ready;
    case 'resuming':
      return WebSocketShardStatus.Resuming;
    case 'connecting':
    case 'waiting':
    case 'awaitingPermit':
    case 'identifying':
      return WebSocketShardStatus.Connecting;
    case 'down':
    case 'asking':
    case 'locating':
    case 'closing':
      return WebSocketShardStatus.Idle;
  }
}
