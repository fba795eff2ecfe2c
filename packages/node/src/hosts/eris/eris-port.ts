/**
 * eris: where its client keeps shards and guilds, and how packets are given to it. Read in eris 0.18.0; what is used beyond its public API
 * is checked when the client connects.
 *
 * A shard is one of eris' own, made by its ShardManager with all that hangs on it, whose connection is never made: `onPacket` gets what
 * comes, and what `sendWS` is given goes to the host.
 */
import type { Client, Guild, Shard } from 'eris';
import { NodeError } from '../../errors.js';
import type { Payload } from '../../guild-state/raw-guild.js';
import type { Cursor } from '../../session/state.js';
import { unsupported } from '../client/unsupported.js';
import { lookUpToo } from '../client/departed.js';
import type { PortHooks } from '../client/orchestrate.js';
import { EmitterEvents } from '../client/emitter-port.js';
import type { ClientPort, Packet } from '../client/port.js';

/** Presence, voice state, members, soundboard sounds, channel info: the rest belongs to a connection. */
const SENT: ReadonlySet<number> = new Set([3, 4, 8, 31, 43]);

export class ErisPort implements ClientPort {
  readonly client: Client;
  readonly #hooks: PortHooks;
  readonly #events: EmitterEvents;
  readonly #departedGuilds = new Map<string, Guild>();
  readonly #departedShards = new Map<number, Shard>();

  /** Throws `DSO_LIBRARY_UNSUPPORTED`. */
  constructor(client: Client, hooks: PortHooks) {
    checkInternals(client);
    this.client = client;
    this.#hooks = hooks;
    this.#events = new EmitterEvents(client);
    lookUpToo(client.guilds, this.#departedGuilds);
    lookUpToo(client.shards, this.#departedShards);
    // Connections are the host's.
    client.shards.connect = () => undefined;
  }

  get isReady(): boolean {
    return this.client.ready;
  }

  /** A guild's shard is found by it. */
  totalShardsKnown(totalShards: number): void {
    this.client.options.maxShards = totalShards;
  }

  addShard(shardId: number): void {
    this.#hooks.departed.forget(shardId);
    this.client.shards.spawn(shardId);
    const shard = this.#shard(shardId);
    shard.sendWS = (op, data) => {
      if (SENT.has(op)) this.#hooks.send(shardId, { op, d: data });
    };
    shard.connect = () => undefined;
    shard.disconnect = () => undefined;
  }

  deliver(shardId: number, packet: Packet): Promise<void> | undefined {
    return this.#events.during(() => this.#shard(shardId).onPacket(packet));
  }

  complete(shardId: number): void {
    const shard = this.#shard(shardId);
    shard.guildCreateTimeout?.unref().close();
    void this.#events.during(() => shard.checkReady());
  }

  refreshGuild(shardId: number, guildId: string, data: Payload | null): void {
    this.removeGuild(shardId, guildId);
    this.client.guildShardMap[guildId] = shardId;
    this.client.unavailableGuilds.add({ id: guildId, unavailable: true } as never, this.client as never);
    if (data === null) return;
    this.#events.quietly(() => this.#shard(shardId).onPacket({ op: 0, t: 'GUILD_CREATE', s: 0, d: data }));
  }

  removeGuild(_: number, guildId: string): void {
    const guild = this.#take(guildId);
    this.#unmap(guildId, guild);
  }

  sessionIs(shardId: number, { sessionId }: Cursor): void {
    this.#shard(shardId).sessionID = sessionId;
  }

  removeShard(shardId: number, guildIds: readonly string[]): void {
    const shard = this.#shard(shardId);
    const guilds = guildIds.map((id) => [id, this.#take(id)] as const);
    this.client.shards.delete(shardId);
    this.#endRequests(shard);
    this.#departedShards.set(shardId, shard);
    for (const [id, guild] of guilds) if (guild !== undefined) this.#departedGuilds.set(id, guild);
    this.#hooks.departed.keep(shardId, () => {
      this.#departedShards.delete(shardId);
      for (const [id, guild] of guilds) {
        this.#departedGuilds.delete(id);
        this.#unmap(id, guild);
      }
      this.#forgetUsers(guilds.flatMap(([, guild]) => guild ?? []));
    });
  }

  connectionIs(shardId: number, state: 'open' | 'lost', pingMs: number | null): void {
    const shard = this.#departedShards.has(shardId) ? undefined : this.client.shards.get(shardId);
    if (shard === undefined) return;
    if (pingMs !== null) shard.latency = pingMs;
    if (state === 'lost') {
      shard.status = 'disconnected';
      void this.tell('shardDisconnect', undefined, shardId);
    }
  }

  tell(event: string, ...values: readonly unknown[]): Promise<void> | undefined {
    return this.#events.tell(event, ...values);
  }

  track(work: Promise<unknown>): Promise<void> {
    return this.#events.track(work);
  }

  settled(): Promise<void> {
    return this.#events.settled();
  }

  quietly(work: () => void): () => void {
    return this.#events.quietly(work);
  }

  #shard(shardId: number): Shard {
    const shard = this.client.shards.get(shardId);
    if (shard === undefined)
      throw new NodeError('DSO_SHARD_NOT_HOSTED', `Shard ${shardId} does not run in this process.`);
    return shard;
  }

  /** Out of what is counted. */
  #take(guildId: string): Guild | undefined {
    const guild = this.client.guilds.get(guildId);
    this.client.guilds.delete(guildId);
    this.client.unavailableGuilds.delete(guildId);
    return guild;
  }

  /** Out of what things are looked up by. */
  #unmap(guildId: string, guild: Guild | undefined): void {
    const { guildShardMap, channelGuildMap, threadGuildMap } = this.client;
    delete guildShardMap[guildId];
    for (const id of guild?.channels.keys() ?? []) delete channelGuildMap[id];
    for (const id of guild?.threads.keys() ?? []) delete threadGuildMap[id];
  }

  /** Whoever waits for an answer gets what has come, as at eris' own time-out. */
  #endRequests({ requestMembersPromise: requests, guildCreateTimeout }: Shard): void {
    guildCreateTimeout?.unref().close();
    for (const { res, members, timeout } of Object.values(requests)) {
      timeout.unref().close();
      // Its types have one member.
      (res as (all: unknown) => void)(members);
    }
  }

  /** Those that only these guilds had. eris itself never forgets a user, but then its guilds do not move. */
  #forgetUsers(gone: readonly Guild[]): void {
    const { users } = this.client;
    const others = new Set([...this.client.guilds.values()].flatMap(({ members }) => [...members.keys()]));
    for (const { members } of gone) {
      for (const id of members.keys()) if (id !== this.client.user?.id && !others.has(id)) users.delete(id);
    }
  }
}

/** What is called or replaced, beyond what eris documents. */
function checkInternals(client: Client): void {
  const { shards, guilds } = client;
  const missing = Object.entries({
    'shards.spawn': shards?.spawn,
    'shards.connect': shards?.connect,
    'guilds.get': guilds?.get,
    guildShardMap: client.guildShardMap,
    unavailableGuilds: client.unavailableGuilds,
  }).flatMap(([name, value]) => (value === undefined ? [name] : []));
  if (missing.length > 0) throw unsupported('eris', '0.18.0', missing);
}
