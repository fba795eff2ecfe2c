/**
 * The messages that can be asked for again: what the bot posted and what was said through the admin interface (traffic
 * is not kept). The newest `maxMessages` of them; an older one is an unknown message.
 */
import type { APIMessage } from 'discord-api-types/v10';

export type KeptMessage = {
  message: APIMessage;
  guildId: string | null;
  /** Only the user of an interaction sees it: it is in no channel's history. */
  ephemeral: boolean;
};

const maxMessages = 10_000;

export class MessageBook {
  readonly #messages = new Map<string, KeptMessage>();

  keep(kept: KeptMessage): void {
    this.#messages.set(kept.message.id, kept);
    if (this.#messages.size <= maxMessages) return;
    const [oldest] = this.#messages.keys();
    if (oldest !== undefined) this.#messages.delete(oldest);
  }

  get(channelId: string, id: string): KeptMessage | null {
    const kept = this.#messages.get(id);
    return kept?.message.channel_id === channelId ? kept : null;
  }

  /** In whatever channel it is. */
  find(id: string): KeptMessage | null {
    return this.#messages.get(id) ?? null;
  }

  delete(id: string): void {
    this.#messages.delete(id);
  }

  /** A channel's history, newest first. */
  history(channelId: string, range: { limit: number; before: bigint | null; after: bigint | null }): APIMessage[] {
    const found = [...this.#messages.values()]
      .filter(({ message, ephemeral }) => message.channel_id === channelId && !ephemeral)
      .map(({ message }) => message)
      .filter(({ id }) => range.before === null || BigInt(id) < range.before)
      .filter(({ id }) => range.after === null || BigInt(id) > range.after);
    return (range.after === null ? found.slice(-range.limit) : found.slice(0, range.limit)).reverse();
  }
}
