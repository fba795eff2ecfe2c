/**
 * eris: where its client keeps shards and guilds, and how packets are given to it. Read in eris 0.18.0; what is used
 * beyond its documented API is checked when the client connects.
 */
import type { REST } from '@discordjs/rest';
import type { Client, ExtendedUser, Guild, Shard } from 'eris';
import type { GatewaySettings } from '../client/client-host.js';
import { clientLogger, type Library, type PortHooks } from '../client/orchestrate.js';
import { EmitterPort, endTimer } from '../client/emitter-port.js';
import { checkInternals, type Packet } from '../client/port.js';

class ErisPort extends EmitterPort<Shard, Guild> {
  readonly client: Client;

  /** Throws `DSO_LIBRARY_UNSUPPORTED`. */
  constructor(client: Client, hooks: PortHooks) {
    checkInternals('eris', '0.18.0', client, [
      'shards.spawn',
      'shards.connect',
      'guildShardMap',
      'unavailableGuilds.add',
    ]);
    super(client, client as never, hooks);
    this.client = client;
    // Connections are the host's.
    client.shards.connect = () => undefined;
  }

  get isReady(): boolean {
    return this.client.ready;
  }

  protected get unavailable(): Client['unavailableGuilds'] {
    return this.client.unavailableGuilds;
  }

  protected get ownId(): string | undefined {
    return this.client.user?.id;
  }

  /** A guild's shard is found by it. */
  totalShardsKnown(totalShards: number): void {
    this.client.options.maxShards = totalShards;
  }

  protected spawn(shardId: number): void {
    this.client.shards.spawn(shardId);
    const shard = this.shard(shardId);
    shard.sendWS = (op, data) => this.sends(shardId, op, data);
    shard.connect = () => undefined;
    shard.disconnect = () => undefined;
  }

  protected give(shard: Shard, packet: Packet): void {
    shard.onPacket(packet);
  }

  protected checkReady(shard: Shard): void {
    endTimer(shard.guildCreateTimeout);
    shard.checkReady();
  }

  protected endRequests({ requestMembersPromise, guildCreateTimeout }: Shard): void {
    endTimer(guildCreateTimeout);
    for (const { res, members, timeout } of Object.values(requestMembersPromise)) {
      endTimer(timeout);
      // Its types have one member.
      (res as (all: unknown) => void)(members);
    }
  }

  protected expectGuild(shardId: number, guildId: string): void {
    this.client.guildShardMap[guildId] = shardId;
    this.client.unavailableGuilds.add({ id: guildId, unavailable: true } as never, this.client);
  }

  protected unmap(guildId: string, guild: Guild | undefined): void {
    const { guildShardMap, channelGuildMap, threadGuildMap } = this.client;
    delete guildShardMap[guildId];
    for (const id of guild?.channels.keys() ?? []) delete channelGuildMap[id];
    for (const id of guild?.threads.keys() ?? []) delete threadGuildMap[id];
  }
}

/** What the host for clients needs to know of the library. */
export function eris(client: Client): Library {
  return {
    name: 'eris',
    client,
    words: { login: 'connect()', destroy: 'disconnect()' },
    userName: () => client.user?.username,
    makePort: (hooks) => new ErisPort(client, hooks),
    settings: () => settingsOf(client),
    learnIdentity: () => learnIdentity(client),
    logger: clientLogger(client),
  };
}

function settingsOf(client: Client): GatewaySettings {
  const { options } = client;
  const { _token: token } = client as unknown as { _token: string };
  return {
    token: token.replace(/^Bot /u, ''),
    intents: options.intents as number,
    largeThreshold: options.largeThreshold ?? 250,
    // The gateway's address is asked for as eris does, with its proxies and limits.
    rest: { get: () => client.getBotGateway() } as unknown as REST,
  };
}

async function learnIdentity(client: Client): Promise<void> {
  const [self, application] = await Promise.all([
    client.getSelf(),
    client.requestHandler.request('GET', '/applications/@me', true) as Promise<{ id: string; flags?: number }>,
  ]);
  client.user = client.users.update(self, client) as ExtendedUser;
  client.application ??= { id: application.id, flags: application.flags ?? 0 };
}
