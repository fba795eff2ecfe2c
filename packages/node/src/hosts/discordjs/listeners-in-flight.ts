/** The listeners of a discord.js client: they see what has departed, and some events are not for them. */
import type { Client } from 'discord.js';
import { Listeners } from '../listeners.js';
import { DepartedObjects } from './departed-objects.js';

type Seen = (event: string, args: readonly unknown[], isAwaited: boolean) => void;

const known = new WeakMap<Client, ListenersInFlight>();

export class ListenersInFlight extends Listeners {
  readonly #departed: DepartedObjects;
  /** What is not emitted at the moment. */
  #muted: (event: string) => boolean = () => false;
  #seen: Seen = () => undefined;

  private constructor(client: Client) {
    super(client);
    this.#departed = DepartedObjects.of(client);
  }

  static override of(client: Client): ListenersInFlight {
    const listeners = known.get(client) ?? new ListenersInFlight(client);
    known.set(client, listeners);
    return listeners;
  }

  override during(deliver: () => void): Promise<void> | undefined {
    return super.during(() => this.#departed.hidden(deliver));
  }

  /** Runs `work`, which would emit events of a kind that the bot must not hear (again). */
  muted(is: (event: string) => boolean, work: () => void): void {
    const outer = this.#muted;
    this.#muted = is;
    try {
      work();
    } finally {
      this.#muted = outer;
    }
  }

  /** `seen` is shown what listeners got. */
  watch(seen: Seen): void {
    this.#seen = seen;
  }

  protected override emit(event: string, args: readonly unknown[]): boolean {
    return !this.#muted(event) && super.emit(event, args);
  }

  protected override told(event: string, args: readonly unknown[], isAwaited: boolean): void {
    this.#seen(event, args, isAwaited);
  }

  protected override listen(call: () => unknown): unknown {
    return this.#departed.visible(call);
  }
}
