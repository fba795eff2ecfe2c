/**
 * What a client has of each shard: the shard in `client.ws.shards`, its guilds, their channels and users. They come and
 * go here without guildCreate, guildDelete or any other event, because nothing happened to the guilds: they moved.
 *
 *     expected   it is on its way here: its guilds are built, and in none of the caches
 *     shown      its guilds are in the caches, and it still serves elsewhere (ready-before-the-first-freeze)
 *     hosted     it runs here
 *     departed   it left; see departed-objects.ts. As long as it may come back as it was, it is `kept`.
 *
 * All of this looks at the caches as they are (`DepartedObjects.hidden`).
 */
import type { Clock } from '@dshard/transport';
import type { Client, Guild, Status as ShardStatus, WebSocketShard } from 'discord.js';
import { DepartedObjects } from './departed-objects.js';
import { checkClientReady, countShards, makeShard } from './internals.js';
import { Status } from './supported.js';

export type ClientShardsOptions = { client: Client; clock: Clock; lingerMs: number };

export class ClientShards {
  readonly #client: Client;
  readonly #setup: ClientShardsOptions;
  readonly #departed: DepartedObjects;
  readonly #hosted = new Set<number>();
  readonly #shown = new Set<number>();
  /** By shard that is on its way here: the guilds that have come of it so far. */
  readonly #expected = new Map<number, () => readonly Guild[]>();
  /** Shards that run here and whose guilds have all arrived. */
  readonly #complete = new Set<number>();

  constructor(setup: ClientShardsOptions) {
    this.#setup = setup;
    this.#client = setup.client;
    this.#departed = DepartedObjects.of(setup.client);
  }

  /** Hosted and shown. */
  get ids(): readonly number[] {
    return [...this.#client.ws.shards.keys()];
  }

  /** Whether it runs here. */
  has(shardId: number): boolean {
    return this.#hosted.has(shardId);
  }

  isShown(shardId: number): boolean {
    return this.#shown.has(shardId);
  }

  /** Whether its guilds are what they were: it never left, or can come back. */
  isAsItWas(shardId: number): boolean {
    return this.#complete.has(shardId) || this.#departed.kept(shardId) !== null;
  }

  /** Whether all guilds of the shard are in the caches, and the bot was told that it is ready. */
  isComplete(shardId: number): boolean {
    return this.#complete.has(shardId) && this.#client.isReady();
  }

  /** The shards that the client speaks for: they run here, with all their guilds. null while those of one come in. */
  whole(): readonly number[] | null {
    return [...this.#hosted].every((shardId) => this.#complete.has(shardId)) ? [...this.#hosted] : null;
  }

  /** READY came: its guilds follow. */
  begins(shardId: number): void {
    this.#complete.delete(shardId);
  }

  /** It runs here. */
  add(shardId: number): void {
    this.#hidden(() => {
      if (this.#hosted.has(shardId)) return;
      const kept = this.#departed.kept(shardId);
      if (kept !== null) {
        this.#departed.remove(shardId);
        this.#client.ws.shards.set(shardId, kept.shard);
        kept.guilds.forEach((guild) => this.#put(guild));
        this.#complete.add(shardId);
      } else if (!this.#shown.delete(shardId)) {
        this.#forgetDeparted(shardId);
        this.#make(shardId, Status.Connecting);
      }
      this.#hosted.add(shardId);
      countShards(this.#client);
    });
  }

  /** `guilds`: see staged-state.ts. */
  expect(shardId: number, guilds: () => readonly Guild[]): void {
    this.abort(shardId);
    this.#expected.set(shardId, guilds);
  }

  /** What came of it so far is shown, and it does not run here. */
  show(shardId: number): void {
    this.#hidden(() => {
      this.#forgetDeparted(shardId);
      this.#shown.add(shardId);
      this.#make(shardId, Status.Nearly);
      this.#expected
        .get(shardId)?.()
        .forEach((guild) => this.#put(guild));
      countShards(this.#client);
    });
  }

  /** It runs here, with these of the guilds that were expected; what else was shown of it is not its any more. */
  place(shardId: number, guilds: readonly Guild[]): void {
    this.#hidden(() => {
      this.#expected.delete(shardId);
      const ids = new Set(guilds.map(({ id }) => id));
      for (const guild of this.guildsOf(shardId)) {
        if (!ids.has(guild.id)) this.#take(guild);
      }
      guilds.forEach((guild) => this.#put(guild));
      this.#complete.add(shardId);
    });
  }

  /** The shard is expected no longer; if it was shown, its guilds are departed. */
  abort(shardId: number): void {
    const guilds = this.#expected.get(shardId)?.() ?? [];
    this.#expected.delete(shardId);
    if (this.#shown.has(shardId)) {
      this.forget(shardId);
    } else {
      this.#forgetUsers(guilds);
    }
  }

  guildsOf(shardId: number): readonly Guild[] {
    return [...this.#client.guilds.cache.values()].filter((guild) => guild.shardId === shardId);
  }

  /** Guilds per shard. */
  counts(): ReadonlyMap<number, number> {
    const counts = new Map<number, number>();
    for (const { shardId } of this.#client.guilds.cache.values()) {
      counts.set(shardId, (counts.get(shardId) ?? 0) + 1);
    }
    return counts;
  }

  /** The client does not have the shard any more; it may come back as it was. */
  setAside(shardId: number): void {
    this.#hidden(() => this.#setAside(shardId));
  }

  #setAside(shardId: number): void {
    const { ws } = this.#client;
    const shard = ws.shards.get(shardId);
    if (shard === undefined) {
      return;
    }
    const guilds = this.guildsOf(shardId);
    guilds.forEach((guild) => this.#take(guild));
    ws.shards.delete(shardId);
    shard.status = Status.Disconnected;
    const wasWhole = this.#complete.delete(shardId);
    this.#hosted.delete(shardId);
    this.#shown.delete(shardId);
    this.#departed.add(shardId, { shard, guilds });
    if (!wasWhole) this.#expire(shardId);
    countShards(this.#client);
    checkClientReady(this.#client);
  }

  /** It will not come back as it is: for a while its objects answer those who hold them. */
  forget(shardId: number): void {
    this.setAside(shardId);
    this.#expire(shardId);
  }

  /** No shard comes any more. What left answers on, to handlers that nobody knows of. */
  nodeEnded(): void {
    this.#departed.nodeEnded(this.#setup.lingerMs, ({ guilds }) => this.#forgetUsers(guilds));
  }

  /**
   * Runs `work` while the client has the shards of `whole` and no others: for fleet calls, which must count no guild
   * that another process counts. In one turn, so that nobody else can look.
   */
  speaking<T>(work: () => T): T {
    return this.#hidden(() => {
      const { ws, options } = this.#client;
      const shards = [...this.#shown].flatMap((shardId) => ws.shards.get(shardId) ?? []);
      if (shards.length === 0) return work();
      const guilds = [...this.#shown].flatMap((shardId) => this.guildsOf(shardId));
      const ids = options.shards ?? [];
      guilds.forEach((guild) => this.#take(guild));
      shards.forEach(({ id }) => ws.shards.delete(id));
      options.shards = [...ws.shards.keys()];
      try {
        return work();
      } finally {
        shards.forEach((shard) => ws.shards.set(shard.id, shard));
        guilds.forEach((guild) => this.#put(guild));
        options.shards = ids;
      }
    });
  }

  #make(shardId: number, status: ShardStatus): void {
    const shard: WebSocketShard = makeShard(this.#client, shardId, () => this.#complete.add(shardId));
    shard.status = status;
    this.#client.ws.shards.set(shardId, shard);
  }

  #expire(shardId: number): void {
    const { clock, lingerMs } = this.#setup;
    this.#departed.expire(shardId, clock, lingerMs, ({ guilds }) => this.#forgetUsers(guilds));
  }

  #forgetDeparted(shardId: number): void {
    const departed = this.#departed.remove(shardId);
    if (departed !== null) this.#forgetUsers(departed.guilds);
  }

  #put(guild: Guild): void {
    this.#client.guilds.cache.set(guild.id, guild);
    guild.channels.cache.forEach((channel) => this.#client.channels.cache.set(channel.id, channel));
  }

  #take(guild: Guild): void {
    const { guilds, channels } = this.#client;
    guild.channels.cache.forEach((channel) => channels.cache.delete(channel.id));
    guilds.cache.delete(guild.id);
  }

  #hidden<T>(work: () => T): T {
    return this.#departed.hidden(work);
  }

  /** Those that others may still show. */
  #others(): readonly Guild[] {
    const expected = [...this.#expected.values()].flatMap((guilds) => guilds());
    return [...this.#client.guilds.cache.values(), ...this.#departed.guilds, ...expected];
  }

  /** Those that only these guilds had. discord.js itself never forgets a user, but then its guilds do not move. */
  #forgetUsers(guilds: readonly Guild[]): void {
    if (guilds.length === 0) {
      return;
    }
    const { users, user: self } = this.#client;
    const others = new Set<string>();
    for (const guild of this.#others()) {
      for (const id of guild.members.cache.keys()) {
        others.add(id);
      }
    }
    for (const guild of guilds) {
      for (const id of guild.members.cache.keys()) {
        if (id !== self?.id && !others.has(id)) {
          users.cache.delete(id);
        }
      }
    }
  }
}
