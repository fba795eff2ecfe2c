/**
 * Slows an origin down to what its destination takes. While user events pass through us, a destination whose connection
 * holds more than its high-water mark makes us stop reading from the origin, until it has drained or is gone.
 *
 * Bound: a destination's connection holds at most its high-water mark plus what was read from its origins at once (one
 * chunk each), growing by one chunk per origin and `MAX_HOLD_MS`, and in no case more than the connection's own limit,
 * at which it is closed. State of live migrations comes within the credit of its destination and is not held back (the
 * bound is in `domain/migration/relay.ts`), unless so much of it waits that somebody does not keep to that.
 *
 * Nobody is held for longer than MAX_HOLD_MS at a time. That keeps heartbeats coming through, and it makes a deadlock
 * impossible: two nodes that send to each other and stop reading while they cannot write would otherwise wait for ever.
 */
import type { Cancel, Clock } from '@dshard/transport';

const MAX_HOLD_MS = 1_000;

export type FlowControlActions = {
  pause(connection: string): void;
  resume(connection: string): void;
};

type Hold = { destinations: Set<string>; cancelLimit: Cancel };

export class FlowControl {
  readonly #clock: Clock;
  readonly #actions: FlowControlActions;
  readonly #holds = new Map<string, Hold>();

  constructor(clock: Clock, actions: FlowControlActions) {
    this.#clock = clock;
    this.#actions = actions;
  }

  /** `destination` cannot take more of what `origin` sends. */
  hold(origin: string, destination: string): void {
    const known = this.#holds.get(origin);
    if (known !== undefined) {
      known.destinations.add(destination);
      return;
    }
    const cancelLimit = this.#clock.after(MAX_HOLD_MS, () => this.#letGo(origin));
    this.#holds.set(origin, { destinations: new Set([destination]), cancelLimit });
    this.#actions.pause(origin);
  }

  /** `destination` takes more again. */
  drained(destination: string): void {
    for (const [origin, hold] of this.#holds) {
      hold.destinations.delete(destination);
      if (hold.destinations.size === 0) this.#letGo(origin);
    }
  }

  /** The connection is gone: nobody waits for it, and it waits for nobody. */
  forget(connection: string): void {
    this.#holds.get(connection)?.cancelLimit();
    this.#holds.delete(connection);
    this.drained(connection);
  }

  #letGo(origin: string): void {
    this.#holds.get(origin)?.cancelLimit();
    this.#holds.delete(origin);
    this.#actions.resume(origin);
  }
}
