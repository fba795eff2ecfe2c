/**
 * The shard host for discordeno: the bot that `createBot` made, with its handlers, transformers and `sendPayload`, whose shards come and
 * go at the orchestrator's word. `bot.start()` is not called. See hosted-shard.ts for how one shard is kept.
 */
import type { ShardReport } from '@dshard/protocol';
import { NodeError } from '../../errors.js';
import type { Cursor } from '../../session/state.js';
import type { HostContext, ResumeHow, ResumeOutcome, ShardHost } from '../../shard-host.js';
import { END_SESSION_CODE, KEEP_SESSION_CODE } from '../gateway/close-codes.js';
import { notHosted } from '../gateway/shard-errors.js';
import { stateMethods } from '../gateway/state-hooks.js';
import { HostedDiscordenoShard } from './hosted-shard.js';
import { resolveDiscordenoOptions } from './options.js';
import type { DiscordenoHostOptions, ResolvedDiscordenoOptions } from './options.js';

/** Throws `DSO_NODE_OPTIONS_INVALID`. Nothing connects before a node tells it to. */
export function createDiscordenoHost(options: DiscordenoHostOptions): ShardHost {
  const resolved = resolveDiscordenoOptions(options);
  return Object.assign(new DiscordenoHost(resolved), stateMethods(resolved.state));
}

class DiscordenoHost implements ShardHost {
  readonly client: object;
  readonly #options: ResolvedDiscordenoOptions;
  readonly #shards = new Map<number, HostedDiscordenoShard>();

  constructor(options: ResolvedDiscordenoOptions) {
    this.#options = options;
    this.client = options.bot;
  }

  sessionEstablished({ totalShards }: HostContext): void {
    this.#options.bot.gateway.totalShards = totalShards;
  }

  async startShards(shardIds: readonly number[], context: HostContext): Promise<void> {
    for (const shardId of shardIds) {
      if (this.#shards.get(shardId)?.isHosted !== true) this.#host(shardId, null, context).begin();
    }
  }

  async resumeShard(shardId: number, session: Cursor, context: HostContext, how?: ResumeHow): Promise<ResumeOutcome> {
    const before = this.#shards.get(shardId);
    // It is there before anything is waited for: a stop that comes meanwhile must find it.
    const shard = this.#host(shardId, session, context, how?.redelivers);
    const settled = shard.whenSettled();
    settled.catch(() => undefined);
    await before?.stop(KEEP_SESSION_CODE);
    shard.begin();
    return settled;
  }

  async stopShard(shardId: number, { keepSession }: { keepSession: boolean }): Promise<Cursor | null> {
    const shard = this.#shards.get(shardId);
    if (shard === undefined) return null;
    const cursor = await shard.stop(keepSession ? KEEP_SESSION_CODE : END_SESSION_CODE);
    this.#forget(shardId, shard);
    return keepSession ? cursor : null;
  }

  async prepareTransferFrom(shardId: number): Promise<Cursor> {
    const shard = this.#hosted(shardId);
    shard.movable();
    const cursor = await shard.stop(KEEP_SESSION_CODE);
    if (cursor === null) throw new NodeError('DSO_SHARD_NO_SESSION', `Shard ${shardId} has lost its session.`);
    return cursor;
  }

  async freeze(shardId: number): Promise<Cursor> {
    return this.#hosted(shardId).freeze();
  }

  unfreeze(shardId: number): void {
    this.#hosted(shardId).unfreeze();
  }

  async release(shardId: number): Promise<void> {
    await this.#hosted(shardId).stop(KEEP_SESSION_CODE);
  }

  async released(shardId: number, how: { takenOver: boolean } = { takenOver: false }): Promise<void> {
    const shard = this.#shards.get(shardId);
    if (shard !== undefined) {
      await shard.stop(KEEP_SESSION_CODE);
      this.#forget(shardId, shard);
    }
    await this.#options.state.released?.(shardId, how);
  }

  async abortTransferTo(shardId: number): Promise<void> {
    await this.#options.state.abortTransferTo?.(shardId);
  }

  async stateLost(shardId: number): Promise<void> {
    await this.#options.state.stateLost?.(shardId);
  }

  async shutdown(): Promise<void> {
    await Promise.all([...this.#shards.values()].map((shard) => shard.stop(KEEP_SESSION_CODE)));
  }

  report(): readonly ShardReport[] {
    return [...this.#shards.values()].map((shard) => shard.report());
  }

  cursorOf(shardId: number): Cursor | null {
    return this.#shards.get(shardId)?.cursor ?? null;
  }

  #host(shardId: number, session: Cursor | null, context: HostContext, redelivers = false): HostedDiscordenoShard {
    const shard = new HostedDiscordenoShard({ shardId, options: this.#options, context, session, redelivers });
    this.#shards.set(shardId, shard);
    // What the bot sends by (`gateway.sendPayload`).
    this.#options.bot.gateway.shards.set(shardId, shard);
    return shard;
  }

  #hosted(shardId: number): HostedDiscordenoShard {
    const shard = this.#shards.get(shardId);
    if (shard === undefined) throw notHosted(shardId);
    return shard;
  }

  #forget(shardId: number, shard: HostedDiscordenoShard): void {
    if (this.#shards.get(shardId) !== shard) return;
    this.#shards.delete(shardId);
    this.#options.bot.gateway.shards.delete(shardId);
  }
}
