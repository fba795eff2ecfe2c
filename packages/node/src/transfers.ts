/**
 * The origin's side of moving state: hands the host a `send`, encodes what it sends, and holds it back while the connection
 * has more to send than it should. A transfer that the session cancelled lets no further event out.
 */
import { MAX_BODY_BYTES, ProtocolError } from '@dshard/protocol';
import { NodeError } from './errors.js';
import type { UserEventCodec } from './options.js';
import type { ShardHost } from './shard-host.js';

/** What the frame adds to the body of a user event. */
const ENVELOPE_BYTES = 64;

export type TransfersOptions = {
  host: ShardHost;
  userEvents: UserEventCodec;
  produced: (call: number, shardId: number, eventId: number, body: Uint8Array) => void;
};

export class Transfers {
  readonly #options: TransfersOptions;
  readonly #running = new Map<number, AbortController>();
  #blocked: { freed: Promise<void>; free: () => void } | null = null;

  constructor(options: TransfersOptions) {
    this.#options = options;
  }

  /** Resolves when the host has sent everything; rejects when it failed or the transfer was cancelled. */
  async run(call: number, shardId: number): Promise<void> {
    const controller = new AbortController();
    this.#running.set(call, controller);
    try {
      await this.#options.host.transferFrom?.(shardId, {
        signal: controller.signal,
        send: (event, value) => this.#send(call, shardId, event, value, controller.signal),
      });
      controller.signal.throwIfAborted();
    } finally {
      this.#running.delete(call);
    }
  }

  async #send(
    call: number,
    shardId: number,
    event: string | number,
    value: unknown,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    const { eventId, body } = this.#options.userEvents.encode(event, value);
    if (body.byteLength > MAX_BODY_BYTES - ENVELOPE_BYTES) {
      const size = `${body.byteLength} bytes, and a message may have ${MAX_BODY_BYTES}`;
      throw new ProtocolError('DSO_FRAME_TOO_LARGE', `The user event "${event}" has ${size}; send it in parts.`);
    }
    // Several sends may wait at once; each looks again, because the first one may fill the connection anew.
    while (this.#blocked !== null) {
      await this.#blocked.freed;
      signal.throwIfAborted();
    }
    this.#options.produced(call, shardId, eventId, body);
    signal.throwIfAborted();
  }

  cancel(call: number, reason: string): void {
    const error = new NodeError('DSO_TRANSFER_CANCELLED', `The hand-over is off: ${reason}`);
    this.#running.get(call)?.abort(error);
    // Those that wait for the connection look at their signal; the others wait again.
    this.#blocked?.free();
    this.#blocked = this.#blocked === null ? null : newBarrier();
  }

  /** The connection has enough to send. */
  block(): void {
    this.#blocked ??= newBarrier();
  }

  /** The connection takes more, or is gone. */
  unblock(): void {
    const blocked = this.#blocked;
    this.#blocked = null;
    blocked?.free();
  }
}

function newBarrier(): { freed: Promise<void>; free: () => void } {
  let free = (): void => undefined;
  const freed = new Promise<void>((resolve) => {
    free = resolve;
  });
  return { freed, free };
}
