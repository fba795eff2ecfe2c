/**
 * What the bot did by REST, in order, so that its answers can be seen: messages, edits, deletions, reactions, answers to
 * interactions. The newest `maxDeeds` of them.
 */
import type { APIMessage } from 'discord-api-types/v10';

export type Deed = {
  /** 1, 2, 3, …: where to go on reading. */
  n: number;
  at: number;
  kind: 'message' | 'edit' | 'delete' | 'reaction' | 'typing' | 'deferral' | 'choices' | 'modal';
  channelId: string;
  /** The message as it is after the deed; for a deletion as it was. */
  message?: APIMessage;
  /** The emoji of a reaction, and to what. */
  emoji?: string;
  messageId?: string;
  /** The interaction that was answered. */
  interactionId?: string;
  /** What an autocomplete or a modal answer carried. */
  data?: unknown;
};

export type DeedFilter = { after?: number; channelId?: string; interactionId?: string; kind?: Deed['kind'] };

const maxDeeds = 10_000;

export class Posted {
  readonly #deeds: Deed[] = [];
  readonly #watchers = new Set<() => void>();
  #count = 0;

  /** How many so far, kept or not. */
  get count(): number {
    return this.#count;
  }

  add(deed: Omit<Deed, 'n'>): void {
    this.#count += 1;
    this.#deeds.push({ n: this.#count, ...deed });
    if (this.#deeds.length > maxDeeds) this.#deeds.splice(0, maxDeeds / 10);
    for (const watcher of this.#watchers) watcher();
  }

  list({ after = 0, channelId, interactionId, kind }: DeedFilter = {}): Deed[] {
    return this.#deeds.filter(
      (deed) =>
        deed.n > after &&
        (channelId === undefined || deed.channelId === channelId) &&
        (interactionId === undefined || deed.interactionId === interactionId) &&
        (kind === undefined || deed.kind === kind),
    );
  }

  /** The first that fits, once it is there. It waits for as long as that takes: a test has a limit of its own. */
  async seen(filter: DeedFilter = {}): Promise<Deed> {
    const [known] = this.list(filter);
    if (known !== undefined) return known;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.list(filter).length === 0) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
    });
    return this.seen(filter);
  }
}
