/**
 * The origin's side of moving state: hands the host a `send`, encodes what it sends, and holds it back while the
 * connection has more to send than it should, or the destination of a live migration has given no credit. A transfer
 * that the session cancelled lets no further event out.
 */
import { MAX_BODY_BYTES, ProtocolError } from '@dshard/protocol';
import { NodeError } from './errors.js';
import type { UserEventCodec } from './options.js';
import type { Credit } from './session/effects.js';
import type { ExportMethod, ShardHost } from './shard-host.js';

/** What the frame adds to the body of a user event. */
const ENVELOPE_BYTES = 512;

export type TransfersOptions = {
  host: ShardHost;
  userEvents: UserEventCodec;
  produced: (call: number, shardId: number, eventId: number, body: Uint8Array) => void;
};

type Running = {
  call: number;
  shardId: number;
  controller: AbortController;
  /** null: no credit is needed. */
  credit: Credit | null;
  /** Told when credit came, or the transfer is off. */
  creditCame: Barrier;
  /** Events go out in the order in which `send` was called. */
  last: Promise<void>;
};

export class Transfers {
  readonly #options: TransfersOptions;
  readonly #running = new Map<number, Running>();
  #blocked: Barrier | null = null;

  constructor(options: TransfersOptions) {
    this.#options = options;
  }

  /** Resolves when the host has sent everything by these methods; rejects when it failed or was cancelled. */
  async run(call: number, shardId: number, methods: readonly ExportMethod[], credit: Credit | null): Promise<void> {
    const controller = new AbortController();
    const running: Running = {
      call,
      shardId,
      controller,
      credit: credit === null ? null : { ...credit },
      creditCame: newBarrier(),
      last: Promise.resolve(),
    };
    this.#running.set(call, running);
    try {
      for (const method of methods) {
        await this.#options.host[method]?.(shardId, {
          signal: controller.signal,
          send: (event, value) => this.#inOrder(running, event, value),
          handled: () => this.#handled(running),
        });
        controller.signal.throwIfAborted();
      }
      await running.last;
      controller.signal.throwIfAborted();
    } finally {
      this.#running.delete(call);
    }
  }

  async #inOrder(running: Running, event: string | number, value: unknown): Promise<void> {
    running.controller.signal.throwIfAborted();
    const { eventId, body } = this.#options.userEvents.encode(event, value);
    if (body.byteLength > MAX_BODY_BYTES - ENVELOPE_BYTES) {
      const size = `${body.byteLength} bytes, and a message may have ${MAX_BODY_BYTES}`;
      throw new ProtocolError('DSO_FRAME_TOO_LARGE', `The user event "${event}" has ${size}; send it in parts.`);
    }
    const sent = running.last.then(() => this.#send(running, eventId, body));
    running.last = sent;
    // Whoever does not await one send hears of its failure at the end of the transfer.
    sent.catch(() => undefined);
    await sent;
  }

  async #send(running: Running, eventId: number, body: Uint8Array): Promise<void> {
    const { call, shardId, controller, credit } = running;
    controller.signal.throwIfAborted();
    // After each wait everything is looked at again: another shard may have filled the connection anew.
    for (let wait = this.#waitOf(running, body); wait !== null; wait = this.#waitOf(running, body)) {
      await wait;
      controller.signal.throwIfAborted();
    }
    if (credit !== null) {
      credit.available -= body.byteLength;
    }
    this.#options.produced(call, shardId, eventId, body);
    controller.signal.throwIfAborted();
  }

  /** All credit is back when the destination has nothing more to handle. */
  async #handled(running: Running): Promise<void> {
    await running.last;
    running.controller.signal.throwIfAborted();
    while (running.credit !== null && running.credit.available < running.credit.window) {
      await running.creditCame.freed;
      running.controller.signal.throwIfAborted();
    }
  }

  /** What an event of this size has to wait for, or null. */
  #waitOf({ credit, creditCame }: Running, { byteLength }: Uint8Array): Promise<void> | null {
    if (this.#blocked !== null) {
      return this.#blocked.freed;
    }
    return credit !== null && credit.available < Math.min(byteLength, credit.window) ? creditCame.freed : null;
  }

  /** The destination takes more. */
  credit(call: number, bytes: number): void {
    const running = this.#running.get(call);
    if (running?.credit) {
      running.credit.available += bytes;
      this.#wake(running);
    }
  }

  cancel(call: number, reason: string): void {
    const running = this.#running.get(call);
    running?.controller.abort(new NodeError('DSO_TRANSFER_CANCELLED', `The migration is off: ${reason}`));
    if (running !== undefined) {
      this.#wake(running);
    }
    // Those that wait for the connection look at their signal; the others wait again.
    this.#blocked?.free();
    this.#blocked = this.#blocked === null ? null : newBarrier();
  }

  #wake(running: Running): void {
    const { creditCame } = running;
    running.creditCame = newBarrier();
    creditCame.free();
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

type Barrier = { readonly freed: Promise<void>; readonly free: () => void };

function newBarrier(): Barrier {
  let free = (): void => undefined;
  const freed = new Promise<void>((resolve) => {
    free = resolve;
  });
  return { freed, free };
}
