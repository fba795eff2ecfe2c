/**
 * Every place where this host goes beyond the documented surface of discord.js: what concerns a client is here, what
 * concerns its structures in structures.ts, and nothing anywhere else. Whether the installed version has all of them is
 * asked in supported.ts.
 *
 * Documented doors (`ws.buildStrategy`, the dispatches of its manager, `updateSessionInfo`) are used elsewhere. What
 * they lack:
 * - The strategy is not told which client it belongs to: `login` of the class is wrapped to learn that. A client that
 *   was destroyed stays so, with the manager it had: `ws.destroyed`, `ws._ws` and `ws.packetQueue` are set back.
 * - A client makes its shards in `login` and never again: `WebSocketShard` is made here, and counted in
 *   `ws.totalShards`.
 * - Nothing can be looked up that is not cached: `get`, `has` and `set` of the caches of guilds, channels and shards
 *   (departed-objects.ts).
 * - What listeners return is thrown away: `emit` of the one client is replaced (listeners-in-flight.ts).
 * - A fetch of members waits for two minutes for an answer that cannot come: `_fetchMany` of their manager is wrapped.
 * - A voice connection is refused while its shard is not ready: `voiceAdapterCreator` of Guild is wrapped.
 * - `WebSocketShard` of the @discordjs/ws inside discord.js: loaded from where discord.js loads it.
 */
import { createRequire } from 'node:module';
import {
  Client,
  DiscordjsError,
  DiscordjsErrorCodes,
  Events,
  Guild,
  GuildMemberManager,
  SnowflakeUtil,
} from 'discord.js';
import type { WebSocketShard as ClientShard } from 'discord.js';
import type { GatewaySendPayload } from 'discord-api-types/v10';
import type { GatewayLibrary } from '../ws/library.js';
import { Status, unsupported, WebSocketShard } from './supported.js';

/** What the typings hide or mark as private. */
type HiddenManager = {
  totalShards: number;
  destroyed: boolean;
  _ws: unknown;
  readonly packetQueue: unknown[];
  checkShardsReady(): void;
  triggerClientReady(): void;
  handlePacket(): void;
};
/** @discordjs/ws as discord.js has it. Throws `DSO_DISCORDJS_UNSUPPORTED`. */
export function libraryOfDiscordJs(): GatewayLibrary {
  try {
    const inDiscordJs = createRequire(createRequire(import.meta.url).resolve('discord.js'));
    const library = inDiscordJs('@discordjs/ws') as Pick<GatewayLibrary, 'WebSocketShard'>;
    if (typeof library.WebSocketShard === 'function') {
      // 1.x emits one object per event: `{ data }`, `{ code }`, `{ error }`, `{ message }`, or the heartbeat's figures
      // as they are.
      return { WebSocketShard: library.WebSocketShard, valuesOf: ([event]) => [unwrapped(event)] };
    }
  } catch (error) {
    throw unsupported('has no @discordjs/ws inside', error);
  }
  throw unsupported('has a @discordjs/ws inside that has no WebSocketShard');
}

function unwrapped(event: unknown): unknown {
  const object = (event ?? {}) as Record<string, unknown>;
  for (const key of ['data', 'code', 'error', 'message']) {
    if (key in object) return object[key];
  }
  return event;
}

let loginWrapped = false;

/** From now on every client of this discord.js is shown to `begins` when its login() begins. Once per process. */
export function wrapLogin(begins: (client: Client) => void, failed: (client: Client) => void): void {
  if (loginWrapped) {
    return;
  }
  loginWrapped = true;
  const login = Reflect.get(Client.prototype, 'login');
  Client.prototype.login = async function wrapped(this: Client, token?: string): Promise<string> {
    begins(this);
    try {
      return await (token === undefined ? login.call(this) : login.call(this, token));
    } catch (error) {
      failed(this);
      throw error;
    }
  };
}

/**
 * Whether `destroy()` is done with it. A client whose shards are moved away first is ready until then: handlers ask
 * `isReady()`.
 */
export function setDestroyed(client: Client, isDestroyed: boolean): void {
  hiddenManager(client).destroyed = isDestroyed;
}

/** As it was before its first login(): the next one makes a new manager of the gateway, and asks for a new strategy. */
export function forgetGateway(client: Client): void {
  const manager = hiddenManager(client);
  manager.destroyed = false;
  manager._ws = null;
  manager.packetQueue.length = 0;
  client.ws.shards.clear();
  client.ws.status = Status.Idle;
}

type FetchMembers = (this: GuildMemberManager, options?: object) => Promise<unknown>;

/** Asks Discord. `cancel`: nobody waits for the answer any more; what is left of the request is tidied up. */
export type AskForMembers = (options: object) => { answer: Promise<unknown>; cancel: () => void };

let memberFetchesWrapped = false;

/** From now on every client of this discord.js fetches members through `around`. Once per process. */
export function wrapMemberFetches(
  around: (guild: Guild, options: object, ask: AskForMembers) => Promise<unknown>,
): void {
  if (memberFetchesWrapped) {
    return;
  }
  memberFetchesWrapped = true;
  const prototype = GuildMemberManager.prototype as unknown as { _fetchMany: FetchMembers };
  const fetchMany = prototype._fetchMany;
  prototype._fetchMany = function wrapped(this: GuildMemberManager, options = {}): Promise<unknown> {
    return around(this.guild, options, (given) => askForMembers(this, fetchMany, given));
  };
}

/** The request listens on the client, and stops as soon as Discord says that it asked too often. */
function askForMembers(
  manager: GuildMemberManager,
  fetchMany: FetchMembers,
  options: object,
): ReturnType<AskForMembers> {
  const { client } = manager;
  const before = new Set(client.rawListeners(Events.Raw));
  const answer = fetchMany.call(manager, options);
  const [listener] = client.rawListeners(Events.Raw).filter((each) => !before.has(each));
  const packet = { t: 'RATE_LIMITED', d: { meta: options } };
  answer.catch(() => undefined);
  return { answer, cancel: () => void listener?.call(client, packet) };
}

export function membersTimeout(): Error {
  const DjsError = DiscordjsError as unknown as new (code: DiscordjsErrorCodes) => DiscordjsError;
  return new DjsError(DiscordjsErrorCodes.GuildMembersTimeout);
}

export function newNonce(): string {
  return SnowflakeUtil.generate().toString();
}

let voiceAdaptersWrapped = false;

/** What a voice connection sends for a guild goes through `send`, if that returns whether it did. Once per process. */
export function wrapVoiceAdapters(send: (guild: Guild, payload: GatewaySendPayload) => boolean | null): void {
  const getter = Object.getOwnPropertyDescriptor(Guild.prototype, 'voiceAdapterCreator');
  const creatorOf: unknown = Reflect.get(getter ?? {}, 'get');
  if (voiceAdaptersWrapped || typeof creatorOf !== 'function') {
    return;
  }
  voiceAdaptersWrapped = true;
  Object.defineProperty(Guild.prototype, 'voiceAdapterCreator', {
    ...getter,
    get(this: Guild): Guild['voiceAdapterCreator'] {
      return (methods) => {
        const adapter = (Reflect.apply(creatorOf, this, []) as Guild['voiceAdapterCreator'])(methods);
        return {
          ...adapter,
          sendPayload: (payload: GatewaySendPayload) => send(this, payload) ?? adapter.sendPayload(payload),
        };
      };
    },
  });
}

/** A shard as `client.ws.connect()` makes it. `allReady`: its guilds are all there. */
export function makeShard(client: Client, shardId: number, allReady: () => void): ClientShard {
  const Shard = WebSocketShard as unknown as new (manager: Client['ws'], id: number) => ClientShard;
  const shard = new Shard(client.ws, shardId);
  shard.on('allReady', (unavailableGuilds) => {
    allReady();
    client.emit(Events.ShardReady, shardId, unavailableGuilds);
    checkClientReady(client);
  });
  return shard;
}

/** As RESUMED does it. */
export function setShardReady(client: Client, shardId: number): void {
  const shard = client.ws.shards.get(shardId);
  if (shard !== undefined) shard.status = Status.Ready;
}

/** Counts the client's shards, for `clientReady`. */
export function countShards(client: Client): void {
  client.options.shards = [...client.ws.shards.keys()];
  hiddenManager(client).totalShards = client.ws.shards.size;
}

/** Emits `clientReady` if the client has shards, all of them are ready and it has not been emitted yet. */
export function checkClientReady(client: Client): void {
  if (client.ws.shards.size > 0) {
    hiddenManager(client).checkShardsReady();
  }
}

/** `ready` is called whenever the client is to become ready: with what discord.js does then, `clientReady` included. */
export function wrapClientReady(client: Client, ready: (emit: () => void) => void): void {
  const manager = hiddenManager(client);
  const trigger = manager.triggerClientReady.bind(manager);
  manager.triggerClientReady = () => ready(trigger);
}

export function triggerClientReady(client: Client): void {
  hiddenManager(client).triggerClientReady();
}

/** Without `clientReady`; `readyTimestamp` stays that of the first time. */
export function becomeReady(client: Client): void {
  client.ws.status = Status.Ready;
  hiddenManager(client).handlePacket();
}

/**
 * From now on a lookup (`get`, `has`) of what is not in the cache is answered by `find`, and what `takes` takes is not
 * put there. What counts and iterates is as before.
 */
export function extendCache<K, V>(
  cache: Map<K, V>,
  find: (key: K) => V | undefined,
  takes: (key: K, value: V) => boolean = () => false,
): void {
  const [get, has, set] = [cache.get.bind(cache), cache.has.bind(cache), cache.set.bind(cache)];
  const extended = {
    get: (key: K): V | undefined => get(key) ?? find(key),
    has: (key: K): boolean => has(key) || find(key) !== undefined,
    set: (key: K, value: V): Map<K, V> => (takes(key, value) ? cache : set(key, value)),
  };
  for (const [name, value] of Object.entries(extended)) {
    Object.defineProperty(cache, name, { value, configurable: true, writable: true });
  }
}

function hiddenManager(client: Client): HiddenManager {
  return client.ws as unknown as HiddenManager;
}
