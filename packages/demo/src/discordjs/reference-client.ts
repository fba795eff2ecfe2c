/**
 * A discord.js client as one would have it without any of this: in one process, with all shards, never restarted. It
 * has sessions of its own beside the fleet's. What the fleet holds after its moves has to be what this one holds.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { compareTrees, type CacheTree } from '@dshard/testkit';
import { Client, Events, GatewayIntentBits } from 'discord.js';
import { dumpOf, inventoryOf, type GuildDump, GuildCounters } from './client-state.js';
import type { CacheFigures } from '../verdict.js';

export type Comparison = CacheFigures & { examples: readonly string[] };

const MAX_EXAMPLES = 20;

export class ReferenceClient {
  readonly #client: Client;
  readonly #counters = new GuildCounters();
  #events = 0;
  #emittedBefore = 0;

  constructor(api: string, shards: number) {
    this.#client = new Client({
      intents: Object.values(GatewayIntentBits).filter((bit) => typeof bit === 'number'),
      rest: { api },
      shards: Array.from({ length: shards }, (_, shard) => shard),
      shardCount: shards,
      ws: { large_threshold: 250 },
    });
    this.#client.on(Events.Raw, ({ t }: { t: string }) => {
      if (!['READY', 'RESUMED', 'GUILD_CREATE'].includes(t)) this.#events++;
    });
    this.#client.on(Events.MessageCreate, ({ guildId }) => {
      if (guildId !== null) this.#counters.count(guildId);
    });
  }

  /** Resolves when it knows all guilds. `emittedBefore`: events of Discord that it did not get. */
  async login(token: string, emittedBefore: number): Promise<void> {
    this.#emittedBefore = emittedBefore;
    const ready = new Promise<void>((resolve) => this.#client.once(Events.ClientReady, () => resolve()));
    await this.#client.login(token);
    await ready;
  }

  /** Events of Discord so far. */
  get events(): number {
    return this.#events;
  }

  get emittedBefore(): number {
    return this.#emittedBefore;
  }

  /**
   * Field by field. A guild that is missing or held twice counts as a difference. Of `lost` shards the caches were made
   * anew from what Discord tells at the start of a session, which is less than a client has seen in its life: there it
   * is compared who and what is there.
   */
  async compareWith(files: readonly string[], lost: ReadonlySet<number>): Promise<Comparison> {
    const total = { compared: 0, different: 0, examples: [] as string[] };
    const missing = new Set(this.#client.guilds.cache.keys());
    const differs = (problem: string): void => {
      total.different++;
      total.examples.push(problem);
    };
    for (const file of files) {
      for await (const line of createInterface({ input: createReadStream(file) })) {
        const held = JSON.parse(line) as GuildDump;
        if (!missing.delete(held.id)) differs(`guild ${held.id} is held twice, or by the fleet alone`);
        const guild = this.#client.guilds.cache.get(held.id);
        const expected: CacheTree = guild === undefined ? {} : dumpOf(this.#client, guild, this.#counters);
        const look = lost.has(held.shard) ? inventoryOf : (dump: CacheTree): CacheTree => dump;
        const found = compareTrees(look(expected), look(held));
        total.compared += found.compared;
        total.different += found.different;
        total.examples.push(...found.examples.map((example) => `guild ${held.id}: ${example}`));
      }
    }
    for (const id of missing) differs(`guild ${id} is held by no node`);
    return { ...total, examples: total.examples.slice(0, MAX_EXAMPLES) };
  }

  close(): Promise<void> {
    return this.#client.destroy();
  }
}
