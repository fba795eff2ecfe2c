/**
 * How the parts of a shard's caches travel: as many in a user event as are quick to handle in one go. One event each
 * would cost more than the part itself where they are small, as in what a frozen shard has to send.
 */
import { UserEventRegistry } from '@dshard/protocol';
import type { UserEventCodec } from '../../options.js';
import type { StatePart } from './shard-state.js';

/** Of JSON, per frame. A part that is larger goes alone. */
const FRAME_CHARACTERS = 131_072;

export class StateFrames {
  readonly #send: (frame: Uint8Array) => Promise<void>;
  #parts: string[] = [];
  #characters = 0;

  constructor(send: (frame: Uint8Array) => Promise<void>) {
    this.#send = send;
  }

  add(part: StatePart): Promise<void> {
    return this.addText(JSON.stringify(part));
  }

  /** A part that is JSON already. */
  async addText(text: string): Promise<void> {
    if (this.#characters + text.length > FRAME_CHARACTERS) {
      await this.flush();
    }
    this.#parts.push(text);
    this.#characters += text.length;
  }

  /** Sends what there is. */
  async flush(): Promise<void> {
    const parts = this.#parts;
    if (parts.length > 0) {
      this.#parts = [];
      this.#characters = 0;
      await this.#send(Buffer.from(`[${parts.join()}]`));
    }
  }
}

/** None of an older format, with a part per event: such a copy is not whole, and the caches come from Discord. */
export function partsOf(frame: Uint8Array): readonly StatePart[] {
  const parts: unknown = JSON.parse(Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).toString());
  return Array.isArray(parts) ? parts : [];
}

/** The user events that hosts send for themselves: a shard's caches or guilds, and what exportShard returned. */
export const CACHE_EVENT = 'dshard.discordjs.caches';
export const STATE_EVENT = 'dshard.discordjs.state';
export const GUILDS_EVENT = 'dshard.guilds';

type OwnEvents = { [CACHE_EVENT]: Uint8Array; [STATE_EVENT]: unknown; [GUILDS_EVENT]: Uint8Array };

/** Where no bot counts to. */
const CACHE_EVENT_ID = 4_000_000_001;
const STATE_EVENT_ID = 4_000_000_002;
const GUILDS_EVENT_ID = 4_000_000_003;

const own: UserEventRegistry<OwnEvents> = new UserEventRegistry<OwnEvents>()
  .register(CACHE_EVENT_ID, CACHE_EVENT, 'raw')
  .register(STATE_EVENT_ID, STATE_EVENT)
  .register(GUILDS_EVENT_ID, GUILDS_EVENT, 'raw');

export function withOwnEvents(bots: UserEventCodec = new UserEventRegistry()): UserEventCodec {
  return {
    encode: (event, value) => (isOwn(event) ? own.encode(event, value as never) : bots.encode(event, value)),
    decode: (eventId, body) => (own.nameOf(eventId) === undefined ? bots : own).decode(eventId, body),
  };
}

function isOwn(event: string | number): event is keyof OwnEvents {
  return event === CACHE_EVENT || event === STATE_EVENT || event === GUILDS_EVENT;
}
