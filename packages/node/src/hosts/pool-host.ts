/** What is the same in every host: its gateway shards are those of a pool, and the bot's own state has hooks. */
import type { ShardReport } from '@dshard/protocol';
import type { ShardPool } from '../gateway-shard/shard-pool.js';
import type { Cursor } from '../session/state.js';
import type {
  HostContext,
  HostSignals,
  HostTimeouts,
  LeavingHow,
  ResumeHow,
  ResumeOutcome,
  ShardHost,
  TransferContext,
} from '../shard-host.js';
import type { Turns } from './turns.js';
import { LeaveNotice, type StateHooks } from './user-code.js';
import type { WorkInFlight } from './work-in-flight.js';

export abstract class PoolHost implements ShardHost {
  abstract readonly timeouts: HostTimeouts;
  abstract readonly pool: ShardPool;
  protected abstract readonly state: StateHooks;

  abstract resumeShard(shardId: number, session: Cursor, context: HostContext, how?: ResumeHow): Promise<ResumeOutcome>;

  async startShards(shardIds: readonly number[], context: HostContext): Promise<void> {
    this.pool.start(shardIds, context);
  }

  async stateLost(shardId: number): Promise<void> {
    await this.state.stateLost?.(shardId);
  }

  preconnect(shardId: number, session: Cursor, context: HostContext): Promise<void> {
    return this.pool.preconnect(shardId, session, context);
  }

  async abortTransferTo(shardId: number): Promise<void> {
    await this.pool.closePreconnected(shardId);
    await this.state.abortTransferTo?.(shardId);
  }

  stopShard(shardId: number, options: { keepSession: boolean }): Promise<Cursor | null> {
    return this.pool.stop(shardId, options);
  }

  freeze(shardId: number): Promise<Cursor> {
    return this.pool.freeze(shardId);
  }

  unfreeze(shardId: number): void {
    this.pool.unfreeze(shardId);
  }

  release(shardId: number): Promise<void> {
    return this.pool.release(shardId);
  }

  async released(shardId: number, how: { takenOver: boolean } = { takenOver: false }): Promise<void> {
    await this.pool.released(shardId);
    await this.left(shardId);
    await this.state.released?.(shardId, how);
  }

  /** The shard runs elsewhere. */
  protected abstract left(shardId: number): void | Promise<void>;

  report(): readonly ShardReport[] {
    return this.pool.report();
  }

  signals(): HostSignals {
    return this.pool.counts.figures;
  }

  cursorOf(shardId: number): Cursor | null {
    return this.pool.cursorOf(shardId);
  }
}

/** What carries the guilds of a shard, and the bot's own state. */
type Transfer = {
  prepare(shardId: number): void;
  take(shardId: number, name: string, value: unknown): Promise<void>;
  exportState(shardId: number, transfer: TransferContext): Promise<void>;
  exportDelta(shardId: number, transfer: TransferContext): Promise<void>;
};

/** A host for a library that keeps guilds: they move with their shard, and the client emits what happens to it. */
export abstract class CacheHost extends PoolHost {
  /** Whether what is being told just now may have been handled before, by a node that was lost. */
  isRedelivering = false;
  protected abstract readonly transfer: Transfer;
  protected abstract readonly turns: Turns;

  /** `resumeShard`, while the others wait. */
  protected abstract resume(
    shardId: number,
    session: Cursor,
    context: HostContext,
    how: Partial<ResumeHow>,
  ): Promise<ResumeOutcome>;

  /** Throws when the guilds of the shard are not all known. One without a session is refused by its connection. */
  protected abstract mustBeMovable(shardId: number): void;

  /** An event of ours to the bot. Resolves when what listens has ended. */
  protected abstract tell(
    event: `shard${'Leaving' | 'Stays' | 'Moved' | 'Missed'}`,
    ...values: unknown[]
  ): Promise<void> | undefined;

  /** What the bot does in its listeners. */
  protected abstract readonly work: Pick<WorkInFlight, 'add' | 'closing' | 'failures' | 'settled'>;

  async resumeShard(
    shardId: number,
    session: Cursor,
    context: HostContext,
    how: Partial<ResumeHow> = {},
  ): Promise<ResumeOutcome> {
    this.turns.frozen(shardId);
    try {
      return await this.resume(shardId, session, context, how);
    } finally {
      this.turns.over(shardId);
    }
  }

  prepareTransferTo(shardId: number, session: Cursor | null): void | Promise<void> {
    this.transfer.prepare(shardId);
    return this.state.prepareTransferTo?.(shardId, session);
  }

  handleUserEvent(shardId: number, name: string, value: unknown): Promise<void> {
    return this.transfer.take(shardId, name, value);
  }

  /** Tells `shardLeaving`. What listens, and what it adds by `waitUntil`, is waited for; the node says for how long. */
  async leaving(shardId: number, how: LeavingHow): Promise<void> {
    const notice = new LeaveNotice(how, (work) => this.work.add(work));
    await this.tell('shardLeaving', shardId, notice);
    await notice.ended();
  }

  stays(shardId: number): void {
    void this.tell('shardStays', shardId);
  }

  exportState(shardId: number, transfer: TransferContext): Promise<void> {
    return this.transfer.exportState(shardId, transfer);
  }

  exportDelta(shardId: number, transfer: TransferContext): Promise<void> {
    return this.transfer.exportDelta(shardId, transfer);
  }

  override async freeze(shardId: number): Promise<Cursor> {
    this.mustBeMovable(shardId);
    this.turns.frozen(shardId);
    try {
      return await super.freeze(shardId);
    } catch (error) {
      this.turns.over(shardId);
      throw error;
    }
  }

  override unfreeze(shardId: number): void {
    this.turns.over(shardId);
    super.unfreeze(shardId);
  }

  /** Listeners that fail are told to the client, and the shard goes on: only what watches them knows. */
  override signals(): HostSignals {
    const figures = super.signals();
    return { ...figures, handlerErrors: figures.handlerErrors + this.work.failures };
  }

  closing(): void {
    this.work.closing();
  }

  settled(): Promise<void> {
    return this.work.settled();
  }
}
