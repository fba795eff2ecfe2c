/**
 * seyfert: its shards, which hand packets to its client, and its cache. Read in seyfert 5.1.0; what is used beyond its
 * documented API is checked when the client connects.
 *
 * A shard is one of seyfert's own, made by its ShardManager, whose connection is never made: `onpacket` gets what
 * comes, and what `send` is given goes to the host. Guilds that leave go out of a cache in memory; one that is
 * elsewhere (Redis) belongs to the whole bot, and stays.
 */
import type { REST } from '@discordjs/rest';
import type { Logger } from '@dshard/transport';
import { Transformers, type Client, type ShardManager } from 'seyfert';
import type { Payload } from '../../guild-state/raw-guild.js';
import type { GatewaySettings } from '../client/client-host.js';
import { endTimer } from '../client/emitter-port.js';
import type { Library, PortHooks } from '../client/orchestrate.js';
import { checkInternals, type ClientPort, type ConnectionEvent, type Packet } from '../client/port.js';
import { WorkInFlight } from '../work-in-flight.js';

type Shard = ReturnType<ShardManager['create']>;
type OnPacket = (packet: object) => unknown;
type MemberRequests = Map<
  string,
  { timeout: NodeJS.Timeout; members: unknown; presences: unknown; resolve: (answer: object) => void }
>;

/** Whose BOT_READY is told once. */
const told = new WeakSet<object>();

class SeyfertPort implements ClientPort {
  readonly client: Client;
  isReady = false;
  readonly #hooks: PortHooks;
  readonly work: WorkInFlight = new WorkInFlight((error) => this.client.logger.error(error));
  /** Where the promises go of what is being delivered. */
  #collecting: Promise<void>[] = [];

  /** Throws `DSO_LIBRARY_UNSUPPORTED`. */
  constructor(client: Client, hooks: PortHooks) {
    const paths = [
      'gateway.create',
      'gateway.options.handlePayload',
      'events.runEvent',
      'events.runCustom',
      'cache.onPacket',
    ];
    checkInternals('seyfert', '5.1.0', client, paths);
    this.client = client;
    this.#hooks = hooks;
    this.#tellReadyOnce();
    const { gateway } = client;
    const send = gateway.send.bind(gateway);
    // What plugins make of a payload is the library's; whether the shard is here is ours.
    gateway.send = async (shardId, payload) =>
      gateway.has(shardId) ? send(shardId, payload) : this.#drop(shardId, payload);
  }

  #drop(shardId: number, payload: object): boolean {
    this.#hooks.send(shardId, payload as never);
    return false;
  }

  /** seyfert tells it whenever a shard has become ready and no other is not. */
  #tellReadyOnce(): void {
    const { events } = this.client;
    this.isReady = told.has(this.client);
    if (this.isReady) return;
    const runEvent = events.runEvent.bind(events);
    events.runEvent = async (name, ...of) => {
      if (name !== 'BOT_READY') return runEvent(name, ...of);
      if (told.has(this.client)) return undefined;
      told.add(this.client);
      this.isReady = true;
      return runEvent(name, ...of);
    };
  }

  totalShardsKnown(totalShards: number): void {
    const { options } = this.client.gateway;
    options.totalShards = totalShards;
    options.info.shards = totalShards;
  }

  addShard(shardId: number): void {
    const { gateway } = this.client;
    const shard = gateway.create(shardId);
    const nothing = (): Promise<void> => Promise.resolve();
    shard.options.handlePayload = (_, packet) => this.#collect(() => gateway.options.handlePayload(shardId, packet));
    Object.defineProperty(shard, 'isOpen', { value: true, configurable: true });
    Object.assign(shard, {
      send: async (_: boolean, payload: object) => this.#hooks.send(shardId, payload as never),
      connect: nothing,
      reconnect: nothing,
      identify: nothing,
      resume: nothing,
      disconnect: () => undefined,
    });
  }

  #collect(userCode: () => unknown): void {
    const work = this.work.call(userCode);
    if (work !== undefined) this.#collecting.push(work);
  }

  inject(shardId: number, packet: Packet): Promise<void> | undefined {
    const shard = this.client.gateway.get(shardId);
    if (shard === undefined) return undefined;
    this.#collecting = [];
    // It renames what comes of guilds that READY announced.
    (shard.onpacket as OnPacket)({ ...packet, s: packet.s === 0 ? null : packet.s });
    return Promise.all(this.#collecting).then(() => undefined);
  }

  /** As Discord does with guilds that are not available. */
  complete(shardId: number): void {
    for (const id of this.client.gateway.get(shardId)?.pendingGuilds ?? []) {
      void this.inject(shardId, { op: 0, t: 'GUILD_DELETE', s: 0, d: { id, unavailable: true } });
    }
  }

  refreshGuild(_: number, guildId: string, data: Payload | null): void {
    const { cache } = this.client;
    const d = data ?? { id: guildId, unavailable: true };
    const t = data === null ? 'RAW_GUILD_DELETE' : 'RAW_GUILD_CREATE';
    void this.work.add(
      (async () => {
        await cache.guilds?.remove(guildId);
        await cache.onPacket({ t, d } as never);
      })(),
    );
  }

  removeGuild(_: number, guildId: string): void {
    void this.work.add(this.#uncache([guildId]));
  }

  async #uncache(guildIds: readonly string[]): Promise<void> {
    for (const guildId of guildIds) await this.client.cache.guilds?.remove(guildId);
  }

  sessionIs(shardId: number, { sessionId, resumeGatewayUrl }: { sessionId: string; resumeGatewayUrl: string }): void {
    const shard = this.client.gateway.get(shardId);
    if (shard !== undefined) Object.assign(shard.data, { session_id: sessionId, resume_gateway_url: resumeGatewayUrl });
  }

  async removeShard(shardId: number, guildIds: readonly string[]): Promise<void> {
    const { gateway, cache } = this.client;
    const shard = gateway.get(shardId);
    gateway.delete(shardId);
    if (shard !== undefined) this.#endRequests(shard);
    if (cache.adapter.isAsync) return;
    await this.#uncache(guildIds);
    this.#forgetUsers();
  }

  /** Whoever waits for an answer gets what has come. */
  #endRequests(shard: Shard): void {
    const { requestGuildMembersChunk: requests } = shard as unknown as { requestGuildMembersChunk: MemberRequests };
    for (const { timeout, members, presences, resolve } of requests.values()) {
      endTimer(timeout);
      resolve({ members, presences });
    }
    requests.clear();
  }

  /** Those that no guild has any more: seyfert never forgets a user. Only of a cache in memory. */
  #forgetUsers(): void {
    const { cache, botId } = this.client;
    const idOf = (key: string): string => key.slice(key.lastIndexOf('.') + 1);
    const members = new Set((cache.members?.keys('*') as readonly string[] | undefined)?.map(idOf));
    const users = (cache.users?.keys() as readonly string[] | undefined) ?? [];
    void cache.adapter.bulkRemove(users.filter((key) => idOf(key) !== botId && !members.has(idOf(key))));
  }

  told(event: ConnectionEvent, shardId: number, [value]: readonly unknown[]): void {
    const { gateway } = this.client;
    const shard = gateway.get(shardId);
    if (shard === undefined) return;
    if (event === 'heartbeat')
      Object.assign(shard.heart, { lastBeat: 1, lastAck: 1 + (value as { latency: number }).latency });
    if (event === 'resumed') void gateway.options.onShardReconnect?.({ shardId });
    if (event === 'closed') void gateway.options.onShardDisconnect?.({ shardId, code: value as number, reason: '' });
  }

  tell(event: string, ...values: readonly unknown[]): Promise<void> | undefined {
    return this.work.call(() => this.client.events.runCustom(event as never, ...(values as never)));
  }
}

/** What the host for clients needs to know of the library. */
export function seyfert(client: Client): Library {
  return {
    name: 'seyfert',
    client,
    words: { login: 'start()', destroy: 'gateway.disconnectAll()' },
    userName: () => (client.me as { username?: string } | undefined)?.username,
    makePort: (hooks) => new SeyfertPort(client, hooks),
    settings: () => settingsOf(client),
    learnIdentity: () => learnIdentity(client),
    logger: loggerOf(client),
  };
}

function settingsOf(client: Client): GatewaySettings {
  const { token, intents, presence, properties } = client.gateway.options;
  const initialPresence = presence?.(0);
  return {
    token,
    intents,
    ...(initialPresence && { initialPresence }),
    identifyProperties: properties,
    // As seyfert asks for it, with its proxies and limits.
    rest: { get: () => client.proxy.gateway.bot.get() } as unknown as REST,
  };
}

async function learnIdentity(client: Client): Promise<void> {
  const [user, application] = await Promise.all([
    client.proxy.users('@me').get(),
    client.proxy.applications('@me').get(),
  ]);
  client.botId = user.id;
  client.applicationId = application.id;
  client.me ??= Transformers.ClientUser(client, user, application);
}

function loggerOf({ logger }: Client): Logger {
  return {
    debug: (_, message) => logger.debug(message),
    info: (_, message) => logger.info(message),
    warn: (_, message) => logger.warn(message),
    error: (_, message) => logger.error(message),
  };
}
