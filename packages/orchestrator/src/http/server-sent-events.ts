/**
 * What all streams of server-sent events have in common. A comment every few seconds shows both sides that the other is
 * there. A stream ends when its token is revoked or has expired: before the next event, and within seconds where
 * nothing happens. And every stream ends when the server closes, which would otherwise wait for it for ever.
 */
import type { ServerResponse } from 'node:http';
import type { Cancel, Clock } from '@dshard/transport';

const HEARTBEAT_MS = 15_000;
/** How often we look whether the token of a stream still opens it. */
const LOOK_MS = 1_000;
/** Of all kinds. */
const MAX_STREAMS = 128;

export type Stream = {
  /** False: who asked is not let in any more, and the stream has ended. */
  write(this: void, chunk: string | Uint8Array): boolean;
  end(this: void): void;
};

export type StreamAsked = {
  /** Whether who asked would still be let in. */
  isStillAllowed(this: void): boolean;
  /** Cancelled when the stream ends. */
  cancels: readonly Cancel[];
};

export class OpenStreams {
  readonly #clock: Clock;
  readonly #open = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many are open. */
  get count(): number {
    return this.#open.size;
  }

  /** Takes the response over. null: there are too many streams already, and the response is untouched. */
  open(response: ServerResponse, { isStillAllowed, cancels }: StreamAsked): Stream | null {
    if (this.#open.size >= MAX_STREAMS) return null;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    const write = (chunk: string | Uint8Array): boolean => {
      if (!isStillAllowed()) end();
      if (response.writableEnded || response.destroyed) return false;
      response.write(chunk);
      return true;
    };
    const own = [
      this.#clock.every(HEARTBEAT_MS, () => write(': still here\n\n')),
      this.#clock.every(LOOK_MS, () => {
        if (!isStillAllowed()) end();
      }),
    ];
    const end = (): void => {
      for (const cancel of [...own, ...cancels]) cancel();
      this.#open.delete(end);
      response.end();
    };
    this.#open.add(end);
    response.on('close', end);
    response.on('error', end);
    write(': the orchestrator says hello\n\n');
    return { write, end };
  }

  close(): void {
    for (const end of this.#open) end();
  }
}
