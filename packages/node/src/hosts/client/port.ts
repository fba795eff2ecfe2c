/**
 * What the host needs of a library's own client. A port is thin: which shards come and go, when, and with which guilds
 * is the host's to say (client-host.ts); a port knows where its library keeps shards and guilds, and how packets are
 * given to it.
 */
import { NodeError } from '../../errors.js';
import type { Payload } from '../../guild-state/raw-guild.js';
import type { Cursor } from '../../session/state.js';
import type { WorkInFlight } from '../work-in-flight.js';

/** A dispatch, from Discord or made here (`s` is 0 then). */
export type Packet = { readonly op: 0; readonly t: string; readonly s: number; readonly d: unknown };

/** What a library sends to Discord's gateway. */
export type Sent = { readonly op: number; readonly d: unknown };

/** Beside `closed` (with its code), `heartbeat` (with `{ latency }`) and `error`, what only @discordjs/ws tells. */
export type ConnectionEvent = 'hello' | 'closed' | 'heartbeat' | 'error' | 'debug' | 'ready' | 'resumed';

export type ClientPort = {
  /** What fleet calls look at. */
  readonly client: object;
  /** Whether the bot was told that it is ready. */
  readonly isReady: boolean;

  totalShardsKnown(totalShards: number): void;

  /** The client has the shard from now on, without guilds. It may have departed a moment ago. */
  addShard(shardId: number): void;

  /** Gives a packet to the library. Resolves when the handlers it called have ended; undefined: none is at work. */
  inject(shardId: number, packet: Packet): Promise<void> | undefined;

  /** READY and all available guilds were delivered: the shard is ready, without waiting for the others. */
  complete(shardId: number): void;

  /** The guild is as this says, or unavailable (null), and nobody is told. Only for a shard that is complete. */
  refreshGuild(shardId: number, guildId: string, data: Payload | null): void;

  /** The guild is not there any more, and nobody is told. */
  removeGuild(shardId: number, guildId: string): void;

  /** The session that the shard has from now on. */
  sessionIs(shardId: number, session: Cursor): void;

  /**
   * The shard left, and its guilds with it: no event is told. For `linger` they answer where they are looked up by id,
   * so that what handlers still do finds them; they are in no count and no iteration.
   */
  removeShard(shardId: number, guildIds: readonly string[]): void | Promise<void>;

  /** What the shard's connection does, in the words of @discordjs/ws. Dispatches do not come this way. */
  told(event: ConnectionEvent, shardId: number, values: readonly unknown[]): void;

  /** An event of ours. Resolves as for `inject`. */
  tell(
    event: 'shardLeaving' | 'shardStays' | 'shardMoved' | 'shardMissed',
    ...values: readonly unknown[]
  ): Promise<void> | undefined;

  /** What the bot does in its handlers. */
  readonly work: Pick<WorkInFlight, 'add' | 'closing' | 'failures' | 'settled'>;

  /** Runs `work` without telling the bot; what it would have been told is told by the function returned. Optional. */
  quietly?(work: () => void): () => void;
};

/**
 * Whether a client is what a host was made for. `paths`: what is called or replaced, beyond what the library documents.
 * Throws `DSO_LIBRARY_UNSUPPORTED`.
 */
export function checkInternals(library: string, version: string, client: object, paths: readonly string[]): void {
  const missing = paths.filter((path) => valueAt(client, path) === undefined);
  if (missing.length === 0) return;
  throw new NodeError(
    'DSO_LIBRARY_UNSUPPORTED',
    `orchestrated() was made for the client of ${library} ${version}, and the one it was given has no ${missing.join(', ')}.`,
  );
}

function valueAt(object: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], object);
}
