/**
 * oceanic.js: where its client keeps shards and guilds, and how packets are given to it. Read in oceanic.js 1.15.0;
 * what is used beyond its documented API is named in `ShardInternals`, and checked when the client connects.
 */
import type { REST } from '@discordjs/rest';
import type { Client, ExtendedUser, Guild, Shard } from 'oceanic.js';
import type { GatewaySettings } from '../client/client-host.js';
import { clientLogger, type Library, type PortHooks } from '../client/orchestrate.js';
import { EmitterPort, endTimer } from '../client/emitter-port.js';
import { checkInternals, type Packet } from '../client/port.js';

type Request = { timeout: NodeJS.Timeout; readonly resolve: (answer: unknown) => void };

type ShardInternals = {
  onPacket(packet: Packet): void;
  checkReady(): Promise<void>;
  _guildCreateTimeout: NodeJS.Timeout | null;
  _requestMembersPromise: Record<string, Request & { members: unknown }>;
  _requestChannelInfoPromise: Record<string, Request & { channels: unknown }>;
  _requestSoundboardSoundsPromise: Record<string, Request & { soundboardSounds: unknown }>;
};

class OceanicPort extends EmitterPort<Shard, Guild> {
  readonly client: Client;

  /** Throws `DSO_LIBRARY_UNSUPPORTED`. */
  constructor(client: Client, hooks: PortHooks) {
    const paths = [
      'shards.spawn',
      'shards._connect',
      'shards.dispatcher.handle',
      'guildShardMap.set',
      'unavailableGuilds.update',
    ];
    checkInternals('oceanic.js', '1.15.0', client, paths);
    super(client, client, hooks);
    this.client = client;
    // Connections are the host's.
    Object.assign(client.shards, { _connect: () => undefined });
  }

  get isReady(): boolean {
    return this.client.ready;
  }

  protected get unavailable(): Client['unavailableGuilds'] {
    return this.client.unavailableGuilds;
  }

  protected get ownId(): string | undefined {
    return (this.client as unknown as { _user?: { id: string } })._user?.id;
  }

  /** A guild's shard is found by it; and many things of a client are only there while it is connected. */
  totalShardsKnown(totalShards: number): void {
    this.client.shards.options.maxShards = totalShards;
    this.client.shards.connected = true;
  }

  protected spawn(shardId: number): void {
    this.#keepingVoice(() => this.client.shards.spawn(shardId));
    const shard = this.shard(shardId);
    shard.send = (op, data) => this.sends(shardId, op, data);
    shard.connect = () => Promise.resolve();
    shard.disconnect = () => undefined;
  }

  /** A shard that is made destroys all voice connections of the client, of whatever shard they are (`hardReset`). */
  #keepingVoice(work: () => void): void {
    const { voiceAdapters } = this.client;
    const adapters = [...voiceAdapters];
    voiceAdapters.clear();
    work();
    for (const [guildId, adapter] of adapters) voiceAdapters.set(guildId, adapter);
  }

  protected give(shard: Shard, packet: Packet): void {
    internals(shard).onPacket(packet);
  }

  protected checkReady(shard: Shard): void {
    const { _guildCreateTimeout: timeout } = internals(shard);
    endTimer(timeout);
    void internals(shard).checkReady();
  }

  protected endRequests(shard: Shard): void {
    const {
      _guildCreateTimeout: timeout,
      _requestMembersPromise: members,
      _requestChannelInfoPromise: channels,
      _requestSoundboardSoundsPromise: sounds,
    } = internals(shard);
    endTimer(timeout);
    for (const request of Object.values(members)) answer(request, request.members);
    for (const request of Object.values(channels)) answer(request, request.channels);
    for (const request of Object.values(sounds)) answer(request, request.soundboardSounds);
  }

  protected expectGuild(shardId: number, guildId: string): void {
    this.client.guildShardMap.set(guildId, shardId);
    this.client.unavailableGuilds.update({ id: guildId, unavailable: true });
  }

  protected unmap(guildId: string, guild: Guild | undefined): void {
    const { guildShardMap, channelGuildMap, threadGuildMap } = this.client;
    guildShardMap.delete(guildId);
    for (const id of guild?.channels.keys() ?? []) channelGuildMap.delete(id);
    for (const id of guild?.threads.keys() ?? []) threadGuildMap.delete(id);
  }
}

function internals(shard: Shard): ShardInternals {
  return shard as unknown as ShardInternals;
}

function answer({ timeout, resolve }: Request, value: unknown): void {
  endTimer(timeout);
  resolve(value);
}

/** What the host for clients needs to know of the library. */
type Identity = { _user?: ExtendedUser; _application?: unknown };

export function oceanic(client: Client): Library {
  return {
    name: 'oceanic.js',
    client,
    words: { login: 'connect()', destroy: 'disconnect()' },
    userName: () => (client as unknown as Identity)._user?.tag,
    makePort: (hooks) => new OceanicPort(client, hooks),
    settings: () => settingsOf(client),
    learnIdentity: () => learnIdentity(client),
    logger: clientLogger(client),
  };
}

function settingsOf(client: Client): GatewaySettings {
  const { intents, largeThreshold, presence, connectionProperties } = client.shards.options;
  return {
    token: (client.options.auth ?? '').replace(/^Bot /u, ''),
    intents,
    largeThreshold,
    initialPresence: { ...presence, since: null } as unknown as NonNullable<GatewaySettings['initialPresence']>,
    identifyProperties: connectionProperties as NonNullable<GatewaySettings['identifyProperties']>,
    rest: { get: () => gatewayInfo(client) } as unknown as REST,
  };
}

/** As oceanic.js asks for it, with its proxies and limits. */
async function gatewayInfo(client: Client): Promise<unknown> {
  const { url, shards, sessionStartLimit: limit } = await client.rest.getBotGateway();
  const { total, remaining, resetAfter, maxConcurrency } = limit;
  const session_start_limit = { total, remaining, reset_after: resetAfter, max_concurrency: maxConcurrency };
  return { url, shards, session_start_limit };
}

/** As its `restMode()` does. */
async function learnIdentity(client: Client): Promise<void> {
  const identity = client as unknown as Identity;
  const [application, user] = await Promise.all([
    client.rest.applications.getCurrent(),
    client.rest.oauth.getCurrentUser(),
  ]);
  identity._application ??= application;
  identity._user ??= client.users.add(user);
}
