/**
 * The state of shards on its way out and in: the client's caches, and the bot's own. Copied while the shard serves;
 * what has changed meanwhile (copied-guilds.ts) is sent again, until that is little, and what is left when it is
 * frozen.
 */
import type { Clock } from '@dshard/transport';
import type { Client } from 'discord.js';
import type { GatewayDispatchPayload } from 'discord-api-types/v10';
import { Breather } from '../../breather.js';
import { NodeError } from '../../errors.js';
import type { TransferContext } from '../../shard-host.js';
import type { ClientShards } from './client-shards.js';
import { CopiedGuilds } from './copied-guilds.js';
import type { OrchestratedOptions } from './options.js';
import { CACHE_EVENT, STATE_EVENT, partsOf, StateFrames } from './state-frames.js';
import { changeParts, guildParts, sessionPart } from './shard-state.js';
import { StagedState } from './staged-state.js';
import type { Turns } from '../turns.js';
import type { VoiceChannels } from './voice-channels.js';

/** How often at most changes are sent while the shard serves, and how many guilds are left to the frozen shard. */
const LIVE_PASSES = 5;
const FEW_GUILDS = 4;

export type Staged = { caches: StagedState; own: { state: unknown } | null };

export type ShardTransferOptions = {
  client: Client;
  shards: ClientShards;
  options: Pick<OrchestratedOptions, 'exportShard' | 'state'>;
  clock: Clock;
  turns: Turns;
  voice: VoiceChannels;
  /** Runs `work` on the caches as they are, and without an event. */
  quietly: (work: () => void) => void;
};

export class ShardTransfer {
  readonly #setup: ShardTransferOptions;
  /** By shard that is being copied. */
  readonly #copied = new Map<number, CopiedGuilds>();
  readonly #staged = new Map<number, Staged>();

  constructor(setup: ShardTransferOptions) {
    this.#setup = setup;
  }

  /** An event of the shard was handed over. */
  happened(shardId: number, payload: GatewayDispatchPayload): void {
    this.#copied.get(shardId)?.happened(payload);
  }

  async exportState(shardId: number, transfer: TransferContext): Promise<void> {
    const session = sessionPart(this.#setup.client);
    if (session === null || !this.#setup.shards.isComplete(shardId)) {
      throw notReady(shardId);
    }
    const copied = new CopiedGuilds();
    this.#copied.set(shardId, copied);
    const frames = this.#framesFor(shardId, transfer);
    await frames.add(session);
    const breather = new Breather(this.#setup.clock);
    for (const guild of this.#setup.shards.guildsOf(shardId)) {
      copied.copied(guild);
      for (const part of guildParts(guild)) await frames.add(part);
      await breather.breathe();
    }
    await frames.flush();
    await this.#setup.options.state?.exportState?.(shardId, transfer);
    // What changes while something is copied is copied in a fraction of the time, so that a fraction is left for the
    // next pass.
    for (let pass = 0, sent = Infinity; pass < LIVE_PASSES && sent > FEW_GUILDS; pass++) {
      await transfer.handled();
      sent = await this.#sendChanges(shardId, copied, frames);
      await frames.flush();
    }
    await transfer.handled();
  }

  async exportDelta(shardId: number, transfer: TransferContext): Promise<void> {
    const { shards, options, voice } = this.#setup;
    const copied = this.#copied.get(shardId) ?? new CopiedGuilds();
    this.#copied.delete(shardId);
    this.#setup.turns.frozen(shardId);
    const frames = this.#framesFor(shardId, transfer);
    await frames.add({ kind: 'frozen' });
    await this.#sendChanges(shardId, copied, frames);
    const channels = voice.of(shardId);
    if (channels.length > 0) await frames.add({ kind: 'voice', channels });
    await frames.add({ kind: 'done', guildIds: shards.guildsOf(shardId).map(({ id }) => id) });
    await frames.flush();
    if (options.exportShard !== undefined) {
      await transfer.send(STATE_EVENT, await options.exportShard(shardId));
    }
    const { state } = options;
    await state?.exportDelta?.(shardId, transfer);
  }

  #framesFor(shardId: number, transfer: TransferContext): StateFrames {
    return new StateFrames(async (frame) => {
      await this.#setup.turns.giveWay(shardId);
      await transfer.send(CACHE_EVENT, frame);
    });
  }

  /** How many guilds had changed. */
  async #sendChanges(shardId: number, copied: CopiedGuilds, frames: StateFrames): Promise<number> {
    const { shards, clock } = this.#setup;
    const breather = new Breather(clock);
    let sent = 0;
    for (const guild of shards.guildsOf(shardId)) {
      const change = copied.changeOf(guild);
      if (change !== 'none') {
        copied.copied(guild);
        for (const part of change === 'whole' ? guildParts(guild) : changeParts(guild, change)) await frames.add(part);
        sent++;
      }
      await breather.breathe();
    }
    return sent;
  }

  prepare(shardId: number): void {
    this.#staged.set(shardId, this.#newlyStaged(shardId));
  }

  #newlyStaged(shardId: number): Staged {
    const { client, shards } = this.#setup;
    const caches = new StagedState(client, shardId);
    shards.expect(shardId, () => caches.guilds);
    return { caches, own: null };
  }

  async take(shardId: number, name: string, value: unknown): Promise<void> {
    const staged = this.#staged.get(shardId) ?? this.#newlyStaged(shardId);
    this.#staged.set(shardId, staged);
    if (name === CACHE_EVENT) {
      await this.#takeCaches(shardId, staged.caches, value as Uint8Array);
    } else if (name === STATE_EVENT) {
      staged.own = { state: value };
    } else {
      await this.#setup.options.state?.handleUserEvent?.(shardId, name, value);
    }
  }

  async #takeCaches(shardId: number, caches: StagedState, frame: Uint8Array): Promise<void> {
    const { turns, clock, quietly } = this.#setup;
    const parts = partsOf(frame);
    if (parts.some(({ kind }) => kind === 'frozen')) {
      turns.frozen(shardId);
    }
    await turns.giveWay(shardId);
    const breather = new Breather(clock);
    for (const part of parts) {
      quietly(() => caches.take(part));
      await breather.breathe();
    }
  }

  /** What came of the shard's guilds, and what changes, is in the client's caches now. Returns whether anything is. */
  show(shardId: number): boolean {
    const staged = this.#staged.get(shardId);
    if (staged === undefined || !staged.caches.isUsable) return false;
    this.#setup.shards.show(shardId);
    staged.caches.shown();
    return true;
  }

  /** What came for the shard; from here on it is the caller's. */
  staged(shardId: number): Staged | null {
    const staged = this.#staged.get(shardId) ?? null;
    this.#staged.delete(shardId);
    return staged;
  }

  forget(shardId: number): void {
    this.#setup.shards.abort(shardId);
    this.#staged.delete(shardId);
    this.#copied.delete(shardId);
  }
}

export function notReady(shardId: number): NodeError {
  return new NodeError(
    'DSO_CLIENT_NOT_READY',
    `Shard ${shardId} cannot move yet: its guilds have not all arrived in the client. It can when the client is ready.`,
  );
}
