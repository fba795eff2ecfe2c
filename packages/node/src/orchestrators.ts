/**
 * The orchestrator may be on one of several hosts: one leads, and the others say who that is, or do not listen. So a
 * node asks all of them, one shortly after the other, and takes the first that answers. Who was asked first last time
 * is asked last: an orchestrator that answers and then refuses does not keep the node from the others. Whom one of them
 * named as the leader is asked before all others, once, whether or not this node was told of that address.
 */
import { messageOf } from '@dshard/protocol';
import { isLoopback, parseAddress } from '@dshard/transport';
import type { Address, ByteStream, Cancel, Clock, Transport } from '@dshard/transport';

/** A host that is down does not answer at all: the next is asked meanwhile. */
const NEXT_AFTER_MS = 250;

/** `a:7447,b:7447`. Throws `DSO_ADDRESS_INVALID`. */
export function addressesOf(written: string): readonly Address[] {
  const addresses = written.split(',').map((each) => each.trim());
  for (const address of addresses) parseAddress(address);
  return addresses;
}

/** Whether all of them are on this machine for certain. */
export function areOnLoopback(addresses: readonly Address[]): boolean {
  return addresses.every((address) => isLoopback(parseAddress(address).host));
}

type Attempt = { signal: AbortSignal; timeoutMs: number };

export class Orchestrators {
  readonly #transport: Transport;
  readonly #addresses: readonly Address[];
  readonly #clock: Clock;
  #first = 0;
  #leader: Address | null = null;

  constructor(transport: Transport, addresses: readonly Address[], clock: Clock) {
    this.#transport = transport;
    this.#addresses = addresses;
    this.#clock = clock;
  }

  /** @param address null, or one that is not to be used: the others are asked as before. */
  leaderIs(address: string | null): void {
    this.#leader = address !== null && this.#mayUse(address) ? address : null;
  }

  /** Who keeps to this machine, in plain text perhaps, is not sent beyond it. */
  #mayUse(address: string): boolean {
    try {
      return isLoopback(parseAddress(address).host) || !areOnLoopback(this.#addresses);
    } catch {
      return false;
    }
  }

  /** Rejects when none of them can be reached, or `signal` aborts. */
  connect({ signal, timeoutMs }: Attempt): Promise<ByteStream> {
    const first = this.#first;
    this.#first = (first + 1) % this.#addresses.length;
    const others = [...this.#addresses.slice(first), ...this.#addresses.slice(0, first)];
    const leader = this.#leader;
    this.#leader = null;
    const inTurn = leader === null ? others : [leader, ...others.filter((each) => each !== leader)];
    return inTurn.length === 1
      ? this.#transport.connect(inTurn[0] ?? '', { signal, timeoutMs })
      : this.#race(inTurn, { signal, timeoutMs });
  }

  #race(addresses: readonly Address[], { signal, timeoutMs }: Attempt): Promise<ByteStream> {
    return new Promise((resolve, reject) => {
      const over = new AbortController();
      const failures: string[] = [];
      let asked = 0;
      let cancelNext: Cancel = () => undefined;
      const askNext = (): void => {
        cancelNext();
        const address = addresses[asked];
        if (address === undefined) return;
        asked += 1;
        if (asked < addresses.length) cancelNext = this.#clock.after(NEXT_AFTER_MS, askNext);
        this.#transport.connect(address, { signal: AbortSignal.any([signal, over.signal]), timeoutMs }).then(
          (stream) => {
            // Two may answer in the same moment.
            if (over.signal.aborted) {
              stream.destroy();
              return;
            }
            cancelNext();
            over.abort();
            resolve(stream);
          },
          (error: unknown) => {
            failures.push(messageOf(error));
            if (signal.aborted || failures.length === addresses.length) {
              cancelNext();
              reject(new Error(failures.join(' ')));
            } else if (!over.signal.aborted) askNext();
          },
        );
      };
      askNext();
    });
  }
}
