/**
 * What the bot did by REST, in order, so that its answers can be seen: messages, edits, deletions, reactions, answers
 * to interactions. The newest `maxActions` of them.
 */
import type { APIMessage } from 'discord-api-types/v10';

export type RestAction = {
  /** 1, 2, 3, …: where to go on reading. */
  n: number;
  at: number;
  kind: 'message' | 'edit' | 'delete' | 'reaction' | 'typing' | 'deferral' | 'choices' | 'modal';
  channelId: string;
  /** The message as it is after the action; for a deletion as it was. */
  message?: APIMessage;
  /** The emoji of a reaction, and to what. */
  emoji?: string;
  messageId?: string;
  /** The interaction that was answered. */
  interactionId?: string;
  /** What an autocomplete or a modal answer carried. */
  data?: unknown;
};

export type RestActionFilter = {
  after?: number;
  channelId?: string;
  interactionId?: string;
  kind?: RestAction['kind'];
};

const maxActions = 10_000;

export class RestActions {
  readonly #actions: RestAction[] = [];
  readonly #watchers = new Set<(action: RestAction) => void>();
  #count = 0;

  /** How many so far, kept or not. */
  get count(): number {
    return this.#count;
  }

  add(action: Omit<RestAction, 'n'>): void {
    this.#count += 1;
    const added = { n: this.#count, ...action };
    this.#actions.push(added);
    if (this.#actions.length > maxActions) this.#actions.splice(0, maxActions / 10);
    for (const watcher of this.#watchers) watcher(added);
  }

  /** Calls back with everything that the bot does from now on. */
  watch(watcher: (action: RestAction) => void): void {
    this.#watchers.add(watcher);
  }

  list({ after = 0, channelId, interactionId, kind }: RestActionFilter = {}): RestAction[] {
    return this.#actions.filter(
      (action) =>
        action.n > after &&
        (channelId === undefined || action.channelId === channelId) &&
        (interactionId === undefined || action.interactionId === interactionId) &&
        (kind === undefined || action.kind === kind),
    );
  }

  /** The first that fits, once it is there. It waits for as long as that takes: a test has a limit of its own. */
  async seen(filter: RestActionFilter = {}): Promise<RestAction> {
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
