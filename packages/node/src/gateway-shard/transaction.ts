/** The working copy of one decision: effects in order; each axis changes by its `enter…`, with its legal moves. */
import type { GatewayShardEffect, Moment } from './events.js';
import { deliveryKind, MOVES, type Delivery, type GatewayShardState, type Link, type Mode } from './state.js';

/** What changes otherwise than by a move. */
type Rest = Omit<GatewayShardState, 'rules' | 'mode' | 'link' | 'delivery'>;

export class Transaction {
  readonly now: Moment;
  readonly effects: GatewayShardEffect[] = [];
  #state: GatewayShardState;

  constructor(state: GatewayShardState, now: Moment) {
    this.#state = state;
    this.now = now;
  }

  get state(): GatewayShardState {
    return this.#state;
  }

  set(change: Partial<Rest>): void {
    this.#state = { ...this.#state, ...change };
  }

  effect(effect: GatewayShardEffect): void {
    this.effects.push(effect);
  }

  log(level: 'debug' | 'info' | 'warn' | 'error', text: string): void {
    this.effects.push({ kind: 'log', level, text });
  }

  enterMode(mode: Mode): void {
    check('mode', MOVES.mode[this.#state.mode.kind], this.#state.mode.kind, mode.kind);
    this.#state = { ...this.#state, mode };
  }

  /** The same mode, with other data. */
  updateMode(mode: Mode): void {
    check('mode', [this.#state.mode.kind], this.#state.mode.kind, mode.kind);
    this.#state = { ...this.#state, mode };
  }

  enterLink(link: Link): void {
    check('link', MOVES.link[this.#state.link.kind], this.#state.link.kind, link.kind);
    this.#state = { ...this.#state, link };
  }

  /** The same link, with other data. */
  updateLink(link: Link): void {
    check('link', [this.#state.link.kind], this.#state.link.kind, link.kind);
    this.#state = { ...this.#state, link };
  }

  enterDelivery(delivery: Delivery): void {
    const [from, to] = [deliveryKind(this.#state.delivery), deliveryKind(delivery)];
    check('delivery', MOVES.delivery[from], from, to);
    this.#state = { ...this.#state, delivery };
  }

  updateDelivery(delivery: Delivery): void {
    const [from, to] = [deliveryKind(this.#state.delivery), deliveryKind(delivery)];
    check('delivery', [from], from, to);
    this.#state = { ...this.#state, delivery };
  }
}

function check(axis: string, legal: readonly string[], from: string, to: string): void {
  if (!legal.includes(to)) throw new Error(`The ${axis} of a gateway shard cannot go from ${from} to ${to}.`);
}
