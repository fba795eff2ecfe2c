/** Asks Discord for `GET /gateway/bot`, one attempt at a time; whether to try again is for the domain to say. */
import { messageOf } from '@dshard/protocol';
import type { DomainEvent } from '../domain/state/events.js';
import type { GatewayInfoSource } from '../ports/gateway-info.js';
import { asReason } from './reason.js';

export class GatewayQuestion {
  readonly #provider: GatewayInfoSource | null;
  readonly #answered: (event: DomainEvent) => void;
  #isAsked = false;

  constructor(provider: GatewayInfoSource | null, answered: (event: DomainEvent) => void) {
    this.#provider = provider;
    this.#answered = answered;
  }

  async ask(): Promise<void> {
    if (this.#isAsked) return;
    this.#isAsked = true;
    const event = await this.#attempt();
    this.#isAsked = false;
    this.#answered(event);
  }

  async #attempt(): Promise<DomainEvent> {
    try {
      if (this.#provider === null) throw new Error('nothing is configured that could be asked for it');
      const { url: _, ...told } = await this.#provider.fetch();
      return { kind: 'gatewayInfo', ...told };
    } catch (error) {
      return { kind: 'gatewayInfoFailed', reason: asReason(messageOf(error)) };
    }
  }
}
