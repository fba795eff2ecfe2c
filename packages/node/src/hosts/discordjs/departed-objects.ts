/**
 * The guilds, channels and shards that left this process a moment ago. A handler that is still at work holds a message,
 * an interaction, an id: for `linger` it finds what belongs to it as before (`message.channel`, `interaction.guild`,
 * `channels.fetch(id)`, `guild.shard`).
 *
 * They answer where something is looked up by its id (`get`, `has`, and so `resolve` and `fetch`). They are in no count
 * and no iteration. discord.js at work on a dispatch, fleet calls and our own code run `hidden`: they see what is here,
 * and nothing else. A listener that discord.js calls from there runs `visible` again.
 */
import { ifStillRunning, type Cancel, type Clock } from '@dshard/transport';
import type { Channel, Client, Guild, WebSocketShard } from 'discord.js';
import { extendCache } from './internals.js';

export type Departed = { readonly shard: WebSocketShard; readonly guilds: readonly Guild[] };

type Entry = Departed & { cancel: Cancel | null };

const known = new WeakMap<Client, DepartedObjects>();

export class DepartedObjects {
  readonly #byShard = new Map<number, Entry>();
  readonly #guilds = new Map<string, Guild>();
  readonly #channels = new Map<string, Channel>();
  #isHidden = false;

  private constructor(client: Client) {
    const { guilds, channels, ws } = client;
    extendCache(guilds.cache, (id) => this.#find(() => this.#guilds.get(id)));
    extendCache(ws.shards, (shardId) => this.#find(() => this.#byShard.get(shardId)?.shard));
    extendCache(
      channels.cache,
      (id) => this.#find(() => this.#channels.get(id)),
      (_, channel) => this.#takes(channel),
    );
  }

  static of(client: Client): DepartedObjects {
    const objects = known.get(client) ?? new DepartedObjects(client);
    known.set(client, objects);
    return objects;
  }

  /** Runs `work` as if they were not there. */
  hidden<T>(work: () => T): T {
    return this.#while(true, work);
  }

  visible<T>(work: () => T): T {
    return this.#while(false, work);
  }

  /** The guilds of all of them. */
  get guilds(): Iterable<Guild> {
    return this.#guilds.values();
  }

  /** The shard left. It stays until it is taken back, or `expire` was called and the time is over. */
  add(shardId: number, departed: Departed): void {
    this.remove(shardId);
    this.#byShard.set(shardId, { ...departed, cancel: null });
    for (const guild of departed.guilds) {
      this.#guilds.set(guild.id, guild);
      guild.channels.cache.forEach((channel) => this.#channels.set(channel.id, channel));
    }
  }

  /** Its time begins. `over` gets what was removed then; not called when that happens before. */
  expire(shardId: number, clock: Clock, lingerMs: number, over: (departed: Departed) => void): void {
    const entry = this.#byShard.get(shardId);
    if (entry === undefined || entry.cancel !== null) return;
    entry.cancel = clock.after(lingerMs, () => {
      this.remove(shardId);
      over(entry);
    });
  }

  /** What of the shard may still come back as it was; null: it left for good, or was not here. */
  kept(shardId: number): Departed | null {
    const entry = this.#byShard.get(shardId);
    return entry === undefined || entry.cancel !== null ? null : entry;
  }

  remove(shardId: number): Departed | null {
    const entry = this.#byShard.get(shardId);
    if (entry === undefined) return null;
    entry.cancel?.();
    this.#byShard.delete(shardId);
    for (const guild of entry.guilds) this.#guilds.delete(guild.id);
    for (const [id, channel] of this.#channels) {
      if (!this.#isDeparted(channel)) this.#channels.delete(id);
    }
    return entry;
  }

  /**
   * The node has ended. A handler that nobody knows of may still be at work, and finds its guild as before, as long as
   * the process runs: what is kept does not keep it alive. `over`: as in `expire`.
   */
  nodeEnded(lingerMs: number, over: (departed: Departed) => void): void {
    for (const [shardId, entry] of this.#byShard) {
      entry.cancel?.();
      entry.cancel = ifStillRunning(lingerMs, () => {
        this.remove(shardId);
        over(entry);
      });
    }
  }

  /** What a handler makes in a guild that left: a channel, a thread. */
  #takes(channel: Channel): boolean {
    const takes = !this.#isHidden && this.#isDeparted(channel);
    if (takes) this.#channels.set(channel.id, channel);
    return takes;
  }

  #isDeparted(channel: Channel): boolean {
    return 'guildId' in channel && this.#guilds.has(channel.guildId);
  }

  #find<T>(look: () => T | undefined): T | undefined {
    return this.#isHidden ? undefined : look();
  }

  #while<T>(isHidden: boolean, work: () => T): T {
    const before = this.#isHidden;
    this.#isHidden = isHidden;
    try {
      return work();
    } finally {
      this.#isHidden = before;
    }
  }
}
