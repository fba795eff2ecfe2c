/**
 * What came while nothing could be decided. Messages are not kept: answers to what was asked a while ago are worse than
 * none. Who said one that was dropped is asked to connect again, and then tells its whole state. Everything else
 * happened all the same, and is handled later, in its order. Bounded by the connections and processes there are.
 */
import type { DomainEvent } from '../domain/state/events.js';

export class Postponed {
  #events: DomainEvent[] = [];
  readonly #toResync = new Set<string>();

  add(event: Exclude<DomainEvent, { kind: 'command' }>): void {
    switch (event.kind) {
      case 'together':
        for (const each of event.events) this.add(each);
        return;
      case 'identify':
      case 'message':
        this.#toResync.add(event.connection);
        return;
      case 'connectionClosed':
        this.#toResync.delete(event.connection);
        this.#events.push(event);
        return;
      case 'parkSaid':
      case 'gatewayInfo':
      case 'gatewayInfoFailed':
      case 'nodeLaunched':
      case 'processAdopted':
      case 'alarmsNoted':
      case 'versionDeployed':
      case 'launchFailed':
      case 'processExited':
        this.#events.push(event);
        return;
      case 'started':
      case 'tick':
      // A tick follows when it goes on.
    }
  }

  /** Hands out what there is, and keeps nothing. */
  take(): { events: readonly DomainEvent[]; toResync: readonly string[] } {
    const taken = { events: this.#events, toResync: [...this.#toResync] };
    this.#events = [];
    this.#toResync.clear();
    return taken;
  }
}
