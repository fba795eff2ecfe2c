/**
 * The state of shards on its way out and in: their guilds, and the bot's own. Copied while the shard serves; what has
 * changed meanwhile is sent again, until that is little, and what is left when it is frozen.
 */
import { Breather } from '../../breather.js';
import { NodeError } from '../../errors.js';
import type { ShardState } from '../../guild-state/reduce.js';
import { IncomingGuilds, OutgoingGuilds, type GuildPart } from '../../guild-state/transfer.js';
import type { TransferContext } from '../../shard-host.js';
import { Turns } from '../turns.js';
import { GUILDS_EVENT, STATE_EVENT, partsOf, StateFrames } from '../discordjs/state-frames.js';
import type { ClientHostOptions } from './options.js';

/** How often at most changes are sent while the shard serves, and how many guilds are left to the frozen shard. */
const LIVE_PASSES = 5;
const FEW_GUILDS = 4;

/** `own`: what exportShard returned. */
export type Staged = { readonly guilds: IncomingGuilds; own: { readonly state: unknown } | null };

export type GuildTransferOptions = {
  options: Pick<ClientHostOptions, 'exportShard' | 'state' | 'keep' | 'clock'>;
  /** The guilds of a shard that may move, or null. */
  stateOf: (shardId: number) => ShardState | null;
};

export class GuildTransfer {
  readonly turns: Turns;
  readonly #setup: GuildTransferOptions;
  readonly #outgoing = new Map<number, OutgoingGuilds>();
  readonly #staged = new Map<number, Staged>();

  constructor(setup: GuildTransferOptions) {
    this.#setup = setup;
    this.turns = new Turns(setup.options.clock);
  }

  async exportState(shardId: number, transfer: TransferContext): Promise<void> {
    const outgoing = this.#begin(shardId);
    const frames = this.#framesFor(shardId, transfer);
    await this.#send(outgoing.everything(), frames);
    await frames.flush();
    await this.#setup.options.state?.exportState?.(shardId, transfer);
    // What changes while something is copied is copied in a fraction of the time, so that a fraction is left for the
    // next pass.
    for (let pass = 0, pending = Infinity; pass < LIVE_PASSES && pending > FEW_GUILDS; pass++) {
      await transfer.handled();
      ({ pending } = outgoing);
      await this.#send(outgoing.changes(), frames);
      await frames.flush();
    }
    await frames.addText(outgoing.done());
    await frames.flush();
    await transfer.handled();
  }

  async exportDelta(shardId: number, transfer: TransferContext): Promise<void> {
    const before = this.#outgoing.get(shardId);
    const outgoing = before ?? this.#begin(shardId);
    this.turns.frozen(shardId);
    const frames = this.#framesFor(shardId, transfer);
    await frames.addText(FROZEN);
    await this.#send(before === undefined ? outgoing.everything() : outgoing.changes(), frames);
    await frames.addText(outgoing.done());
    await frames.flush();
    this.stays(shardId);
    const { exportShard, state } = this.#setup.options;
    if (exportShard !== undefined) await transfer.send(STATE_EVENT, await exportShard(shardId));
    await state?.exportDelta?.(shardId, transfer);
  }

  /** What is on its way to another process is of no use any more, or complete. */
  stays(shardId: number): void {
    this.#outgoing.get(shardId)?.end();
    this.#outgoing.delete(shardId);
  }

  #begin(shardId: number): OutgoingGuilds {
    const state = this.#setup.stateOf(shardId);
    if (state === null) throw notReady(shardId);
    const outgoing = new OutgoingGuilds(state);
    this.#outgoing.set(shardId, outgoing);
    return outgoing;
  }

  async #send(texts: Iterable<string>, frames: StateFrames): Promise<void> {
    const breather = new Breather(this.#setup.options.clock);
    for (const text of texts) {
      await frames.addText(text);
      await breather.breathe();
    }
  }

  #framesFor(shardId: number, transfer: TransferContext): StateFrames {
    return new StateFrames(async (frame) => {
      await this.turns.giveWay(shardId);
      await transfer.send(GUILDS_EVENT, frame);
    });
  }

  prepare(shardId: number): void {
    this.#staged.set(shardId, { guilds: new IncomingGuilds(this.#setup.options.keep), own: null });
  }

  /** What has come so far of a shard that comes here. */
  staged(shardId: number): Staged | null {
    return this.#staged.get(shardId) ?? null;
  }

  async take(shardId: number, name: string, value: unknown): Promise<void> {
    if (!this.#staged.has(shardId)) this.prepare(shardId);
    const staged = this.#staged.get(shardId);
    if (staged === undefined) return;
    if (name === GUILDS_EVENT) await this.#takeGuilds(shardId, staged.guilds, value as Uint8Array);
    else if (name === STATE_EVENT) staged.own = { state: value };
    else await this.#setup.options.state?.handleUserEvent?.(shardId, name, value);
  }

  async #takeGuilds(shardId: number, guilds: IncomingGuilds, frame: Uint8Array): Promise<void> {
    const parts = partsOf(frame) as readonly unknown[] as readonly (GuildPart | { kind: 'frozen' })[];
    if (parts.some(({ kind }) => kind === 'frozen')) this.turns.frozen(shardId);
    await this.turns.giveWay(shardId);
    const breather = new Breather(this.#setup.options.clock);
    for (const part of parts) {
      if (part.kind !== 'frozen') guilds.take(part);
      await breather.breathe();
    }
  }

  forget(shardId: number): void {
    this.stays(shardId);
    this.#staged.delete(shardId);
  }
}

/** Nobody serves the shard any more, so that what follows is urgent. */
const FROZEN = '{"kind":"frozen"}';

export function notReady(shardId: number): NodeError {
  return new NodeError(
    'DSO_CLIENT_NOT_READY',
    `Shard ${shardId} cannot move yet: its guilds have not all arrived in the client. It can when the client is ready.`,
  );
}
