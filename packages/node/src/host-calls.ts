/**
 * Calls the shard host on behalf of the session: with a deadline, turning whatever it does (returns, throws, hangs)
 * into an outcome. What follows from an outcome is the session's to decide.
 *
 * Notifications (`released`, `abortTransferTo`) are calls too: later calls for the same shard wait for them.
 */
import type { Clock } from '@dshard/transport';
import { messageOf } from '@dshard/protocol';
import { withinDeadline, type Deadline } from './deadline.js';
import { settled } from './gateway-shard/outcomes.js';
import { NodeError } from './errors.js';
import type { HostCall, NodeEffect } from './session/effects.js';
import type { HostOutcome } from './session/events.js';
import type { Cursor } from './session/state.js';
import { exportsOf, type HostContext, type ResumeOutcome, type ShardHost } from './shard-host.js';
import type { Transfers } from './transfers.js';
import type { UserEventLanes } from './user-event-lanes.js';

export type HostCallsOptions = {
  host: ShardHost;
  clock: Clock;
  hostCallMs: number;
  resumeMs: number;
  /** Something that takes long, for people. */
  slow: (text: string, shardId: number) => void;
  /** Of the host: for user code to get ready. */
  readyMs: number;
  /** User code did not take the state of a shard. */
  importFailed: () => void;
  transfers: Transfers;
  lanes: Pick<UserEventLanes, 'drop'>;
  context: () => HostContext;
  failed: (text: string, shardId: number) => void;
};

/** What the host is told, beside the calls whose outcome the session waits for. */
type HostNotice = Extract<NodeEffect, { kind: 'preconnect' | 'stays' | 'released' | 'abortStaging' }>;

export class HostCalls {
  readonly #options: HostCallsOptions;
  /** The notifications under way, per shard. */
  readonly #notifications = new Map<number, Promise<unknown>>();
  /**
   * By shard: until resumeShard was called. A stop that came before it would stop nothing, and the shard run on unknown
   * to anybody.
   */
  readonly #beginning = new Map<number, Promise<void>>();
  /** By call: until when a shard that is to leave is kept. */
  readonly #patience = new Map<number, AbortController>();

  constructor(options: HostCallsOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async run(call: number, request: HostCall): Promise<HostOutcome> {
    const shardIds = request.method === 'startShards' ? request.shardIds : [request.shardId];
    const begun = request.method === 'resumeShard' ? this.#begins(request.shardId) : () => undefined;
    await Promise.all(shardIds.map((shardId) => this.#notifications.get(shardId) ?? Promise.resolve()));
    if (request.method === 'stopShard') await this.#beginning.get(request.shardId);
    const { clock } = this.#options;
    try {
      const work = this.#invoke(call, request, begun);
      const deadline = this.#deadlineOf(request);
      const result = deadline === null ? await work : await withinDeadline(clock, work, deadline);
      return typeof result === 'string'
        ? { ok: true, session: null, sessionLost: result === 'sessionLost' }
        : { ok: true, session: result };
    } catch (error) {
      if (error instanceof NodeError && error.code === 'DSO_IMPORT_FAILED') this.#options.importFailed();
      const timedOut = error instanceof NodeError && error.code === 'DSO_HOST_TIMEOUT';
      return { ok: false, timedOut, message: messageOf(error) };
    } finally {
      begun();
    }
  }

  /** Returns what says that it was called, or will not be. */
  #begins(shardId: number): () => void {
    const { promise, resolve } = settled<void>();
    this.#beginning.set(shardId, promise);
    return () => {
      if (this.#beginning.get(shardId) === promise) this.#beginning.delete(shardId);
      resolve();
    };
  }

  /** null: the session watches its progress, or lets it take its time. */
  #deadlineOf(request: HostCall): Deadline | null {
    const { hostCallMs, readyMs } = this.#options;
    const { method } = request;
    switch (method) {
      case 'exportAll':
      case 'exportState':
      case 'exportDelta':
      // It ends by itself, when the patience is over.
      case 'leaving':
      // Discord may be away for minutes. A session that nobody answered for is not gone.
      case 'resumeShard':
        return null;
      // The host ends it after `readyMs`; this is for one that does not.
      case 'warm':
        return { what: method, ms: readyMs + hostCallMs, limit: 'timeouts.readyMs of the host, and limits.hostCallMs' };
      case 'freeze':
        return request.withinMs < hostCallMs
          ? { what: method, ms: request.withinMs, limit: 'limits.freezeTimeoutMs' }
          : { what: method, ms: hostCallMs, limit: 'limits.hostCallMs' };
      case 'startShards':
      case 'stopShard':
      case 'prepareTransferTo':
      case 'preconnect':
      case 'unfreeze':
      case 'release':
        return { what: method, ms: hostCallMs, limit: 'limits.hostCallMs' };
    }
  }

  async #invoke(call: number, request: HostCall, begun: () => void): Promise<Cursor | ResumeOutcome | null> {
    const { host, context, transfers } = this.#options;
    switch (request.method) {
      case 'startShards':
        await host.startShards(request.shardIds, context());
        return null;
      case 'resumeShard':
        return this.#resume(request, begun);
      case 'stopShard':
        return host.stopShard(request.shardId, { keepSession: request.keepSession });
      case 'prepareTransferTo':
        await host.prepareTransferTo?.(request.shardId, request.session);
        return null;
      case 'exportAll':
        await transfers.run(call, request.shardId, exportsOf(host, 'everything'), null);
        return null;
      case 'exportState':
        await transfers.run(call, request.shardId, exportsOf(host, 'live'), request.credit);
        return null;
      case 'exportDelta':
        await transfers.run(
          call,
          request.shardId,
          exportsOf(host, request.copied ? 'delta' : 'everything'),
          request.credit,
        );
        return null;
      case 'leaving':
        await this.#leaving(call, request);
        return null;
      case 'warm':
        await host.warm?.(request.shardId, request.session, context(), { isServed: request.isServed });
        return null;
      case 'preconnect':
        await host.preconnect?.(request.shardId, request.session, context());
        return null;
      case 'freeze':
        return host.freeze(request.shardId);
      case 'unfreeze':
        await host.unfreeze?.(request.shardId);
        return null;
      case 'release':
        await host.release?.(request.shardId);
        return null;
    }
  }

  /** Ends when the host does, or when the patience is over, whichever is first. */
  async #leaving(call: number, { shardId, patienceMs }: Extract<HostCall, { method: 'leaving' }>): Promise<void> {
    const { clock, host } = this.#options;
    const controller = new AbortController();
    const { signal } = controller;
    this.#patience.set(call, controller);
    const cancel = clock.after(patienceMs, () => this.endPatience(call, 'patienceOver'));
    try {
      const over = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      await Promise.race([host.leaving?.(shardId, { patienceMs, signal }), over]);
    } finally {
      cancel();
      this.#patience.delete(call);
    }
  }

  /** A shard that is to leave is kept no longer, or stays after all. */
  endPatience(call: number, why: 'patienceOver' | 'staysHere'): void {
    const error =
      why === 'patienceOver'
        ? new NodeError('DSO_PATIENCE_OVER', 'The shard was kept for as long as it may be, and leaves now.')
        : new NodeError('DSO_TRANSFER_CANCELLED', 'The shard stays: its migration is off.');
    this.#patience.get(call)?.abort(error);
  }

  async #resume(request: Extract<HostCall, { method: 'resumeShard' }>, begun: () => void): Promise<ResumeOutcome> {
    const { host, clock, hostCallMs, resumeMs, slow, context } = this.#options;
    const { shardId, session, how = { stateLost: false, redelivers: false } } = request;
    if (how.stateLost) {
      const told = (async () => host.stateLost?.(shardId))();
      await withinDeadline(clock, told, { what: 'stateLost', ms: hostCallMs, limit: 'limits.hostCallMs' });
    }
    const text = `Shard ${shardId} has not been resumed for ${resumeMs} ms (limits.resumeMs). It goes on; Discord may be away.`;
    const cancel = clock.after(resumeMs, () => slow(text, shardId));
    try {
      const resumed = host.resumeShard(shardId, session, context(), how);
      begun();
      return (await resumed) ?? 'resumed';
    } finally {
      cancel();
    }
  }

  /** What fails is logged. */
  async tell(notice: HostNotice): Promise<void> {
    const { shardId } = notice;
    const what = notice.kind === 'abortStaging' ? 'abortTransferTo' : notice.kind;
    const problem = await this.#notify(shardId, what, () => this.#notice(notice));
    if (problem !== null) this.#options.failed(`The host's ${what} of shard ${shardId} failed: ${problem}`, shardId);
  }

  async #notice(notice: HostNotice): Promise<void> {
    const { host, lanes, context } = this.#options;
    const { shardId } = notice;
    switch (notice.kind) {
      case 'preconnect':
        return host.preconnect?.(shardId, notice.session, context());
      case 'stays':
        return host.stays?.(shardId);
      case 'released':
        return host.released?.(shardId, { takenOver: notice.takenOver });
      case 'abortStaging':
        await lanes.drop(notice.stage);
        return host.abortTransferTo?.(shardId);
    }
  }

  /** Tells the host something about a shard. Resolves with what went wrong, or null; never rejects. */
  async #notify(shardId: number, what: string, tell: () => void | Promise<void>): Promise<string | null> {
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
