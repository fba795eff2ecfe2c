/**
 * READY for a library without caches of its own. A process that is given running shards never gets one, and bots learn
 * from it who they are and begin their work; so one is made from REST, once per process, unless Discord has sent one.
 * In a live migration it comes while the shard still serves elsewhere, and what handles it is waited for; in any case
 * before the first event.
 */
import type { Clock, Logger } from '@dshard/transport';
import { messageOf } from '@dshard/protocol';
import type { Cursor } from '../session/state.js';

/** Discord's own, as REST has them. */
export type Identity = { user: object; application: { id: string; flags?: number } };

/** A packet as the gateway sends it. Sequence 0: it is none of the session's. */
type ReadyPacket = { op: 0; t: 'READY'; s: 0; d: object };

export type FirstReadyOptions = {
  clock: Clock;
  logger: Logger;
  /** What handles READY is waited for no longer. */
  readyMs: number;
  identity: () => Promise<Identity>;
  /** To user code. */
  hand: (packet: ReadyPacket, shardId: number) => void | Promise<void>;
};

type Shard = { shardId: number; totalShards: number; session: Cursor | null };

/** `handed`: user code has it. `handled`: what handles it has ended, or is not waited for any more. */
type Ready = { handed: Promise<void>; handled: Promise<void> };

export class FirstReady {
  readonly #options: FirstReadyOptions;
  /** null: there was none, and none is being made. */
  #ready: Ready | null = null;
  #endWait: () => void = () => undefined;

  constructor(options: FirstReadyOptions) {
    this.#options = options;
  }

  /** Discord has sent one. */
  seen(): void {
    this.#ready ??= { handed: Promise.resolve(), handled: Promise.resolve() };
  }

  /** What handles it waits for something that comes only when shards do. */
  endWait(): void {
    this.#endWait();
  }

  /** Makes one, unless there was one. Both reject when nobody could say who the bot is; the next shard tries again. */
  make(shard: Shard): Ready {
    if (this.#ready !== null) return this.#ready;
    const handed = this.#hand(shard);
    const ready = { handed: handed.then(() => undefined), handled: handed.then((work) => this.#handled(shard, work)) };
    this.#ready = ready;
    ready.handled.catch(() => undefined);
    ready.handed.catch(() => {
      if (this.#ready === ready) this.#ready = null;
    });
    return ready;
  }

  /** Resolves when user code has READY, or it is logged that none could be made. The shard's events wait for that. */
  async beforeEvents(shard: Shard): Promise<void> {
    try {
      await this.make(shard).handed;
    } catch (error) {
      this.#options.logger.error({ shard: shard.shardId, error }, `READY could not be made: ${messageOf(error)}`);
    }
  }

  /** Returns what user code does with it. */
  async #hand({ shardId, totalShards, session }: Shard): Promise<{ work: Promise<void> }> {
    const { identity, hand } = this.#options;
    const { user, application } = await identity();
    const d = {
      v: 10,
      user,
      guilds: [],
      // Discord sends it empty, and eris walks through it.
      private_channels: [],
      session_id: session?.sessionId ?? '',
      session_type: 'normal',
      resume_gateway_url: session?.resumeGatewayUrl ?? '',
      shard: [shardId, totalShards],
      application: { id: application.id, flags: application.flags ?? 0 },
    };
    return { work: (async () => hand({ op: 0, t: 'READY', s: 0, d }, shardId))() };
  }

  async #handled({ shardId }: Shard, { work }: { work: Promise<void> }): Promise<void> {
    const { clock, logger, readyMs } = this.#options;
    let cancel = (): void => undefined;
    const over = new Promise<void>((resolve) => {
      this.#endWait = resolve;
      cancel = clock.after(readyMs, resolve);
    });
    const ended = work.catch((error: unknown) =>
      logger.error({ shard: shardId, error }, `What handles READY failed: ${messageOf(error)}`),
    );
    await Promise.race([ended, over]);
    cancel();
  }
}
