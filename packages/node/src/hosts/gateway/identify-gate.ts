/** Leave to IDENTIFY for one shard: asked of the orchestrator, and told how it went. */
import type { IIdentifyThrottler } from '@discordjs/ws';
import type { HostContext, IdentifyPermit } from '../../shard-host.js';

export type IdentifyGateOptions = {
  shardId: number;
  context: HostContext;
  /** For orchestrators that do not pace identifies. */
  localThrottler: () => Promise<IIdentifyThrottler>;
  /** Aborts when the shard stops. */
  stopped: AbortSignal;
};

export class IdentifyGate {
  readonly #given: IdentifyGateOptions;
  #permit: IdentifyPermit | null = null;

  constructor(given: IdentifyGateOptions) {
    this.#given = given;
  }

  /** Rejects only when the library itself has given the attempt up: any other rejection would make it IDENTIFY at once. */
  async pass(signal: AbortSignal): Promise<void> {
    const { shardId, context, localThrottler, stopped } = this.#given;
    const either = AbortSignal.any([signal, stopped]);
    try {
      const permit = await context.requestIdentify(shardId, either);
      this.#permit = permit;
      if (!permit.coordinated) {
        await (await localThrottler()).waitForIdentify(shardId, either);
      }
      either.throwIfAborted();
    } catch (error) {
      this.ended(false);
      if (!signal.aborted) {
        await aborted(signal);
      }
      throw error;
    }
  }

  /** READY came, or the attempt is over. */
  ended(ready: boolean): void {
    this.#permit?.finished(ready);
    this.#permit = null;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    } else {
      signal.addEventListener('abort', () => resolve(), { once: true });
    }
  });
}
