/**
 * What a client has of each shard: the shard in `client.ws.shards`, its guilds, their channels and users. They come and go here
 * without guildCreate, guildDelete or any other event, because nothing happened to the guilds: they moved.
 *
 * A shard that was handed over is put `aside` until it is certain that it will not come back, then forgotten. One that is on its
 * way here is `expected`: its guilds are built, and shown when it is here.
 */
import type { Client, Guild, WebSocketShard } from 'discord.js';
import { checkClientReady, countShards, makeShard } from './internals.js';
import { Status } from './supported.js';

type Aside = { shard: WebSocketShard; guilds: readonly Guild[] };

export class ClientShards {
  readonly #client: Client;
  readonly #aside = new Map<number, Aside>();
  /** By shard that is on its way here: the guilds that have come of it so far. */
  readonly #expected = new Map<number, () => readonly Guild[]>();
  /** Shards whose guilds have all arrived. */
  readonly #complete = new Set<number>();

  constructor(client: Client) {
    this.#client = client;
  }

  get ids(): readonly number[] {
    return [...this.#client.ws.shards.keys()];
  }

  has(shardId: number): boolean {
    return this.#client.ws.shards.has(shardId);
  }

  /** Whether all guilds of the shard are in the caches, and the bot was told that it is ready. */
  isComplete(shardId: number): boolean {
    return this.#complete.has(shardId) && this.#client.isReady();
  }

  /** The shards whose guilds are in the caches, all of them and no others; null while those of one are coming in. */
  whole(): readonly number[] | null {
    return this.ids.every((shardId) => this.isComplete(shardId)) ? this.ids : null;
  }

  /** READY came: its guilds follow. */
  begins(shardId: number): void {
    this.#complete.delete(shardId);
  }

  /** Whether the client has the shard now with the guilds it had: it never left, or came back. */
  add(shardId: number): boolean {
    if (this.has(shardId)) {
      return this.#complete.has(shardId);
    }
    const aside = this.#aside.get(shardId);
    this.#aside.delete(shardId);
    if (aside === undefined) {
      const shard = makeShard(this.#client, shardId, () => this.#complete.add(shardId));
      shard.status = Status.Connecting;
      this.#client.ws.shards.set(shardId, shard);
    } else {
      this.#client.ws.shards.set(shardId, aside.shard);
      aside.guilds.forEach((guild) => this.#put(guild));
      this.#complete.add(shardId);
    }
    countShards(this.#client);
    return aside !== undefined;
  }

  /** `guilds`: see staged-state.ts. */
  expect(shardId: number, guilds: () => readonly Guild[]): void {
    this.giveUp(shardId);
    this.#expected.set(shardId, guilds);
  }

  /** The shard is here, with these of the guilds that were expected. */
  show(shardId: number, guilds: readonly Guild[]): void {
    this.#expected.delete(shardId);
    guilds.forEach((guild) => this.#put(guild));
  }

  /** The shard is expected no longer. */
  giveUp(shardId: number): void {
    const guilds = this.#expected.get(shardId)?.() ?? [];
    this.#expected.delete(shardId);
    this.#forgetUsers(guilds);
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

  /** The client does not have the shard any more; it may come back. */
  setAside(shardId: number): void {
    const { ws, guilds, channels } = this.#client;
    const shard = ws.shards.get(shardId);
    if (shard === undefined) {
      return;
    }
    const moved = this.guildsOf(shardId);
    for (const guild of moved) {
      guild.channels.cache.forEach((channel) => channels.cache.delete(channel.id));
      guilds.cache.delete(guild.id);
    }
    ws.shards.delete(shardId);
    if (this.#complete.delete(shardId)) {
      this.#aside.set(shardId, { shard, guilds: moved });
    }
    countShards(this.#client);
    checkClientReady(this.#client);
  }

  /** It will not come back. */
  forget(shardId: number): void {
    this.setAside(shardId);
    const aside = this.#aside.get(shardId);
    this.#aside.delete(shardId);
    if (aside !== undefined) {
      this.#forgetUsers(aside.guilds);
    }
  }

  #put(guild: Guild): void {
    this.#client.guilds.cache.set(guild.id, guild);
    guild.channels.cache.forEach((channel) => this.#client.channels.cache.set(channel.id, channel));
  }

  /** Those that others may still show. */
  #others(): readonly Guild[] {
    const aside = [...this.#aside.values()].flatMap(({ guilds }) => guilds);
    const expected = [...this.#expected.values()].flatMap((guilds) => guilds());
    return [...this.#client.guilds.cache.values(), ...aside, ...expected];
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
