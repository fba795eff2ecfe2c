/** What the processes of the relay benchmark say to each other over IPC, and what they send through the fleet. */
import { UserEventRegistry } from '@dshard/node';

/** `objects`: plain data of about `bytes` bytes each, as MessagePack; `raw`: bytes as they stand. */
export type Load = { format: 'objects' | 'raw'; bytes: number; events: number };

export type NodeOrder = { orchestrator: string; nodeId: string; load: Load; slowMs: number };
export type BareOrder = { role: 'reader' | 'writer'; port: number; load: Load };

/** What one transfer took where the events arrive: from the first to the last. */
export type Arrived = { kind: 'arrived'; ms: number; events: number; inOrder: boolean };
export type Usage = { kind: 'usage'; cpuMs: number; peakRssMb: number };
export type Saying = { kind: 'ready'; port: number } | { kind: 'done' } | Arrived | Usage;

type Item = { n: number; name: string; tags: readonly string[]; joinedAt: number; online: boolean };

export const registry = (): UserEventRegistry =>
  new UserEventRegistry().register(101, 'item').register(102, 'bytes', 'raw');

/** The values of one load, each made when it is asked for. */
export function* valuesOf({ format, bytes, events }: Load): Generator<['item' | 'bytes', unknown]> {
  const name = 'x'.repeat(Math.max(1, bytes - 75));
  for (let n = 0; n < events; n += 1) {
    if (format === 'raw') {
      const body = new Uint8Array(bytes);
      new DataView(body.buffer).setUint32(0, n);
      yield ['bytes', body];
    } else {
      yield ['item', { n, name, tags: ['member', 'booster'], joinedAt: 1_700_000_000_000 + n, online: true }];
    }
  }
}

/** Counts what arrives, and whether it comes in order. */
export class Arrivals {
  readonly #load: Load;
  #events = 0;
  #inOrder = true;
  #firstAt = 0;

  constructor(load: Load) {
    this.#load = load;
  }

  /** The outcome, once the last event is here. */
  take(value: unknown, now: number): Arrived | null {
    if (this.#events === 0) this.#firstAt = now;
    if (numberOf(value) !== this.#events) this.#inOrder = false;
    this.#events += 1;
    if (this.#events < this.#load.events) return null;
    const outcome: Arrived = { kind: 'arrived', ms: now - this.#firstAt, events: this.#events, inOrder: this.#inOrder };
    this.#events = 0;
    this.#inOrder = true;
    return outcome;
  }
}

function numberOf(value: unknown): number {
  if (value instanceof Uint8Array) return new DataView(value.buffer, value.byteOffset, value.byteLength).getUint32(0);
  return (value as Item).n;
}
