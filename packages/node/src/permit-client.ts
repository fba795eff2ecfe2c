/** Requests of the host for leave to IDENTIFY, as promises; who may when is decided in session/permits.ts. */
import { NodeError } from './errors.js';
import type { NodeEvent } from './session/events.js';
import type { IdentifyPermit } from './shard-host.js';

type Waiting = {
  shardId: number;
  grant: (permit: IdentifyPermit) => void;
  refuse: (error: NodeError) => void;
};

export class PermitClient {
  readonly #dispatch: (event: NodeEvent) => void;
  readonly #waiting = new Map<number, Waiting>();
  #lastRequest = 0;
  #closed = false;

  constructor(dispatch: (event: NodeEvent) => void) {
    this.#dispatch = dispatch;
  }

  async request(shardId: number, signal: AbortSignal): Promise<IdentifyPermit> {
    signal.throwIfAborted();
    if (this.#closed) {
      throw new NodeError('DSO_NODE_CLOSED', `The node leaves; shard ${shardId} may not identify any more.`);
    }
    for (const [request, waiting] of this.#waiting) {
      if (waiting.shardId === shardId) {
        this.#waiting.delete(request);
        waiting.refuse(new NodeError('DSO_SHARD_STOPPED', `Shard ${shardId} asked for leave to identify once more.`));
      }
    }
    const request = ++this.#lastRequest;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(request);
        this.#dispatch({ kind: 'permitAborted', shardId, request });
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      const settle = (): void => signal.removeEventListener('abort', onAbort);
      this.#waiting.set(request, {
        shardId,
        grant: (permit) => {
          settle();
          resolve(permit);
        },
        refuse: (error) => {
          settle();
          reject(error);
        },
      });
      this.#dispatch({ kind: 'permitRequested', shardId, request });
    });
  }

  grant(shardId: number, request: number, coordinated: boolean): void {
    const waiting = this.#waiting.get(request);
    this.#waiting.delete(request);
    let open = true;
    const finished = (ready: boolean): void => {
      if (open) {
        open = false;
        this.#dispatch({ kind: 'permitFinished', shardId, request, ready });
      }
    };
    if (waiting === undefined) {
      finished(false);
      return;
    }
    waiting.grant({ coordinated, finished });
  }

  /** The node leaves: nobody gets leave any more. */
  close(): void {
    this.#closed = true;
    for (const { shardId, refuse } of this.#waiting.values()) {
      refuse(new NodeError('DSO_NODE_CLOSED', `The node leaves; shard ${shardId} may not identify any more.`));
    }
    this.#waiting.clear();
  }
}
