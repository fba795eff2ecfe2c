/**
 * What the demo's bot keeps per shard and takes along when the shard moves: its memory of messages, and the ballast. Copied
 * while the shard serves; what changes meanwhile (channels) is sent again when it is frozen.
 */
import { DirtyKeys, UserEventRegistry } from '@dshard/node';
import type { WsHostOptions } from '@dshard/node/ws';
import { Ballast } from './ballast.js';
import { MessageMemory, type ChannelMemory } from './message-memory.js';
import { reportState } from './state-reports.js';

export type BotStateEvents = { channel: ChannelMemory; ballast: Uint8Array };

export const botStateEvents: UserEventRegistry<BotStateEvents> = new UserEventRegistry<BotStateEvents>()
  .register(101, 'channel')
  .register(102, 'ballast', 'raw');

export class BotState {
  readonly #memory = new MessageMemory();
  readonly #dirty = new DirtyKeys<string>();
  readonly #ballast: Ballast;
  readonly #reportFile: string;
  /** Shards that came here and have had no message yet. */
  readonly #arriving = new Set<number>();

  constructor(megabytes: number, reportFile: string) {
    this.#ballast = new Ballast(megabytes);
    this.#reportFile = reportFile;
  }

  /** The shard's session begins here. */
  begin(shard: number): void {
    this.#memory.begin(shard);
    this.#ballast.make(shard);
  }

  /** Why this message cannot be handled, or null: it was. One that comes again is handled again, for the ledger to see. */
  handle(shard: number, channel: string, number: number): string | null {
    const forgotten = !this.#memory.knows(shard);
    // Its node died with it; it is made anew.
    if (forgotten) this.#ballast.make(shard);
    if (this.#arriving.delete(shard) || forgotten) {
      const bytes = forgotten ? 0 : this.#ballast.bytes(shard);
      reportState(this.#reportFile, { shard, bytes, wrong: this.#ballast.wrong(shard), forgotten });
    }
    const wrong = this.#ballast.wrong(shard);
    if (wrong > 0) return `${wrong} chunks of its state are wrong or missing`;
    const order = this.#memory.accept(shard, channel, number);
    if (order === 'next') this.#dirty.mark(shard, channel);
    return order === 'ahead' ? 'it is not the next one' : null;
  }

  /** The hooks of the shard host. */
  readonly hooks: NonNullable<WsHostOptions['state']> = {
    exportState: async (shard, transfer) => {
      this.#dirty.begin(shard);
      for (const entry of this.#memory.entries(shard)) await transfer.send('channel', entry);
      for (const chunk of this.#ballast.chunks(shard)) await transfer.send('ballast', chunk);
    },
    exportDelta: async (shard, transfer) => {
      const changed = new Set(this.#dirty.take(shard));
      for (const entry of this.#memory.entries(shard)) {
        if (changed.has(entry.channel)) await transfer.send('channel', entry);
      }
    },
    handleUserEvent: (shard, name, value) => {
      this.#arriving.add(shard);
      if (name === 'ballast') this.#ballast.restore(shard, value as Uint8Array);
      else this.#memory.restore(shard, value as ChannelMemory);
    },
    abortTransferTo: (shard) => this.#forget(shard),
    released: (shard) => this.#forget(shard),
  };

  #forget(shard: number): void {
    this.#memory.forget(shard);
    this.#dirty.forget(shard);
    this.#ballast.forget(shard);
    this.#arriving.delete(shard);
  }
}
