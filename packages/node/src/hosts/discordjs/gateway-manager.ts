/**
 * The manager of @discordjs/ws 1 inside discord.js, which `ws.buildStrategy` is given. discord.js listens on it for
 * everything that a shard tells, and hooks it up with the session each of its shards shows.
 */
import type { ClientOptions } from 'discord.js';
import type { ShardNews } from '../../gateway-shard/driver.js';
import type { GatewayOptions } from '../../gateway-shard/options.js';
import type { Cursor } from '../../session/state.js';
import { wsPool, type ManagerOptions } from '../ws/ws-socket.js';
import type { Payload } from './export/fields.js';
import { libraryOfDiscordJs } from './internals.js';
import { SimpleIdentifyThrottler } from './supported.js';

type BuildStrategy = NonNullable<NonNullable<ClientOptions['ws']>['buildStrategy']>;

export type GatewayManager = Parameters<BuildStrategy>[0];
export type Strategy = ReturnType<BuildStrategy>;

/** What discord.js is told of a shard. */
type Told = ShardNews | 'dispatch';

/** 1.x emits an object with the value under a name; what is not listed is emitted with its own fields, or with none. */
const VALUE_NAMES: Partial<Record<Told, string>> = {
  closed: 'code',
  debug: 'message',
  dispatch: 'data',
  error: 'error',
  ready: 'data',
};

export function emitOn(manager: GatewayManager, event: Told, value: unknown, shardId: number): void {
  const name = VALUE_NAMES[event];
  const emitter = manager as unknown as { emit(event: string, value: object): boolean };
  emitter.emit(event, name === undefined ? { ...(value as object), shardId } : { [name]: value, shardId });
}

/** A packet as if it came from Discord. Sequence 0: it is none of the session's. */
export function packet(type: string, data: Payload): object {
  return { op: 0, t: type, s: 0, d: data };
}

/** What `client.ws.shards.get(shardId)` shows, and counts replayed events from. */
export function showSession(manager: GatewayManager, shardId: number, cursor: Cursor | null): void {
  const { options } = manager;
  void options.updateSessionInfo(
    shardId,
    cursor && {
      shardId,
      shardCount: options.shardCount ?? 0,
      sessionId: cursor.sessionId,
      sequence: cursor.sequence,
      resumeURL: cursor.resumeGatewayUrl,
    },
  );
}

/** Throws `DSO_DISCORDJS_UNSUPPORTED`. */
export function makePool(
  manager: GatewayManager,
  options: GatewayOptions,
  tell: (event: ShardNews, value: unknown, shardId: number) => void,
): ReturnType<typeof wsPool> {
  return wsPool({
    manager,
    options,
    library: libraryOfDiscordJs(),
    managerOptions: () => manager.options as unknown as ManagerOptions,
    Throttler: SimpleIdentifyThrottler,
    tell: (event, values, shardId) => tell(event, values[0], shardId),
  });
}
