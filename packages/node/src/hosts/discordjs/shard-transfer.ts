/**
 * The state of shards on its way out and in: the client's caches, and the bot's own. Copied while the shard serves; what
 * has changed meanwhile (copied-guilds.ts) is sent again when it is frozen.
 */
import type { Clock } from '@dshard/transport';
import type { Client } from 'discord.js';
import type { GatewayDispatchPayload } from 'discord-api-types/v10';
import { NodeError } from '../../errors.js';
import type { TransferContext } from '../../shard-host.js';
import { Breather } from './breather.js';
import type { ClientShards } from './client-shards.js';
import { CopiedGuilds } from './copied-guilds.js';
import type { OrchestratedOptions } from './options.js';
import { CACHE_EVENT, STATE_EVENT } from './own-events.js';
import { changeParts, decodePart, encodePart, guildParts, sessionPart } from './shard-state.js';
import type { StatePart } from './shard-state.js';
import { StagedState } from './staged-state.js';

type Staged = { caches: StagedState; own: { state: unknown } | null };

export type ShardTransferOptions = {
  client: Client;
  shards: ClientShards;
  options: Pick<OrchestratedOptions, 'exportShard' | 'state'>;
  clock: Clock;
};

export class ShardTransfer {
  readonly #given: ShardTransferOptions;
  /** By shard that is being copied. */
  readonly #copied = new Map<number, CopiedGuilds>();
  readonly #staged = new Map<number, Staged>();

  constructor(given: ShardTransferOptions) {
    this.#given = given;
  }

  /** An event of the shard was handed over. */
  happened(shardId: number, payload: GatewayDispatchPayload): void {
    this.#copied.get(shardId)?.happened(payload);
  }

  async exportState(shardId: number, transfer: TransferContext): Promise<void> {
    const session = sessionPart(this.#given.client);
    if (session === null || !this.#given.shards.isComplete(shardId)) {
      throw notReady(shardId);
    }
    const copied = new CopiedGuilds();
    this.#copied.set(shardId, copied);
    await transfer.send(CACHE_EVENT, encodePart(session));
    const breather = new Breather(this.#given.clock);
    for (const guild of this.#given.shards.guildsOf(shardId)) {
      copied.copied(guild);
      await sendParts(guildParts(guild), transfer, breather);
    }
    // What changed while that took is copied in a fraction of the time, so that a fraction is left for the frozen shard.
    await this.#sendChanges(shardId, copied, transfer);
    await this.#given.options.state?.exportState?.(shardId, transfer);
  }

  async exportDelta(shardId: number, transfer: TransferContext): Promise<void> {
    const { shards, options } = this.#given;
    const copied = this.#copied.get(shardId) ?? new CopiedGuilds();
    this.#copied.delete(shardId);
    await this.#sendChanges(shardId, copied, transfer);
    const guilds = shards.guildsOf(shardId);
    await sendPart(transfer, { kind: 'done', guildIds: guilds.map(({ id }) => id) });
    if (options.exportShard !== undefined) {
      await transfer.send(STATE_EVENT, await options.exportShard(shardId));
    }
    const { state } = options;
    await (state?.exportDelta === undefined
      ? state?.transferFrom?.(shardId, transfer)
      : state.exportDelta(shardId, transfer));
  }

  async #sendChanges(shardId: number, copied: CopiedGuilds, transfer: TransferContext): Promise<void> {
    const { shards, clock } = this.#given;
    const breather = new Breather(clock);
    for (const guild of shards.guildsOf(shardId)) {
      const change = copied.changeOf(guild);
      if (change !== 'none') {
        copied.copied(guild);
        await sendParts(change === 'whole' ? guildParts(guild) : changeParts(guild, change), transfer, breather);
      }
    }
  }

  prepare(shardId: number): void {
    this.#staged.set(shardId, this.#newlyStaged(shardId));
  }

  #newlyStaged(shardId: number): Staged {
    const { client, shards } = this.#given;
    const caches = new StagedState(client, shardId);
    shards.expect(shardId, () => caches.guilds);
    return { caches, own: null };
  }

  async take(shardId: number, name: string, value: unknown): Promise<void> {
    const staged = this.#staged.get(shardId) ?? this.#newlyStaged(shardId);
    this.#staged.set(shardId, staged);
    if (name === CACHE_EVENT) {
      staged.caches.take(decodePart(value as Uint8Array));
    } else if (name === STATE_EVENT) {
      staged.own = { state: value };
    } else {
      await this.#given.options.state?.handleUserEvent?.(shardId, name, value);
    }
  }

  /** What came for the shard; from here on it is the caller's. */
  staged(shardId: number): Staged | null {
    const staged = this.#staged.get(shardId) ?? null;
    this.#staged.delete(shardId);
    return staged;
  }

  forget(shardId: number): void {
    this.#given.shards.giveUp(shardId);
    this.#staged.delete(shardId);
    this.#copied.delete(shardId);
  }
}

async function sendParts(parts: Iterable<StatePart>, transfer: TransferContext, breather: Breather): Promise<void> {
  for (const part of parts) {
    await sendPart(transfer, part);
    await breather.breathe();
  }
}

async function sendPart(transfer: TransferContext, part: StatePart): Promise<void> {
  await transfer.send(CACHE_EVENT, encodePart(part));
}

export function notReady(shardId: number): NodeError {
  return new NodeError(
    'DSO_CLIENT_NOT_READY',
    `Shard ${shardId} cannot move yet: its guilds have not all arrived in the client. It can when the client is ready.`,
  );
}
