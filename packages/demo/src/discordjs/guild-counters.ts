/** Messages per guild, in memory: what the demo's discord.js bot would lose if it did not move with the shard. */
export type GuildCounts = Readonly<Record<string, number>>;

export class GuildCounters {
  readonly #counts = new Map<string, number>();

  count(guildId: string): number {
    const count = this.of(guildId) + 1;
    this.#counts.set(guildId, count);
    return count;
  }

  of(guildId: string): number {
    return this.#counts.get(guildId) ?? 0;
  }

  take(guildIds: readonly string[]): GuildCounts {
    return Object.fromEntries(guildIds.map((id) => [id, this.of(id)]));
  }

  put(counts: GuildCounts): void {
    for (const [id, count] of Object.entries(counts)) this.#counts.set(id, count);
  }
}
