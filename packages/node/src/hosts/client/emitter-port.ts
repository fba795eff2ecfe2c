/**
 * What ports have in common whose clients are event emitters with shards and guilds in maps, made by their own code
 * from the packets that their shards are given. A shard is one of the library's own, with all that hangs on it, whose
 * connection is never made.
 */
import { NodeError } from '../../errors.js';
import type { Payload } from '../../guild-state/raw-guild.js';
import type { Cursor } from '../../session/state.js';
import { lookUpToo } from './departed.js';
import type { PortHooks } from './orchestrate.js';
import { Listeners, type Emitter } from '../listeners.js';
import type { ClientPort, ConnectionEvent, Packet } from './port.js';
import type { WorkInFlight } from '../work-in-flight.js';

/** What libraries agree on. */
type ShardLike = { latency: number; status: unknown; sessionID: string | null };
type GuildLike = { readonly members: { keys(): Iterable<string | number> } };
type Caches<Shard, Guild> = {
  readonly shards: Map<number, Shard>;
  readonly guilds: Map<string, Guild>;
  readonly users: { delete(id: string): unknown };
};

/** Presence, voice state, members, soundboard sounds, channel info: the rest belongs to a connection. */
const SENT: ReadonlySet<number> = new Set([3, 4, 8, 31, 43]);

export abstract class EmitterPort<Shard extends ShardLike, Guild extends GuildLike> implements ClientPort {
  abstract readonly client: object;
  abstract readonly isReady: boolean;
  readonly work: WorkInFlight;
  readonly #caches: Caches<Shard, Guild>;
  readonly #hooks: PortHooks;
  readonly #listeners: Listeners;
  readonly #emitter: Emitter;
  readonly #departedShards = new Map<number, Shard>();
  readonly #departedGuilds = new Map<string, Guild>();

  protected constructor(client: object, caches: Caches<Shard, Guild>, hooks: PortHooks) {
    this.#emitter = client as Emitter;
    this.#caches = caches;
    this.#hooks = hooks;
    this.#listeners = Listeners.of(client);
    this.work = this.#listeners.work;
    lookUpToo(caches.shards, this.#departedShards);
    lookUpToo(caches.guilds, this.#departedGuilds);
  }

  abstract totalShardsKnown(totalShards: number): void;

  /** By the library, which tells what it tells of its shards; without a connection. */
  protected abstract spawn(shardId: number): void;
  protected abstract give(shard: Shard, packet: Packet): void;
  /** Ready, as far as READY and the guilds are concerned. */
  protected abstract checkReady(shard: Shard): void;
  /** Whoever waits for an answer of this shard gets what has come, as at the library's own time-out. */
  protected abstract endRequests(shard: Shard): void;
  /** The next GUILD_CREATE is none that the bot joined. */
  protected abstract expectGuild(shardId: number, guildId: string): void;
  /** The guild out of the maps by which things are looked up. */
  protected abstract unmap(guildId: string, guild: Guild | undefined): void;
  protected abstract readonly unavailable: { delete(guildId: string): unknown };
  protected abstract readonly ownId: string | undefined;

  addShard(shardId: number): void {
    this.#hooks.departed.forget(shardId);
    this.spawn(shardId);
  }

  /** For the library's way to send on a connection. */
  protected sends(shardId: number, op: number, d: unknown): void {
    if (SENT.has(op)) this.#hooks.send(shardId, { op, d });
  }

  inject(shardId: number, packet: Packet): Promise<void> | undefined {
    return this.#listeners.during(() => this.give(this.shard(shardId), packet));
  }

  complete(shardId: number): void {
    void this.#listeners.during(() => this.checkReady(this.shard(shardId)));
  }

  refreshGuild(shardId: number, guildId: string, data: Payload | null): void {
    this.removeGuild(shardId, guildId);
    this.expectGuild(shardId, guildId);
    if (data === null) return;
    this.#listeners.quietly(() => this.give(this.shard(shardId), { op: 0, t: 'GUILD_CREATE', s: 0, d: data }));
  }

  removeGuild(_: number, guildId: string): void {
    this.unmap(guildId, this.#take(guildId));
  }

  sessionIs(shardId: number, { sessionId }: Cursor): void {
    this.shard(shardId).sessionID = sessionId;
  }

  removeShard(shardId: number, guildIds: readonly string[]): void {
    const shard = this.shard(shardId);
    const guilds = guildIds.map((id) => [id, this.#take(id)] as const);
    this.#caches.shards.delete(shardId);
    this.endRequests(shard);
    this.#departedShards.set(shardId, shard);
    for (const [id, guild] of guilds) if (guild !== undefined) this.#departedGuilds.set(id, guild);
    this.#hooks.departed.keep(shardId, () => {
      this.#departedShards.delete(shardId);
      for (const [id, guild] of guilds) {
        this.#departedGuilds.delete(id);
        this.unmap(id, guild);
      }
      this.#forgetUsers(guilds.flatMap(([, guild]) => guild ?? []));
    });
  }

  told(event: ConnectionEvent, shardId: number, [value]: readonly unknown[]): void {
    const shard = this.#departedShards.has(shardId) ? undefined : this.#caches.shards.get(shardId);
    if (shard === undefined) return;
    if (event === 'heartbeat') shard.latency = (value as { latency: number }).latency;
    if (event !== 'closed') return;
    shard.status = 'disconnected';
    void this.tell('shardDisconnect', undefined, shardId);
  }

  tell(event: string, ...values: readonly unknown[]): Promise<void> | undefined {
    return this.#listeners.during(() => void this.#emitter.emit(event, ...values));
  }

  quietly(work: () => void): () => void {
    return this.#listeners.quietly(work);
  }

  protected shard(shardId: number): Shard {
    const shard = this.#caches.shards.get(shardId);
    if (shard !== undefined) return shard;
    throw new NodeError('DSO_SHARD_NOT_HOSTED', `Shard ${shardId} does not run in this process.`);
  }

  /** Out of what is counted. */
  #take(guildId: string): Guild | undefined {
    const guild = this.#caches.guilds.get(guildId);
    this.#caches.guilds.delete(guildId);
    this.unavailable.delete(guildId);
    return guild;
  }

  /** Those that only these guilds had. The libraries never forget a user, but then their guilds do not move. */
  #forgetUsers(gone: readonly Guild[]): void {
    const others = new Set([...this.#caches.guilds.values()].flatMap(({ members }) => [...members.keys()]));
    for (const { members } of gone) {
      for (const id of members.keys()) {
        if (id !== this.ownId && !others.has(id)) this.#caches.users.delete(String(id));
      }
    }
  }
}

/** Ends a timer that the library has set. */
export function endTimer(timer: NodeJS.Timeout | null): void {
  timer?.unref().close();
}
