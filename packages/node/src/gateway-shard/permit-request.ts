/** Leave to IDENTIFY for one shard: asked of the orchestrator, and told how it went. */
import type { HostContext, IdentifyPermit } from '../shard-host.js';

export type LocalThrottler = { waitForIdentify(shardId: number, signal: AbortSignal): Promise<void> };

export type PermitRequestOptions = {
  shardId: number;
  context: HostContext;
  /** For orchestrators that do not pace identifies. */
  localThrottler: () => Promise<LocalThrottler>;
  granted: () => void;
};

export class PermitRequest {
  readonly #options: PermitRequestOptions;
  #current: AbortController | null = null;
  #permit: IdentifyPermit | null = null;

  constructor(options: PermitRequestOptions) {
    this.#options = options;
  }

  /** `granted` is called once, unless the request is ended before, or the node leaves. */
  request(): void {
    this.end(false);
    const current = new AbortController();
    this.#current = current;
    this.#pass(current.signal).then(
      (permit) => this.#decide(current, permit),
      () => undefined,
    );
  }

  async #pass(signal: AbortSignal): Promise<IdentifyPermit> {
    const { shardId, context, localThrottler } = this.#options;
    const permit = await context.requestIdentify(shardId, signal);
    try {
      if (!permit.coordinated) await (await localThrottler()).waitForIdentify(shardId, signal);
      signal.throwIfAborted();
      return permit;
    } catch (error) {
      permit.finished(false);
      throw error;
    }
  }

  #decide(current: AbortController, permit: IdentifyPermit): void {
    if (this.#current !== current) return permit.finished(false);
    this.#permit = permit;
    this.#options.granted();
  }

  /** READY came, or the attempt is over. */
  end(ready: boolean): void {
    this.#current?.abort(new Error('The attempt to identify is over.'));
    this.#current = null;
    this.#permit?.finished(ready);
    this.#permit = null;
  }
}
