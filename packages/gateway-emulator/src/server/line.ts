/**
 * The line between a socket and the core, which can be made bad: stalled, slow, narrow. In good order it passes
 * everything on at once.
 *
 * A **stalled** line holds what both sides say, until it is healed: the client gets nothing, not even an
 * acknowledgement (a zombie connection). That the client is gone is still noticed. A **slow** line delays what the
 * gateway says, a **narrow** one spreads it over time; both keep the order, a close frame's too.
 */
import type { Cancel, Clock, Ms } from '@dshard/transport';
import type { Outlet } from './outlets.js';

export type LineCondition = {
  stalled: boolean;
  latencyMs: number;
  /** Null: as wide as it gets. */
  bytesPerSecond: number | null;
};

export const goodLine: LineCondition = { stalled: false, latencyMs: 0, bytesPerSecond: null };

type Held = { dueAt: Ms; bytes: number; deliver: () => void };

/** What the client says on a stalled line is held up to so many bytes; beyond it is lost. */
const maxInboxBytes = 1_048_576;

export class Line {
  readonly #clock: Clock;
  readonly #outlet: Outlet;
  readonly #onFrame: (data: Uint8Array) => void;
  #condition: LineCondition = goodLine;
  #outbox: Held[] = [];
  #inbox: Uint8Array[] = [];
  #inboxBytes = 0;
  #heldBytes = 0;
  #lastDueAt = 0;
  #cancelPump: Cancel | null = null;

  constructor({ clock, outlet, onFrame }: { clock: Clock; outlet: Outlet; onFrame: (data: Uint8Array) => void }) {
    this.#clock = clock;
    this.#outlet = outlet;
    this.#onFrame = onFrame;
  }

  get isStalled(): boolean {
    return this.#condition.stalled;
  }

  waitingBytes(): number {
    return this.#outlet.waitingBytes() + this.#heldBytes;
  }

  send(text: string, deflate: boolean): void {
    if (this.#condition === goodLine && this.#outbox.length === 0) this.#outlet.send(text, deflate);
    else this.#hold(text.length, () => this.#outlet.send(text, deflate));
  }

  close(code: number, reason: string): void {
    if (this.#condition === goodLine && this.#outbox.length === 0) this.#outlet.close(code, reason);
    else this.#hold(0, () => this.#outlet.close(code, reason));
  }

  /** A websocket message of the client's. */
  receive(data: Uint8Array): void {
    if (!this.#condition.stalled) {
      this.#onFrame(data);
      return;
    }
    this.#inboxBytes += data.byteLength;
    if (this.#inboxBytes <= maxInboxBytes) this.#inbox.push(data);
  }

  /** Makes the line bad, or good again with `goodLine`: then what was held goes out at once. */
  become(condition: LineCondition): void {
    const wasStalled = this.#condition.stalled;
    this.#condition = condition;
    if (condition.stalled) return;
    if (condition === goodLine) for (const held of this.#outbox) held.dueAt = 0;
    this.#pump();
    if (!wasStalled) return;
    const held = this.#inbox.splice(0);
    this.#inboxBytes = 0;
    for (const data of held) this.#onFrame(data);
  }

  release(): void {
    this.#cancelPump?.();
    this.#cancelPump = null;
    this.#outbox = [];
    this.#inbox = [];
    this.#heldBytes = 0;
    this.#outlet.release();
  }

  #hold(bytes: number, deliver: () => void): void {
    const { latencyMs, bytesPerSecond } = this.#condition;
    const transferMs = bytesPerSecond === null ? 0 : (bytes / bytesPerSecond) * 1000;
    const dueAt = Math.max(this.#clock.now() + latencyMs, this.#lastDueAt) + transferMs;
    this.#lastDueAt = dueAt;
    this.#heldBytes += bytes;
    this.#outbox.push({ dueAt, bytes, deliver });
    this.#pump();
  }

  #pump(): void {
    this.#cancelPump?.();
    this.#cancelPump = null;
    if (this.#condition.stalled) return;
    const now = this.#clock.now();
    let sent = 0;
    for (const held of this.#outbox) {
      if (held.dueAt > now) break;
      sent += 1;
      this.#heldBytes -= held.bytes;
      held.deliver();
    }
    this.#outbox.splice(0, sent);
    const next = this.#outbox[0];
    if (next !== undefined) this.#cancelPump = this.#clock.after(next.dueAt - now, () => this.#pump());
  }
}
