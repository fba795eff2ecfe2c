/**
 * Frames that have begun and not ended, over all connections of one side. Each has a deadline, and all together have
 * one bound in bytes: a peer that begins a large frame and falls silent costs a moment of memory, and many such peers
 * no more than one.
 *
 * The deadline follows what arrives, so that a slow link is no offence: `GRACE_MS`, and a second more for each
 * `BYTES_PER_SECOND` that came. Beyond the bound the connection goes that holds most.
 */
import type { ConnectionEnd } from './message-connection.js';
import type { Cancel, Clock } from './clock.js';

const GRACE_MS = 30_000;
const BYTES_PER_SECOND = 64 * 1024;
const LOOK_EVERY_MS = 5_000;
const DEFAULT_MAX_BYTES = 128 * 1024 * 1024;

/** The connection whose peer is in the middle of a frame. */
export type FrameHolder = { broken(end: ConnectionEnd): void };

type Unfinished = { since: number; bytes: number };

export class UnfinishedFrames {
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #frames = new Map<FrameHolder, Unfinished>();
  #bytes = 0;
  #cancelLook: Cancel | null = null;

  constructor(clock: Clock, maxBytes: number = DEFAULT_MAX_BYTES) {
    this.#clock = clock;
    this.#maxBytes = maxBytes;
  }

  /** What all of them hold. */
  get bytes(): number {
    return this.#bytes;
  }

  /** `isNew`: what is unfinished now is another frame than before. */
  hold(holder: FrameHolder, bytes: number, isNew: boolean): void {
    const known = this.#frames.get(holder);
    this.#bytes += bytes - (known?.bytes ?? 0);
    const since = known === undefined || isNew ? this.#clock.monotonicMs() : known.since;
    this.#frames.set(holder, { since, bytes });
    this.#cancelLook ??= this.#clock.every(LOOK_EVERY_MS, () => this.#look());
    if (this.#bytes > this.#maxBytes) this.#breakLargest();
  }

  /** The frame has ended, or its connection has. */
  release(holder: FrameHolder): void {
    const known = this.#frames.get(holder);
    if (known === undefined) return;
    this.#bytes -= known.bytes;
    this.#frames.delete(holder);
    if (this.#frames.size > 0) return;
    this.#cancelLook?.();
    this.#cancelLook = null;
  }

  #look(): void {
    const now = this.#clock.monotonicMs();
    for (const [holder, { since, bytes }] of this.#frames) {
      const allowedMs = GRACE_MS + (1_000 * bytes) / BYTES_PER_SECOND;
      if (now - since <= allowedMs) continue;
      const waited = Math.round((now - since) / 1_000);
      this.#break(holder, `A message that began ${waited} s ago has not ended; ${bytes} bytes of it came.`);
    }
  }

  #breakLargest(): void {
    let [largest] = this.#frames;
    for (const each of this.#frames) if (each[1].bytes > (largest?.[1].bytes ?? 0)) largest = each;
    if (largest === undefined) return;
    const [holder, { bytes }] = largest;
    const all = `unfinished messages of all peers hold ${this.#bytes} bytes, and ${this.#maxBytes} are allowed`;
    this.#break(holder, `Of a message that has not ended ${bytes} bytes came: ${all}.`);
  }

  #break(holder: FrameHolder, message: string): void {
    this.release(holder);
    holder.broken({ code: 'DSO_FRAME_UNFINISHED', message });
  }
}
