/**
 * Calls the shard host on behalf of the session: with a deadline, turning whatever it does (returns, throws, hangs) into an
 * outcome. What follows from an outcome is the session's to decide.
 *
 * Notifications (`released`, `abortTransferTo`) are calls too: later calls for the same shard wait for them.
 */
import type { Clock } from '@dshard/transport';
import { withinDeadline } from './deadline.js';
import { messageOf, NodeError } from './errors.js';
import type { HostCall } from './session/effects.js';
import type { HostOutcome } from './session/events.js';
import type { Cursor } from './session/state.js';
import type { HostContext, ShardHost } from './shard-host.js';
import type { Transfers } from './transfers.js';

export type HostCallsOptions = {
  host: ShardHost;
  clock: Clock;
  hostCallMs: number;
  resumeMs: number;
  transfers: Transfers;
  context: () => HostContext;
};

export class HostCalls {
  readonly #options: HostCallsOptions;
  /** The notifications under way, per shard. */
  readonly #notifications = new Map<number, Promise<unknown>>();

  constructor(options: HostCallsOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async run(call: number, request: HostCall): Promise<HostOutcome> {
    const shardIds = request.method === 'startShards' ? request.shardIds : [request.shardId];
    await Promise.all(shardIds.map((shardId) => this.#notifications.get(shardId) ?? Promise.resolve()));
    const { clock } = this.#options;
    const { hostCallMs, resumeMs } = this.#options;
    try {
      const work = this.#invoke(call, request);
      if (request.method === 'transferFrom') {
        // No deadline: the session watches its progress.
        return { ok: true, session: await work };
      }
      const deadline =
        request.method === 'resumeShard'
          ? { what: request.method, ms: resumeMs, limit: 'limits.resumeMs' }
          : { what: request.method, ms: hostCallMs, limit: 'limits.hostCallMs' };
      return { ok: true, session: await withinDeadline(clock, work, deadline) };
    } catch (error) {
      const timedOut = error instanceof NodeError && error.code === 'DSO_HOST_TIMEOUT';
      return { ok: false, timedOut, message: messageOf(error) };
    }
  }

  async #invoke(call: number, request: HostCall): Promise<Cursor | null> {
    const { host, context, transfers } = this.#options;
    if (request.method === 'stopShard') {
      return host.stopShard(request.shardId, { keepSession: request.keepSession });
    }
    if (request.method === 'prepareTransferFrom') {
      return host.prepareTransferFrom(request.shardId);
    }
    if (request.method === 'startShards') {
      await host.startShards(request.shardIds, context());
    } else if (request.method === 'resumeShard') {
      await host.resumeShard(request.shardId, request.session, context());
    } else if (request.method === 'prepareTransferTo') {
      await host.prepareTransferTo?.(request.shardId, request.session);
    } else {
      await transfers.run(call, request.shardId);
    }
    return null;
  }

  /** Tells the host something about a shard. Resolves with what went wrong, or null; never rejects. */
  async notify(shardId: number, what: string, tell: () => void | Promise<void>): Promise<string | null> {
    const before = this.#notifications.get(shardId);
    const told = (async (): Promise<string | null> => {
      await before;
      try {
        await withinDeadline(this.#options.clock, Promise.resolve(tell()), {
          what,
          ms: this.#options.hostCallMs,
          limit: 'limits.hostCallMs',
        });
        return null;
      } catch (error) {
        return messageOf(error);
      }
    })();
    this.#notifications.set(shardId, told);
    const problem = await told;
    if (this.#notifications.get(shardId) === told) {
      this.#notifications.delete(shardId);
    }
    return problem;
  }
}
