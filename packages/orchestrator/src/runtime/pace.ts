/**
 * What peers do, at a pace that the orchestrator can hold.
 *
 * While there is little to do, each event is handled as it comes. When handling takes more than its share of the time
 * (hundreds of nodes connect at once, say), what comes waits for the end of the turn and is handled together: one look
 * at what follows from all of it, one commit. So the more there is to do, the less each event costs.
 *
 * Nodes that are in come before those who want to be let in: heartbeats and answers are never behind a queue of joins,
 * of which a turn admits a bounded number. Whoever hangs up while waiting is forgotten. What one connection says stays
 * in order.
 */
import type { Cancel, Clock } from '@dshard/transport';
import type { DomainEvent, PeerEvent } from '../domain/state/events.js';
import { isOfPeer } from './together.js';

/** So much work may be done at once; each millisecond of rest makes up for one of work. */
const AT_ONCE_MS = 20;
/** How long what waits is gathered. */
const TURN_MS = 5;
const JOINS_PER_TURN = 100;
/** So many events do not wait for the end of the turn. */
const MOST_WAITING = 4_096;
/** What a process said before it died may be read only after its death was told: it has so long to be heard first. */
const LAST_WORDS_MS = 100;

export class Pace {
  readonly #clock: Clock;
  readonly #handle: (events: readonly DomainEvent[]) => void;
  /** Work of late, in milliseconds, and when the last of it ended. */
  #workMs = 0;
  #restsSince: number;
  #waiting: DomainEvent[] = [];
  /** By connection: its Identify, and what it said after that. */
  readonly #joins = new Map<string, PeerEvent[]>();
  #cancelTurn: Cancel | null = null;
  readonly #ends = new Set<Cancel>();

  constructor(clock: Clock, handle: (events: readonly DomainEvent[]) => void) {
    this.#clock = clock;
    this.#handle = handle;
    this.#restsSince = clock.monotonicMs();
  }

  push(event: DomainEvent): void {
    if (this.#isOfJoin(event)) return;
    const isIdle = this.#waiting.length === 0 && this.#joins.size === 0;
    if (isIdle && this.#isCalm()) {
      this.#work([event]);
    } else if (event.kind === 'identify') {
      this.#joins.set(event.connection, [event]);
      this.#turnLater();
    } else {
      this.#waiting.push(event);
      // Time passes for those only who had their say: what a node has said comes before the look at its silence.
      if (!isOfPeer(event) || this.#waiting.length >= MOST_WAITING) this.#turn();
      else this.#turnLater();
    }
  }

  /**
   * The end of a process. Its Identify, read after that, would be a node of its own: one that is dead, and, when it has
   * no heartbeat, counts as connected and is given shards until TCP finds out.
   */
  pushEnd(event: Extract<DomainEvent, { kind: 'processExited' }>): void {
    const cancel = this.#clock.after(LAST_WORDS_MS, () => {
      this.#ends.delete(cancel);
      this.push(event);
    });
    this.#ends.add(cancel);
  }

  close(): void {
    for (const cancel of this.#ends) cancel();
    this.#ends.clear();
    this.#cancelTurn?.();
    this.#cancelTurn = null;
    this.#waiting = [];
    this.#joins.clear();
  }

  /** Whether the event is of a connection that waits to be let in. */
  #isOfJoin(event: DomainEvent): boolean {
    if (!isOfPeer(event)) return false;
    const join = this.#joins.get(event.connection);
    if (join === undefined) return false;
    if (event.kind === 'connectionClosed') this.#joins.delete(event.connection);
    else join.push(event);
    return true;
  }

  #isCalm(): boolean {
    const now = this.#clock.monotonicMs();
    this.#workMs = Math.max(0, this.#workMs - (now - this.#restsSince));
    this.#restsSince = now;
    return this.#workMs < AT_ONCE_MS;
  }

  #work(events: readonly DomainEvent[]): void {
    const began = this.#clock.monotonicMs();
    this.#handle(events);
    this.#restsSince = this.#clock.monotonicMs();
    this.#workMs = Math.min(2 * AT_ONCE_MS, this.#workMs + this.#restsSince - began);
  }

  #turnLater(): void {
    this.#cancelTurn ??= this.#clock.after(TURN_MS, () => this.#turn());
  }

  #turn(): void {
    this.#cancelTurn?.();
    this.#cancelTurn = null;
    const events = this.#waiting;
    this.#waiting = [];
    for (const [connection, join] of [...this.#joins].slice(0, JOINS_PER_TURN)) {
      this.#joins.delete(connection);
      events.push(...join);
    }
    this.#work(events);
    if (this.#joins.size > 0) this.#turnLater();
  }
}
